"""Ingestion: data that tenants send, checked against data definitions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from . import _obs
from ._call import BufferLike, Call, Key, waiting_tuple, flat_pairs
from ._rows import Rows

_BATCH = 500


def ingest_tuple(
    call: Call | None, labels: Mapping[str, str] | None, origin: str | None, content_type: str | None = None,
    reason: str | None = None, index: bool = True,
) -> _obs.IngestOptions:
    return (waiting_tuple(call), flat_pairs(labels), origin, content_type, reason, index)


def json_text(value: Any) -> str | bytes:
    return value if isinstance(value, (str, bytes)) else json.dumps(value, separators=(",", ":"))


class Ingest:
    """Ingestion for the tenant of a client. Safe from every thread."""

    def __init__(self, handle: _obs.ClientHandle | None, owner: object) -> None:
        self._handle: _obs.ClientHandle | None = handle
        self._owner = owner

    def define(self, name: str, schema: Any, *, call: Call | None = None) -> None:
        """Stores a data definition: a JSON Schema 2020-12 as text or as a dictionary."""
        _obs.ingest_definition(self._handle, name, json_text(schema), waiting_tuple(call))

    def definitions(self, *, call: Call | None = None) -> Rows:
        """The data definitions of the tenant."""
        return Rows(_obs.ingest_definitions(self._handle, waiting_tuple(call)), self)

    def record(
        self, definition: str, record: Any, *, labels: Mapping[str, str] | None = None, origin: str | None = None,
        call: Call | None = None,
    ) -> str:
        """Ingests one record; returns its key. RefusedError says why it does not fit."""
        return _obs.ingest_record(self._handle, definition, json_text(record), ingest_tuple(call, labels, origin))

    def records(
        self, definition: str, records: Iterable[Any], *, labels: Mapping[str, str] | None = None,
        origin: str | None = None, call: Call | None = None,
    ) -> tuple[int, int]:
        """Ingests many records, 500 a commit; returns how many were accepted and refused."""
        accepted = refused = 0
        lines: list[str] = []

        def send() -> None:
            nonlocal accepted, refused
            if lines:
                counts = _obs.ingest_records(self._handle, definition, "\n".join(lines), ingest_tuple(call, labels, origin))
                accepted += counts[0]
                refused += counts[1]
                lines.clear()

        for record in records:
            text = json_text(record)
            lines.append(text if isinstance(text, str) else text.decode())
            if len(lines) == _BATCH:
                send()
        send()
        return accepted, refused

    def file(
        self, key: Key, data: BufferLike, *, labels: Mapping[str, str] | None = None, origin: str | None = None,
        content_type: str | None = None, index: bool = True, call: Call | None = None,
    ) -> None:
        """Ingests a whole file as an object."""
        _obs.ingest_file(self._handle, key, data, ingest_tuple(call, labels, origin, content_type, index=index))

    def refuse(
        self, definition: str, data: str | bytes, reason: str, *, origin: str | None = None, call: Call | None = None
    ) -> None:
        """Logs something that could not even be made a record."""
        _obs.ingest_refuse(self._handle, definition, data, ingest_tuple(call, None, origin, None, reason))

    def log(
        self, *, table: str | None = None, result: str | None = None, after: str | None = None, limit: int = 0,
        call: Call | None = None,
    ) -> Rows:
        """The tenant's ingestion log, oldest first."""
        return Rows(_obs.ingest_log(self._handle, (waiting_tuple(call), table, result, after, limit)), self)

    def stats(
        self, by: str | None = None, *, since: str | None = None, until: str | None = None, call: Call | None = None
    ) -> Rows:
        """The ingestion log, counted: a row for each of `tenant`, `table`, `reason` and `hour` or `day`, with commas."""
        return Rows(_obs.ingest_stats(self._handle, (waiting_tuple(call), by, since, until)), self)

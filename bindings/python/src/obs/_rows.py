"""Rows of a result as dictionaries, read as they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from . import _obs
from ._table import to_frame, to_table


class Rows(Iterator[dict[str, Any]]):
    """The rows of a search, a log or an audit query. `list(rows)` reads all; `position` continues later."""

    def __init__(self, handle: _obs.RowsHandle, owner: object) -> None:
        self._handle: _obs.RowsHandle | None = handle
        self._owner = owner  # keeps the client alive

    def __iter__(self) -> Rows:
        return self

    def __next__(self) -> dict[str, Any]:
        text = None if self._handle is None else _obs.rows_next(self._handle)
        if text is None:
            raise StopIteration
        row: dict[str, Any] = json.loads(text)
        return row

    @property
    def position(self) -> str:
        """Give it as `after` to the same question to go on from here."""
        return "" if self._handle is None else _obs.rows_position(self._handle)

    def to_table(self) -> Any:
        """The rest of the rows as an `astropy.table.Table`: a column for each field, value and label that any of them has.

        What a row does not have is masked; places on the sky have their units.
        """
        return to_table(self)

    def to_frame(self) -> Any:
        """The rest of the rows as a `pandas.DataFrame`; what a row does not have is NaN or None."""
        return to_frame(self)

    def close(self) -> None:
        """Gives the rows back; there are none any more."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _obs.rows_free(handle)

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()

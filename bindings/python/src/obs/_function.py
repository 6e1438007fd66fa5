"""Functions: programs that react to events."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from . import _obs
from ._call import BufferLike, Key, flat_pairs
from ._client import Client
from ._errors import Error, Status
from ._event import Event, make_event
from ._ingest import json_text
from ._snapshot import Snapshot, take_snapshot
from ._store import put_tuple

HELP = """This program is a function of libobs: it handles events that the runner gives it.

  --event FILE   handle the event in FILE (JSON) alone, and print what would be made; nothing is made
  --help         this text

'obsctl function run' starts it; 'obsctl help function run' says more.
"""


class FunctionCall:
    """One event that is being handled. Nothing that it makes is visible before the handler has returned."""

    def __init__(self, handle: _obs.FunctionCallHandle) -> None:
        self._handle: _obs.FunctionCallHandle | None = handle

    @cached_property
    def event(self) -> Event:
        """The event."""
        return make_event(_obs.function_event(self._handle))

    @property
    def attempt(self) -> int:
        """How often it was tried, this time included."""
        return _obs.function_attempt(self._handle)

    @property
    def remaining(self) -> float | None:
        """Seconds until this process is killed; None: it is not."""
        left = _obs.function_remaining_ms(self._handle)
        return None if left < 0 else left / 1000

    @property
    def folder(self) -> Path:
        """A folder for what is needed while the event is handled. Removed afterwards; kept when the handler fails."""
        return Path(_obs.function_path(self._handle))

    @property
    def client(self) -> Client:
        """A client for reading, within what the manifest names under `reads`; not to be closed."""
        return Client(_obs.function_lent(self._handle))

    @cached_property
    def config(self) -> Snapshot:
        """The configuration for this event: one snapshot for the whole call, taken when it is asked for the first time.

        From then on it is part of the lineage of all that this call puts, as the label `configuration`. A call that never
        asks claims none.
        """
        return take_snapshot(_obs.function_config_of(self._handle))

    def get(self, key: Key) -> _obs.Buffer:
        """Reads an object, which counts as an input of all that this call puts."""
        return _obs.function_get(self._handle, key)

    def put(
        self, key: Key, data: BufferLike, *, content_type: str | None = None, labels: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None, metadata: Mapping[str, str] | None = None,
        made_from: Sequence[str] | None = None, if_match: str | None = None, if_none_match: str | None = None,
        sha256: str | None = None, index: bool = True,
    ) -> None:
        """Adds an object to what is made."""
        options = put_tuple(None, content_type, if_match, if_none_match, metadata, labels, values, made_from, sha256, index)
        _obs.function_put(self._handle, key, data, options)

    def put_file(
        self, key: Key, name: str | os.PathLike[str], *, content_type: str | None = None,
        labels: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None, made_from: Sequence[str] | None = None, index: bool = True,
    ) -> None:
        """Adds a file of `folder`: its path there, or one that leads there."""
        path = Path(name)
        inside = path.relative_to(self.folder) if path.is_absolute() else path
        options = put_tuple(None, content_type, None, None, metadata, labels, values, made_from, None, index)
        _obs.function_put_file(self._handle, key, str(inside), options)

    def publish(
        self, event: Event | str, *, subject: str | None = None, data: Any = None, partition_key: str | None = None,
        priority: int = 0,
    ) -> None:
        """Adds an event. Its id follows from this event, so that a repeated call publishes the same one."""
        if isinstance(event, str):
            event = Event(event, subject=subject, data=data)
        _obs.function_publish(self._handle, event._tuple(), (None, partition_key, priority))

    def label(self, key: Key, labels: Mapping[str, str]) -> None:
        """Adds labels of an entry; the value "" removes one."""
        _obs.function_label(self._handle, key, flat_pairs(labels) or ())

    def record(self, definition: str, record: Any) -> None:
        """Adds a record; one that does not fit its definition goes into the ingestion log with the reason."""
        _obs.function_record(self._handle, definition, json_text(record))


Handler = Callable[[FunctionCall], Any]


def _handle(handler: Handler, handle: _obs.FunctionCallHandle) -> tuple[bool, Any]:
    call = FunctionCall(handle)
    outcome, reason = Status.OK, None
    try:
        handler(call)
    except Exception as error:  # whatever it is becomes the reason that people read
        traceback.print_exc()
        outcome = error.status if isinstance(error, Error) and error.status != Status.OK else Status.UNKNOWN
        reason = f"{type(error).__name__}: {error}"
    finally:
        call._handle = None
    sys.stdout.flush()
    sys.stderr.flush()
    if reason is not None:
        reason = reason.encode("utf-8", "replace")[:1000].decode("utf-8", "ignore").replace("\0", " ")
    return outcome == Status.OK, _obs.function_finish(handle, outcome, reason)


def run_function(handler: Handler, arguments: Sequence[str]) -> int:
    """What function_main() does, with the arguments of the program; returns the exit status."""
    if list(arguments) == ["--help"]:
        print(HELP, end="")
        return 0
    by_hand = len(arguments) == 2 and arguments[0] == "--event"
    if arguments and not by_hand:
        print(HELP, end="", file=sys.stderr)
        return 2
    try:
        function = _obs.function_try(Path(arguments[1]).read_bytes()) if by_hand else _obs.function_serve()
    except (Error, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    good = True
    try:
        while (call := _obs.function_next(function)) is not None:
            good, made = _handle(handler, call)
            if by_hand and good:
                print(bytes(made).decode(), end="")
    finally:
        _obs.function_free(function)
    return 0 if good or not by_hand else 1


def function_main(handler: Handler) -> Handler:
    """The whole of a function: `@obs.function_main` above its handler, or a call at the end of the program.

    Answers the runner until there is no more to do, and ends the program. In a module that is imported, as by a test, it
    does nothing.
    """
    if getattr(handler, "__module__", "__main__") == "__main__":
        sys.exit(run_function(handler, sys.argv[1:]))
    return handler

"""What leaves a workspace: events to destinations, and all of it to another workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import _obs
from ._call import Call, Cancel, Runner, run_long, waiting_tuple
from ._errors import CancelledError, Error
from ._rows import Rows


class Journal:
    """The destinations of obs.yaml that are for the tenant of a client. Safe from every thread.

    Each is the consumer `to.NAME` of the bus: `bus.pause()`, `bus.dead_letters()` and `bus.replay()` are for them, too."""

    def __init__(self, handle: _obs.ClientHandle | None, owner: object) -> None:
        self._handle: _obs.ClientHandle | None = handle
        self._owner = owner

    def run(self, destination: str | None = None, *, once: bool = False, call: Call | None = None) -> int:
        """Delivers events to all destinations, or to this one, until it is ended: by `call.cancel`, which raises CancelledError,
        by `call.timeout`, which is that of the whole run, or by Ctrl-C. With `once` it delivers what is due now and returns how
        many it delivered. A destination is served by one run at a time, in whatever process; others stand by."""
        return run_long(call, lambda given: _obs.journal_run(self._handle, (given, destination, once)))

    @contextmanager
    def running(self, destination: str | None = None) -> Iterator[None]:
        """Delivers beside the block, until it is left:

            with client.journal.running():
                observe(client)

        What is not delivered by then waits for the next run. An error that ended the run is raised when the block is left."""
        cancel = Cancel()
        given = Call(timeout=-1, cancel=cancel)._tuple()
        runner = Runner(lambda: _obs.journal_run(self._handle, (given, destination, False)))
        try:
            yield
        finally:
            cancel.set()
            runner.wait()
        try:
            runner.result()
        except CancelledError:
            pass

    def list(self, *, call: Call | None = None) -> Rows:
        """A row for each destination: its state, what waits, the last error, the next try."""
        return Rows(_obs.journal_list(self._handle, waiting_tuple(call)), self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self.list()


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a relay did. False when there was nothing to do."""

    events: int  # carried; those that the target had are counted, too
    objects: int
    records: int
    entries: int  # catalog entries of which only labels or values were sent
    bytes: int  # of objects and records
    lines: int  # refused lines of the ingestion log
    conflicts: int  # objects that differ at the target, each told once
    dead: int  # events that became dead letters at the source
    more: bool  # the slice was over before all was there
    audit: int  # records of the source's audit log that its checkpoint at the target vouches for; 0: none is there

    def __bool__(self) -> bool:
        return any((self.events, self.objects, self.records, self.entries, self.lines, self.conflicts, self.dead, self.more))


def relay(
    source: _obs.ClientHandle | None, target: _obs.ClientHandle | None, call: Call | None, site: str | None, keep_both: bool,
    limit: int, wait: float | None, slice: float | None,
) -> Relayed:
    """Client.relay()."""
    waits = -1 if wait is None else max(0, round(wait * 1000))
    lasts = 0 if slice is None else max(1, round(slice * 1000))
    counts, error = run_long(
        call, lambda given: _obs.relay_run(source, target, (given, site, keep_both, limit, waits, lasts))
    )
    done = Relayed(*counts[:8], bool(counts[8]), counts[9])
    if error is not None:
        if isinstance(error, Error):
            error.relayed = done
        raise error
    return done

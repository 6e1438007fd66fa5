"""asyncio on the completion queue: one descriptor in the event loop, no thread hand-over."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from . import _obs
from ._call import BufferLike, Call, Key, call_tuple
from ._store import Stat, change_tuple, make_stat, put_tuple


class _Started(NamedTuple):
    future: asyncio.Future[None]
    operation: _obs.OperationHandle
    held: object  # bytes that the operation borrows until it is over, whoever still waits for it


class _Pump:
    """The queue of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.queue: _obs.QueueHandle | None = _obs.queue_new()
        self.waiting: dict[int, _Started] = {}
        self.last = 0
        loop.add_reader(_obs.queue_fd(self.queue), self._drain)

    def _drain(self) -> None:
        try:
            tags = _obs.queue_tags(self.queue)
        except MemoryError as error:  # which of them are over is lost: nobody is to wait for ever
            for started in self.waiting.values():  # each stays, with what it borrows, until the loop ends
                if not started.future.done():
                    started.future.set_exception(error)
            return
        for tag in tags:
            started = self.waiting.pop(tag)
            if started.future.done():  # cancelled: nobody waits for the result
                _obs.operation_free(started.operation)
            else:
                started.future.set_result(None)

    def __del__(self) -> None:
        # The loop is gone. Freeing the queue waits for what still runs; only then may the borrowed bytes go.
        queue, self.queue = getattr(self, "queue", None), None
        if queue is not None:
            _obs.queue_free(queue)
            for started in self.waiting.values():
                _obs.operation_free(started.operation)
            self.waiting.clear()

    async def run(self, start: Callable[..., _obs.OperationHandle], *arguments: object, held: object = None) -> _obs.OperationHandle:
        """Starts an operation and waits; gives the operation, which the caller frees."""
        self.last += 1
        tag = self.last
        future = asyncio.get_running_loop().create_future()
        operation = start(self.queue, tag, *arguments)
        self.waiting[tag] = _Started(future, operation, held)
        try:
            await future
        except asyncio.CancelledError:
            if tag in self.waiting:
                _obs.operation_cancel(operation)
            else:  # it was over at the same moment
                _obs.operation_free(operation)
            raise
        return operation


# The loop itself holds its pump, by the reader it was given: so both go together, with what still waits between them.
_pumps: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[_Pump]] = weakref.WeakKeyDictionary()


def pump() -> _Pump:
    loop = asyncio.get_running_loop()
    known = _pumps.get(loop)
    found = None if known is None else known()
    if found is None:
        found = _Pump(loop)
        _pumps[loop] = weakref.ref(found)
    return found


class AsyncStore:
    """A store for asyncio: `frame = await client.aio.get("raw/a.fits")`."""

    def __init__(self, handle: _obs.StoreHandle, owner: object) -> None:
        self._handle: _obs.StoreHandle | None = handle
        self._owner = owner

    async def get(self, key: Key, *, offset: int = 0, length: int = 0, call: Call | None = None) -> _obs.Buffer:
        """As Store.get()."""
        options = (call_tuple(call), offset, length, None, None)
        operation = await pump().run(_obs.store_get_start, self._handle, key, options)
        try:
            return _obs.operation_take_buffer(operation)
        finally:
            _obs.operation_free(operation)

    async def put(
        self, key: Key, data: BufferLike, *, content_type: str | None = None, labels: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None, metadata: Mapping[str, str] | None = None,
        made_from: Sequence[str] | None = None, if_match: str | None = None, if_none_match: str | None = None,
        index: bool = True, call: Call | None = None,
    ) -> Stat:
        """As Store.put(). The bytes must not change before it is done."""
        options = put_tuple(
            call_tuple(call), content_type, if_match, if_none_match, metadata, labels, values, made_from, None, index
        )
        held = _obs.hold(data)
        operation = await pump().run(_obs.put_held_start, self._handle, key, held, options, held=held)
        try:
            return make_stat(_obs.operation_take_stat(operation))
        finally:
            _obs.operation_free(operation)

    async def head(self, key: Key, *, call: Call | None = None) -> Stat:
        """As Store.head()."""
        operation = await pump().run(_obs.store_head_start, self._handle, key, call_tuple(call))
        try:
            return make_stat(_obs.operation_take_stat(operation))
        finally:
            _obs.operation_free(operation)

    async def delete(self, key: Key, *, if_match: str | None = None, call: Call | None = None) -> None:
        """As Store.delete()."""
        options = change_tuple(call_tuple(call), if_match, None)
        operation = await pump().run(_obs.store_delete_start, self._handle, key, options)
        try:
            _obs.operation_status(operation)
        finally:
            _obs.operation_free(operation)

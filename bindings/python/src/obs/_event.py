"""Events: CloudEvents 1.0 and the bus that carries them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from . import _obs
from ._aio import pump
from ._call import BufferLike, Call, Cancel, waiting_tuple, flat_pairs
from ._errors import Error
from ._rows import Rows


def data_bytes(data: Any, content_type: str | None) -> tuple[Any, str | None]:
    """bytes go as they are, everything else becomes JSON."""
    if data is None or isinstance(data, (bytes, bytearray, memoryview)):
        return data, content_type
    if isinstance(data, str) and content_type and "json" not in content_type:
        return data.encode(), content_type
    return json.dumps(data).encode(), content_type or "application/json"


@dataclass(slots=True)
class Event:
    """One CloudEvent. `data` is bytes as they came; json() reads them."""

    type: str
    source: str | None = None
    id: str | None = None
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: Any = None
    extensions: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The data read as JSON."""
        return None if self.data is None else json.loads(self.data)

    def to_json(self) -> bytes:
        """The event in structured mode."""
        return bytes(_obs.event_encode(self._tuple()))

    @classmethod
    def from_json(cls, text: str | bytes) -> Event:
        """Reads an event in structured mode."""
        return make_event(_obs.event_decode(text))

    def to_http(self) -> tuple[dict[str, str], bytes]:
        """The event in binary mode: the headers and the body of an HTTP message."""
        return _obs.event_http(self._tuple())

    @classmethod
    def from_http(cls, headers: Mapping[str, str], body: BufferLike) -> Event:
        """Reads an event that came as an HTTP message, in binary or structured mode. All its headers may be given."""
        return make_event(_obs.event_of_http(flat_pairs(headers) or (), body))

    @staticmethod
    def batch_to_json(events: Iterable[Event]) -> bytes:
        """Events in the JSON batch format."""
        return bytes(_obs.event_batch_write(tuple(event._tuple() for event in events)))

    @staticmethod
    def batch_from_json(text: str | bytes) -> list[Event | Error]:
        """Reads a JSON batch. What is no event is the error that says why, in its place: a bad one does not lose the others."""
        return [make_event(made) if isinstance(made, tuple) else cast(Error, made) for made in _obs.event_batch_read(text)]

    def _tuple(self) -> _obs.EventArguments:
        data, content_type = data_bytes(self.data, self.datacontenttype)
        return (
            self.id, self.source, self.type, self.subject, self.time, content_type, self.dataschema, data,
            flat_pairs(self.extensions),
        )


def make_event(values: _obs.EventTuple) -> Event:
    identity, source, kind, subject, time, content_type, schema, data, extensions = values
    return Event(kind, source, identity, subject, time, content_type, schema, data, extensions)


@dataclass(slots=True)
class Delivery:
    """One delivered event; acknowledge it with its subscription."""

    event: Event
    sequence: int
    attempt: int


def make_delivery(values: tuple[_obs.EventTuple, int, int]) -> Delivery:
    return Delivery(make_event(values[0]), values[1], values[2])


def _pieces(timeout: float | None) -> Iterator[int]:
    """Milliseconds of a wait, cut in pieces, so that Ctrl-C is noticed; at least one."""
    left = -1 if timeout is None else max(0, round(timeout * 1000))
    while True:
        piece = 200 if left < 0 or left > 200 else left
        yield piece
        if left >= 0:
            left -= piece
            if left <= 0:
                return


class Bus:
    """A log of events. Safe from every thread."""

    def __init__(self, handle: _obs.BusHandle, owner: object) -> None:
        self._handle: _obs.BusHandle | None = handle
        self._owner = owner

    def publish(
        self, event: Event | str, *, subject: str | None = None, data: Any = None, partition_key: str | None = None,
        priority: int = 0, call: Call | None = None,
    ) -> str:
        """Publishes an event, or one of this type; it is durable when this returns. Returns its id.

        Priority 1 comes before ordinary events (0) that wait for the same consumer, -1 behind them."""
        if isinstance(event, str):
            event = Event(event, subject=subject, data=data)
        return _obs.bus_publish(self._handle, event._tuple(), (waiting_tuple(call), partition_key, priority))

    def subscribe(
        self, consumer: str, *, type: str | None = None, subject: str | None = None, from_now: bool = False,
        filter: str | None = None, exclusive: bool = False, attempts: int = 0, retry: float = 0, retry_max: float = 0,
        call: Call | None = None,
    ) -> Subscription:
        """Opens a consumer; its position is kept under its name. Subscriptions of one name share its events.

        `filter` is an expression of CloudEvents SQL 1.0. An event that was handed out `attempts` times (10; -1: without end)
        becomes a dead letter. One that is rejected waits `retry` seconds (1), doubled each time up to `retry_max` (300)."""
        times = (round(retry * 1000), round(retry_max * 1000))
        options = (waiting_tuple(call), type, subject, from_now, filter, exclusive, attempts, *times)
        return Subscription(_obs.bus_subscribe(self._handle, consumer, options), self)

    def consumers(self, call: Call | None = None) -> Rows:
        """The consumers, and what waits for each."""
        return Rows(_obs.bus_consumers(self._handle, waiting_tuple(call)), self)

    def pause(self, consumer: str, until: datetime | None = None, reason: str | None = None, call: Call | None = None) -> None:
        """Hands out no events to a consumer, until a time or until it is resumed."""
        _obs.bus_pause(self._handle, consumer, 0 if until is None else round(until.timestamp() * 1000), reason, waiting_tuple(call))

    def resume(self, consumer: str, call: Call | None = None) -> None:
        """Goes on with a paused consumer."""
        _obs.bus_resume(self._handle, consumer, waiting_tuple(call))

    def remove(self, consumer: str, call: Call | None = None) -> None:
        """Removes a consumer with its position and its dead letters."""
        _obs.bus_remove(self._handle, consumer, waiting_tuple(call))

    def dead_letters(self, consumer: str | None = None, call: Call | None = None) -> Rows:
        """Events that could not be done, with the reason."""
        return Rows(_obs.bus_dead_letters(self._handle, consumer, waiting_tuple(call)), self)

    def replay(self, consumer: str, sequence: int = 0, call: Call | None = None) -> int:
        """Lets a dead letter, or all of a consumer, come again. Returns how many."""
        return _obs.bus_replay(self._handle, consumer, sequence, waiting_tuple(call))

    def discard(self, consumer: str, sequence: int = 0, call: Call | None = None) -> int:
        """Gives a dead letter, or all of a consumer, up. Returns how many."""
        return _obs.bus_discard(self._handle, consumer, sequence, waiting_tuple(call))


class Subscription(Iterator[Delivery]):
    """A consumer. One thread at a time asks for events, others acknowledge and reject meanwhile.

    Iterating waits for ever; next(timeout) does not. `aio` is for asyncio."""

    def __init__(self, handle: _obs.SubscriptionHandle, owner: object) -> None:
        self._handle: _obs.SubscriptionHandle | None = handle
        self._owner = owner
        self._cancel: Cancel | None = None

    def next(self, timeout: float | None = None, cancel: Cancel | None = None) -> Delivery | None:
        """The next event, or None when nothing came for `timeout` seconds (None: for ever)."""
        token = None if cancel is None else cancel._handle
        for piece in _pieces(timeout):
            values = _obs.subscription_next(self._handle, piece, token)
            if values is not None:
                return make_delivery(values)
        return None

    def next_many(self, most: int = 64, timeout: float | None = None, cancel: Cancel | None = None) -> list[Delivery]:
        """The next event, and those that are there at once with it: up to `most`, which is 1 to 4096, and about 16 MiB.

        Empty when nothing came for `timeout` seconds (None: for ever)."""
        token = None if cancel is None else cancel._handle
        for piece in _pieces(timeout):
            values = _obs.subscription_next_many(self._handle, most, piece, token)
            if values:
                return [make_delivery(delivery) for delivery in values]
        return []

    def batches(self, most: int = 64) -> Iterator[list[Delivery]]:
        """Events as they come, those that are there at the same time together. Waits for ever.

        `for batch in subscription.batches(): ...; subscription.acknowledge_many(batch)`"""
        while True:
            yield self.next_many(most)

    @property
    def aio(self) -> AsyncSubscription:
        """The same for asyncio."""
        return AsyncSubscription(self)

    def __iter__(self) -> Subscription:
        return self

    def __next__(self) -> Delivery:
        delivery = self.next()
        assert delivery is not None
        return delivery

    def acknowledge(self, delivery: Delivery | int) -> None:
        """Says that an event is done. What is not acknowledged comes again."""
        _obs.subscription_acknowledge(self._handle, delivery if isinstance(delivery, int) else delivery.sequence)

    def acknowledge_all(self, delivery: Delivery | int) -> None:
        """Says that an event and all of lower sequence that were delivered here are done, in one commit."""
        _obs.subscription_acknowledge_all(self._handle, delivery if isinstance(delivery, int) else delivery.sequence)

    def acknowledge_many(self, deliveries: Iterable[Delivery | int]) -> int:
        """Says that these events are done, in one commit. Returns how many: those that were taken back meanwhile come again."""
        sequences = tuple(each if isinstance(each, int) else each.sequence for each in deliveries)
        return _obs.subscription_acknowledge_many(self._handle, sequences)

    def reject(
        self, delivery: Delivery | int, reason: str | None = None, *, delay: float | None = None, dead: bool = False,
    ) -> None:
        """Gives an event back that could not be done: it comes again after `delay` seconds, or is a dead letter at once."""
        milliseconds = 0 if delay is None else round(delay * 1000) or -1
        sequence = delivery if isinstance(delivery, int) else delivery.sequence
        _obs.subscription_reject(self._handle, sequence, (reason, milliseconds, dead))

    def fileno(self) -> int:
        """Readable when events may have come."""
        return _obs.subscription_fd(self._handle)

    def close(self) -> None:
        """Gives the subscription back; its position stays."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _obs.subscription_free(handle)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()


class AsyncSubscription:
    """A consumer for asyncio: `async for batch in subscription.aio.batches(): ...`. What is cancelled loses no event."""

    def __init__(self, of: Subscription) -> None:
        self._of = of

    async def next_many(self, most: int = 64, timeout: float | None = None) -> list[Delivery]:
        """As Subscription.next_many()."""
        left = -1 if timeout is None else max(0, round(timeout * 1000))
        operation = await pump().run(_obs.subscription_next_start, self._of._handle, most, left)
        try:
            return [make_delivery(delivery) for delivery in _obs.operation_take_deliveries(operation)]
        finally:
            _obs.operation_free(operation)

    async def batches(self, most: int = 64) -> AsyncIterator[list[Delivery]]:
        """As Subscription.batches()."""
        while True:
            yield await self.next_many(most)

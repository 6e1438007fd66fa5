"""How calls are made: time, cancellation, trace, idempotency; and small conversions shared by the façade."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _obs

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from Python 3.12 on

    BufferLike = Buffer
else:
    BufferLike = Any

Key = str | bytes
Result = TypeVar("Result")


class Cancel:
    """Ends waiting calls early, from any thread: give it in a Call and set() it."""

    def __init__(self) -> None:
        self._handle = _obs.cancel_new()
        self._is_set = False
        self._also: list[_obs.CancelHandle] = []  # tokens of calls that others may end, too

    def set(self) -> None:
        """Ends every call that waits with this token, now and later."""
        self._is_set = True  # before the others are looked up: _lend() does it the other way round
        _obs.cancel_set(self._handle)
        for handle in list(self._also):
            _obs.cancel_set(handle)

    @contextmanager
    def _lend(self) -> Iterator[_obs.CancelHandle]:
        """A token that is set with this one, and may be set without it."""
        handle = _obs.cancel_new()
        self._also.append(handle)
        if self._is_set:
            _obs.cancel_set(handle)
        try:
            yield handle
        finally:
            self._also.remove(handle)


@dataclass(frozen=True, slots=True)
class Call:
    """How a call is made. `timeout` is in seconds: None is the default of 30, a negative number is no limit."""

    timeout: float | None = None
    cancel: Cancel | None = None
    traceparent: str | None = None
    idempotency_key: str | None = None
    subject: str | None = None

    def _tuple(self) -> _obs.CallTuple:
        milliseconds = 0 if self.timeout is None else -1 if self.timeout < 0 else max(1, round(self.timeout * 1000))
        cancel = None if self.cancel is None else self.cancel._handle
        return (milliseconds, cancel, self.traceparent, self.idempotency_key, self.subject)


def call_tuple(call: Call | None) -> _obs.CallTuple | None:
    return None if call is None else call._tuple()


_main = threading.main_thread().ident
_interruptible: _obs.CallTuple


def _watch_interrupts() -> None:
    global _main, _interruptible
    _main = threading.main_thread().ident
    _interruptible = (0, _obs.watch_interrupts(_main or 0), None, None, None)


_watch_interrupts()
os.register_at_fork(after_in_child=_watch_interrupts)


def waiting_tuple(call: Call | None) -> _obs.CallTuple | None:
    """As call_tuple(), for calls that may wait for others: in the main thread Ctrl-C ends them."""
    if threading.get_ident() != _main or (call is not None and call.cancel is not None):
        return call_tuple(call)
    if call is None:
        return _interruptible
    given = call._tuple()
    return (given[0], _interruptible[1], given[2], given[3], given[4])


def run_long(call: Call | None, run: Callable[[_obs.CallTuple], Result]) -> Result:
    """For calls that run until they are ended. In the main thread another one makes the call, so that handlers of signals run
    meanwhile as they do in Python; when one of them raises, as that of Ctrl-C does, the call is ended first."""
    call = call or Call()
    if threading.get_ident() != _main:
        return run(call._tuple())
    with (call.cancel or Cancel())._lend() as token:
        given = call._tuple()
        runner = Runner(lambda: run((given[0], token, *given[2:])))
        try:
            runner.wait()
        except BaseException:  # of a handler
            _obs.cancel_set(token)
            runner.wait()
            raise
        return runner.result()


class Runner(threading.Thread, Generic[Result]):
    """A thread that makes one call."""

    def __init__(self, run: Callable[[], Result]) -> None:
        super().__init__(name="obs", daemon=True)
        self._run = run
        self._done = threading.Event()
        self._result: list[Result] = []
        self._exception: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._result.append(self._run())
        except BaseException as exception:
            self._exception = exception
        finally:
            self._done.set()

    def wait(self) -> None:
        """Until the call ended. Other than join() it is left by what a handler of a signal raises."""
        self._done.wait()

    def result(self) -> Result:
        """What the call gave, or raised. For when it ended."""
        if self._exception is not None:
            raise self._exception
        return self._result[0]


def flat_pairs(pairs: Mapping[str, str] | None) -> tuple[str, ...] | None:
    """{"a": "b"} as ("a", "b")."""
    if not pairs:
        return None
    flat: list[str] = []
    for name, value in pairs.items():
        flat.append(name)
        flat.append(value)
    return tuple(flat)

"""The configuration: shared settings, as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, NamedTuple, TypeVar, overload

from . import _obs
from ._call import Call, Cancel, waiting_tuple
from ._rows import Rows
from ._snapshot import MISSING, Snapshot, read_or, take_snapshot
from ._values import SETTINGS, Kind, option, written

T = TypeVar("T")
D = TypeVar("D")
Text = str | bytes


class Signed(NamedTuple):
    """A signed document, and the line for `obs.yaml` that says whose signature it must bear."""

    document: bytes
    key: str


class Config:
    """What a setting is, where it comes from, and how it is changed. Safe from every thread.

    A name is a path with points, as in `ccd.gain` or `sites.3.name`; a point within a key is written `\\.`.
    """

    def __init__(self, handle: _obs.ConfigHandle, owner: object) -> None:
        self._handle: _obs.ConfigHandle | None = handle
        self._owner = owner

    @overload
    def get(self, name: str, type: type[T] | Kind[T]) -> T: ...
    @overload
    def get(self, name: str, type: type[T] | Kind[T], default: D) -> T | D: ...
    def get(self, name: str, type: object, default: Any = MISSING) -> Any:
        """A value as bool, int, float, str, dict, list, obs.duration (a timedelta), obs.size (bytes) or obs.Secret.

        NotFoundError, a KeyError, says which name is near; InvalidArgumentError, a ValueError, where the value of another type
        stands.
        """
        return read_or(self._handle, name, type, default)

    def setting(
        self, name: str, type: type[T] | Kind[T], *, default: T | str | None = None, minimum: T | str | None = None,
        maximum: T | str | None = None, renamed: str | None = None,
    ) -> Setting[T]:
        """A value that is read again and again. A change that breaks its bounds is refused as a whole, while it is held."""
        return Setting(self._handle, name, type, (option(default), option(minimum), option(maximum), renamed))

    def snapshot(self, *, call: Call | None = None) -> Snapshot:
        """All values as they are at this moment, as a mapping."""
        return take_snapshot(_obs.config_snapshot(self._handle, waiting_tuple(call)))

    @property
    def version(self) -> int:
        """1 for the first whole that this process saw, one more for each that replaced it; 0 before the first was read."""
        return _obs.config_version(self._handle)

    def wait(self, version: int, *, timeout: float | None = None, call: Call | None = None) -> int:
        """Waits until the configuration is another one than this, for ever or `timeout` seconds (then TimeoutError)."""
        return _obs.config_wait(self._handle, version, waiting_tuple(call or _waiting(timeout, None)))

    def changes(self, since: int | None = None, *, cancel: Cancel | None = None) -> Changes:
        """The versions to come, for `for` and for `async for`; with since=0 the one that is there is the first.

        `cancel` ends a `for` with CancelledError; `async for` ends with its task.
        """
        if since is None:
            since = self.version or self.wait(0)
        return Changes(self._handle, since, cancel)

    def refresh(self, *, call: Call | None = None) -> None:
        """Asks all sources now; RefusedError says which change does not fit, and the old values stay."""
        _obs.config_refresh(self._handle, waiting_tuple(call))

    def set(
        self, name: str, value: object, *, layer: str | None = None, if_match: str | None = None, dry_run: bool = False,
        call: Call | None = None,
    ) -> None:
        """Changes one value in the document of a layer, in place of what explain() told the etag of."""
        _obs.config_set(self._handle, name, written(value), (waiting_tuple(call), layer, if_match, dry_run))

    def unset(
        self, name: str, *, layer: str | None = None, if_match: str | None = None, dry_run: bool = False,
        call: Call | None = None,
    ) -> None:
        """Removes a value from the document of a layer; what a lower one has counts again."""
        _obs.config_set(self._handle, name, None, (waiting_tuple(call), layer, if_match, dry_run))

    def explain(self, name: str | None = None, *, call: Call | None = None) -> Rows:
        """Where a value, those of a mapping, or all come from."""
        return Rows(_obs.config_explain(self._handle, name, waiting_tuple(call)), self)

    def sources(self) -> Rows:
        """How the sources are."""
        return Rows(_obs.config_sources(self._handle), self)

    def validate(self, document: Text, name: str | None = None) -> None:
        """Checks YAML or JSON as if it were the whole configuration; RefusedError says where it does not fit."""
        _obs.config_validate(self._handle, document, name)

    def sign(self, document: Text, *, call: Call | None = None) -> Signed:
        """Signs a document that has a member `version`."""
        signed, key = _obs.config_sign(self._handle, document, waiting_tuple(call))
        return Signed(bytes(signed), key)


class Setting(Generic[T]):
    """A value that follows the configuration: name, type, bounds and default stated once. Safe from every thread."""

    __slots__ = ("_handle", "_read", "name", "__weakref__")

    def __init__(self, config: _obs.ConfigHandle | None, name: str, kind: object, options: _obs.SettingOptions) -> None:
        known = SETTINGS.get(kind)
        if known is None:
            raise TypeError(f"a setting is a bool, int, float, str, obs.duration or obs.size, not {kind!r}: use get()")
        self.name = name
        self._read = known.read
        self._handle: _obs.SettingHandle | None = _obs.setting_open(config, name, known.number, options)

    @property
    def value(self) -> T:
        """As it is now."""
        value: T = self._read(self._handle)
        return value

    def close(self) -> None:
        """Gives the setting back: its bounds hold no more."""
        self._handle = None

    def __enter__(self) -> Setting[T]:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<obs.Setting {self.name!r} " + ("closed>" if self._handle is None else f"= {self.value!r}>")


def _waiting(timeout: float | None, cancel: Cancel | None) -> Call:
    return Call(timeout=-1 if timeout is None else timeout, cancel=cancel)


class Changes(Iterator[int], AsyncIterator[int]):
    """Versions as they come: each new one is told, of several in a row only the last. For one thread or task at a time."""

    def __init__(self, config: _obs.ConfigHandle | None, last: int, cancel: Cancel | None) -> None:
        self._config = config
        self._last = last
        self._cancel = cancel

    def __iter__(self) -> Changes:
        return self

    def __next__(self) -> int:
        self._last = _obs.config_wait(self._config, self._last, waiting_tuple(_waiting(None, self._cancel)))
        return self._last

    def __aiter__(self) -> Changes:
        return self

    async def __anext__(self) -> int:
        cancel = Cancel()
        call = _waiting(None, cancel)._tuple()
        try:
            self._last = await asyncio.to_thread(_obs.config_wait, self._config, self._last, call)
        finally:
            cancel.set()  # the thread ends as soon as nobody waits for it
        return self._last

"""The configuration as it was at one moment, as a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, overload

from . import _obs
from ._errors import NotFoundError
from ._values import Kind, converted, is_secret, joined, read, tree_of

T = TypeVar("T")
D = TypeVar("D")

MISSING: Any = object()


def _parts(name: str) -> list[str]:
    """`a.b\\.c` as ["a", "b.c"]."""
    if "\\" not in name:
        return name.split(".")
    parts = [""]
    characters = iter(name)
    for character in characters:
        if character == ".":
            parts.append("")
        else:
            parts[-1] += next(characters, character) if character == "\\" else character
    return parts


class Snapshot(Mapping[str, Any]):
    """The configuration as it was: a mapping that never changes, and whose mappings are snapshots, too.

        snapshot = client.config.snapshot()
        snapshot["ccd"]["gain"] == snapshot["ccd.gain"]

    A secret is an obs.Secret. Without secrets it can be pickled, and then comes back as a plain dict.
    """

    __slots__ = ("_handle", "_name", "_tree", "__weakref__")

    def __init__(self, handle: _obs.ConfigHandle, name: str, tree: dict[str, Any]) -> None:
        self._handle = handle
        self._name = name
        self._tree = tree

    @property
    def version(self) -> int:
        """Which whole it is: see Config.version."""
        return _obs.config_version(self._handle)

    @overload
    def value(self, name: str, type: type[T] | Kind[T]) -> T: ...
    @overload
    def value(self, name: str, type: type[T] | Kind[T], default: D) -> T | D: ...
    def value(self, name: str, type: object, default: Any = MISSING) -> Any:
        """As Config.get(): a value as this type, with the place where it stands when it is another one."""
        return read_or(self._handle, self._full(name), type, default)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain dicts and lists, as in JSON: a secret is where it comes from, {"secret": "env:NAME"}."""
        copied: dict[str, Any] = _copied(self._tree)
        return copied

    def __getitem__(self, key: str) -> Any:
        value = self._find(key)
        if value is MISSING:
            _obs.config_json(self._handle, self._full(key))  # says which name is near
            raise KeyError(key)
        if not isinstance(value, (dict, list)):
            return value
        name = joined(self._name, key) if key in self._tree else self._full(key)
        return converted(self._handle, name, value, self._inner)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree)

    def __len__(self) -> int:
        return len(self._tree)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not MISSING

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Snapshot):
            return self._tree == other._tree
        return self._tree == other if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Snapshot({self._tree!r})"

    def __copy__(self) -> Snapshot:
        return self

    def __deepcopy__(self, memo: object) -> Snapshot:
        return self

    def __reduce__(self) -> tuple[Callable[..., dict[str, Any]], tuple[dict[str, Any]]]:
        self._refuse_secrets(self._name, self._tree)
        return dict, (self._tree,)

    def _inner(self, name: str, tree: dict[str, Any]) -> Snapshot:
        return Snapshot(self._handle, name, tree)

    def _full(self, path: str) -> str:
        return f"{self._name}.{path}" if self._name else path

    def _find(self, key: str) -> Any:
        """A member of just that name, or else what is at the end of a path with points."""
        if key in self._tree:
            return self._tree[key]
        at: Any = self._tree
        for part in _parts(key):
            if isinstance(at, list) and part.isdecimal() and part.isascii() and str(int(part)) == part and int(part) < len(at):
                at = at[int(part)]
            elif isinstance(at, dict) and part in at:
                at = at[part]
            else:
                return MISSING
        return at

    def _refuse_secrets(self, name: str, value: object) -> None:
        if is_secret(self._handle, name, value):
            raise TypeError(f"a snapshot that holds a secret ('{name}') cannot be pickled: use to_dict(), or pickle single values")
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            self._refuse_secrets(joined(name, key), item)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def read_or(handle: _obs.ConfigHandle | None, name: str, kind: object, default: Any) -> Any:
    """A value as this type, or the default where there is none."""
    try:
        return read(handle, name, kind)
    except NotFoundError:
        if default is MISSING:
            raise
        return default


def take_snapshot(handle: _obs.ConfigHandle) -> Snapshot:
    """The mapping over a snapshot of the library."""
    return Snapshot(handle, "", tree_of(handle, ""))

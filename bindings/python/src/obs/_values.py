"""Values of the configuration between Python and the library: read as a type, and written as a document has them."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Generic, NamedTuple, TypeVar, get_origin

from . import _obs
from ._errors import NotFoundError, Status, make_error
from ._secret import Secret, forget_variables

T = TypeVar("T")


class Kind(Generic[T]):
    """What a value can be read as, beside bool, int, float, str, dict, list and Secret."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"obs.{self._name}"


duration: Kind[timedelta] = Kind("duration")  # as in `250ms` or `1h30m`; rounded to a microsecond, as timedelta has it
size: Kind[int] = Kind("size")  # in bytes, written as in `64MiB` or `4096`


class _Setting(NamedTuple):
    """A type of the library's settings, and how one is read."""

    number: int
    read: Callable[[_obs.SettingHandle | None], Any]


def _duration(ns: int) -> timedelta:
    seconds, rest = divmod(ns, 1_000_000_000)
    return timedelta(seconds=seconds, microseconds=(rest + 500) // 1000)


SETTINGS: dict[object, _Setting] = {
    bool: _Setting(1, lambda handle: bool(_obs.setting_int(handle))),
    int: _Setting(2, _obs.setting_int),
    float: _Setting(3, _obs.setting_float),
    duration: _Setting(4, lambda handle: _duration(_obs.setting_int(handle))),
    size: _Setting(5, _obs.setting_int),
    str: _Setting(6, lambda handle: bytes(_obs.setting_text(handle)).decode()),
}


# ---- trees: what JSON has, with secrets in the place of their references ----


def joined(name: str, key: str | int) -> str:
    """The name of a member: points and backslashes in its key are written with a backslash."""
    part = str(key).replace("\\", "\\\\").replace(".", "\\.")
    return f"{name}.{part}" if name else part


def is_secret(handle: _obs.ConfigHandle | None, name: str, value: object) -> bool:
    """Whether this stands for a secret, and is not just a mapping with a member of that name."""
    if not isinstance(value, dict) or len(value) != 1 or not isinstance(value.get("secret"), str):
        return False
    try:
        _obs.config_json(handle, joined(name, "secret"))
    except NotFoundError:
        return True
    return False


def secret_of(handle: _obs.ConfigHandle | None, name: str) -> Secret:
    """What stands behind a reference."""
    try:
        return Secret._of(_obs.config_secret(handle, name))
    finally:
        forget_variables()


def converted(handle: _obs.ConfigHandle | None, name: str, value: Any, mapping: Callable[[str, dict[str, Any]], Any]) -> Any:
    """A value of a tree: secrets become Secret, mappings what `mapping` makes of them."""
    if isinstance(value, list):
        return [converted(handle, joined(name, i), item, mapping) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    return secret_of(handle, name) if is_secret(handle, name, value) else mapping(name, value)


def tree_of(handle: _obs.ConfigHandle | None, name: str) -> Any:
    """A value as JSON has it, with references in the place of secrets."""
    return json.loads(bytes(_obs.config_json(handle, name)))


def _read_tree(handle: _obs.ConfigHandle | None, name: str, wanted: type, what: str) -> Any:
    def mapping(inner: str, value: dict[str, Any]) -> dict[str, Any]:
        return {key: converted(handle, joined(inner, key), item, mapping) for key, item in value.items()}

    handle = _obs.config_snapshot(handle, None)  # so that secrets are those of the same document
    value = converted(handle, name, tree_of(handle, name), mapping)
    if not isinstance(value, wanted):
        found = f"{_place(handle, name)}'{name}' is {_NAMES.get(type(value), 'null')}, not {what}"
        raise make_error(Status.INVALID_ARGUMENT, found, "", 0, 0, 0, 0, 0, "")
    return value


def _place(handle: _obs.ConfigHandle, name: str) -> str:
    """`config.yaml:7:9: ` of a value; a mapping stands in many places."""
    rows = _obs.config_explain(handle, name, None)
    try:
        row = json.loads(_obs.rows_next(rows) or "{}")
    finally:
        _obs.rows_free(rows)
    return f"{row['place']}: " if row.get("name") == name else ""


_NAMES: dict[object, str] = {
    bool: "true or false", int: "an integer", float: "a number", str: "a text", list: "a list", dict: "a mapping", Secret: "a secret",
}


# ---- reading as a type ----

_READERS: dict[object, Callable[[_obs.ConfigHandle | None, str], Any]] = {
    bool: _obs.config_bool,
    int: _obs.config_int,
    float: _obs.config_float,
    str: lambda handle, name: bytes(_obs.config_text(handle, name)).decode(),
    duration: lambda handle, name: _duration(_obs.config_duration(handle, name)),
    size: _obs.config_bytes,
    dict: lambda handle, name: _read_tree(handle, name, dict, "a mapping"),
    list: lambda handle, name: _read_tree(handle, name, list, "a list"),
    Secret: secret_of,
}


def read(handle: _obs.ConfigHandle | None, name: str, kind: object) -> Any:
    """A value as this type."""
    reader = _READERS.get(kind) or _READERS.get(get_origin(kind))
    if reader is None:
        raise TypeError(f"a value is a bool, int, float, str, dict, list, obs.duration, obs.size or obs.Secret, not {kind!r}")
    return reader(handle, name)


# ---- writing as a document has it ----


def _duration_text(span: timedelta) -> str:
    left = (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
    for unit, length in (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)):
        if left % length == 0:
            return f"{left // length}{unit}"
    return f"{left}us"


def _plain(value: object) -> object:
    """For what JSON has no form of."""
    if isinstance(value, Secret):
        raise TypeError("a secret is never written into a document: write where it is, as in '${secret:env:NAME}'")
    if isinstance(value, timedelta):
        return _duration_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a document has no form for {builtins.type(value).__name__}")


def written(value: object) -> str:
    """Any value as a document has it; JSON is YAML, too."""
    if isinstance(value, timedelta):
        return _duration_text(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)


def option(value: object) -> str | None:
    """A default or a bound of a setting; a text stands as it would be written: "250ms"."""
    return value if value is None or isinstance(value, str) else written(value)

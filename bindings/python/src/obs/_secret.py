"""Secrets: bytes that are in no repr, no message and no file, but where they are asked for."""

from __future__ import annotations

import contextlib
import os
from typing import NoReturn, SupportsIndex, final

from . import _obs
from ._call import BufferLike

_SHOWN = "<Secret>"
_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


def forget_variables() -> None:
    """The library takes variables that hold secrets out of the environment; Python's copy must not hand them to children."""
    for name in list(os.environb):
        if not _obs.environment_has(name):
            with contextlib.suppress(KeyError):  # another thread was first
                del os.environb[name]


@final
class Secret:
    """Bytes that must not be seen, in locked memory that is wiped when the last one who holds them gives them back.

        with client.config.get("mpc.password", obs.Secret) as password:
            log_in(password.reveal())

    Whatever shows it shows `<Secret>`; it is equal to itself only, and is neither copied, pickled nor written as JSON. A forked
    child has no access to it.
    """

    __slots__ = ("_handle", "_made", "__weakref__")

    def __init__(self, value: str | BufferLike) -> None:
        self._handle: _obs.SecretHandle | None = _obs.secret_new(value.encode() if isinstance(value, str) else value)
        self._made = _forks

    @classmethod
    def _of(cls, handle: _obs.SecretHandle) -> Secret:
        """What the library handed out."""
        secret = cls.__new__(cls)
        secret._handle = handle
        secret._made = _forks
        return secret

    def _held(self) -> _obs.SecretHandle:
        """The handle, while there is something behind it."""
        if self._handle is None:
            raise ValueError("the secret was given back")
        if self._made != _forks:  # its memory is empty here: nobody is to take that for a password
            raise ValueError("a forked child has no access to a secret of its parent: ask for it again")
        return self._handle

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("obs.Secret has no subclasses: one could show what it must not")

    def reveal(self) -> bytes:
        """The bytes: from here on they are the caller's to keep from being seen."""
        return _obs.secret_reveal(self._held())

    def __len__(self) -> int:
        return _obs.secret_size(self._held())

    def __bool__(self) -> bool:
        return True  # as other objects: an empty password is no missing one

    def close(self) -> None:
        """Gives the secret back; reveal() then raises ValueError."""
        self._handle = None

    def __enter__(self) -> Secret:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return _SHOWN

    def __format__(self, specification: str) -> str:
        return format(_SHOWN, specification)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled: ask for it again where it is needed")

"""Tokens: who somebody is and what they may do, signed and short-lived."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from . import _obs
from ._call import Call, waiting_tuple
from ._secret import Secret

Token = str | bytes | Secret


def given(token: Token) -> _obs.Token:
    """A token for the flat layer: the bytes of a secret stay where they are."""
    if isinstance(token, (str, bytes)):
        return token
    if not isinstance(token, Secret):
        raise TypeError(f"a token is a str, bytes or an obs.Secret, not {type(token).__name__}")
    if len(token) == 0:
        raise ValueError("the secret is empty: it is no token")
    return token._held()


def _seconds(span: float | timedelta) -> int:
    return round(span.total_seconds() if isinstance(span, timedelta) else span)


def _words(words: str | Iterable[str] | None) -> str | None:
    return words if words is None or isinstance(words, str) else " ".join(words)


class Tokens:
    """The issuer of the workspace. Safe from every thread."""

    def __init__(self, handle: _obs.ClientHandle | None, owner: object) -> None:
        self._handle: _obs.ClientHandle | None = handle
        self._owner = owner

    def issue(
        self, *, subject: str | None = None, tenant: str | None = None, scope: str | Iterable[str] | None = None,
        lifetime: float | timedelta | None = None, audience: str | None = None, call: Call | None = None,
    ) -> Secret:
        """A token for `lifetime` (seconds or a timedelta; an hour, at most a day), never for more than the client itself may do.

            token = client.token.issue(subject="function:photometry", scope=["storage.read:/raw"], lifetime=600)
        """
        seconds = 0 if lifetime is None else _seconds(lifetime)
        if lifetime is not None and seconds <= 0:
            raise ValueError("a token lives for a second at least")
        options = (waiting_tuple(call), subject, tenant, _words(scope), seconds, audience)
        return Secret._of(_obs.token_issue(self._handle, options))

    def verify(
        self, token: Token, *, algorithms: str | Iterable[str], issuer: str | None = None, audience: str | None = None,
        keys: Mapping[str, Any] | str | bytes | None = None, leeway: float | timedelta | None = None, call: Call | None = None,
    ) -> dict[str, Any]:
        """The claims of a token that holds; UnauthenticatedError says why one does not.

        `algorithms`, as in ["EdDSA"], has no default. `keys` is a JSON Web Key Set, else the workspace's; clocks may differ by
        `leeway` (seconds or a timedelta), a minute if it is not given.
        """
        seconds = 0 if leeway is None else _seconds(leeway) or -1
        known = json.dumps(dict(keys)) if isinstance(keys, Mapping) else keys
        options = (waiting_tuple(call), _words(algorithms), issuer, audience, known, seconds)
        claims: dict[str, Any] = json.loads(bytes(_obs.token_verify(self._handle, given(token), options)))
        return claims

    def keys(self) -> dict[str, Any]:
        """The public keys of the issuer, a JSON Web Key Set."""
        keys: dict[str, Any] = json.loads(bytes(_obs.token_keys(self._handle)))
        return keys

    def rotate(self, *, call: Call | None = None) -> None:
        """Makes a new signing key; the one until now verifies until its last token has ended."""
        _obs.token_rotate(self._handle, waiting_tuple(call))

    def revoke(self, id: str | None = None, *, subject: str | None = None, call: Call | None = None) -> None:  # noqa: A002
        """Ends the token of this id (`jti`), or all that a subject has until now: for this client at once, elsewhere within a second."""
        _obs.token_revoke(self._handle, id, subject, waiting_tuple(call))

    def login(self, token: Token, *, call: Call | None = None) -> None:
        """Keeps a token for this user and workspace, for every later client."""
        _obs.token_login(self._handle, given(token), waiting_tuple(call))

    def logout(self, *, call: Call | None = None) -> None:
        """Forgets the token that login() kept."""
        _obs.token_logout(self._handle, waiting_tuple(call))

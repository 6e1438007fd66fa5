"""Tokens: issued and checked, taken as text or as a secret, and seen nowhere."""

from __future__ import annotations

import base64
import gc
import json
import os
import subprocess
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import obs
from obs import _obs


@pytest.fixture(autouse=True)
def no_token_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("BEARER_TOKEN", "BEARER_TOKEN_FILE", "OBS_TENANT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_a_token_says_who_may_what(client: obs.Client) -> None:
    token = client.token.issue(
        subject="function:photometry", scope=["storage.read:/raw", "storage.create:/products"], lifetime=timedelta(minutes=10)
    )
    assert isinstance(token, obs.Secret) and token.reveal().count(b".") == 2 and repr(token) == "<Secret>"
    claims = client.token.verify(token, algorithms=["EdDSA", "ES256"])
    assert claims["sub"] == "function:photometry" and claims["scope"] == "storage.read:/raw storage.create:/products"
    assert claims["tenant"] == "default" and claims["exp"] - claims["iat"] == 600
    text = token.reveal()
    assert claims == client.token.verify(text, algorithms="EdDSA ES256") == client.token.verify(text.decode(), algorithms=["EdDSA"])
    assert claims == client.token.verify(token, algorithms=["EdDSA"], keys=client.token.keys(), leeway=0)
    assert claims == client.token.verify(token, algorithms=["EdDSA"], keys=json.dumps(client.token.keys()), leeway=timedelta(seconds=5))
    other = client.token.issue(audience="https://archive.example.org")
    assert client.token.verify(other, algorithms=["EdDSA"], audience="https://archive.example.org")["sub"] == client.subject
    with pytest.raises(obs.UnauthenticatedError):
        client.token.verify(other, algorithms=["EdDSA"])


def test_keys_are_rotated(client: obs.Client) -> None:
    token = client.token.issue()
    before = {key["kid"] for key in client.token.keys()["keys"]}
    client.token.rotate()
    after = {key["kid"] for key in client.token.keys()["keys"]}
    assert after - before and not any("d" in key for key in client.token.keys()["keys"])
    assert client.token.verify(token, algorithms=["EdDSA"]) and client.token.verify(client.token.issue(), algorithms=["EdDSA"])


def test_tokens_are_revoked(client: obs.Client) -> None:
    first, second, other = (client.token.issue(subject=subject) for subject in ("function:a", "function:a", "function:b"))
    claims = client.token.verify(first, algorithms=["EdDSA"])
    client.token.revoke(claims["jti"])
    with pytest.raises(obs.UnauthenticatedError, match="was revoked"):
        client.token.verify(first, algorithms=["EdDSA"])
    assert client.token.verify(second, algorithms=["EdDSA"])
    client.token.revoke(subject="function:a")
    with pytest.raises(obs.UnauthenticatedError, match="was revoked"):
        client.acting_as(token=second)
    assert client.acting_as(token=other).subject == "function:b"
    assert client.acting_as(token=client.token.issue(subject="function:a")).subject == "function:a"
    for wrong in ({}, {"id": "no-id"}, {"subject": "nobody"}, {"id": claims["jti"], "subject": "function:a"}):
        with pytest.raises(obs.InvalidArgumentError):
            client.token.revoke(**wrong)


def altered(text: bytes) -> bytes:
    head, body, signature = text.split(b".")
    claims = json.loads(base64.urlsafe_b64decode(body + b"=="))
    claims["scope"] = "storage.modify:/"
    return b".".join((head, base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"="), signature))


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda t, s: t.verify(altered(s.reveal()), algorithms=["EdDSA"]), obs.UnauthenticatedError, "the signature is wrong"),
        (lambda t, s: t.verify("not a token", algorithms=["EdDSA"]), obs.UnauthenticatedError, "three parts"),
        (lambda t, s: t.verify(s, algorithms=["ES256"]), obs.UnauthenticatedError, "its algorithm"),
        (lambda t, s: t.verify(s, algorithms=["none"]), obs.InvalidArgumentError, "there is no algorithm 'none'"),
        (lambda t, s: t.verify(s, algorithms=["HS256"]), obs.InvalidArgumentError, "there is no algorithm 'HS256'"),
        (lambda t, s: t.verify(s, algorithms=[]), obs.InvalidArgumentError, "algorithms are required"),
        (lambda t, s: t.verify(s), TypeError, "algorithms"),
        (lambda t, s: t.verify(s, algorithms=["EdDSA"], issuer="https://elsewhere.example.org"), obs.UnauthenticatedError, "another issuer"),
        (lambda t, s: t.verify(s, algorithms=["EdDSA"], keys={"keys": []}), obs.UnauthenticatedError, "not known here"),
        (lambda t, s: t.verify(s, algorithms=["EdDSA"], leeway=3600), obs.InvalidArgumentError, "leeway"),
        (lambda t, s: t.verify(7, algorithms=["EdDSA"]), TypeError, "a token is a str, bytes or an obs.Secret, not int"),
        (lambda t, s: t.issue(scope="everything, please"), obs.InvalidArgumentError, "there is no scope 'everything,'"),
        (lambda t, s: t.issue(lifetime=0), ValueError, "a second at least"),
        (lambda t, s: t.issue(lifetime=timedelta(days=2)), obs.InvalidArgumentError, "86400"),
        (lambda t, s: t.issue(tenant="nowhere"), obs.NotFoundError, "nowhere"),
        (lambda t, s: t.login("not a token"), obs.UnauthenticatedError, "three parts"),
    ],
)
def test_refusals(client: obs.Client, ask: Callable[[Any, obs.Secret], object], error: type[Exception], message: str) -> None:
    secret = client.token.issue()
    with pytest.raises(error) as raised:
        ask(client.token, secret)
    assert message in str(raised.value)
    shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert secret.reveal().decode() not in shown


def test_a_client_is_the_bearer_of_its_token(client: obs.Client, workspace: Path) -> None:
    client.store.put("raw/a", b"a")
    client.store.put("hidden/a", b"a")
    with client.token.issue(subject="function:photometry", scope="storage.read:/raw", lifetime=3600) as token:
        given: list[obs.Secret | str | bytes] = [token, token.reveal(), token.reveal().decode()]
        for one in given:
            with obs.open(workspace, token=one) as bearer, client.acting_as(token=one) as acting:
                assert bearer.subject == acting.subject == "function:photometry"
                assert bytes(bearer.store.get("raw/a")) == bytes(acting.store.get("raw/a")) == b"a"
                texts = set()
                for there in ("hidden/a", "hidden/b"):  # refused with the same text, whether it exists or not
                    with pytest.raises(obs.PermissionDeniedError) as refused:
                        bearer.store.get(there)
                    texts.add((str(refused.value), refused.value.detail))
                assert len(texts) == 1
                with pytest.raises(obs.PermissionDeniedError):
                    acting.store.put("raw/b", b"b")
                with pytest.raises(obs.PermissionDeniedError, match="more than it may do itself"):
                    bearer.token.issue(scope="storage.modify:/")
                assert token.reveal().decode() not in json.dumps(bearer.whoami()) + repr(bearer)
    for use in (lambda: obs.open(workspace, token=token), lambda: client.acting_as(token=token), lambda: client.token.login(token)):
        with pytest.raises(ValueError, match="given back"):  # and not: as if there were none
            use()
    with pytest.raises(ValueError, match="empty"):
        obs.open(workspace, token=obs.Secret(b""))
    with pytest.raises(obs.UnauthenticatedError):
        obs.open(workspace, token="not a token")
    for wrong in ("a\0b", 7, obs.Secret(b"a\0b")):
        with pytest.raises((ValueError, TypeError)):
            obs.open(workspace, token=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="obs_secret"):
        _obs.token_verify(client._handle, client._handle, None)  # type: ignore[arg-type]


def test_login_keeps_a_token(client: obs.Client, workspace: Path) -> None:
    client.token.login(client.token.issue(subject="user:ada", scope="storage.read:/"))
    with obs.open(workspace) as later, obs.open(workspace, token="-") as system:
        assert later.subject == "user:ada" and system.subject == client.subject
    client.token.logout()
    client.token.logout()
    with obs.open(workspace) as again:
        assert again.subject == client.subject


def test_the_variable_is_taken_out(client: obs.Client, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEARER_TOKEN", client.token.issue(subject="user:ada", scope="storage.read:/").reveal().decode())
    with obs.open(workspace) as bearer:
        assert bearer.subject == "user:ada"
        assert "BEARER_TOKEN" not in os.environ
    for environment in (None, dict(os.environ)):
        assert b"BEARER_TOKEN" not in subprocess.run(["env"], env=environment, capture_output=True, check=True).stdout


def test_nothing_recorded_has_a_token(client: obs.Client) -> None:
    token = client.token.issue(subject="user:ada")
    client.token.verify(token, algorithms=["EdDSA"])
    rows = json.dumps(list(client.audit.query()))
    signature = token.reveal().decode().rpartition(".")[2]
    assert "token.issue" in rows and signature not in rows and token.reveal().decode() not in rows


def test_a_secret_given_back_while_it_is_used(client: obs.Client) -> None:
    """Another thread gives secrets back while calls read them: the call holds what it was given."""
    failed: list[BaseException] = []
    current = [client.token.issue()]
    ended = threading.Event()

    def work() -> None:
        try:
            while not ended.is_set():
                try:
                    client.token.verify(current[0], algorithms=["EdDSA"])
                except ValueError as error:
                    assert "given back" in str(error)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        before, current[0] = current[0], obs.Secret(current[0].reveal())
        before.close()
    ended.set()
    for thread in threads:
        thread.join()
    gc.collect()
    assert not failed

"""Secrets: the bytes are where they are asked for, and nowhere else."""

from __future__ import annotations

import copy
import dataclasses
import gc
import io
import json
import logging
import os
import pickle
import pprint
import subprocess
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import obs
from obs import _obs
from test_config import configure, replace

CANARY = "canary-71f3"


@dataclasses.dataclass
class Login:
    name: str
    password: obs.Secret


@pytest.fixture()
def client(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[obs.Client]:
    monkeypatch.setenv("OBSTEST_PASSWORD", CANARY)
    (workspace / "archive").write_text(CANARY + "-2\n")
    (workspace / "archive").chmod(0o600)
    configure(
        workspace,
        f"""\
mpc: {{user: ada, password: '${{secret:env:OBSTEST_PASSWORD}}'}}
archive: '${{secret:file:{workspace}/archive}}'
several: [1, '${{secret:env:OBSTEST_PASSWORD}}', {{secret: plain}}]
absent: '${{secret:env:OBSTEST_ABSENT}}'
""",
        f"secrets: ['env:OBSTEST_PASSWORD', 'env:OBSTEST_ABSENT', 'file:{workspace}/archive']\n",
    )
    with obs.open(workspace) as opened:
        yield opened


def test_the_bytes_are_there_for_who_asks(client: obs.Client) -> None:
    with client.config.get("mpc.password", obs.Secret) as password:
        assert password.reveal() == CANARY.encode() and len(password) == len(CANARY)
    with pytest.raises(ValueError, match="given back"):
        password.reveal()
    with pytest.raises(ValueError, match="given back"):
        len(password)
    assert client.config.get("archive", obs.Secret).reveal() == CANARY.encode() + b"-2"
    assert obs.Secret("ä").reveal() == "ä".encode() and obs.Secret(bytearray(b"a\0b")).reveal() == b"a\0b"
    assert obs.Secret(b"").reveal() == b"" and bool(obs.Secret(b""))
    with pytest.raises(obs.InvalidArgumentError, match="65,?536"):
        obs.Secret(bytes(65_537))
    with pytest.raises(TypeError):
        obs.Secret(7)  # type: ignore[arg-type]


def test_a_file_that_changes_is_read_again(client: obs.Client, workspace: Path) -> None:
    before = client.config.get("archive", obs.Secret)
    made = workspace / ".secret"
    made.write_text("rotated")
    made.chmod(0o600)
    made.rename(workspace / "archive")
    assert client.config.get("archive", obs.Secret).reveal() == b"rotated" and before.reveal() == CANARY.encode() + b"-2"


SHOWS: dict[str, Callable[[obs.Secret], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret} {secret:>12} {secret!r} {secret!s}",
    "percent": lambda secret: "%s %r" % (secret, secret),
    "containers": lambda secret: f"{[secret]} {({'password': secret})} {Login('ada', secret)}",
    "pprint": lambda secret: pprint.pformat({"password": secret}),
    "members": lambda secret: str([getattr(secret, name) for name in dir(secret)]) + str(vars(type(secret))),
    "handle": lambda secret: repr(secret._handle) + str(secret._handle),
    "error": lambda secret: failed(lambda: secret.nobody),  # type: ignore[attr-defined]
    "arithmetic": lambda secret: failed(lambda: secret + b""),  # type: ignore[operator]
    "index": lambda secret: failed(lambda: secret[0]),  # type: ignore[index]
    "iteration": lambda secret: failed(lambda: list(secret)),  # type: ignore[call-overload]
    "bytes": lambda secret: failed(lambda: bytes(secret)),  # type: ignore[call-overload]
}


def failed(act: Callable[[], object]) -> str:
    with pytest.raises((TypeError, AttributeError)) as raised:
        act()
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    return "".join(shown.format())


@pytest.mark.parametrize("way", SHOWS)
def test_nothing_shows_it(client: obs.Client, way: str) -> None:
    secret = client.config.get("mpc.password", obs.Secret)
    assert CANARY not in SHOWS[way](secret) and CANARY.encode().hex() not in SHOWS[way](secret)
    assert CANARY in repr(secret.reveal())  # the search finds what is there


def test_what_it_looks_like(client: obs.Client) -> None:
    secret = client.config.get("mpc.password", obs.Secret)
    assert repr(secret) == str(secret) == f"{secret}" == "<Secret>" and f"{secret:>10}" == "  <Secret>"


def test_no_child_inherits_it(client: obs.Client) -> None:
    assert CANARY in repr(os.environ)
    client.config.get("mpc.password", obs.Secret)
    assert "OBSTEST_PASSWORD" not in os.environ and CANARY not in repr(os.environ)
    for environment in (None, {**os.environ, "MORE": "1"}):
        child = subprocess.run(["env"], env=environment, capture_output=True, check=True)
        assert CANARY.encode() not in child.stdout and b"PATH=" in child.stdout
    assert client.config.get("mpc.password", obs.Secret).reveal() == CANARY.encode()
    os.environ["OBSTEST_PASSWORD"] = "rotated"
    assert client.config.get("mpc.password", obs.Secret).reveal() == b"rotated"
    assert "OBSTEST_PASSWORD" not in os.environ


def test_a_forked_child_has_none(client: obs.Client, workspace: Path) -> None:
    secret = client.config.get("mpc.password", obs.Secret)
    child = os.fork()
    if child == 0:
        seen = 0
        for use in (secret.reveal, lambda: len(secret), lambda: obs.open(workspace, token=secret), lambda: client.acting_as(token=secret)):
            try:
                use()
            except ValueError as error:
                seen += "a forked child has no access" in str(error)
        seen += obs.Secret("own").reveal() == b"own"
        os._exit(seen)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    assert secret.reveal() == CANARY.encode()


def test_equality_is_identity(client: obs.Client) -> None:
    one, other = (client.config.get("mpc.password", obs.Secret) for _ in range(2))
    assert one == one and one != other and one.__eq__(CANARY.encode()) is not True and len({one, other, one}) == 2


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (pickle.dumps, "a secret is neither copied nor pickled"),
        (lambda secret: pickle.dumps(secret, 0), "a secret is neither copied nor pickled"),
        (copy.copy, "a secret is neither copied nor pickled"),
        (copy.deepcopy, "a secret is neither copied nor pickled"),
        (lambda secret: dataclasses.asdict(Login("ada", secret)), "a secret is neither copied nor pickled"),
        (json.dumps, "Secret is not JSON serializable"),
        (lambda secret: json.dumps({"password": secret}), "Secret is not JSON serializable"),
        (lambda secret: type("More", (obs.Secret,), {}), "obs.Secret has no subclasses"),
    ],
)
def test_it_goes_nowhere(client: obs.Client, write: Callable[[obs.Secret], object], message: str) -> None:
    with pytest.raises(TypeError) as raised:
        write(client.config.get("mpc.password", obs.Secret))
    assert message in str(raised.value) and CANARY not in "".join(traceback.format_exception(raised.value))


def test_no_log_has_it(client: obs.Client, caplog: pytest.LogCaptureFixture) -> None:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logger = logging.getLogger("obs.tests")
    logger.addHandler(handler)
    secret = client.config.get("mpc.password", obs.Secret)
    try:
        logger.warning("logged in with %s and %r", secret, {"password": secret}, extra={"password": secret})
        try:
            raise RuntimeError("refused", secret)
        except RuntimeError:
            logger.exception("login")
    finally:
        logger.removeHandler(handler)
    assert "<Secret>" in text.getvalue() and CANARY not in text.getvalue() and CANARY not in str(vars(caplog.records[0]))


def test_what_the_library_tells_has_none(client: obs.Client, workspace: Path) -> None:
    stop = obs.bridge_logging(logging.DEBUG)
    stop()
    client.config.get("mpc.password", obs.Secret)
    told = [*client.config.explain(), *client.config.sources(), *client.audit.query(), client.health(), client.whoami()]
    assert CANARY not in json.dumps(told) and {"secret": "env:OBSTEST_PASSWORD"} in [row.get("value") for row in told]
    assert any(row.get("action") == "config.secret" for row in told)


def test_snapshots_hold_secrets_as_such(client: obs.Client) -> None:
    snapshot = client.config.snapshot()
    password = snapshot["mpc"]["password"]
    assert isinstance(password, obs.Secret) and password.reveal() == CANARY.encode() == snapshot["mpc.password"].reveal()
    first, second, third = snapshot["several"]
    assert first == 1 and isinstance(second, obs.Secret) and third == {"secret": "plain"}
    assert snapshot["several.2"]["secret"] == "plain"
    assert CANARY not in repr(snapshot) + repr(snapshot["mpc"]) + str(snapshot.to_dict())
    assert snapshot.to_dict()["mpc"] == {"user": "ada", "password": {"secret": "env:OBSTEST_PASSWORD"}}
    inner = client.config.get("mpc", dict)
    assert inner["user"] == "ada" and inner["password"].reveal() == CANARY.encode() and CANARY not in str(inner)
    assert client.config.get("several", list)[2] == {"secret": "plain"}
    with pytest.raises(TypeError, match=r"a snapshot that holds a secret \('mpc.password'\) cannot be pickled"):
        pickle.dumps(snapshot)
    with pytest.raises(TypeError, match=r"\('mpc.password'\)"):
        pickle.dumps(snapshot["mpc"])
    with pytest.raises(TypeError):
        json.dumps(dict(snapshot["mpc"]))
    assert snapshot == client.config.snapshot() and copy.deepcopy(snapshot) is snapshot


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("mpc.user", obs.InvalidArgumentError, "'mpc.user' is a text, not a secret"),
        ("absent", obs.UnavailableError, "the secret 'env:OBSTEST_ABSENT' cannot be read"),
        ("mpc.pasword", obs.NotFoundError, "did you mean 'mpc.password'?"),
    ],
)
def test_secrets_that_cannot_be(client: obs.Client, name: str, error: type[obs.Error], message: str) -> None:
    with pytest.raises(error) as raised:
        client.config.get(name, obs.Secret)
    assert message in str(raised.value)


def test_a_secret_is_no_text_and_is_never_set(client: obs.Client, workspace: Path) -> None:
    for kind in (str, int, float, bool, obs.size, obs.duration):
        with pytest.raises(obs.InvalidArgumentError, match="'mpc.password' is a secret") as raised:
            client.config.get("mpc.password", kind)
        assert CANARY not in str(raised.value) + raised.value.detail
    for value in (obs.Secret(CANARY), {"inner": [obs.Secret(CANARY)]}):
        with pytest.raises(TypeError, match="a secret is never written into a document") as never:
            client.config.set("mpc.other", value)
        assert CANARY not in "".join(traceback.format_exception(never.value))
    replace(workspace, "other: '${secret:env:HOME}'\n")
    with pytest.raises(obs.PermissionDeniedError, match="env:HOME"):
        client.config.refresh()


def test_handles_are_not_mistaken(client: obs.Client) -> None:
    secret: Any = obs.Secret("x")
    with pytest.raises(TypeError, match="obs_config"):
        _obs.config_int(secret._handle, "a")
    with pytest.raises(TypeError, match="obs_secret"):
        _obs.secret_reveal(client._handle)  # type: ignore[arg-type]


def test_secrets_are_given_back(client: obs.Client) -> None:
    def locked() -> int:
        return int(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmLck")).split()[1])

    client.config.get("mpc.password", obs.Secret)
    gc.collect()
    before = locked()
    for _ in range(3):
        kept = [obs.Secret(bytes(60_000)) for _ in range(20)]
        del kept
    assert locked() <= before + 64

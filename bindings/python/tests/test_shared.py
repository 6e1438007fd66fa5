"""Shared workspaces: real users of the system in forked children, and what each of them can and cannot reach."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import obs

# Numbers are enough: the system needs no names for them.
ACCOUNT, ADA, EVE = 53021, 53022, 53023
EARTH, SKY, NOBODYS = 54021, 54022, 54023

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="shared workspaces: only root can become other users; run as root in a container, it is tested"
)


def as_user(homes: Path, user: int, group: int, work: Callable[[], Any]) -> Any:
    """What the work gives in a child that is this user; of an error of the library its status and sentence."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.environ["HOME"] = str(homes / str(user))
            os.setgroups([group])
            os.setgid(NOBODYS)
            os.setuid(user)
            try:
                out: Any = work()
            except obs.Error as error:
                out = [error.status.name, str(error)]
            os.write(theirs, json.dumps(out).encode())
            os._exit(0)
        finally:
            os._exit(99)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, text
    return json.loads(text)


class Night:
    """A shared workspace with the tenants `default` of the group EARTH and `sky` of SKY."""

    def __init__(self, folder: Path) -> None:
        self.homes, self.place = folder / "homes", folder / "night"
        self.homes.mkdir(0o755)
        for user in (ACCOUNT, ADA, EVE):
            trusted = self.homes / str(user) / ".config/obs/trusted"
            trusted.parent.mkdir(parents=True)
            trusted.write_text(f"{self.place} {ACCOUNT}\n")
            for path in (self.homes / str(user), *(self.homes / str(user)).rglob("*")):
                os.chown(path, user, NOBODYS)
        obs.init(self.place, shared=True, account=str(ACCOUNT), group=str(EARTH))
        assert self.run(ACCOUNT, SKY, lambda client: client.create_tenant("sky", group=str(SKY))) is None
        assert self.run(ADA, EARTH, lambda client: client.store.put("raw/a", b"bytes").size) == 5

    def run(self, user: int, group: int, work: Callable[[obs.Client], Any], tenant: str = "default") -> Any:
        def whole() -> Any:
            with obs.open(self.place, tenant=tenant, token="-") as client:
                return work(client)

        return as_user(self.homes, user, group, whole)


@pytest.fixture()
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "OBS_TENANT", "BEARER_TOKEN", "BEARER_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = Path(tempfile.mkdtemp(prefix="obs-shared-"))  # pytest's own folder is closed to other users
    folder.chmod(0o755)
    yield Night(folder)
    shutil.rmtree(folder)


def sizes(client: obs.Client) -> list[int]:
    return [stat.size for stat in client.store.list()]


def test_members_work_together(night: Night) -> None:
    assert night.run(ADA, EARTH, sizes) == [5]
    assert night.run(ACCOUNT, NOBODYS, sizes) == [5]
    assert night.run(EVE, SKY, sizes, tenant="sky") == []
    who = night.run(ADA, EARTH, obs.Client.whoami)
    assert (who["mode"], who["boundary"], who["subject"]) == ("shared", "unix", f"user:{ADA}")


def test_others_are_told_the_same_whether_it_is_there_or_not(night: Night) -> None:
    sentences = set()
    for tenant in ("default", "no-such"):
        status, sentence = night.run(EVE, SKY, sizes, tenant=tenant)
        assert status == "PERMISSION_DENIED" and f"'{tenant}'" in sentence
        sentences.add(sentence.replace(tenant, "…"))
        status, sentence = night.run(EVE, SKY, lambda client, name=tenant: client.tenants(name), tenant="sky")
        assert status == "PERMISSION_DENIED"
        sentences.add(sentence.replace(tenant, "…"))
    assert len(sentences) == 1, sentences
    # In her own tenant there is no such thing, under whatever name the others have it.
    there = night.run(EVE, SKY, lambda client: bytes(client.store.get("raw/a")), tenant="sky")
    absent = night.run(EVE, SKY, lambda client: bytes(client.store.get("raw/b")), tenant="sky")
    assert there[0] == absent[0] == "NOT_FOUND" and there[1].replace("raw/a", "…") == absent[1].replace("raw/b", "…")


def test_a_member_is_not_the_owner(night: Night) -> None:
    refused = {
        "tenant": lambda client: client.create_tenant("moon", group=str(EARTH)),
        "token": lambda client: client.token.issue().reveal().decode(),
        "acting": lambda client: client.acting_as(subject="user:ada").subject,
        "policy": lambda client: client.audit.set_policy(read="fail-open"),
        "subject": lambda client: client.store.put("raw/b", b"x", call=obs.Call(subject="user:ada")).size,
    }
    for name, work in refused.items():
        answer = night.run(ADA, EARTH, work)
        assert isinstance(answer, list) and answer[0] == "PERMISSION_DENIED", (name, answer)
    assert not (night.place / "tenants/moon").exists()


def denied(path: Path) -> int:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        return error.errno or 0
    return 0


def test_the_system_keeps_others_out(night: Night) -> None:
    state = night.homes / str(ACCOUNT) / ".local/state/obs"
    assert night.run(ACCOUNT, NOBODYS, lambda client: client.token.issue().reveal().count(b".")) == 2
    keys = list(state.glob("*/keys/*.pem"))
    assert keys, "the issuer has no key"
    closed = [night.place / name for name in ("tenants", "tenants/default", "tenants/default/tenant.db", "tenants/default/tenant.db-wal",
                                              "store", "store/raw/a", "audit")]
    for path in (*closed, state, *keys):
        assert path.exists(), path
        assert as_user(night.homes, EVE, SKY, lambda path=path: denied(path)) == errno.EACCES, path
    assert as_user(night.homes, ADA, EARTH, lambda: denied(keys[0])) == errno.EACCES
    assert as_user(night.homes, ADA, EARTH, lambda: denied(night.place / "store/raw/a")) == 0


def test_whom_nobody_trusts(night: Night) -> None:
    (night.homes / str(EVE) / ".config/obs/trusted").unlink()
    status, sentence = night.run(EVE, SKY, sizes, tenant="sky")
    assert status == "UNTRUSTED" and f"'{night.place} {ACCOUNT}'" in sentence

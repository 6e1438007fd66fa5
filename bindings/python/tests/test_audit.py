"""The log of the audit trail: checkpoints, verification, proofs; what is erased, kept and sealed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import obs


@pytest.fixture()
def audit(client: obs.Client) -> Iterator[obs.Audit]:
    client.store.put("raw/a", b"bytes")
    client.audit.checkpoint()
    yield client.audit


def record(audit: obs.Audit, **wanted: Any) -> dict[str, Any]:
    return next(audit.query(**wanted))


def alter(workspace: Path) -> None:
    """One bit of the first record, in the bundle of each checkpoint."""
    bundles = [path for path in (workspace / "audit" / "log" / "tile" / "entries").rglob("*") if path.is_file()]
    assert bundles
    for bundle in bundles:
        content = bytearray(bundle.read_bytes())
        content[40] ^= 1
        bundle.chmod(0o600)
        bundle.write_bytes(content)


def test_before_the_first_checkpoint(client: obs.Client) -> None:
    with pytest.raises(obs.NotFoundError, match="key"):
        client.audit.key
    with pytest.raises(obs.NotFoundError) as raised:
        client.audit.verify()
    assert raised.value.report is None


def test_the_log_is_verified(audit: obs.Audit, workspace: Path) -> None:
    report = audit.verify()
    assert report["records"] == report["verified"] >= 1 and report["problems"] == [] and report["anchored"] == report["records"]
    kept = (workspace / "audit" / "log" / "checkpoint").read_bytes()
    audit.checkpoint()
    assert audit.verify(checkpoint=kept)["records"] > report["records"]
    assert audit.verify(checkpoint=kept.decode(), key=audit.key, unanchored=True)["problems"] == []


def test_an_altered_log_is_refused_with_a_report(audit: obs.Audit, workspace: Path) -> None:
    alter(workspace)
    with pytest.raises(obs.DataLossError) as raised:
        audit.verify()
    assert raised.value.report is not None and raised.value.report["problems"] and isinstance(raised.value, OSError)
    assert raised.value.status is obs.Status.DATA_LOSS and str(raised.value)


def test_without_an_anchor_it_does_not_say_yes(workspace: Path, tmp_path: Path) -> None:
    with obs.open(workspace) as client:
        client.audit.checkpoint()
        for anchor in (tmp_path / "state").rglob("anchor"):
            shutil.rmtree(anchor) if anchor.is_dir() else anchor.unlink()
        with pytest.raises(obs.FailedPreconditionError) as raised:
            client.audit.verify()
        assert raised.value.report is not None and raised.value.report["problems"] == []
        assert client.audit.verify(unanchored=True)["anchored"] in (0, None)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"checkpoint": "not a checkpoint"}, obs.Error),
        ({"key": "not a key"}, obs.InvalidArgumentError),
        ({"checkpoint": 7}, TypeError),
        ({"key": "a\0b"}, ValueError),
    ],
)
def test_verifying_with_nonsense(audit: obs.Audit, arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        audit.verify(**arguments)
    assert audit.verify()["problems"] == []


def test_proofs_are_checked_anywhere(audit: obs.Audit) -> None:
    row = record(audit, action="store.put")
    proof, key = audit.prove(row["id"]), audit.key
    found = obs.check_proof(proof, key)
    assert (found["id"], found["action"], found["object"], found["subject"]) == (row["id"], "store.put", None, None)
    clear = obs.check_proof(audit.prove(row["id"], clear=True).encode(), key)
    assert clear["object"] == "raw/a" and clear["subject"] == row["subject"]
    lines = proof.split("\n")
    lines[3], lines[4] = lines[4], lines[3]  # two hashes
    with pytest.raises(obs.DataLossError):
        obs.check_proof("\n".join(lines), key)
    with pytest.raises(obs.InvalidArgumentError, match="no proof"):
        obs.check_proof("nonsense", key)
    with pytest.raises(obs.InvalidArgumentError):
        obs.check_proof(proof, "nonsense")
    with pytest.raises(obs.NotFoundError, match="'nobody'"):
        audit.prove("nobody")


def test_a_person_is_erased_and_proofs_still_hold(client: obs.Client) -> None:
    with client.acting_as(subject="user:ada") as ada:
        ada.store.put("raw/ada", b"")
    client.audit.checkpoint()
    row, key = record(client.audit, subject="user:ada"), client.audit.key
    proof = client.audit.prove(row["id"])
    assert client.audit.erase("user:ada") >= 1
    assert list(client.audit.query(subject="user:ada", action="store.put")) == []
    assert obs.check_proof(proof, key)["id"] == row["id"] == obs.check_proof(client.audit.prove(row["id"]), key)["id"]
    report = client.audit.verify()
    assert report["erased"] >= 1 and report["problems"] == []
    with pytest.raises(obs.NotFoundError):
        client.audit.erase("user:nobody")


def test_the_policy(client: obs.Client) -> None:
    policy = client.audit.policy
    assert policy["change"] == "fail-closed" and policy["retention_days"] >= 0
    client.audit.set_policy(read="fail-closed", retention_days=policy["retention_days"] + 1)
    assert client.audit.policy == {**policy, "read": "fail-closed", "retention_days": policy["retention_days"] + 1}
    for bad in ({"read": "sometimes"}, {"nonsense": 1}, {"retention_days": "many"}):
        with pytest.raises(obs.InvalidArgumentError):
            client.audit.set_policy(**bad)
    with pytest.raises(TypeError):
        client.audit.set_policy(read=obs.Secret("x"))
    with client.acting_as(token=client.token.issue(scope="storage.read:/")) as other, pytest.raises(obs.PermissionDeniedError):
        other.audit.set_policy(read="fail-open")


def test_verifying_beside_writers(client: obs.Client) -> None:
    ended = threading.Event()

    def work() -> None:
        number = 0
        while not ended.is_set():
            client.store.put(f"k/{number}", b"")
            number += 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        last = 0
        for _ in range(10):
            client.audit.checkpoint()
            report = client.audit.verify()
            assert report["problems"] == [] and report["records"] >= last
            last = report["records"]
    finally:
        ended.set()
        for thread in threads:
            thread.join()


AGE = Path(__file__).resolve().parents[3] / "tests" / "audit" / "age.py"


def test_what_is_old_is_sealed(workspace: Path, tmp_path: Path) -> None:
    with obs.open(workspace) as client:
        for number in range(300):
            client.store.put(f"raw/{number}", b"x")
    subprocess.run([sys.executable, AGE, workspace, tmp_path / "state", "40"], check=True)
    with obs.open(workspace) as client:
        audit = client.audit
        assert audit.seal() == 0 and audit.policy["retention_days"] == 0
        audit.set_policy(retention_days=30)
        audit.checkpoint()
        old = record(audit)["id"]
        before = audit.prove(old)
        assert audit.seal() == 256
        assert audit.seal() == 0
        assert audit.verify()["sealed"] == 256
        assert record(audit)["sealed"] == 256
        for proof in (before, audit.prove(old)):
            assert obs.check_proof(proof, audit.key)["id"] == old
        said = [row["count"] for row in audit.query(action="audit.seal") if row["class"] == "change"]
        assert said == [1, 256, 1]
    segment = workspace / "audit" / "log" / "tile" / "entries" / "000.zst"
    segment.write_bytes(segment.read_bytes()[:-1])
    with obs.open(workspace) as client, pytest.raises(obs.DataLossError, match="record 0"):
        client.audit.verify()


def test_who_may_not_seal(workspace: Path) -> None:
    with obs.open(workspace) as client, client.acting_as(subject="user:ada") as ada:
        with pytest.raises(obs.PermissionDeniedError):
            ada.audit.seal()

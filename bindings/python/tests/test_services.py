from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from pathlib import Path

import pytest

import obs

SCHEMA = {"type": "object", "required": ["mag"], "properties": {"mag": {"type": "number", "maximum": 30}}}


def test_units_are_all_or_nothing(client: obs.Client) -> None:
    with client.unit() as unit:
        unit.put("u/1", b"1", labels={"night": "2026-11-20"}, values={"mag": 17.3})
        unit.publish("org.example.made", subject="u/1", data={"mag": 17.3})
    assert bytes(client.store.get("u/1")) == b"1"
    with pytest.raises(RuntimeError), client.unit() as unit:
        unit.put("u/2", b"2")
        raise RuntimeError
    assert not client.store.exists("u/2")
    with pytest.raises(FileExistsError), client.unit() as unit:
        unit.put("u/3", b"3")
        unit.put("u/1", b"again", if_none_match="*")
    assert not client.store.exists("u/3")


def test_search(client: obs.Client) -> None:
    for i in range(20):
        client.store.put(f"f/{i}", b"", labels={"night": str(i % 2)}, values={"mag": 10 + i})
    found = [row["key"] for row in client.catalog.search("night=1 mag<15")]
    assert found == ["f/1", "f/3"]
    client.catalog.label("f/1", {"night": "", "checked": "yes"})
    assert [row["key"] for row in client.catalog.search("checked=yes")] == ["f/1"]
    assert client.catalog.get("f/1")["labels"] == {"checked": "yes"}
    with pytest.raises(obs.InvalidArgumentError) as raised:
        client.catalog.search("mag<")
    assert raised.value.column > 0


def test_lineage(client: obs.Client) -> None:
    client.store.put("raw/a", b"a")
    client.store.put("mid", b"m", made_from=["raw/a"])
    client.store.put("top", b"t", made_from=["mid"], labels={"function": "f@1"})
    assert [(row["key"], row["depth"]) for row in client.catalog.lineage("top")] == [("top", 0), ("mid", 1), ("raw/a", 2)]
    assert [row["key"] for row in client.catalog.lineage("raw/a", down=True, depth=1)] == ["raw/a", "mid"]
    assert [row["more"] for row in client.catalog.lineage("top", nodes=2)] == [False, True]
    assert client.catalog.why("top")["since"] == []
    client.store.put("top", b"t", made_from=["mid"], labels={"function": "f@2"})
    why = client.catalog.why("top")
    assert why["same"] is True
    assert why["differs"] == [{"what": "label", "name": "function", "before": "f@1", "now": "f@2"}]
    with pytest.raises(obs.NotFoundError):
        client.catalog.lineage("absent")
    with pytest.raises(obs.InvalidArgumentError):
        client.catalog.lineage("top", nodes=1_000_001)


def test_events(client: obs.Client) -> None:
    identity = client.bus.publish("org.example.a", subject="s", data={"x": 1})
    with client.bus.subscribe("tests", type="org.example.*") as subscription:
        delivery = subscription.next(timeout=60)
        assert delivery is not None and delivery.event.id == identity and delivery.event.json() == {"x": 1}
        subscription.acknowledge(delivery)
        assert subscription.next(timeout=0) is None
    event = obs.Event.from_json(json.dumps({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "ext": "e"}))
    assert event.extensions == {"ext": "e"}
    assert obs.Event.from_json(event.to_json()) == event


def test_filters_choose_events(client: obs.Client) -> None:
    client.bus.publish("org.example.a", subject="s1")
    identity = client.bus.publish("org.example.a", subject="s2")
    with client.bus.subscribe("tests", type="org.example.*", filter="subject = 's2'") as subscription:
        delivery = subscription.next(timeout=60)
        assert delivery is not None and delivery.event.id == identity
        assert subscription.next(timeout=0) is None
    with pytest.raises(obs.InvalidArgumentError, match="expected a value") as raised:
        client.bus.subscribe("wrong", filter="subject =")
    assert raised.value.column == 10


def test_waiting_can_be_cancelled(client: obs.Client) -> None:
    cancel = obs.Cancel()
    threading.Timer(0.1, cancel.set).start()
    with client.bus.subscribe("tests") as subscription, pytest.raises(obs.CancelledError):
        subscription.next(cancel=cancel)


def test_ingestion(client: obs.Client) -> None:
    client.ingest.define("test.star", SCHEMA)
    key = client.ingest.record("test.star", {"mag": 17.3}, labels={"night": "1"}, origin="file:1")
    assert key.startswith("records/test.star/")
    with pytest.raises(obs.RefusedError, match="mag"):
        client.ingest.record("test.star", {"mag": 99})
    assert client.ingest.records("test.star", [{"mag": i} for i in range(40)]) == (31, 9)
    client.ingest.refuse("test.star", "garbage", "not a star", origin="file:2")
    client.ingest.file("raw/x", b"bytes", origin="x")
    log = list(client.ingest.log())
    assert len([r for r in log if r["result"] == "accepted"]) == 33
    assert len(list(client.ingest.log(result="refused", table="test.star"))) == 11
    with pytest.raises(obs.FailedPreconditionError):
        client.ingest.define("test.star", {**SCHEMA, "required": ["mag", "band"]})


def test_audit_names_everything(client: obs.Client) -> None:
    client.store.put("k", b"")
    client.store.get("k")
    rows = list(client.audit.query(object="k"))
    assert {row["action"] for row in rows} >= {"store.put", "store.get"}
    assert all(row["subject"] == client.subject for row in rows)


def test_tenants_do_not_see_each_other(workspace: Path) -> None:
    with obs.open(workspace) as client:
        client.create_tenant("weather")
        client.store.put("k", b"mine")
        with obs.open(workspace, tenant="weather") as other:
            assert not other.store.exists("k")
            other.store.put("k", b"theirs")
        assert bytes(client.store.get("k")) == b"mine"
        assert {row["name"] for row in client.tenants()} == {"default", "weather"}
        with client.acting_as(tenant="weather") as other:
            assert bytes(other.store.get("k")) == b"theirs"


def test_asyncio(client: obs.Client) -> None:
    async def run() -> None:
        await asyncio.gather(*(client.aio.put(f"a/{i}", bytes([i]) * 1000) for i in range(50)))
        got = await asyncio.gather(*(client.aio.get(f"a/{i}") for i in range(50)))
        assert [bytes(b)[0] for b in got] == list(range(50))
        assert (await client.aio.head("a/1")).size == 1000
        with pytest.raises(FileNotFoundError):
            await client.aio.get("nothing")
        task = asyncio.ensure_future(client.aio.get("a/1"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.aio.delete("a/1")

    asyncio.run(run())
    asyncio.run(run())


def test_fork(client: obs.Client) -> None:
    client.store.put("k", b"v")
    child = os.fork()
    if child == 0:
        good = bytes(client.store.get("k")) == b"v"
        client.store.put("child", b"c")
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert bytes(client.store.get("child")) == b"c"


def test_no_workspace_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OBS_WORKSPACE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(obs.NoWorkspaceError, match="obsctl init"):
        obs.open()


def test_whoami_health_and_check(client: obs.Client) -> None:
    assert client.whoami()["boundary"] == "none"
    assert client.health()["status"] == "ok"
    client.store.put("k", b"v")
    assert list(client.check())[-1]["problems"] == 0
    assert obs.metrics().rstrip().endswith("# EOF")


def test_exceptions_match_the_table_of_the_library() -> None:
    from obs import _errors, _obs

    for status in obs.Status:
        assert _obs.status_name(int(status)) == status.name
        if status not in (obs.Status.OK, obs.Status.UNKNOWN):
            assert status in _errors._CLASSES


def test_timeouts_are_kept(client: obs.Client) -> None:
    started = time.monotonic()
    with client.bus.subscribe("tests") as subscription:
        assert subscription.next(timeout=0.1) is None
    assert 0.1 <= time.monotonic() - started < 60

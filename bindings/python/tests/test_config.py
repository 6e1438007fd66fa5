"""The configuration as Python has it: types, settings, snapshots as mappings, changes for threads and for asyncio."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import obs
from obs import _obs

DOCUMENT = """\
ccd:
  gain: 1.5
  bin: 2
  cooled: true
  exposure: 1h30m
  memory: 64MiB
  filter: V
sites: [{name: La Silla, lat: -29.25}, {name: Paranal}]
hosts: {db.example.org: 1, db: {example: {org: 2}}, 'a\\b': 3}
empty: {}
nothing: [null]
"""


def replace(workspace: Path, text: str, name: str = "config.yaml") -> None:
    """As editors do it: a new file in the place of the old one."""
    made = workspace / ".new"
    made.write_text(text)
    made.rename(workspace / name)


def configure(workspace: Path, text: str, lines: str = "") -> None:
    """The document, and lines of obs.yaml that take the place of those that are there."""
    file = workspace / "obs.yaml"
    names = tuple(line.split(":")[0] + ":" for line in lines.splitlines())
    kept = [line for line in file.read_text().splitlines(True) if not (names and line.startswith(names))]
    file.write_text("".join(kept) + lines)
    replace(workspace, text)


@pytest.fixture()
def config(workspace: Path) -> Iterator[obs.Config]:
    configure(workspace, DOCUMENT)
    with obs.open(workspace) as client:
        yield client.config


def test_values_have_types(config: obs.Config) -> None:
    assert config.get("ccd.gain", float) == 1.5 and type(config.get("ccd.bin", float)) is float
    assert config.get("ccd.bin", int) == 2 and config.get("ccd.cooled", bool) is True
    assert config.get("ccd.exposure", obs.duration) == timedelta(hours=1, minutes=30)
    assert config.get("ccd.memory", obs.size) == 64 << 20 == config.get("ccd.memory", obs.size, default=1)
    assert config.get("ccd.filter", str) == "V" and config.get("sites.1.name", str) == "Paranal"
    assert config.get("sites", list) == [{"name": "La Silla", "lat": -29.25}, {"name": "Paranal"}]
    assert config.get("sites.0", dict[str, Any])["lat"] == -29.25 and config.get("nothing", list[None]) == [None]
    assert config.get("hosts.db\\.example\\.org", int) == 1 and config.get("hosts.db.example.org", int) == 2
    assert config.get("hosts.a\\\\b", int) == 3 and config.get("empty", dict) == {}
    assert config.get("ccd.none", float, 7.5) == 7.5 and config.get("ccd.none", str, default=None) is None


@pytest.mark.parametrize(
    ("name", "kind", "error", "message"),
    [
        ("ccd.filter", float, obs.InvalidArgumentError, "config.yaml:7:11: 'ccd.filter' is a text, not a number"),
        ("ccd.gain", int, obs.InvalidArgumentError, "config.yaml:2:9: 'ccd.gain' is a number, not an integer"),
        ("ccd.cooled", int, obs.InvalidArgumentError, "config.yaml:4:11: 'ccd.cooled' is true or false, not an integer"),
        ("ccd.gain", obs.duration, obs.InvalidArgumentError, "not a time span as in 250ms"),
        ("ccd.filter", obs.size, obs.InvalidArgumentError, "not a size as in 64MiB"),
        ("ccd", str, obs.InvalidArgumentError, "'ccd' is a mapping, not a text"),
        ("ccd", list, obs.InvalidArgumentError, "'ccd' is a mapping, not a list"),
        ("ccd.gain", dict, obs.InvalidArgumentError, "config.yaml:2:9: 'ccd.gain' is a number, not a mapping"),
        ("sites", dict, obs.InvalidArgumentError, "config.yaml:8:8: 'sites' is a list, not a mapping"),
        ("ccd.filter", obs.Secret, obs.InvalidArgumentError, "not a secret: write ${secret:env:NAME}"),
        ("ccd.gian", float, obs.NotFoundError, "did you mean 'ccd.gain'?"),
        ("telescope", dict, obs.NotFoundError, "there is no 'telescope'"),
        ("ccd.gain", complex, TypeError, "a value is a bool, int, float, str, dict, list"),
        ("ccd.gain", None, TypeError, "not None"),
        ("ccd\0gain", float, ValueError, "null character"),
    ],
)
def test_refusals(config: obs.Config, name: str, kind: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        config.get(name, kind)
    assert message in str(raised.value)
    if error is not obs.NotFoundError:
        with pytest.raises(error):  # a default is for what is not there
            config.get(name, kind, default=1)
    assert not isinstance(raised.value, obs.NotFoundError) or isinstance(raised.value, KeyError)


def test_settings(config: obs.Config, workspace: Path) -> None:
    gain = config.setting("ccd.gain", float, default=1.0, minimum=0.1, maximum=10)
    exposure = config.setting("ccd.exposure", obs.duration, minimum=timedelta(seconds=1), maximum="2h")
    assert (gain.value, exposure.value) == (1.5, timedelta(minutes=90))
    assert config.setting("ccd.bin", int).value == 2 and config.setting("ccd.cooled", bool).value is True
    assert config.setting("ccd.memory", obs.size, maximum=1 << 30).value == 64 << 20
    assert config.setting("ccd.filter", str).value == "V"
    assert config.setting("x.a", float, default=1e-5).value == 1e-5
    assert config.setting("x.b", obs.duration, default=timedelta(microseconds=250)).value == timedelta(microseconds=250)
    assert config.setting("x.c", obs.duration, default="250ms").value == timedelta(milliseconds=250)
    assert config.setting("x.d", bool, default=False).value is False
    assert config.setting("x.e", str, default="1.5").value == "1.5"
    assert config.setting("x.f", obs.size, default=4096).value == 4096
    assert config.setting("camera.gain", float, renamed="ccd.gain").value == 1.5
    assert repr(gain) == "<obs.Setting 'ccd.gain' = 1.5>"
    replace(workspace, DOCUMENT.replace("1.5", "99"))
    with pytest.raises(obs.RefusedError, match=r"config.yaml:2:9: 'ccd.gain' is more than 10"):
        config.refresh()
    assert gain.value == 1.5
    with gain:
        replace(workspace, DOCUMENT.replace("1.5", "9.25"))
        config.refresh()
        assert gain.value == 9.25
    with pytest.raises(ValueError, match="closed"):
        gain.value
    assert repr(gain) == "<obs.Setting 'ccd.gain' closed>"
    replace(workspace, DOCUMENT.replace("1.5", "99"))
    config.refresh()  # nobody holds the bound any more
    assert config.get("ccd.gain", float) == 99


@pytest.mark.parametrize(
    ("name", "kind", "options", "error", "message"),
    [
        ("ccd.none", int, {}, obs.NotFoundError, "there is no 'ccd.none'"),
        ("ccd.filter", int, {}, obs.InvalidArgumentError, "'ccd.filter' is a text"),
        ("ccd.bin", int, {"maximum": 1}, obs.OutOfRangeError, "'ccd.bin' is more than 1"),
        ("ccd.bin", int, {"default": "much"}, obs.InvalidArgumentError, "'standard' of a setting is 'much', not an integer"),
        ("ccd.filter", str, {"minimum": "A"}, obs.InvalidArgumentError, "a text has no smallest or largest value"),
        ("sites", list, {}, TypeError, "a setting is a bool, int, float, str"),
        ("mpc.password", obs.Secret, {}, TypeError, "use get()"),
        ("ccd.bin", int, {"default": object()}, TypeError, "a document has no form for object"),
        ("ccd.bin", int, {"default": obs.Secret(b"canary")}, TypeError, "a secret is never written into a document"),
    ],
)
def test_settings_that_cannot_be(
    config: obs.Config, name: str, kind: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        config.setting(name, kind, **options)
    assert message in str(raised.value)


def test_a_snapshot_is_a_mapping(config: obs.Config, workspace: Path) -> None:
    snapshot = config.snapshot()
    assert isinstance(snapshot, Mapping) and issubclass(type(snapshot["ccd"]), Mapping) and len(snapshot) == 5 and len(snapshot["ccd"]) == 6
    assert list(snapshot) == ["ccd", "sites", "hosts", "empty", "nothing"] == list(snapshot.keys())
    assert snapshot["ccd"]["gain"] == snapshot["ccd.gain"] == snapshot.get("ccd.gain") == 1.5
    assert snapshot["sites.1.name"] == snapshot["sites"][1]["name"] == "Paranal" and snapshot["nothing"] == [None]
    assert snapshot["hosts"]["db.example.org"] == 1 == snapshot["hosts.db\\.example\\.org"] and snapshot["hosts.db.example.org"] == 2
    assert snapshot["hosts"]["a\\b"] == 3 == snapshot["hosts.a\\\\b"]
    assert "ccd.gain" in snapshot and "gain" in snapshot["ccd"] and "ccd.gian" not in snapshot and not snapshot.__contains__(7)
    for absent in ("sites.2", "sites.-1", "sites.01", "sites.²", "ccd.gain.x", "", "ccd.", "ccd\\"):
        assert absent not in snapshot and snapshot.get(absent, 1) == 1
    for path in walk(snapshot):  # what iterating gives can be asked for
        path()
    with pytest.raises(KeyError, match=r"did you mean 'ccd.gain'\?"):
        snapshot["ccd"]["gian"]
    with pytest.raises(TypeError):
        snapshot["ccd"] = 1  # type: ignore[index]
    assert snapshot.value("ccd.exposure", obs.duration) == snapshot["ccd"].value("exposure", obs.duration)
    with pytest.raises(ValueError, match="config.yaml:7:11: 'ccd.filter' is a text"):
        snapshot["ccd"].value("filter", int)
    snapshot["sites"].clear()
    assert snapshot == config.snapshot() == snapshot.to_dict() and snapshot["ccd"] != snapshot and snapshot != 1
    assert snapshot["ccd"] == {**config.get("ccd", dict)} and "1.5" in repr(snapshot) and repr(snapshot).startswith("Snapshot({")
    with pytest.raises(TypeError):
        hash(snapshot)
    match snapshot:
        case {"ccd": {"gain": float(gain)}}:
            assert gain == 1.5
    replace(workspace, "ccd: {gain: 2.5}\n")
    config.refresh()
    assert snapshot["ccd.gain"] == snapshot.value("ccd.gain", float) == 1.5 and config.snapshot()["ccd.gain"] == 2.5
    assert config.snapshot().version == snapshot.version + 1 == config.version


def walk(mapping: Mapping[str, Any]) -> Iterator[Callable[[], Any]]:
    for key, value in mapping.items():
        yield partial(mapping.__getitem__, key)
        if isinstance(value, Mapping):
            yield from walk(value)


def test_a_snapshot_goes_elsewhere_as_a_dict(config: obs.Config) -> None:
    snapshot = config.snapshot()
    again = pickle.loads(pickle.dumps(snapshot))
    assert type(again) is dict and again == snapshot and type(pickle.loads(pickle.dumps(snapshot["ccd"]))) is dict
    assert copy.copy(snapshot) is snapshot and copy.deepcopy({"a": snapshot})["a"] is snapshot
    assert json.loads(json.dumps(snapshot.to_dict())) == snapshot
    plain = snapshot.to_dict()
    plain["sites"][0]["name"] = "elsewhere"
    assert snapshot["sites.0.name"] == "La Silla"


def test_a_snapshot_outlives_its_client(workspace: Path) -> None:
    configure(workspace, DOCUMENT)
    with obs.open(workspace) as client:
        config, snapshot, gain = client.config, client.config.snapshot(), client.config.setting("ccd.gain", float)
    with pytest.raises(ValueError, match="closed"):
        config.get("ccd.gain", float)
    gc.collect()
    assert snapshot["ccd"].value("bin", int) == 2 and snapshot["ccd.filter"] == "V" and gain.value == 1.5


def test_without_documents_and_with_bad_ones(workspace: Path) -> None:
    with obs.open(workspace) as client:
        assert client.config.get("a.b", int, 3) == 3 and not client.config.snapshot()
    configure(workspace, "a: [1\n")
    with obs.open(workspace) as client, pytest.raises(obs.RefusedError, match="config.yaml:"):
        client.config.get("a", int, 3)


def test_where_values_come_from(config: obs.Config) -> None:
    (row,) = config.explain("ccd.gain")
    assert (row["name"], row["value"], row["layer"], row["place"]) == ("ccd.gain", 1.5, "file:config.yaml", "config.yaml:2:9")
    assert len(list(config.explain("ccd"))) == 6 and len(list(config.explain())) > 6
    with pytest.raises(KeyError):
        config.explain("nobody")
    (source,) = config.sources()
    assert source["layer"] == "file:config.yaml" and source["state"] == "ok"


def test_documents_are_validated(workspace: Path) -> None:
    configure(workspace, "ccd: {gain: 1}\n", "schema: file:config.schema.json\n")
    schema = {"properties": {"ccd": {"properties": {"gain": {"type": "number", "maximum": 10}}}}}
    replace(workspace, json.dumps(schema), "config.schema.json")
    with obs.open(workspace) as client:
        client.config.validate("ccd: {gain: 2}\n")
        client.config.validate(b"{}", "new.yaml")
        with pytest.raises(obs.RefusedError, match="new.yaml:1:13") as raised:
            client.config.validate("ccd: {gain: 99}\n", "new.yaml")
        assert (raised.value.line, raised.value.column) == (1, 13)
        with pytest.raises(obs.InvalidArgumentError, match="2:"):
            client.config.validate("a: 1\na: 2\n")
        replace(workspace, "ccd: {gain: 99}\n")
        with pytest.raises(obs.RefusedError, match="config.yaml:1:13"):
            client.config.refresh()
        assert client.config.get("ccd.gain", float) == 1
        assert next(client.config.sources())["state"] == "refused"


def test_values_are_set(config: obs.Config, workspace: Path) -> None:
    path = workspace / "config.yaml"
    replace(workspace, "# site\nccd:\n  gain: 1.5  # measured\n")
    config.refresh()
    for name, value in {
        "ccd.gain": 1.7, "ccd.bin": 4, "ccd.on": False, "ccd.filter": "1.5", "ccd.note": 'a "b" # ä: {',
        "ccd.exposure": timedelta(minutes=90), "ccd.small": timedelta(microseconds=1500), "ccd.list": [1, "a", None],
        "ccd.map": {"a": {"b": timedelta(seconds=2)}},
    }.items():
        config.set(name, value)
    assert config.snapshot()["ccd"].to_dict() == {
        "gain": 1.7, "bin": 4, "on": False, "filter": "1.5", "note": 'a "b" # ä: {', "exposure": "90m", "small": "1500us",
        "list": [1, "a", None], "map": {"a": {"b": "2s"}},
    }
    assert "# site" in path.read_text() and "gain: 1.7  # measured" in path.read_text()
    config.set("ccd.again", config.snapshot()["ccd"]["map"])
    assert config.get("ccd.again.a.b", obs.duration) == timedelta(seconds=2)
    config.unset("ccd.again")
    assert "ccd.again" not in config.snapshot()
    before = path.read_text()
    config.set("ccd.gain", 3, dry_run=True)
    etag = next(config.explain("ccd.gain"))["etag"]
    assert path.read_text() == before
    config.set("ccd.gain", 3, if_match=etag, layer="file:config.yaml")
    with pytest.raises(obs.AbortedError):
        config.set("ccd.gain", 4, if_match=etag)
    with config.setting("ccd.gain", float, maximum=5), pytest.raises(obs.RefusedError, match="is more than 5"):
        config.set("ccd.gain", 6)
    with pytest.raises(obs.InvalidArgumentError, match="no layer 'file:other.yaml'"):
        config.set("ccd.gain", 4, layer="file:other.yaml")
    assert config.get("ccd.gain", float) == 3
    for bad, error in ((float("nan"), ValueError), ({1, 2}, TypeError), (b"bytes", TypeError)):
        with pytest.raises(error):
            config.set("ccd.gain", bad)


def test_documents_are_signed(workspace: Path) -> None:
    replace(workspace, "version: 1\n")
    with obs.open(workspace) as client:
        document, key = client.config.sign("version: 7\nccd: {gain: 1.5}\n")
        with pytest.raises(obs.InvalidArgumentError, match="version"):
            client.config.sign(b"ccd: {gain: 1.5}\n")
    configure(workspace, document.decode(), f"config: [{{url: file:config.yaml, key: '{key}'}}]\n")
    with obs.open(workspace) as client:
        assert client.config.get("ccd.gain", float) == 1.5 and next(client.config.sources())["version"] == 7
        with pytest.raises(obs.FailedPreconditionError, match="signed"):
            client.config.set("ccd.gain", 2, layer="file:config.yaml")


def test_waiting(config: obs.Config, workspace: Path) -> None:
    version = config.wait(0)
    assert version == config.version == 1
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        config.wait(version, timeout=0.1)
    assert 0.1 <= time.monotonic() - begun < 60
    changes = config.changes()
    replace(workspace, "ccd: {gain: 2.5}\n")
    assert next(changes) == 2 and config.get("ccd.gain", float) == 2.5  # the watch saw it
    assert next(config.changes(since=0)) == 2 == next(config.changes(since=1))
    cancel = obs.Cancel()
    threading.Timer(0.1, cancel.set).start()
    with pytest.raises(obs.CancelledError):
        for _ in config.changes(cancel=cancel):
            raise AssertionError("nothing changed")


def test_a_cancel_token_lives_as_long_as_its_calls(config: obs.Config, workspace: Path) -> None:
    def descriptors() -> set[str]:
        """Of its kind: the watch opens files, too, whenever it likes."""
        gc.collect()
        kind = "anon_inode:[eventfd]"
        return {path.name for path in Path("/proc/self/fd").iterdir() if path.is_symlink() and os.readlink(path) == kind}

    version, before = config.wait(0), descriptors()
    calls = [obs.Call(timeout=600, cancel=obs.Cancel())._tuple()]
    (token,) = descriptors() - before

    def wait() -> None:
        _obs.config_wait(config._handle, version, calls.pop())

    thread = threading.Thread(target=wait)
    thread.start()
    while calls:
        time.sleep(0.001)
    assert token in descriptors() and thread.is_alive()
    replace(workspace, "ccd: {gain: 2.5}\n")  # which ends the call
    thread.join()
    assert token not in descriptors()


def test_changes_in_asyncio(config: obs.Config, workspace: Path) -> None:
    def waiting() -> int:
        return sum(thread.name.startswith("asyncio_") for thread in threading.enumerate())

    async def run() -> None:
        seen = []
        for i in range(3):
            with pytest.raises(TimeoutError):  # who gives up waiting misses nothing
                await asyncio.wait_for(anext(changes), 0.05)
        replace(workspace, "ccd: {gain: 2.5}\n")
        async with asyncio.timeout(120):
            async for version in changes:
                seen.append((version, config.get("ccd.gain", float)))
                if version == 3:
                    break
                replace(workspace, "ccd: {gain: 3.5}\n")
        assert seen == [(2, 2.5), (3, 3.5)]
        tasks = [asyncio.ensure_future(anext(config.changes())) for _ in range(3)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        assert all(isinstance(r, asyncio.CancelledError) for r in await asyncio.gather(*tasks, return_exceptions=True))

    changes = config.changes()
    begun = time.monotonic()
    asyncio.run(run())  # ends only when its threads have
    assert time.monotonic() - begun < 300 and waiting() == 0


def test_threads_read_while_a_writer_changes(config: obs.Config, workspace: Path) -> None:
    """Each snapshot is one document, whatever is written meanwhile, and values never go back."""
    failed: list[BaseException] = []
    ended = threading.Event()
    first = config.setting("pair.first", int, default=0)

    def work() -> None:
        last = 0
        try:
            while not ended.is_set():
                pair = config.snapshot().get("pair", {"first": 0, "second": 0})
                assert pair["first"] == pair["second"] == pair.get("first")
                value = config.get("pair.first", int, 0)
                assert value >= last and first.value >= value
                last = value
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(1, 60):
        replace(workspace, f"pair: {{first: {i}, second: {i}}}\n")
        config.refresh()
    ended.set()
    for thread in threads:
        thread.join()
    assert not failed and config.get("pair.second", int) == 59 == first.value


def test_a_forked_child_reads(config: obs.Config) -> None:
    gain, snapshot = config.setting("ccd.gain", float), config.snapshot()
    child = os.fork()
    if child == 0:
        good = snapshot["ccd.gain"] == gain.value == config.get("ccd.gain", float) == 1.5
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0

"""What a Python program may expect of its runtime: threads, signals, fork, exit, memory, types."""

from __future__ import annotations

import ast
import gc
import inspect
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

import obs
from obs import _obs


def run(workspace: Path, program: str, *, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own, with `client` open."""
    text = f"import obs, os, sys, threading\nclient = obs.open({str(workspace)!r})\n" + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-X", "dev", "-c", text], capture_output=True, text=True, timeout=timeout)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_the_stub_names_what_the_extension_has() -> None:
    stub = Path(obs.__file__).with_name("_obs.pyi").read_text()
    named = {node.name for node in ast.parse(stub).body if isinstance(node, ast.FunctionDef)}
    there = {name for name, value in vars(_obs).items() if inspect.isbuiltin(value)}
    assert named == {name for name in there if not name.startswith(("SWIG_", "_"))}


def test_everything_public_is_documented() -> None:
    missing = []
    for name in obs.__all__:
        thing = getattr(obs, name)
        if not inspect.getdoc(thing):
            missing.append(name)
        if inspect.isclass(thing) and thing.__module__.startswith("obs."):
            for part, value in vars(thing).items():
                function = getattr(value, "__func__", getattr(value, "func", getattr(value, "fget", value)))
                if not part.startswith("_") and inspect.isfunction(function) and not function.__doc__:
                    missing.append(f"{name}.{part}")
    assert not missing


def test_one_binary_for_all_versions_of_python() -> None:
    assert _obs.__file__.endswith(".abi3.so")


def test_a_waiting_call_stops_no_other_thread(client: obs.Client) -> None:
    with client.bus.subscribe("tests") as subscription:
        got: list[obs.Delivery | None] = []
        thread = threading.Thread(target=lambda: got.append(subscription.next(600.0)))
        thread.start()
        for _ in range(100_000):  # this thread goes on, and ends the wait of the other
            pass
        assert thread.is_alive()
        client.bus.publish("org.example.a")
        thread.join(300)
        assert not thread.is_alive() and got[0] is not None


def test_ctrl_c_ends_a_wait(client: obs.Client) -> None:
    with client.bus.subscribe("tests") as subscription, pytest.raises(KeyboardInterrupt):
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        subscription.next()  # which would wait for ever


def test_ctrl_c_ends_a_wait_for_changes(client: obs.Client) -> None:
    changes = client.config.changes()
    with pytest.raises(KeyboardInterrupt):
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        next(changes)  # which would wait for ever


@pytest.mark.parametrize(
    "call",
    [
        "client.store.put('k', b'v')",
        "client.store.delete('there')",
        "client.bus.publish('org.example.a')",
        "client.ingest.file('raw/x', b'')",
        "client.catalog.label('there', {'a': 'b'})",
        "client.store.put('k', b'v', call=obs.Call(timeout=120))",
    ],
)
def test_ctrl_c_ends_a_call_that_waits_for_another_process(workspace: Path, call: str) -> None:
    with obs.open(workspace) as client:
        client.store.put("there", b"")
    ended = run(
        workspace,
        f"""
        import fcntl, signal, time
        seen = []
        def count(number, frame):  # raises nothing: the call goes on
            signal.signal(signal.SIGINT, signal.default_int_handler)
            seen.append(number)
        signal.signal(signal.SIGINT, count)
        lock = os.open({str(workspace / "tenants" / "default" / "lock")!r}, os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)  # as another writer does
        def interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            while not seen:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
        try:
            threading.Timer(0.2, interrupt).start()
            {call}
            print("not interrupted")
        except KeyboardInterrupt:
            print("interrupted" if seen else "at once")
        fcntl.flock(lock, fcntl.LOCK_UN)
        client.store.put("k", b"v")
        """,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "interrupted\n", "")


def test_ctrl_c_ends_a_commit_that_waits(workspace: Path) -> None:
    with obs.open(workspace) as client:
        client.store.put("there", b"")
    ended = run(
        workspace,
        f"""
        import fcntl, signal
        lock = os.open({str(workspace / "tenants" / "default" / "lock")!r}, os.O_RDWR)
        try:
            with client.unit() as unit:
                unit.put("u", b"v")
                fcntl.flock(lock, fcntl.LOCK_EX)
                threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        except KeyboardInterrupt:
            fcntl.flock(lock, fcntl.LOCK_UN)
            print("there" if client.store.exists("u") else "nothing of it happened")
        """,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "nothing of it happened\n", "")


def test_no_signal_handler_stays(client: obs.Client) -> None:
    def action() -> str:  # SigCgt and the handler that Python knows
        return Path("/proc/self/status").read_text().split("SigCgt:")[1].split()[0]

    before = action(), signal.getsignal(signal.SIGINT)
    client.store.put("k", b"v")
    assert (action(), signal.getsignal(signal.SIGINT)) == before
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        client.store.put("k", b"v")
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        os.kill(os.getpid(), signal.SIGINT)
        client.store.put("k", b"v")
    finally:
        signal.signal(signal.SIGINT, before[1])


@pytest.mark.parametrize(
    "program",
    [
        "client.store.put('k', b'v'); print('end')",
        "reader = client.store.reader('k') if client.store.exists('k') else None; print('end')",
        "stop = obs.bridge_logging(); client.store.put('k', b'v'); print('end')",
        "subscription = client.bus.subscribe('s'); rows = client.catalog.search(); print('end')",
        "threading.Thread(target=client.bus.subscribe('s').next, daemon=True).start(); print('end')",
        "threading.Thread(target=client.config.wait, args=(1,), daemon=True).start(); print('end')",
        "gain = client.config.setting('a', int, default=1); snapshot = client.config.snapshot(); print('end')",
        "secret = obs.Secret('x'); sys.modules['keep'] = secret; print('end')",
        "import asyncio; asyncio.run(client.aio.put('k', b'v')); print('end')",
        "sys.modules['keep'] = client; del client; print('end')",
    ],
)
def test_the_interpreter_ends_with_an_open_client(workspace: Path, program: str) -> None:
    ended = run(workspace, program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end\n", "")


def test_a_child_of_a_fork_can_do_everything(workspace: Path) -> None:
    ended = run(
        workspace,
        """
        client.store.put("k", b"v")
        subscription = client.bus.subscribe("s")
        child = os.fork()
        if child == 0:
            client.store.put("child", bytes(client.store.get("k")))
            with client.unit() as unit:
                unit.put("unit", b"u")
            assert {stat.key for stat in client.store.list()} == {"k", "child", "unit"}
            assert not list(client.check())[-1]["problems"]
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        client.bus.publish("org.example.a")
        while subscription.next(300).event.type != "org.example.a":
            pass
        print(client.store.head("child").size)
        """,
    )
    assert (ended.returncode, ended.stdout) == (0, "1\n"), ended.stderr


def test_no_memory_is_lost(client: obs.Client) -> None:
    with client.open_store("mem:leak") as store:
        store.put("k", bytes(10_000), labels={"a": "b"})
        into = bytearray(10_000)

        def rounds(count: int) -> None:
            for _ in range(count):
                store.get("k")
                store.readinto("k", into)
                store.head("k")
                with pytest.raises(obs.AlreadyExistsError):
                    store.put("k", b"again", if_none_match="*", labels={"c": "d"}, metadata={"e": "f"}, made_from=["g"])
                with pytest.raises(obs.NotFoundError):
                    store.get("nothing", offset=1)

        rounds(2_000)
        gc.collect()
        before = resident()
        rounds(20_000)
        gc.collect()
        assert resident() - before < 4 << 20


def test_no_memory_is_lost_by_settings(workspace: Path) -> None:
    (workspace / "config.yaml").write_text("a: {b: 1, c: text, d: [1, {e: 2}]}\n")
    with obs.open(workspace) as client:
        kept = client.config.snapshot()

        def rounds(count: int) -> None:
            for _ in range(count):
                kept["a"]["d"], kept.value("a.c", str), kept.get("a.x"), kept["a.d"][1] == {"e": 2}
                with client.config.setting("a.b", int, maximum=5) as setting, obs.Secret(b"x" * 100) as secret:
                    assert setting.value == 1 and len(secret) == 100
                with pytest.raises(obs.NotFoundError):
                    kept["a"]["x"]

        rounds(1_000)
        gc.collect()
        before = resident()
        rounds(10_000)
        gc.collect()
        assert resident() - before < 4 << 20


def test_closing_beside_calls_of_other_threads(workspace: Path) -> None:
    ended = run(
        workspace,
        f"""
        for _ in range(30):
            client = obs.open({str(workspace)!r})
            client.store.put("k", bytes(1_000_000))
            store, begun = client.store, threading.Barrier(5)
            def work():
                begun.wait()
                try:
                    while True:
                        store.get("k"), client.catalog.get("k"), client.whoami()
                except ValueError:
                    pass
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            begun.wait()
            client.close()
            for thread in threads:
                thread.join()
        print("fine")
        """,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "fine\n", "")


def test_what_a_client_hands_out_holds_it(workspace: Path) -> None:
    """The handles of the flat layer: no order of dropping them frees a client that is in use, and none is taken for another."""
    opened = obs.open(workspace)
    store, scratch, bus = opened.store, opened.open_store("mem:held"), opened.bus
    handle = opened._handle
    with pytest.raises(TypeError, match="obs_store"):
        _obs.store_get(handle, "key", None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="obs_store"):
        _obs.store_get("text", "key", None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="closed"):
        _obs.store_get(None, "key", None)
    with pytest.raises(TypeError):
        type(handle)()
    del opened, handle
    gc.collect()
    store.put("key", b"bytes")
    scratch.put("key", b"other")
    del store
    assert bytes(scratch.get("key")) == b"other"
    assert bus.publish("org.example.held")


def test_clients_go_without_with(workspace: Path) -> None:
    files = len(os.listdir("/proc/self/fd"))
    gc.disable()
    try:
        for _ in range(10):
            client = obs.open(workspace)
            client.store.put("k", b"v")
            reader = client.store.reader("k")
            rows = client.catalog.search()
            del client
            assert reader.read() == b"v" and next(rows)["key"] == "k"
            del reader, rows
        assert len(os.listdir("/proc/self/fd")) <= files + 1
    finally:
        gc.enable()


def test_what_is_dropped_warns(client: obs.Client) -> None:
    for begin in (lambda: client.store.writer("never"), lambda: client.unit()):
        begun = begin()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del begun
        assert [warning.category for warning in caught] == [ResourceWarning]


def test_errors_tell_everything(client: obs.Client) -> None:
    with pytest.raises(obs.Error) as raised:
        client.catalog.search("mag<")
    error = raised.value
    assert error.status is obs.Status.INVALID_ARGUMENT and isinstance(error, ValueError) and not error.retryable
    assert error.column > 0 and str(error) == error.message and error.detail is not None and error.request_id == ""
    with pytest.raises(FileNotFoundError) as missing:
        client.store.get("no such key")
    assert "no such key" in str(missing.value) and re.search("NotFoundError", repr(missing.value))
    bad: dict[str, Any]
    for bad in ({"call": obs.Call(timeout=float("nan"))}, {"offset": -1}, {"length": "1"}):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            client.store.get("k", **bad)


def test_log_records_reach_logging(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "obs")
    stop = obs.bridge_logging(logging.DEBUG, interval=0.01)
    try:
        with obs.open(workspace) as client:
            client.store.put("k", b"v")
            Path(client.workspace, "store", "k").write_bytes(b"changed")
            client.store.get("k")
    finally:
        stop()
    assert all(record.name.startswith("obs.") for record in caplog.records)
    told = len(caplog.records)
    with obs.open(workspace) as client:
        client.store.put("k2", b"v")
    assert len(caplog.records) == told


def test_types(tmp_path: Path) -> None:
    """mypy --strict passes on the package."""
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "-p", "obs"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert checked.returncode == 0, checked.stdout

"""Functions in Python: by hand, and by the runner."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import obs

MAKER = '''
import obs

@obs.function_main
def handle(call):
    frame = call.get(call.event.subject)
    print("looking at", call.event.subject)
    key = f"products/{call.event.id}.txt"
    call.put(key, bytes(frame).upper(), labels={"night": "2026-11-20"}, values={"n": 1})
    (call.folder / "plot.svg").write_text("<svg/>")
    call.put_file("products/plot.svg", call.folder / "plot.svg", content_type="image/svg+xml")
    call.publish("org.example.product.made", subject=key, data={"attempt": call.attempt})
    if call.event.subject == "raw/bad":
        raise ValueError("the header is cut off")
    if call.event.subject == "raw/refused":
        error = obs.RefusedError("no frame at all")
        error.status = obs.Status.REFUSED
        raise error
'''


def write(workspace: Path, name: str, text: str, more: str = "") -> Path:
    folder = workspace / "functions" / name
    folder.mkdir(parents=True, mode=0o700)
    (folder / "handler.py").write_text(text)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    (folder / "function.yaml").write_text(
        f"name: {name}\ncommand: ['{sys.executable}', handler.py]\non: {{type: org.example.raw}}\n"
        f"reads: [raw/]\nwrites: [products/]\npublishes: [org.example.product]\nattempts: 1\n"
        f"limits: {{memory: 2GiB}}\nenvironment: {{PYTHONPATH: '{path}'}}\n{more}"
    )
    for each in (folder.parent, folder, *folder.iterdir()):
        each.chmod(0o700)
    return folder


def run(workspace: Path) -> None:
    subprocess.run(["obsctl", "function", "run", "--once", "-w", workspace], check=True, timeout=120)


def test_by_the_runner(client: obs.Client, workspace: Path) -> None:
    write(workspace, "maker", MAKER)
    client.store.put("raw/a", b"bytes")
    client.store.put("raw/bad", b"bytes")
    client.bus.publish(obs.Event("org.example.raw", subject="raw/a", id="e1"))
    client.bus.publish(obs.Event("org.example.raw", subject="raw/bad", id="e2"))
    run(workspace)
    assert bytes(client.store.get("products/e1.txt")) == b"BYTES"
    assert bytes(client.store.get("products/plot.svg")) == b"<svg/>"
    labels = client.store.head("products/e1.txt").labels
    assert labels["function"] == "maker" and len(labels["digest"]) == 64 and labels["night"] == "2026-11-20"
    with pytest.raises(obs.NotFoundError):
        client.store.get("products/e2.txt")
    dead = list(client.bus.dead_letters("function.maker"))
    assert [row["event"]["id"] for row in dead] == ["e2"]
    assert "ValueError: the header is cut off" in dead[0]["reason"]


WRONG = """
import obs

WRONG = {
    "key": lambda call: call.put(5, b"x"),
    "bytes": lambda call: call.put("products/a", ["x"]),
    "labels": lambda call: call.put("products/a", b"x", labels={"n": 1}),
    "values": lambda call: call.put("products/a", b"x", values={"n": object()}),
    "event": lambda call: call.publish(5),
    "type": lambda call: call.publish(""),
    "data": lambda call: call.publish("org.example.product.made", data=object()),
    "record": lambda call: call.record("test.record", {1, 2}),
    "file": lambda call: call.put_file("products/a", "/etc/passwd"),
}

@obs.function_main
def handle(call):
    call.put("products/before", b"x")
    WRONG[call.event.id](call)
"""


def test_outputs_of_a_wrong_kind(client: obs.Client, workspace: Path) -> None:
    """Each is a dead letter whose reason names the exception, and nothing of its call happens; the worker goes on."""
    write(workspace, "wrong", WRONG)
    names = ["key", "bytes", "labels", "values", "event", "type", "data", "record", "file"]
    for name in names:
        client.bus.publish(obs.Event("org.example.raw", subject=name, id=name))
    run(workspace)
    dead = {row["event"]["id"]: row["reason"] for row in client.bus.dead_letters("function.wrong")}
    assert sorted(dead) == sorted(names)
    for name, reason in dead.items():
        kind = {"type": "InvalidArgumentError", "file": "ValueError"}.get(name, "TypeError|InvalidArgumentError|AttributeError")
        assert re.match(f"the handler failed: ({kind}): .", reason), f"{name}: {reason}"
    assert list(client.store.list("products/")) == []


RETURNS = """
import obs

@obs.function_main
def handle(call):
    call.put("products/" + call.event.id, b"x")
    return {"number": 42, "text": b"5"}[call.event.id]
"""


def test_what_a_handler_returns_is_no_output(client: obs.Client, workspace: Path) -> None:
    write(workspace, "returns", RETURNS)
    for name in ("number", "text"):
        client.bus.publish(obs.Event("org.example.raw", subject=name, id=name))
    run(workspace)
    assert list(client.bus.dead_letters("function.returns")) == []
    assert sorted(stat.key for stat in client.store.list("products/")) == ["products/number", "products/text"]


def test_what_was_read_is_an_input(client: obs.Client, workspace: Path) -> None:
    write(workspace, "maker", MAKER)
    client.store.put("raw/a", b"bytes")
    client.bus.publish(obs.Event("org.example.raw", subject="raw/a", id="e1"))
    run(workspace)
    entry = client.catalog.get("products/e1.txt")
    assert entry["made_from"] == ["raw/a"]
    versions = json.loads(client.store.head("products/e1.txt").metadata["inputs"])
    assert versions == {"raw/a": client.store.head("raw/a").sha256}


def test_by_hand(client: obs.Client, workspace: Path, tmp_path: Path) -> None:
    folder = write(workspace, "maker", MAKER)
    client.store.put("raw/a", b"bytes")
    event = tmp_path / "event.json"
    event.write_bytes(obs.Event("org.example.raw", subject="raw/a", id="e1", source="/test").to_json())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OBS_WORKSPACE": str(workspace)}
    command = [sys.executable, "handler.py", "--event", str(event)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [row["do"] for row in rows] == ["input", "put", "put", "publish"]
    with pytest.raises(obs.NotFoundError):
        client.store.get("products/e1.txt")


def test_without_a_runner(workspace: Path) -> None:
    folder = write(workspace, "maker", MAKER)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "handler.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "obsctl function run" in done.stderr


CONFIGURED = '''
import obs

@obs.function_main
def handle(call):
    call.put("products/before", b"x", labels={"configuration": "forged"})
    if call.event.subject == "ask":
        assert call.config is call.config
        call.put("products/after", str(call.config["quality.limit"] + call.config["quality"]["limit"]).encode())
'''


def test_the_configuration(client: obs.Client, workspace: Path) -> None:
    write(workspace, "maker", CONFIGURED)
    (workspace / "config.yaml").write_text("version: 7\nquality: {limit: 3}\n")
    client.bus.publish(obs.Event("org.example.raw", subject="ask", id="e1"))
    run(workspace)
    assert bytes(client.store.get("products/after")) == b"6"
    values = b'{"quality":{"limit":3},"version":7}'
    for key in ("products/before", "products/after"):
        labels = client.store.head(key).labels
        assert labels["configuration"] == hashlib.sha256(values).hexdigest()
        assert labels["configuration_version"] == "7"
        assert labels["event"] == "e1"
    client.bus.publish(obs.Event("org.example.raw", subject="do not", id="e2"))
    run(workspace)
    assert set(client.store.head("products/before").labels) == {"function", "digest", "event"}


def test_made_again(client: obs.Client, workspace: Path) -> None:
    folder = write(workspace, "maker", CONFIGURED)
    (workspace / "config.yaml").write_text("quality: {limit: 3}\n")
    client.bus.publish(obs.Event("org.example.raw", subject="ask", id="e1"))
    run(workspace)
    answer = client.functions.reproduce("products/after")
    assert (answer["verdict"], answer["differs"], answer["event"]["id"]) == ("identical", [], "e1")
    known = client.functions.configuration(client.store.head("products/after").labels["configuration"])
    assert known == {"quality": {"limit": 3}}
    (workspace / "config.yaml").write_text("quality: {limit: 4}\n")
    answer = client.functions.reproduce("products/after")
    assert answer["verdict"] == "differs"
    assert answer["differs"][0]["settings"] == [{"name": "quality.limit", "before": 3, "now": 4}]
    assert answer["first"] == {"byte": 0, "member": "", "before": 6, "now": 8}
    assert bytes(client.store.get("products/after")) == b"6"
    (folder / "more.txt").write_text("x")
    assert "present-code" in client.functions.reproduce("products/after")["reason"]
    answer = client.functions.reproduce("products/before", present_code=True)
    assert (answer["verdict"], {one["what"] for one in answer["differs"]}) == ("identical", {"code", "configuration"})
    with pytest.raises(obs.NotFoundError):
        client.functions.reproduce("absent")
    with pytest.raises(obs.NotFoundError):
        client.functions.configuration("a" * 64)


def test_what_they_are(client: obs.Client, workspace: Path) -> None:
    write(workspace, "maker", MAKER)
    client.store.put("raw/a", b"bytes")
    client.bus.publish(obs.Event("org.example.raw", subject="raw/a", id="e1"))
    run(workspace)
    assert [row["function"] for row in client.functions] == ["maker"]
    assert "looking at raw/a" in [row["text"] for row in client.functions.logs("maker", "e1")]
    rows = {row["do"]: row for row in client.functions.replay("e1")}
    assert rows["put"]["identical"] and rows["publish"]["identical"]
    with pytest.raises(obs.NotFoundError):
        client.functions.replay("absent", "maker")

"""Others read what we send, and we read what they write: the CloudEvents SDK of Python, and the library of Standard Webhooks."""

from __future__ import annotations

import base64
import http.server
import json
import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

import obs
from receiver import Receiver

sdk = pytest.importorskip("cloudevents.core.bindings.http", reason="cloudevents is not installed (tools/requirements-sky.txt)")
v1 = pytest.importorskip("cloudevents.core.v1.event", reason="cloudevents is not installed (tools/requirements-sky.txt)")
webhooks = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed (tools/requirements-sky.txt)")

RANDOM = random.Random(20261121)
TIME = datetime(2026, 11, 20, 22, 0, 0, 500000, timezone.utc)
UNICODE = 'Größe "α" 100 % 観測 🔭 <b>'
TEXT = "zweite Zeile\nдругая строка\r\n\ttab \\ \" ' 🔭"
# Media type and data, as the SDK has them: for JSON any value, else text or bytes.
DATA: list[tuple[str | None, Any]] = [
    (None, None),
    ("application/json", {"mag": 17.25, "tags": ["a", UNICODE, None, True], "deep": {"er": [{}, []]}, "big": 2**53 - 1}),
    ("application/json", [1, 2.5, "three"]),
    ("application/json", "a text"),
    ("application/json", 42),
    ("application/json", False),
    ("application/json; charset=utf-8", {"a": UNICODE}),
    ("application/vnd.example+json", {"a": 1}),
    ("text/plain", TEXT),
    ("text/plain; charset=utf-8", UNICODE),
    ("text/csv", "a,b\n1,2\n"),
    ("application/xml", "<a b='1'>" + UNICODE.replace("<b>", "") + "</a>"),
    ("image/fits", b"\x00\xff\xfe\x80" * 8),
    ("application/octet-stream", b"\xff"),
    ("application/octet-stream", b"\xff" + RANDOM.randbytes(65535)),
    ("application/fits", b"\x80" + RANDOM.randbytes(600_000)),
    ("text/plain", UNICODE * 9000),
    ("application/json", {"list": list(range(50_000))}),
]
EXTENSIONS = {"site": "roof", "note": UNICODE, "number1": "7"}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"  # an event without one is given one


def attributes(number: int, media_type: str | None) -> dict[str, Any]:
    """Of an event, as the SDK has them; every second one has all there are."""
    made: dict[str, Any] = {
        "specversion": "1.0", "id": f"e {number}", "source": "/roof/ccd", "type": "org.example.made", "time": TIME, "traceparent": TRACE,
    }
    if media_type is not None:
        made["datacontenttype"] = media_type
    if number % 2 == 0:
        made |= {"subject": f"a b/{UNICODE}/{number}", "dataschema": "https://example.org/schema?a=1#b", **EXTENSIONS}
    return made


CASES = [(attributes(number, media_type), data) for number, (media_type, data) in enumerate(DATA)]
NAMES = [f"{made.get('datacontenttype')}-{number}" for number, (made, _) in enumerate(CASES)]


def data_of(media_type: str | None, value: Any) -> Any:
    """The bytes that an event of ours holds."""
    if value is None or isinstance(value, bytes):
        return value
    return value.encode() if media_type and "json" not in media_type else json.dumps(value).encode()


def ours(made: dict[str, Any], value: Any) -> obs.Event:
    own = {name: made.get(name) for name in ("source", "id", "subject", "datacontenttype", "dataschema")}
    extensions = {name: made[name] for name in ("traceparent", *EXTENSIONS) if name in made}
    time = made["time"].isoformat().replace("+00:00", "Z")
    return obs.Event(made["type"], time=time, data=data_of(made.get("datacontenttype"), value), extensions=extensions, **own)


def assert_theirs(event: Any, made: dict[str, Any], value: Any) -> None:
    """What the SDK read is what we published."""
    got = dict(event.get_attributes())
    assert got == made
    data = event.get_data()
    assert (data.encode() if isinstance(value, bytes) and isinstance(data, str) else data) == value


def assert_ours(event: obs.Event | obs.Error, made: dict[str, Any], value: Any) -> None:
    """What we read is what the SDK wrote."""
    assert isinstance(event, obs.Event)
    got = {name: getattr(event, name) for name in ("source", "id", "type", "subject", "datacontenttype", "dataschema")}
    assert {**got, **event.extensions} == {name: None for name in got} | {
        name: each for name, each in made.items() if name not in ("specversion", "time")
    }
    assert event.time is not None and datetime.fromisoformat(event.time) == made["time"]
    if isinstance(value, (bytes, type(None))) or "json" not in (event.datacontenttype or "json"):
        assert event.data == data_of(event.datacontenttype, value)
    else:
        assert json.loads(event.data) == value


# ---- ours, read by theirs ----


class Taker(Receiver):
    """Takes events with the SDK. Each path keeps its own; what cannot be read is refused, and becomes a dead letter."""

    taken: dict[str, list[Any]] = {}
    requests: list[tuple[str, dict[str, str], bytes]] = []

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        try:
            events = self.read(headers, body)
        except Exception:
            self.answer(400)
            raise
        self.taken.setdefault(self.path, []).extend(events)
        self.requests.append((self.path, headers, body))
        self.answer(200)

    @staticmethod
    def read(headers: dict[str, str], body: bytes) -> list[Any]:
        if headers.get("content-type", "").startswith("application/cloudevents-batch+json"):  # which the SDK takes one by one
            one = {"content-type": "application/cloudevents+json"}
            return [Taker.read(one, json.dumps(each).encode())[0] for each in json.loads(body)]
        return [sdk.from_http_event(sdk.HTTPMessage(headers, body))]


@pytest.fixture()
def receiver() -> Iterator[str]:
    Taker.taken, Taker.requests = {}, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def deliver(workspace: Path, destinations: list[dict[str, Any]]) -> None:
    """All events to all of them."""
    for to in destinations:
        to["allow"] = ["plain", "private"]
    with (workspace / "obs.yaml").open("a") as lines:
        lines.write(f"destinations: {json.dumps(destinations)}\n")
    with obs.open(workspace) as client:
        for made, value in CASES:
            client.bus.publish(ours(made, value))
        assert client.journal.run(once=True) == len(CASES) * len(destinations)
        assert list(client.bus.dead_letters()) == []


def test_they_read_our_deliveries(workspace: Path, receiver: str) -> None:
    modes = ("binary", "structured", "batch")
    deliver(workspace, [{"name": mode, "url": f"{receiver}/{mode}", "mode": mode, "batch": 5} for mode in modes])
    for mode in modes:
        got = {event.get_id(): event for event in Taker.taken[f"/{mode}"]}
        assert len(got) == len(Taker.taken[f"/{mode}"]) == len(CASES), mode
        for made, value in CASES:
            assert_theirs(got[made["id"]], made, value)


def secret_in(path: Path, secret: bytes) -> tuple[str, str]:
    """What obs.yaml says of it, and the secret as the other side has it."""
    text = "whsec_" + base64.b64encode(secret).decode()
    path.write_text(text)
    path.chmod(0o600)
    return f"${{secret:file:{path}}}", text


def test_they_believe_our_signatures(workspace: Path, receiver: str, tmp_path: Path) -> None:
    new, new_text = secret_in(tmp_path / "new", RANDOM.randbytes(32))
    old, old_text = secret_in(tmp_path / "old", RANDOM.randbytes(24))
    deliver(workspace, [
        {"name": "structured", "url": f"{receiver}/structured", "sign": new},
        {"name": "batch", "url": f"{receiver}/batch", "sign": [new, old], "mode": "batch", "batch": 5},
    ])
    assert len(Taker.taken["/structured"]) == len(Taker.taken["/batch"]) == len(CASES)
    for path, headers, body in Taker.requests:
        for text in (new_text, old_text) if path == "/batch" else (new_text,):
            assert webhooks.Webhook(text).verify(body, headers) == json.loads(body)
        other = body[:-2] + b" " + body[-2:]
        for changed, data in ((headers, other), ({**headers, "webhook-id": "other"}, body), ({**headers, "webhook-timestamp": "1"}, body)):
            with pytest.raises(webhooks.WebhookVerificationError):
                webhooks.Webhook(new_text).verify(data, changed)
    with pytest.raises(webhooks.WebhookVerificationError):
        webhooks.Webhook(old_text).verify(Taker.requests[0][2], next(h for p, h, _ in Taker.requests if p == "/structured"))


# ---- theirs, read by ours ----


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_we_read_their_events(case: tuple[dict[str, Any], Any]) -> None:
    made, value = case
    event = v1.CloudEvent(dict(made), value)
    structured = sdk.to_structured_event(event)
    assert_ours(obs.Event.from_json(structured.body), made, value)
    assert_ours(obs.Event.from_http(structured.headers, structured.body), made, value)
    if isinstance(value, (dict, str, bytes, type(None))) and not (isinstance(value, str) and "json" in made["datacontenttype"]):
        binary = sdk.to_binary_event(event)  # of other values it writes no JSON
        assert_ours(obs.Event.from_http(binary.headers, binary.body), made, value)


def their_batch() -> bytes:
    return b"[" + b",".join(sdk.to_structured_event(v1.CloudEvent(dict(made), value)).body for made, value in CASES) + b"]"


def test_we_read_their_batch() -> None:
    events = obs.Event.batch_from_json(their_batch())
    assert len(events) == len(CASES)
    for event, (made, value) in zip(events, CASES):
        assert_ours(event, made, value)


def test_obsctl_publishes_their_events(client: obs.Client, tmp_path: Path) -> None:
    obsctl = shutil.which("obsctl")
    if obsctl is None:
        pytest.skip("obsctl is not installed")
    made, value = CASES[1]
    one = tmp_path / "one.json"
    one.write_bytes(sdk.to_structured_event(v1.CloudEvent({**made, "id": "one"}, value)).body)
    for name, given in (("one.json", None), ("-", their_batch())):
        command = [obsctl, "publish", "-w", client.workspace, "--event", str(tmp_path / name) if given is None else name]
        run = subprocess.run(command, input=given, capture_output=True, timeout=600)
        assert run.returncode == 0, run.stderr
    with client.bus.subscribe("tests") as subscription:
        first = subscription.next(0)
        assert first is not None
        assert_ours(first.event, {**made, "id": "one"}, value)
        for made, value in CASES:
            delivery = subscription.next(0)
            assert delivery is not None
            assert_ours(delivery.event, made, value)

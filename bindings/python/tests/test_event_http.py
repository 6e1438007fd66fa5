"""Events as HTTP messages and in batches."""

from __future__ import annotations

import json

import pytest

import obs

EVENT = obs.Event(
    "org.example.made", "/roof", "e 1", subject='a "b" 100 % ü 🔭', time="2026-11-20T22:00:00.5Z", datacontenttype="image/fits",
    dataschema="https://example.org/s", data=b"\x00\xff", extensions={"site": "roof", "priority1": "7"},
)


def test_there_and_back() -> None:
    headers, body = EVENT.to_http()
    assert (headers["ce-id"], headers["content-type"], body) == ("e%201", "image/fits", b"\x00\xff")
    assert headers["ce-subject"].isascii()
    assert obs.Event.from_http(headers, body) == EVENT
    assert obs.Event.from_http({name.upper(): value for name, value in headers.items()} | {"Host": "x"}, body) == EVENT


@pytest.mark.parametrize("body", [b"{}", bytearray(b"{}"), memoryview(b"{}")])
def test_every_kind_of_bytes(body: bytes) -> None:
    headers, _ = obs.Event("t", "/s", "1").to_http()
    assert obs.Event.from_http(headers, body).data == b"{}"


def test_structured_mode_is_seen() -> None:
    headers = {"Content-Type": "application/cloudevents+json; charset=utf-8", "ce-id": "of no interest"}
    assert obs.Event.from_http(headers, EVENT.to_json()) == EVENT


def test_batches() -> None:
    bare = obs.Event("t", "/s", "2")
    text = obs.Event.batch_to_json([EVENT, bare])
    assert [event["id"] for event in json.loads(text)] == ["e 1", "2"]
    assert obs.Event.batch_from_json(text) == [EVENT, bare]
    assert obs.Event.batch_from_json(obs.Event.batch_to_json([])) == []
    many = [obs.Event("t", "/s", str(number), data=b"%d" % number) for number in range(1000)]
    assert [event.id for event in obs.Event.batch_from_json(obs.Event.batch_to_json(many)) if isinstance(event, obs.Event)] == [
        event.id for event in many
    ]


def test_a_bad_one_in_a_batch_is_told_in_its_place() -> None:
    good = json.loads(EVENT.to_json())
    first, second, third = obs.Event.batch_from_json(json.dumps([good, {"specversion": "1.0", "id": "x", "type": "t"}, good]))
    assert first == third == EVENT
    assert isinstance(second, obs.InvalidArgumentError) and "source" in str(second)


def test_what_is_no_event() -> None:
    headers, body = EVENT.to_http()
    for name in ("ce-id", "ce-source", "ce-type", "ce-specversion"):
        with pytest.raises(obs.InvalidArgumentError, match=name.removeprefix("ce-")):
            obs.Event.from_http({key: value for key, value in headers.items() if key != name}, body)
    with pytest.raises(obs.InvalidArgumentError, match="batch"):
        obs.Event.from_http({"content-type": "application/cloudevents-batch+json"}, b"[]")
    with pytest.raises(obs.InvalidArgumentError):
        obs.Event.batch_from_json("{}")
    with pytest.raises(obs.InvalidArgumentError):
        obs.Event.batch_to_json([EVENT, obs.Event("t")])
    with pytest.raises(obs.InvalidArgumentError):
        obs.Event("t").to_http()
    with pytest.raises(TypeError):
        obs.Event.from_http(headers, "text")  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        obs.Event.from_http({"ce-id": "a\0b"}, b"")

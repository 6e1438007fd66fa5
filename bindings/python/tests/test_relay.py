"""The relay: two workspaces, one of them an edge site."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import obs


def make(folder: Path, site: str) -> obs.Client:
    obs.init(folder)
    with (folder / "obs.yaml").open("a") as lines:
        lines.write(f"site: {site}\n")
    return obs.open(folder)


@pytest.fixture()
def roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[obs.Client]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with make(tmp_path / "roof", "roof") as client:
        yield client


@pytest.fixture()
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[obs.Client]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with make(tmp_path / "centre", "centre") as client:
        yield client


def observe(client: obs.Client, number: int, content: bytes = b"frame") -> None:
    with client.unit() as unit:
        unit.put(f"raw/{number}", content, labels={"night": "n1"})
        unit.publish("org.example.stored", subject=f"raw/{number}", data={"number": number})


def ids(client: obs.Client) -> list[str | None]:
    with client.bus.subscribe("tests") as subscription:
        found = []
        while (delivery := subscription.next(0)) is not None:
            found.append(delivery.event.subject)
            subscription.acknowledge(delivery)
        return found


def await_there(client: obs.Client, key: str) -> None:
    end = time.monotonic() + 120
    while not client.store.exists(key):
        assert time.monotonic() < end, f"{key} does not come"
        time.sleep(0.01)


def test_all_of_it_and_nothing_twice(roof: obs.Client, centre: obs.Client) -> None:
    for number in range(5):
        observe(roof, number)
    roof.store.put("silent", b"without an event")
    done = roof.relay(centre)
    assert (done.events, done.objects, done.bytes, done.conflicts, done.dead, done.more) == (5, 6, 41, 0, 0, False)
    assert done and done.audit >= 6
    assert not roof.relay(centre)
    assert ids(centre) == [f"raw/{number}" for number in range(5)]
    assert bytes(centre.store.get("silent")) == b"without an event"
    assert sorted(row["key"] for row in centre.catalog.search("site=roof night=n1")) == [f"raw/{n}" for n in range(5)]


def test_conflicts(roof: obs.Client, centre: obs.Client) -> None:
    observe(roof, 1, b"of the roof")
    centre.store.put("raw/1", b"of the centre")
    done = roof.relay(centre)
    assert (done.events, done.objects, done.conflicts, done.dead) == (0, 0, 1, 1)
    assert bytes(centre.store.get("raw/1")) == b"of the centre"
    (letter,) = roof.bus.dead_letters()
    roof.bus.replay(letter["consumer"])
    done = roof.relay(centre, keep_both=True)
    assert (done.events, done.objects, done.conflicts, done.dead) == (1, 1, 0, 0)
    assert bytes(centre.store.get("sites/roof/raw/1")) == b"of the roof"


def test_in_slices(roof: obs.Client, centre: obs.Client) -> None:
    for number in range(150):
        observe(roof, number)
    turns = 1
    while roof.relay(centre, slice=0.001).more:
        turns += 1
    assert turns > 1
    assert ids(centre) == [f"raw/{number}" for number in range(150)]


def test_it_waits_for_more_until_it_is_cancelled(roof: obs.Client, centre: obs.Client) -> None:
    cancel = obs.Cancel()
    observe(roof, 1)

    def meanwhile() -> None:
        await_there(centre, "raw/1")
        observe(roof, 2)
        await_there(centre, "raw/2")
        cancel.set()

    thread = threading.Thread(target=meanwhile)
    thread.start()
    with pytest.raises(obs.CancelledError) as ended:
        roof.relay(centre, wait=None, call=obs.Call(cancel=cancel))
    thread.join()
    assert ended.value.relayed is not None and ended.value.relayed.objects == 2
    assert ids(centre) == ["raw/1", "raw/2"]
    roof.relay(centre)  # whatever the cancel left half done
    assert not roof.relay(centre) and ids(centre) == []


def test_it_waits_as_long_as_it_is_told(roof: obs.Client, centre: obs.Client) -> None:
    observe(roof, 1)
    assert roof.relay(centre, wait=0.05).objects == 1


def test_ctrl_c_ends_it(roof: obs.Client, centre: obs.Client) -> None:
    observe(roof, 1)

    def interrupt() -> None:
        await_there(centre, "raw/1")
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        roof.relay(centre, wait=None)
    roof.relay(centre)
    assert not roof.relay(centre) and ids(centre) == ["raw/1"]


def test_who_may(roof: obs.Client, centre: obs.Client) -> None:
    observe(roof, 1)
    reader = roof.token.issue(subject="function:relay", scope="storage.read:/raw event.subscribe")
    with obs.open(roof.workspace, token=reader) as narrow, pytest.raises(obs.PermissionDeniedError, match="relay.read"):
        narrow.relay(centre)
    writer = centre.token.issue(subject="function:relay", scope="storage.read:/ event.publish:/")
    with obs.open(centre.workspace, token=writer) as narrow, pytest.raises(obs.PermissionDeniedError, match="relay.write") as no:
        roof.relay(narrow)
    assert no.value.relayed is not None and not no.value.relayed
    assert not centre.store.exists("raw/1")


def test_what_is_wrong_to_ask(roof: obs.Client, centre: obs.Client) -> None:
    with pytest.raises(obs.InvalidArgumentError, match="same workspace"):
        roof.relay(roof)
    with pytest.raises(obs.InvalidArgumentError, match="name of a site"):
        roof.relay(centre, site="Not a name")
    with pytest.raises((OverflowError, ValueError)):
        roof.relay(centre, limit=-1)
    other = obs.open(roof.workspace)
    other.close()
    with pytest.raises(ValueError, match="closed"):
        other.relay(centre)

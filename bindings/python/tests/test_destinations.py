"""Destinations: a web server that answers as a test says, and what is done with its answers."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import obs
from receiver import Receiver


class Hook(Receiver):
    taken: list[tuple[dict[str, str], bytes]] = []
    status = 200
    came = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if Hook.status < 300:
            self.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.answer(Hook.status)
        Hook.came.set()


@pytest.fixture()
def hook() -> Iterator[str]:
    Hook.taken, Hook.status = [], 200
    Hook.came.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


def lead(workspace: Path, url: str, **settings: object) -> None:
    """A destination `hook` for all events."""
    line = {"name": "hook", "url": url, "allow": ["plain", "private"], **settings}
    with (workspace / "obs.yaml").open("a") as lines:
        lines.write(f"destinations: [{json.dumps(line)}]\n")


@pytest.fixture()
def client(workspace: Path, hook: str) -> Iterator[obs.Client]:
    lead(workspace, hook)
    with obs.open(workspace) as opened:
        yield opened


def when_it_came(run: Callable[[], None]) -> None:
    def wait() -> None:
        assert Hook.came.wait(60)
        run()

    threading.Thread(target=wait, daemon=True).start()


def test_what_is_due_is_delivered(client: obs.Client) -> None:
    identity = client.bus.publish("org.example.made", subject="products/1", data={"mag": 17.3})
    assert client.journal.run(once=True) == 1
    assert client.journal.run("hook", once=True) == 0
    ((headers, body),) = Hook.taken
    assert (headers["ce-id"], headers["ce-subject"], json.loads(body)) == (identity, "products/1", {"mag": 17.3})
    (row,) = client.journal
    assert (row["destination"], row["state"], row["waiting"]) == ("hook", "ok", 0)


def test_what_it_refuses_is_a_dead_letter(client: obs.Client) -> None:
    Hook.status = 422
    client.bus.publish("org.example.made", data=1)
    assert client.journal.run(once=True) == 0
    assert [row["attempts"] for row in client.bus.dead_letters("to.hook")] == [1]
    (row,) = client.journal.list()
    assert row["dead"] == 1
    Hook.status = 200
    assert client.bus.replay("to.hook") == 1
    assert (client.journal.run(once=True), len(Hook.taken)) == (1, 1)


def test_nobody_is_told_of_what_is_not_there(client: obs.Client) -> None:
    with pytest.raises(obs.NotFoundError, match="no destination 'absent'"):
        client.journal.run("absent", once=True)
    with pytest.raises(obs.NotFoundError), client.journal.running("absent"):
        pass


def test_beside_a_block(client: obs.Client) -> None:
    with client.journal.running():
        for number in range(3):
            Hook.came.clear()
            client.bus.publish("org.example.made", data=number)
            assert Hook.came.wait(60)
    assert [body for _, body in Hook.taken] == [b"0", b"1", b"2"]


def test_a_cancel_ends_it(client: obs.Client) -> None:
    cancel = obs.Cancel()
    client.bus.publish("org.example.made")
    when_it_came(cancel.set)
    with pytest.raises(obs.CancelledError):
        client.journal.run(call=obs.Call(cancel=cancel))
    with pytest.raises(obs.CancelledError):  # it was set before
        client.journal.run(call=obs.Call(cancel=cancel))
    assert len(Hook.taken) == 1


def test_the_time_of_a_run(client: obs.Client) -> None:
    with pytest.raises(obs.DeadlineExceededError):
        client.journal.run(call=obs.Call(timeout=0.05))


@pytest.mark.parametrize("cancel", [None, obs.Cancel()])
def test_ctrl_c_ends_it(client: obs.Client, cancel: obs.Cancel | None) -> None:
    """Also while somebody else could end it; and that one is not set by it."""
    client.bus.publish("org.example.made")
    when_it_came(lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        client.journal.run(call=obs.Call(cancel=cancel))
    assert client.journal.run(once=True, call=obs.Call(cancel=cancel)) == 0


def test_other_handlers_run_meanwhile(client: obs.Client) -> None:
    """A service ends with SIGTERM: its handler runs while the call waits."""
    cancel = obs.Cancel()
    before = signal.signal(signal.SIGTERM, lambda *_: cancel.set())
    try:
        client.bus.publish("org.example.made")
        when_it_came(lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(obs.CancelledError):
            client.journal.run(call=obs.Call(cancel=cancel))
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_server_that_hangs_does_not_hold_up_ctrl_c(workspace: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        lead(workspace, f"http://127.0.0.1:{server.getsockname()[1]}/", handshake="off")

        def interrupt() -> None:
            connection, _ = server.accept()  # and no answer
            os.kill(os.getpid(), signal.SIGINT)
            connection.recv(1)

        threading.Thread(target=interrupt, daemon=True).start()
        with obs.open(workspace) as client, pytest.raises(KeyboardInterrupt):
            client.bus.publish("org.example.made")
            client.journal.run(once=True)


def test_who_may_not(client: obs.Client, workspace: Path) -> None:
    token = client.token.issue(subject="function:reader", scope="storage.read:/")
    with obs.open(workspace, token=token) as reader:
        with pytest.raises(obs.PermissionDeniedError):
            reader.journal.run(once=True)

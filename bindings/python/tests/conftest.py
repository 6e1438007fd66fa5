from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import obs


@pytest.fixture(autouse=True, scope="session")
def interrupts() -> None:
    """A shell that starts the tests in the background leaves SIGINT ignored, and Python keeps that."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture()
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "night"
    obs.init(folder)
    return folder


@pytest.fixture()
def client(workspace: Path) -> Iterator[obs.Client]:
    with obs.open(workspace) as opened:
        yield opened

"""Log records of the library in Python's logging, and its counters."""

from __future__ import annotations

import atexit
import json
import logging
import threading
from collections.abc import Callable

from . import _obs

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}
_NAMES = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}


def bridge_logging(level: int = logging.INFO, interval: float = 0.2) -> Callable[[], None]:
    """Hands log records to logging.getLogger("obs.<subject>") from now on; returns a function that stops it."""
    wanted = max((number for number, python in _LEVELS.items() if python >= level), default=1)
    stop = threading.Event()

    def take() -> None:
        for line in bytes(_obs.log_take(wanted)).splitlines():
            record = json.loads(line)
            logger = logging.getLogger("obs." + record.get("subject", ""))
            logger.log(_NAMES.get(record.get("level", ""), logging.INFO), "%s", record.get("message", ""))

    def run() -> None:
        while not stop.wait(interval):
            take()
        take()

    take()
    thread = threading.Thread(target=run, name="obs-log", daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join()
        atexit.unregister(end)

    atexit.register(end)  # what was said last is not lost
    return end


def metrics() -> str:
    """All counters of the process as OpenMetrics text."""
    return bytes(_obs.metrics_text()).decode()

"""Each allocation of Python fails once in each call: then it says so, keeps nothing open, and the next call works."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import obs
from obs import _obs
from test_config import configure

testcapi = pytest.importorskip("_testcapi", reason="this Python has no allocator that can be made to fail")
if sys.version_info[:2] == (3, 12):
    pytest.skip("without memory the interpreter of Python 3.12 itself crashes, with none of our frames on its stack",
                allow_module_level=True)


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def fail_each(call: Callable[[], object]) -> int:
    """How many allocations failed. Whether the nth was reached is not known: a hundred successes in a row end it."""
    failures = 0
    fine = 0
    nth = 0
    while fine < 100:
        nth += 1
        testcapi.set_nomemory(nth - 1, nth)
        try:
            call()
        except (MemoryError, obs.ResourceExhaustedError):
            failures, fine = failures + 1, 0
        else:
            fine += 1
        finally:
            testcapi.remove_mem_hooks()
    return failures


def fail_and_keep_nothing(name: str, call: Callable[[], object]) -> int:
    """As fail_each(). The keeper may open what it needs beside it: what a call keeps open is there again the second time."""
    for _ in range(3):
        before = descriptors()
        failures = fail_each(call)
        if descriptors() <= before:
            return failures
    raise AssertionError(f"{name}: something stays open")


ISSUE = (None, None, None, "storage.read:/", 600, None)
PUT = (None, "text/plain", None, None, ("c", "d"), ("a", "b"), '{"n":1}', ("a",), None, True)
EVENT = (None, None, "org.example.made", "a", None, None, None, b'{"n":1}', ("night", "1"))


def open_and_free(opening: Callable[[], object], free: Callable[..., None]) -> None:
    handle = opening()
    free(handle)


def take_several(bus: _obs.BusHandle, subscription: _obs.SubscriptionHandle) -> None:
    """What a failing allocation keeps from Python comes again later."""
    _obs.bus_publish(bus, EVENT, None)
    _obs.subscription_next_many(subscription, 8, 0, None)


def calls(store: _obs.StoreHandle, client: _obs.ClientHandle) -> dict[str, Callable[[], object]]:
    """The flat layer, with arguments made before: what Python's own modules do without memory is not ours."""
    catalog, audit, bus = _obs.client_catalog(client), _obs.client_audit(client), _obs.client_bus(client)
    _obs.audit_sequence(audit, None)
    token = _obs.token_issue(client, ISSUE)
    config = _obs.client_config(client)
    snapshot = _obs.config_snapshot(config, None)
    setting = _obs.setting_open(config, "a.text", 6, ("x", None, None, None))
    held = _obs.bus_subscribe(bus, "held", None)
    encoded = bytes(_obs.event_encode(("1", "/night", *EVENT[2:])))
    return {
        "get": lambda: _obs.store_get(store, "a", None),
        "put": lambda: _obs.store_put(store, "b", b"bytes", PUT),
        "head": lambda: _obs.store_head(store, "a", None),
        "list": lambda: _obs.store_list(store, "", None),
        "reader": lambda: open_and_free(lambda: _obs.reader_open(store, "a", None), _obs.reader_free),
        "writer": lambda: open_and_free(lambda: _obs.writer_open(store, "w", PUT), _obs.writer_free),
        "unit": lambda: open_and_free(lambda: _obs.unit_begin(client, None), _obs.unit_free),
        "search": lambda: open_and_free(lambda: _obs.catalog_search(catalog, "a=b", None), _obs.rows_free),
        "audit": lambda: open_and_free(lambda: _obs.audit_query(audit, None), _obs.rows_free),
        "subscribe": lambda: open_and_free(lambda: _obs.bus_subscribe(bus, "memory", None), _obs.subscription_free),
        "several events": lambda: take_several(bus, held),
        "acknowledging": lambda: _obs.subscription_acknowledge_many(held, ()),
        "queue": lambda: open_and_free(_obs.queue_new, _obs.queue_free),
        "cancel": _obs.cancel_new,
        "publish": lambda: _obs.bus_publish(bus, EVENT, None),
        "decode": lambda: _obs.event_decode(encoded),
        "config value": lambda: _obs.config_float(snapshot, "ccd.gain"),
        "config text": lambda: _obs.config_text(snapshot, "ccd.filter"),
        "config tree": lambda: _obs.config_json(snapshot, ""),
        "config secret": lambda: _obs.config_secret(config, "password"),
        "config snapshot": lambda: _obs.config_snapshot(config, None),
        "config set": lambda: _obs.config_set(config, "ccd.gain", "2", (None, None, None, True)),
        "config sign": lambda: _obs.config_sign(config, "version: 1", None),
        "config explain": lambda: open_and_free(lambda: _obs.config_explain(config, None, None), _obs.rows_free),
        "setting": lambda: _obs.setting_open(config, "ccd.gain", 3, ("1.5", "1", "10", "ccd.old")),
        "setting text": lambda: _obs.setting_text(setting),
        "secret": lambda: _obs.secret_new(b"bytes"),
        "token issue": lambda: _obs.token_issue(client, ISSUE),
        "token verify": lambda: _obs.token_verify(client, token, (None, "EdDSA", None, None, None, 0)),
        "token keys": lambda: _obs.token_keys(client),
        "acting as": lambda: _obs.client_as(client, (None, None, None, token)),
        "audit verify": lambda: _obs.audit_verify(audit, (None, None, None, True)),
        "audit key": lambda: _obs.audit_key(audit),
        "whoami": lambda: _obs.client_whoami(client),
        "workspace": lambda: _obs.client_workspace(client),
    }


def test_every_allocation_can_fail(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSTEST_MEMORY", "secret")
    configure(workspace, "ccd: {gain: 2, filter: V}\npassword: '${secret:env:OBSTEST_MEMORY}'\n", "secrets: ['env:OBSTEST_MEMORY']\n")
    client = obs.open(workspace)
    client.store.put("a", b"bytes", labels={"a": "b"})
    assert client._handle is not None
    failures = 0
    for name, call in calls(_obs.client_store(client._handle), client._handle).items():
        call()  # what is made once and kept is there now
        failures += fail_and_keep_nothing(name, call)
        call()
    assert failures > 20


def test_opening_leaves_nothing_open(workspace: Path) -> None:
    options = (None, str(workspace), None, None, False, None)
    _obs.client_open(options)
    assert fail_and_keep_nothing("open", lambda: _obs.client_open(options)) > 0


def test_nobody_waits_for_what_was_lost(client: obs.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(queue: object) -> list[int]:
        tags(queue)  # type: ignore[arg-type]
        raise MemoryError

    client.store.put("a", b"bytes")
    tags = _obs.queue_tags
    monkeypatch.setattr(_obs, "queue_tags", lose)

    async def get() -> None:
        async with asyncio.timeout(120):
            await client.aio.get("a")

    with pytest.raises(MemoryError):
        asyncio.run(get())

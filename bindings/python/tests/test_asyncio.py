"""The store in event loops."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import weakref

import pytest

import obs
from obs import _aio


def test_many_at_once(client: obs.Client) -> None:
    async def main() -> None:
        await asyncio.gather(*(client.aio.put(f"a/{i}", b"%d" % i) for i in range(300)))
        got = await asyncio.gather(*(client.aio.get(f"a/{i}") for i in range(300)))
        assert [bytes(one) for one in got] == [b"%d" % i for i in range(300)]
        results = await asyncio.gather(*(client.aio.head(f"b/{i}") for i in range(50)), return_exceptions=True)
        assert all(isinstance(result, obs.NotFoundError) for result in results)
        assert bytes(await client.aio.get("a/7", offset=0, length=1)) == b"7"

    asyncio.run(main())


def test_a_cancelled_task_leaves_nothing_behind(client: obs.Client) -> None:
    async def main() -> None:
        for i in range(100):
            data = bytearray(100_000)
            task = asyncio.ensure_future(client.aio.put(f"c/{i}", data))
            for _ in range(i % 4):
                await asyncio.sleep(0)
            task.cancel()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        pump = _aio.pump()
        async with asyncio.timeout(120):
            while pump.waiting:
                await asyncio.sleep(0.01)
        data.append(1)  # nobody holds it any more
        assert (await client.aio.put("after", b"x")).size == 1

    asyncio.run(main())


def test_a_time_limit(client: obs.Client) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await client.aio.put("k", bytes(1000))
        assert bytes(await asyncio.wait_for(client.aio.get("other"), 60)) == b"y"

    client.store.put("other", b"y")
    asyncio.run(main())


def test_several_loops_in_several_threads(client: obs.Client) -> None:
    async def main(name: str) -> None:
        for i in range(20):
            await client.aio.put(f"{name}/{i}", name.encode())
        assert all([bytes(await client.aio.get(f"{name}/{i}")) == name.encode() for i in range(20)])

    failed: list[BaseException] = []

    def run(name: str) -> None:
        try:
            asyncio.run(main(name))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(f"loop{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_loop_that_is_closed_early_goes(client: obs.Client) -> None:
    data = bytearray(1 << 20)

    async def leave() -> None:
        for i in range(20):
            asyncio.ensure_future(client.aio.put(f"l/{i}", data))
        await asyncio.sleep(0)

    files = 0
    for turn in range(8):
        if turn == 3:  # by then each thread of the pool has opened what it keeps
            files = len(os.listdir("/proc/self/fd"))
        loop = asyncio.new_event_loop()
        gone = weakref.ref(loop)
        loop.run_until_complete(leave())
        while tasks := asyncio.all_tasks(loop):
            while tasks:
                tasks.pop().cancel()
            loop.run_until_complete(asyncio.sleep(0))
        del tasks
        loop.close()
        del loop
        gc.collect()
        assert gone() is None
        data.append(1)  # BufferError if something still borrowed it
    until = time.monotonic() + 60  # what was cancelled in the middle still ends
    while len(os.listdir("/proc/self/fd")) > files + 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= files + 2
    for i in range(20):
        if client.store.exists(f"l/{i}"):
            assert client.store.head(f"l/{i}").size >= 1 << 20


def test_a_loop_that_just_goes(client: obs.Client) -> None:
    data = bytearray(1 << 20)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(client.aio.put("k", data))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    asyncio.set_event_loop(None)
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del loop, task
    gc.collect()
    data.append(1)
    assert not client.store.exists("k") or client.store.head("k").size == 1 << 20

"""Consumers that share events: giving back, dead letters, pauses."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

import obs


def take(subscription: obs.Subscription) -> obs.Delivery:
    delivery = subscription.next(timeout=60)
    assert delivery is not None
    return delivery


def test_sharing(client: obs.Client) -> None:
    for number in range(3):
        client.bus.publish(obs.Event("t", id=str(number)), partition_key="k" if number < 2 else None)
    with client.bus.subscribe("g") as one, client.bus.subscribe("g") as two:
        first = take(one)
        other = take(two)
        assert (first.event.id, other.event.id) == ("0", "2")
        assert two.next(timeout=0) is None, "the key is with the other one"
        two.acknowledge(other)
        second = take(one)
        one.acknowledge_all(second)
        assert one.next(timeout=0) is None
        with pytest.raises(obs.AbortedError):
            client.bus.subscribe("g", exclusive=True)
    assert [row["behind"] for row in client.bus.consumers()] == [0]


def test_rejected_and_dead(client: obs.Client) -> None:
    client.bus.publish(obs.Event("t", id="bad"))
    with client.bus.subscribe("g", attempts=2) as subscription:
        subscription.reject(take(subscription), "no link", delay=0)
        again = take(subscription)
        assert again.attempt == 2
        subscription.reject(again, "no link", delay=0)
        assert subscription.next(timeout=0) is None
        letter = next(client.bus.dead_letters("g"))
        assert (letter["reason"], letter["attempts"], letter["event"]["id"]) == ("no link", 2, "bad")
        assert client.bus.replay("g", letter["sequence"]) == 1
        subscription.reject(take(subscription), dead=True)
        assert client.bus.discard("g") == 1
        with pytest.raises(obs.NotFoundError):
            client.bus.replay("g")


def test_pause(client: obs.Client) -> None:
    client.bus.publish("t")
    with client.bus.subscribe("g") as subscription:
        client.bus.pause("g", datetime.now(timezone.utc) + timedelta(hours=1), "maintenance")
        assert subscription.next(timeout=0) is None
        assert next(client.bus.consumers())["reason"] == "maintenance"
        client.bus.resume("g")
        take(subscription)
        client.bus.remove("g")
        with pytest.raises(obs.AbortedError):
            subscription.next(timeout=0)


def test_priority(client: obs.Client) -> None:
    client.bus.publish(obs.Event("t", id="low"), priority=-1)
    client.bus.publish(obs.Event("t", id="high"), priority=1)
    with client.unit() as unit:
        unit.publish(obs.Event("t", id="higher"), priority=1)
    with client.bus.subscribe("g") as subscription:
        assert [take(subscription).event.id for _ in range(3)] == ["high", "higher", "low"]


def test_several_at_once(client: obs.Client) -> None:
    for number in range(6):
        client.bus.publish(obs.Event("t", id=str(number), data=b"x" * number, datacontenttype="text/plain"))
    with client.bus.subscribe("g") as subscription:
        batch = subscription.next_many(3, timeout=60)
        assert [(one.event.id, one.attempt) for one in batch] == [("0", 1), ("1", 1), ("2", 1)]
        assert batch[2].event.data == b"xx"
        assert subscription.acknowledge_many(batch[:2]) == 2
        assert subscription.acknowledge_many(one.sequence for one in batch[:2]) == 2, "it may be said twice"
        assert subscription.acknowledge_many([]) == 0
        with pytest.raises(obs.InvalidArgumentError):
            subscription.acknowledge_many([99])
        with pytest.raises(OverflowError):
            subscription.acknowledge_many([1, -1])
        for wrong in (0, 4097):
            with pytest.raises(obs.InvalidArgumentError):
                subscription.next_many(wrong, timeout=0)
    with client.bus.subscribe("g") as subscription:
        got = ""
        for batch in subscription.batches(3):
            got += "".join(one.event.id for one in batch)
            assert subscription.acknowledge_many(batch) == len(batch)
            if len(got) == 4:
                break
        assert got == "2345"
        assert subscription.next_many(timeout=0) == []
    with pytest.raises(ValueError):
        subscription.next_many(timeout=0)
    assert [row["behind"] for row in client.bus.consumers()] == [0]


def test_one_thread_asks_and_others_acknowledge(client: obs.Client) -> None:
    for _ in range(40):
        client.bus.publish("t")
    with client.bus.subscribe("g") as subscription, ThreadPoolExecutor(4) as workers:
        for done in [workers.submit(subscription.acknowledge, take(subscription)) for _ in range(40)]:
            done.result()
    assert [row["behind"] for row in client.bus.consumers()] == [0]


def test_asyncio(client: obs.Client) -> None:
    left = {"last", *map(str, range(50))}

    def acknowledge(subscription: obs.Subscription, batch: list[obs.Delivery]) -> None:
        assert subscription.acknowledge_many(batch) == len(batch) > 0
        left.difference_update(one.event.id for one in batch)

    async def main(subscription: obs.Subscription) -> None:
        assert await subscription.aio.next_many(timeout=0) == []
        # Cancelled at any moment: no event is lost, and none waits for the subscription to end.
        for number in range(50):
            task = asyncio.ensure_future(subscription.aio.next_many())
            for _ in range(number % 4):
                await asyncio.sleep(0)
            client.bus.publish(obs.Event("t", id=str(number)))
            if number % 3 == 0:
                await asyncio.sleep(0.005)
            if not task.done():
                task.cancel()
            try:
                acknowledge(subscription, await task)
            except asyncio.CancelledError:
                pass
        client.bus.publish(obs.Event("t", id="last"))
        async for batch in subscription.aio.batches(8):
            assert all(one.attempt == 1 for one in batch), "what nobody saw is no attempt"
            acknowledge(subscription, batch)
            if not left:  # what a cancelled call gives back may come after the last one
                break

    with client.bus.subscribe("g") as subscription:
        asyncio.run(asyncio.wait_for(main(subscription), 120))
    assert [row["behind"] for row in client.bus.consumers()] == [0]

"""asyncio: many objects at once, on the loop's own thread."""

import asyncio

import obs


async def main(client: obs.Client) -> None:
    store = client.aio
    keys = [f"raw/{number}.fits" for number in range(8)]
    await asyncio.gather(*(store.put(key, bytes(1000)) for key in keys))
    print("wrote", len(keys), "frames")
    frames = await asyncio.gather(*(store.get(key) for key in keys))
    print("read", sum(map(len, frames)), "bytes")


with obs.open() as client:
    asyncio.run(main(client))

"""An agent that streams: what it yields is seen at once, and is its output in the end."""

import asyncio
from typing import AsyncIterator

import orchestrator
from orchestrator import Context


@orchestrator.agent
async def count_down(ctx: Context, start: int) -> AsyncIterator[str]:
    for number in range(start, 0, -1):
        ctx.progress(1 - number / start)
        yield f"{number}... "
        await asyncio.sleep(0.01)
    yield "lift-off"


async def main() -> None:
    async with orchestrator.connect("memory:") as o, o.worker([count_down]):
        task = await o.submit(count_down, 3)
        async for piece in task.stream():
            print(piece, end="", flush=True)
        print()
        print(repr(await task))


asyncio.run(main())

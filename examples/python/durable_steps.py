"""Work that survives a crash: what was finished is not done again.

Run it twice: the first run kills itself in the middle, the second goes on.

    python durable_steps.py             # Killed
    python durable_steps.py             # a box with 2 things: ...
"""

import asyncio
import os
import signal
import sys

import orchestrator
from orchestrator import Context


def buy(item: str) -> str:
    print(f"buying {item}", flush=True)
    return f"receipt for {item}"


@orchestrator.agent
async def pack(receipts: list[str]) -> str:
    print("packing", flush=True)
    return f"a box with {len(receipts)} things"


@orchestrator.agent
async def shop(ctx: Context, items: list[str]) -> str:
    receipts = [await ctx.step(f"buy {item}", buy, item) for item in items]
    if ctx.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)  # the machine is gone
    box = await ctx.call(pack, receipts)
    return f"{box}: {', '.join(receipts)}"


async def main(file: str = "durable_steps.db") -> None:
    async with orchestrator.connect(f"sqlite:{file}") as o, o.worker([shop, pack]):
        # The key makes both runs of this program mean the same task.
        print(await o.run(shop, ["milk", "bread"], idempotency_key="saturday"))


asyncio.run(main(*sys.argv[1:]))

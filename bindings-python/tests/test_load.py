"""Many tasks at once, and many one after the other: nothing waits for the event loop, nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time

import orchestrator
import pytest
from orchestrator import Context, task


@orchestrator.agent
async def nap(ctx: Context, n: int) -> int:
    await asyncio.sleep(0.2)
    return n


@orchestrator.agent
async def noop(n: int) -> int:
    return n


async def test_a_thousand_tasks_at_once_while_the_loop_goes_on() -> None:
    async with orchestrator.connect("memory:") as o, o.worker([nap], slots=1000):
        late = 0.0
        over = False

        async def look() -> None:
            nonlocal late
            while not over:
                began = time.monotonic()
                await asyncio.sleep(0.01)
                late = max(late, time.monotonic() - began)

        looking = asyncio.create_task(look())
        began = time.monotonic()
        handles = await o.submit_all([task(nap, n) for n in range(1000)])
        assert await asyncio.gather(*handles) == list(range(1000))
        took = time.monotonic() - began
        over = True
        await looking
        # One after the other they would nap for 200 s.
        assert took < 20, took
        assert late < 1.5, late


@orchestrator.agent
async def parent(ctx: Context, n: int) -> int:
    return sum(await ctx.map(noop, range(n)))


async def test_a_thousand_children() -> None:
    async with orchestrator.connect("memory:") as o, o.worker([noop, parent]):
        assert await o.run(parent, 1000) == 499_500


async def test_nothing_of_a_hundred_thousand_tasks_is_left_in_python() -> None:
    async with orchestrator.connect("memory:") as o, o.worker([noop, parent], slots=64):

        async def many(thousands: int) -> None:
            for _ in range(thousands):
                assert await o.run(parent, 1000) == 499_500

        await many(2)
        gc.collect()
        before = len(gc.get_objects())
        references = sys.getrefcount(noop)
        await many(100)
        gc.collect()
        # One object for each task would be a hundred thousand.
        assert len(gc.get_objects()) - before < 1000
        assert abs(sys.getrefcount(noop) - references) < 10


async def test_a_huge_output_comes_back_whole(url: str) -> None:
    @orchestrator.agent
    async def huge(n: int) -> list[str]:
        return ["é" * 1000] * n

    async with orchestrator.connect(url) as o, o.worker([huge]):
        assert await o.run(huge, 2000) == ["é" * 1000] * 2000


async def test_who_blocks_the_loop_is_named(caplog: pytest.LogCaptureFixture) -> None:
    @orchestrator.agent("sleepy")
    async def sleepy() -> None:
        time.sleep(0.8)

    async with orchestrator.connect("memory:") as o, o.worker([sleepy], blocked_after=0.2):
        handle = await o.submit(sleepy)
        await handle
        # The watchdog speaks once the loop runs again.
        for _ in range(200):
            if caplog.records:
                break
            await asyncio.sleep(0.01)
        [warned] = [r for r in caplog.records if r.levelno == logging.WARNING]
        text = warned.getMessage()
        assert text.startswith(f"agent `sleepy` (task {handle.id}) blocked the event loop for 0.")
        assert "time.sleep(0.8)" in text
        # The task ended with the block, and has it in its log.
        lines = [line.text async for line in handle.logs()]
        assert lines[0].startswith(f"WARNING orchestrator: agent `sleepy` (task {handle.id}) blocks the event loop, for 0.2 s")
        assert any("time.sleep(0.8)" in line for line in lines)


async def test_plain_functions_block_nothing() -> None:
    @orchestrator.agent
    def waits(n: int) -> int:
        time.sleep(0.2)
        return n

    async with orchestrator.connect("memory:") as o, o.worker([waits], slots=50):
        began = time.monotonic()
        handles = await o.submit_all([task(waits, n) for n in range(50)])
        assert await asyncio.gather(*handles) == list(range(50))
        assert time.monotonic() - began < 5

"""Tests of an agent: other agents are scripted, an hour passes in no time. Run by pytest, or by itself."""

import asyncio

import orchestrator
from orchestrator import Context, testing


@orchestrator.agent
async def watch(ctx: Context, site: str) -> str:
    for look in range(3):
        state = await ctx.call("look", site, name=f"look {look}")
        if state == "up":
            return f"{site} is up after {look} hours"
        await ctx.sleep(3600, name=f"hour {look}")
    raise orchestrator.NeedsAttention(f"{site} stays down")


async def test_it_looks_again_every_hour() -> None:
    look = testing.scripted("look", "down", "down", "up")
    async with testing.engine([watch, look]) as t:
        task = await t.submit(watch, "example.org")
        await t.advance(3600)
        await t.advance(3600)
        assert await task == "example.org is up after 2 hours"
        assert look.inputs == ["example.org"] * 3
        assert await t.steps(task) == ["hour 0", "hour 1"]


if __name__ == "__main__":
    asyncio.run(test_it_looks_again_every_hour())
    print("ok")

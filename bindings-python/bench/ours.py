"""Ours, embedded: ``python ours.py URL``. On PostgreSQL and SQLite everything is synced to the disk."""

from __future__ import annotations

import sys

import orchestrator
from measure import mark, now, payload
from orchestrator import Context, task
from turn import CHILDREN, take

#: Tasks in one transaction: what `Orchestrator.submit_all` is for.
BATCH = 1_000

#: Tasks that run at a time.
SLOTS = 256


@orchestrator.agent
async def noop(text: str) -> int:
    return mark()


@orchestrator.agent
async def fan(ctx: Context, count: int) -> int:
    return len(await ctx.map(noop, [payload(number) for number in range(count)]))


class Ours:
    """An engine in this process, with one worker."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def prepare(self) -> None:
        self._engine = await orchestrator.connect(self._url)

    async def submit(self, count: int) -> None:
        for first in range(0, count, BATCH):
            last = min(first + BATCH, count)
            await self._engine.submit_all([task(noop, payload(number)) for number in range(first, last)])

    async def start(self) -> None:
        await self._engine.worker([noop, fan], slots=SLOTS).__aenter__()

    async def once(self) -> tuple[int, int, int]:
        submitted = now()
        started = await self._engine.run(noop, payload(0))
        return submitted, started, now()

    async def fan_out(self) -> int | None:
        return await self._engine.run(fan, CHILDREN)

    async def stop(self) -> None:
        # Drained means that the outcome is recorded, not only that the handler ran.
        states: dict[str, int] = (await self._engine.stats())["by_state"]
        unfinished = {state: count for state, count in states.items() if count and state != "succeeded"}
        await self._engine.close()
        if unfinished:
            raise RuntimeError(f"these did not succeed: {unfinished}")


if __name__ == "__main__":
    take(Ours(sys.argv[1]))

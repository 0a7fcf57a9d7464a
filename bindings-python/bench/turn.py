"""One turn of one contender, in a process of its own: its storage is fresh, and what it measures is one line of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
from typing import Any, Protocol

from measure import Marks, now
from processes import used

#: How many children a fan-out has.
CHILDREN = 100


class Contender(Protocol):
    """What is measured."""

    async def prepare(self) -> None:
        """Opens and sets up what it needs. Not measured."""

    async def submit(self, count: int) -> None:
        """Submits so many tasks that do nothing, as is best for many. Nothing runs yet; a crash loses none of them."""

    async def start(self) -> None:
        """Starts what runs tasks."""

    async def once(self) -> tuple[int, int, int]:
        """One task on an idle system: when it was submitted, when its handler began, when its result was there."""

    async def fan_out(self) -> int | None:
        """Has a hundred children do nothing, waits for all of them, gives how many there were; ``None``: it cannot."""

    async def stop(self) -> None:
        """Ends everything that it started."""


def take(contender: Contender) -> None:
    """Measures, as the environment says (``BENCH_TURN``), and prints what was found."""
    settings = json.loads(os.environ["BENCH_TURN"])
    print(json.dumps(asyncio.run(_measured(contender, **settings))))


async def _measured(contender: Contender, *, tasks: int, samples: int, fan_outs: int) -> dict[str, Any]:
    marks = Marks(pathlib.Path(os.environ["BENCH_MARKS"]))
    await contender.prepare()
    begun, had = now(), used()
    await contender.submit(tasks)
    submitting, spent = (now() - begun) / 1e9, used() - had
    if marks.count():
        raise RuntimeError("tasks ran before their worker was started: what was measured means nothing")
    await contender.start()
    try:
        # What a process takes to start is left out of the processor's time as it is of the clock's.
        await marks.wait(1, within=60)
        had = used()
        await marks.wait(tasks, within=60)
        draining = marks.span()
        # What still records outcomes belongs to it, and must not disturb what is measured next.
        await asyncio.sleep(1)
        spent += used() - had
        found: dict[str, Any] = {
            "tasks": tasks,
            "submitted": tasks / submitting,
            "drained": tasks / draining,
            "both": tasks / (submitting + draining),
            "cpu_us": spent / tasks * 1e6,
            "start_ms": [],
            "result_ms": [],
            "fan_out_ms": [],
        }
        for _ in range(samples):
            submitted, started, told = await contender.once()
            found["start_ms"].append((started - submitted) / 1e6)
            found["result_ms"].append((told - submitted) / 1e6)
            await asyncio.sleep(0.01)
        for _ in range(fan_outs):
            begun = now()
            ended = await contender.fan_out()
            if ended is None:
                break
            if ended != CHILDREN:
                raise RuntimeError(f"{ended} of {CHILDREN} children have ended")
            found["fan_out_ms"].append((now() - begun) / 1e6)
    finally:
        await contender.stop()
    return found

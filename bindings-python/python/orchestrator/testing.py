"""For tests of agents: an engine in memory, a clock in the test's hand, scripted agents, assertions.

>>> import asyncio, orchestrator
>>> from orchestrator import testing
>>> @orchestrator.agent
... async def remind(ctx, text: str) -> str:
...     await ctx.sleep(3600)
...     return await ctx.call("shout", text)
>>> async def main():
...     shout = testing.scripted("shout", "HELLO")
...     async with testing.engine([remind, shout]) as t:
...         task = await t.submit(remind, "hello")
...         await t.advance(3600)
...         return await task, shout.inputs
>>> asyncio.run(main())
('HELLO', ['hello'])
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
from typing import Any, AsyncIterator, Callable, Iterable, Sequence

from . import _native
from ._client.connection import Connecting, Orchestrator
from ._client.handle import TaskHandle
from ._client.task import Seconds, State, Task, seconds
from ._values import types as _types
from ._work.agent import Agent

__all__ = ["Clock", "Engine", "Scripted", "engine", "scripted"]

#: No session ends because a test moves its clock.
_FOR_EVER = 10 * 365 * 86400.0


class Clock:
    """A clock that stands still until it is moved. It starts with the first moment of 2026."""

    def __init__(self) -> None:
        self._native = _native.ManualClock()

    def advance(self, duration: Seconds) -> None:
        """Moves it forward: whatever is due by then happens."""
        self._native.advance(seconds(duration))

    def now(self) -> datetime.datetime:
        """Its time."""
        return _types.moment(self._native.now())


class Engine(Orchestrator):
    """An engine for a test: an :class:`orchestrator.Orchestrator` with a clock and assertions."""

    clock: Clock

    async def until(self, task: TaskHandle[Any], state: State | Sequence[State], *, timeout: float = 10.0) -> Task:
        """The task once it is in this state. Raises ``AssertionError`` when it has ended in another one, or after so many
        seconds of real time, and says why the task is where it is."""
        wanted = {state} if isinstance(state, str) else set(state)
        try:
            async with _limit(timeout):
                events = await self._events(task=task, tree=False, after=0)
                while True:
                    now = await task.get()
                    if now.state in wanted:
                        return now
                    if now.has_ended:
                        raise AssertionError(f"task {task.id} is {now.state}, not {state}: {now.error}")
                    await events.next()
        except TimeoutError:
            why = await task.why()
            raise AssertionError(f"task {task.id} is not {state} after {timeout} s: {why}") from None

    async def quiet(self, *, timeout: float = 10.0) -> None:
        """Returns once nothing can go on by itself: what has not ended waits for time, for people or for events. Raises
        ``AssertionError`` after so many seconds of real time, with what still runs."""
        busy: dict[str, int] = {}
        try:
            async with _limit(timeout):
                events = await self._events(task=None, tree=False, after=None)
                while True:
                    counts = (await self.stats())["by_state"]
                    busy = {state: counts[state] for state in ("ready", "running") if counts.get(state)}
                    if not busy:
                        return
                    await events.next()
        except TimeoutError:
            raise AssertionError(f"after {timeout} s there are still tasks that go on: {busy}") from None

    async def advance(self, duration: Seconds, *, timeout: float = 10.0) -> None:
        """Lets everything go on that can, moves the clock, and lets everything go on again that is due by then."""
        await self.quiet(timeout=timeout)
        self.clock.advance(duration)
        while True:
            due = await self._ask("tick")
            await self.quiet(timeout=timeout)
            if not due:
                return

    async def steps(self, task: TaskHandle[Any]) -> list[str]:
        """The names of the steps that a task has recorded, in order; each is there once, however often its agent ran."""
        return [event.step or "" for event in await task.history() if event.type == "task_step"]

    async def children(self, task: TaskHandle[Any]) -> dict[str, Task]:
        """The children of a task by their names."""
        tree = await task.tree()
        return {one.step or one.id: one for one in tree.tasks if one.parent_id == task.id}

    async def assert_history(self, task: TaskHandle[Any], states: Iterable[State]) -> None:
        """Asserts that a task went through exactly these states, after the one that it was submitted in."""
        went = [event.state for event in await task.history() if event.type == "task_state"]
        assert went == list(states), f"task {task.id} went through {went}, not {list(states)}"


@contextlib.asynccontextmanager
async def _limit(timeout: float) -> AsyncIterator[None]:
    """Raises ``TimeoutError`` in the block after so many seconds; ``asyncio.timeout`` is there since 3.11 only."""
    task = asyncio.current_task()
    assert task is not None
    late = False

    def ring() -> None:
        nonlocal late
        late = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(timeout, ring)
    try:
        yield
    except asyncio.CancelledError:
        if not late:
            raise
        uncancel = getattr(task, "uncancel", None)
        if uncancel is not None:
            uncancel()
        raise TimeoutError from None
    finally:
        timer.cancel()


@contextlib.asynccontextmanager
async def engine(
    agents: Iterable[Agent[Any] | Callable[..., Any]] = (), *, slots: int = 8, **settings: Any
) -> AsyncIterator[Engine]:
    """An engine in memory whose clock stands still, with a worker for these agents.

    ``settings`` are those of :meth:`orchestrator.Orchestrator.worker`. What the block leaves running is given up.
    """
    clock = Clock()
    connecting = Connecting("memory:", None, clock._native, _FOR_EVER)
    connecting._kind = Engine
    async with connecting as opened:
        assert isinstance(opened, Engine)
        opened.clock = clock
        agents = list(agents)
        if agents:
            settings.setdefault("drain", 0.0)
            worker = opened.worker(agents, slots=slots, **settings)
            await worker.__aenter__()
        yield opened


@dataclasses.dataclass(frozen=True, eq=False)
class Scripted(Agent[Any]):
    """An agent that does as it is told, and remembers what it was asked."""

    inputs: list[Any] = dataclasses.field(default_factory=list)
    """The inputs that it got, in order."""


def scripted(name: str, *outcomes: Any) -> Scripted:
    """An agent that gives these outcomes, one for each call; the last one again and again after that.

    An exception is raised, a function is called with the input, anything else is the output.
    """
    told = list(outcomes) or [None]
    inputs: list[Any] = []

    async def act(input: Any = None) -> Any:
        inputs.append(input)
        outcome = told.pop(0) if len(told) > 1 else told[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome(input) if callable(outcome) else outcome

    return Scripted(name, act, inputs=inputs)

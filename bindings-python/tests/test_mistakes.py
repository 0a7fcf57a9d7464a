"""The mistakes that people make first, and what they are told: what is wrong, where, and what to write instead."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import pickle
import sys
from typing import Any, Callable, cast

import orchestrator
import pytest
from orchestrator import Context, InvalidInput, TaskFailed, task, testing


@dataclasses.dataclass
class Doc:
    name: str


@orchestrator.agent(retry=1)
async def read(doc: Doc) -> int:
    return len(doc.name)


async def bare(x: int) -> int:
    return x


def decorated(**settings: Any) -> Callable[[], Any]:
    return lambda: orchestrator.agent("x", **settings)


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda: orchestrator.agent(""), "the name is empty; leave it out to take the function's"),
        (lambda: orchestrator.agent(cast(Any, 3)), "agent: 3 is not a function"),
        (lambda: orchestrator.agent(Doc), "the class `Doc` is not a function"),
        (lambda: orchestrator.agent("again")(read), "`read` is an agent already"),
        (decorated(requires="gpu"), "requires: must be a list of texts, not 'gpu'"),
        (decorated(requires=["gpu", 3]), "requires: must be a list of texts, and 3 is none"),
        (decorated(retry="3"), "retry: must be a number of attempts or a `Retry`, not '3'"),
        (decorated(timeout="5m"), "timeout: a duration is seconds or a `timedelta`, not '5m'"),
        (decorated(options={"prio": 3}), "prio: a task has no such option; it has description, queue"),
    ],
)
def test_decorating(mistake: Callable[[], Any], told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        mistake()
    assert told in refused.value.message


def test_a_name_may_be_left_out() -> None:
    assert (read.name, read.defaults) == ("read", {"retry": 1})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"prio": 1}, "prio: a task has no such option"),
        ({"priority": "high"}, "priority: must be a whole number, not 'high'"),
        ({"queue": 3}, "queue: must be a text, not 3"),
        ({"run_at": "tomorrow"}, "run_at: must be a `datetime`, not 'tomorrow'"),
        ({"timeout": "5m"}, "timeout: a duration is seconds or a `timedelta`, not '5m'"),
        ({"timeout": -1}, "timeout: a duration is 0 seconds or more, not -1"),
        ({"timeout": 0}, "timeout_s: must be a number of seconds above 0"),
        ({"retry": 0}, "max_attempts is at least 1"),
        ({"requires": "gpu"}, "requires: must be a list of texts, not 'gpu'"),
        ({"limits": "provider:x"}, "limits: must be a list of texts, not 'provider:x'"),
        ({"depends_on": "a"}, "depends_on: must be a list of tasks, not 'a'"),
        ({"depends_on": 3}, "depends_on: must be a list of tasks, not 3"),
        ({"budget": {"tokens": 3}}, "budget: must be a `Budget`, not {'tokens': 3}"),
        ({"labels": {"team": 3}}, "labels: must be a `dict` of texts, not {'team': 3}"),
        ({"side_effects": "some"}, "side_effects: must be one of 'none', 'idempotent', 'once', not 'some'"),
    ],
)
async def test_options(options: dict[str, Any], told: str) -> None:
    async with orchestrator.connect("memory:") as o:
        with pytest.raises(InvalidInput) as refused:
            await o.submit("x", **options)
        assert told in refused.value.message


async def test_what_all_options_mean() -> None:
    soon = datetime.datetime.now() + datetime.timedelta(hours=1)
    async with orchestrator.connect("memory:") as o:
        first = await o.submit("x")
        handle = await o.submit(
            "x", priority=1, queue="q", run_at=soon, deadline=soon, timeout=datetime.timedelta(minutes=5), retry=2,
            requires=("gpu",), prefers=["fast"], limits=["k"], depends_on=[first], budget=orchestrator.Budget(tokens=3),
            labels={"a": "b"}, side_effects="once", privacy="sensitive", checkpoint_frequency="low", description="d",
            on_dependency_failure="continue", idempotency_key="k", silence_timeout=3,
        )  # fmt: skip
        raw = (await handle.get()).raw
        assert (raw["priority"], raw["queue"], raw["timeout_s"], raw["requires"]) == (1, "q", 300.0, ["gpu"])
        assert raw["depends_on"] == [first.id]


async def test_asking() -> None:
    async with orchestrator.connect("memory:") as o, o.worker([read]) as worker:
        asked: list[tuple[Any, str]] = [
            (lambda: o.run(bare, 1), "the function `bare` is not an agent; make it one with @orchestrator.agent"),  # type: ignore[call-overload]
            (lambda: o.submit(3), "agent: 3 is not an agent"),  # type: ignore[call-overload]
            (lambda: o.run(read, object()), "input: a `object` cannot be written as JSON; give plain values"),
            (lambda: o.run(read, bare), "input: a `function` cannot be written as JSON"),
            (lambda: o.submit_all(["read"]), "'read' is not a task; make it one with orchestrator.task(agent, input)"),  # type: ignore[list-item]
            (lambda: o.get("xx"), "task_id: UUID parsing failed"),
            (lambda: o.decide("01900000-0000-7000-8000-000000000000", "yes"), "expected one of `accept`"),  # type: ignore[arg-type]
        ]
        for mistake, told in asked:
            with pytest.raises(InvalidInput) as refused:
                await mistake()
            assert refused.value.message.startswith(told) or told in refused.value.message
        [only] = await o.submit_all(task(read, Doc("abc")))  # type: ignore[arg-type]
        assert await only == 3
        starting: list[tuple[Any, dict[str, Any], str]] = [
            (read, {}, "agents: must be a list of agents: worker([read])"),
            (["read"], {}, "'read' is neither an agent nor a function"),
            ([read], {"labels": "gpu"}, "labels: must be a list of texts, not 'gpu'"),
            ([read], {"slots": "8"}, "slots: must be a whole number, not '8'"),
            ([read], {"drain": "30s"}, "a duration is seconds or a `timedelta`, not '30s'"),
        ]
        for agents, settings, told in starting:
            with pytest.raises(InvalidInput) as refused:
                o.worker(agents, **settings)
            assert told in refused.value.message
        # Ending twice is ending.
        await worker.stop()
        await worker.stop()
    await o.close()


async def test_waiting_for_too_short() -> None:
    async with orchestrator.connect("memory:") as o:
        handle = await o.submit("nobody")
        with pytest.raises(TimeoutError, match=r"`nobody`\) is still ready after 0.01 s"):
            await handle.result(0.01)
        with pytest.raises(InvalidInput, match="a duration is 0 seconds or more, not -1"):
            await handle.result(-1)
        waiting = asyncio.create_task(handle.result())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        # Who waits no more has not cancelled it.
        assert (await handle.get()).state == "ready"


def test_the_blocking_facade_where_it_cannot_block() -> None:
    @orchestrator.agent(retry=1)
    async def calls_the_facade() -> Any:
        return o.run(read, Doc("x"))

    with orchestrator.sync.connect("memory:") as o, o.worker([read, calls_the_facade]):
        with pytest.raises(TaskFailed, match="would wait for the event loop that it is called on"):
            o.run(calls_the_facade)
        handle = o.submit(read, Doc("ab"))
        assert handle.result() == 2
    o.close()
    for late in (o.stats, handle.result, o.limits):
        with pytest.raises(orchestrator.Unavailable, match="it was closed; connect again"):
            late()


def test_nothing_is_open_yet() -> None:
    with pytest.raises(AttributeError, match=r"write `async with orchestrator.connect\(...\) as o:`"):
        orchestrator.connect("memory:").run(read)  # type: ignore[attr-defined]
    with pytest.raises(LookupError, match="no agent runs here"):
        orchestrator.context()


@pytest.mark.filterwarnings("ignore:coroutine 'bare' was never awaited")
async def test_a_forgotten_await() -> None:
    @orchestrator.agent(retry=1)
    async def forgets(ctx: Context) -> Any:
        return {"sum": bare(1)}

    async with orchestrator.connect("memory:") as o, o.worker([forgets]):
        with pytest.raises(TaskFailed, match="output of `forgets`.sum: a `coroutine` is not its result; put `await`"):
            await o.run(forgets)


async def test_a_library_that_ends_the_program_ends_its_task_only() -> None:
    kinds: dict[str, type[BaseException]] = {
        "SystemExit": SystemExit,
        "KeyboardInterrupt": KeyboardInterrupt,
        "GeneratorExit": GeneratorExit,
    }

    @orchestrator.agent(retry=1)
    def exits(how: str) -> None:
        if how == "argparse":
            sys.exit("bad arguments")
        raise kinds[how]("from a thread")

    @orchestrator.agent(retry=1)
    async def odd() -> None:
        raise GeneratorExit("from a coroutine")

    async with orchestrator.connect("memory:") as o, o.worker([exits, odd, read]):
        for how in kinds:
            with pytest.raises(TaskFailed, match=f"`exits`.* failed: {how}: from a thread") as failed:
                await o.run(exits, how)
            assert "raise kinds[how]" in (failed.value.traceback or "")
        with pytest.raises(TaskFailed, match="SystemExit: bad arguments"):
            await o.run(exits, "argparse")
        with pytest.raises(TaskFailed, match="GeneratorExit: from a coroutine"):
            await o.run(odd)
        assert await o.run(read, Doc("and on")) == 6


async def test_sleeping_until_a_moment_that_has_passed() -> None:
    @orchestrator.agent(retry=1)
    async def late(ctx: Context) -> str:
        await ctx.sleep(-1, name="number")
        await ctx.sleep(datetime.timedelta(seconds=-1), name="timedelta")
        await ctx.sleep(0, name="zero")
        return "awake"

    async with orchestrator.connect("memory:") as o, o.worker([late]):
        assert await o.run(late) == "awake"


async def test_a_second_sleep_needs_a_name() -> None:
    @orchestrator.agent(retry=1)
    async def looks(ctx: Context) -> None:
        for _ in range(2):
            await ctx.sleep(0.01)

    @orchestrator.agent(retry=1)
    def looks_by_name(ctx: orchestrator.sync.Context) -> str:
        ctx.sleep(0.01)
        for look in range(2):
            ctx.sleep(0.01, name=f"look {look}")
        # By its name, what is remembered can be met again.
        ctx.sleep(3600, name="sleep")
        return "seen"

    async with orchestrator.connect("memory:") as o, o.worker([looks, looks_by_name]):
        with pytest.raises(TaskFailed, match="give the second one a name") as failed:
            await o.run(looks)
        assert failed.value.error_class == "terminal"
        assert await o.run(looks_by_name) == "seen"


async def test_a_test_that_forgets_to_advance_is_not_waited_for() -> None:
    @orchestrator.agent
    async def sleepy(ctx: Context) -> None:
        await ctx.sleep(3600)

    async with testing.engine([sleepy]) as t:
        with pytest.raises(TimeoutError, match="is still waiting after 0.1 s"):
            await t.run(sleepy, wait=0.1)


async def test_a_context_is_of_no_use_after_its_run() -> None:
    kept: list[Context] = []

    @orchestrator.agent
    async def leaks(ctx: Context) -> None:
        kept.append(ctx)

    async with orchestrator.connect("memory:") as o, o.worker([leaks]):
        await o.run(leaks)
        with pytest.raises(asyncio.CancelledError, match="the run is over: its context cannot be used any more"):
            await kept[0].step("late", lambda: 1)
        kept[0].log("said to nobody")


def test_errors_go_from_process_to_process() -> None:
    errors: list[orchestrator.Error] = [
        orchestrator.TaskFailed("m", task_id="t", error_class="retryable", detail={"traceback": "x"}),
        orchestrator.TaskCancelled("m", task_id="t"),
        orchestrator.RateLimited("m", retry_after=3),
        orchestrator.NotFound("m", code="task_not_found", detail=[1]),
    ]
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
        assert again.code == error.code
        # As programs name it, in tracebacks too.
        assert type(error).__module__ == "orchestrator"

"""What agents can do, on every store and at a server: the same everywhere."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any, AsyncIterator, Iterator

import orchestrator
import pytest
from orchestrator import Context, Retry, TaskFailed, sync, task


@dataclasses.dataclass
class Doc:
    name: str
    words: int = 0


@orchestrator.agent
async def double(n: int) -> int:
    return n * 2


@orchestrator.agent("count")
def count(ctx: sync.Context, doc: Doc) -> Doc:
    words = ctx.step("words", lambda: len(doc.name.split()))
    return Doc(doc.name, words)


async def test_a_coroutine_and_a_plain_function(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([double, count]):
        assert await o.run(double, 21) == 42
        assert await o.run("double", 4, returns=int) == 8
        assert await o.run(count, Doc("a b c")) == Doc("a b c", 3)
        assert await o.run("count", {"name": "a b"}) == {"name": "a b", "words": 2}


@orchestrator.agent
async def fan(ctx: Context, upto: int) -> dict[str, Any]:
    ctx.progress(0.1)
    doubled = await ctx.map(double, range(upto), max_parallel=3)
    child = await ctx.spawn(double, 100, name="later")
    both = await ctx.gather(ctx.call(double, 1, name="one"), child.join())
    won = await ctx.race([task(double, 5), task("double", 6)], name="first")
    total: int = await ctx.step("total", sum, doubled)
    await ctx.sleep(0.01)
    return {"doubled": doubled, "both": both, "won": won.output in (10, 12), "total": total}


async def test_children_of_every_kind(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([double, fan]):
        handle = await o.submit(fan, 5, description="fan out", labels={"team": "x"})
        assert await handle == {"doubled": [0, 2, 4, 6, 8], "both": [2, 200], "won": True, "total": 20}
        tree = await handle.tree()
        assert {t.step for t in tree.tasks if t.parent_id == handle.id} == {
            "double[0]", "double[1]", "double[2]", "double[3]", "double[4]", "later", "one", "first[0]", "first[1]",
        }  # fmt: skip
        found = [t.id async for t in o.list(label=("team", "x"), state="succeeded")]
        assert found == [handle.id]
        assert (await o.stats())["by_state"]["succeeded"] >= 9


@orchestrator.agent
async def review(ctx: Context, text: str) -> str:
    decision = await ctx.checkpoint("Publish?", {"text": text}, context={"by": "a test"})
    paid = await ctx.wait_external("payment", input={"amount": 3}, returns=int)
    return f"{decision.decision} {decision.feedback} {paid}"


async def test_people_and_outside_systems(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([review]):
        handle = await o.submit(review, "a text")
        async for event in handle.events():
            if event.type == "checkpoint_opened":
                break
        [asked] = await o.checkpoints(root_id=handle.id)
        assert (asked.question, asked.content, asked.context) == ("Publish?", {"text": "a text"}, {"by": "a test"})
        await o.decide(asked, "correct", "shorter")
        with pytest.raises(orchestrator.Conflict):
            await o.decide(asked, "accept")
        waiting = None
        async for event in handle.events():
            if event.type == "task_created" and event.step == "payment":
                waiting = event.task_id
                break
        assert waiting is not None
        await o.task(waiting).complete(7)
        assert await handle == "correct shorter 7"


@orchestrator.agent
async def tokens(n: int) -> AsyncIterator[str]:
    for i in range(n):
        yield f"t{i}\n"
        await asyncio.sleep(0)


@orchestrator.agent
def rows(n: int) -> Iterator[dict[str, int]]:
    for i in range(n):
        yield {"row": i}


async def test_generators_stream(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([tokens, rows]):
        handle = await o.submit(tokens, 3)
        assert [piece async for piece in handle.stream()] == ["t0\n", "t1\n", "t2\n"]
        assert await handle == "t0\nt1\nt2\n"
        handle = await o.submit(rows, 2)
        assert [piece async for piece in handle.stream()] == [{"row": 0}, {"row": 1}]
        assert await handle == [{"row": 0}, {"row": 1}]


@orchestrator.agent
async def chatty(ctx: Context) -> None:
    ctx.log("one\ntwo")
    ctx.usage(input_tokens=10, output_tokens=5, cost_usd=0.25)
    logging.getLogger("my.agent").warning("careful: %s", 3)
    await asyncio.to_thread(logging.getLogger("my.agent").error, "from a thread")


async def test_logs_usage_and_logging(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([chatty]):
        handle = await o.submit(chatty)
        lines = [line.text async for line in handle.logs(follow=True)]
        assert lines == ["one", "two", "WARNING my.agent: careful: 3", "ERROR my.agent: from a thread"]
        done = await handle.wait()
        assert (done.usage.input_tokens, done.usage.output_tokens, done.usage.cost_usd) == (10, 5, 0.25)


@orchestrator.agent("broken", retry=Retry(max_attempts=2, initial_backoff=0.01))
async def broken(ctx: Context, how: str) -> None:
    if how == "terminal":
        raise orchestrator.Terminal("cannot work", detail={"part": 3})
    if how == "child":
        await ctx.call("broken", "terminal")
    if how == "attention":
        raise orchestrator.NeedsAttention("look at it")
    raise KeyError(f"attempt {ctx.attempt}")


@orchestrator.agent
async def wrong(how: str) -> Doc:
    outputs: dict[str, Any] = {"type": {"name": 3}, "json": {"name": object()}, "right": {"name": "a"}}
    return outputs[how]  # type: ignore[no-any-return]


async def test_outputs_are_what_agents_say() -> None:
    async with orchestrator.connect("memory:") as o, o.worker([wrong]):
        assert await o.run(wrong, "right") == Doc("a")
        with pytest.raises(TaskFailed, match=r"output of `wrong`.name: must be a text, not 3") as caught:
            await o.run(wrong, "type")
        assert caught.value.error_class == "terminal"
        with pytest.raises(TaskFailed, match=r"output of `wrong`.name: a `object` cannot be written as JSON"):
            await o.run(wrong, "json")


async def test_failures_tell_what_happened(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([broken, double]):
        with pytest.raises(TaskFailed, match="cannot work") as caught:
            await o.run(broken, "terminal")
        assert caught.value.error_class == "terminal"
        assert caught.value.detail["detail"] == {"part": 3}
        assert "raise orchestrator.Terminal" in (caught.value.traceback or "")
        with pytest.raises(TaskFailed, match="KeyError: 'attempt 2'") as caught:
            await o.run(broken, "retry")
        assert caught.value.error_class == "retryable"
        with pytest.raises(orchestrator.NeedsAttention, match="needs a decision: look at it") as attention:
            await o.run(broken, "attention")
        assert attention.value.task_id is not None
        assert "raise orchestrator.NeedsAttention" in attention.value.detail["traceback"]
        assert (await o.get(attention.value.task_id)).state == "needs_attention"
        with pytest.raises(TaskFailed, match="`broken` failed: cannot work"):
            await o.run(broken, "child")
        with pytest.raises(TaskFailed, match="input: must be a whole number, not 'x'") as caught:
            await o.run(double, "x")
        assert (await o.get(caught.value.task_id)).attempt == 1


@orchestrator.agent
async def lavish(ctx: Context) -> int:
    async def buy() -> int:
        ctx.usage(input_tokens=80, output_tokens=40)
        return 1

    bought = await ctx.step("buy", buy)
    return bought + await ctx.call(double, 20)


async def test_a_spent_budget_is_told_and_may_be_lifted(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([lavish, double]):
        handle = await o.submit(lavish, budget=orchestrator.Budget(tokens=100))
        with pytest.raises(orchestrator.BudgetExhausted, match=r"the budget is spent \(120 of 100 tokens\)") as spent:
            await handle
        assert (spent.value.task_id, spent.value.spender, spent.value.code) == (handle.id, handle.id, "budget_exhausted")
        seen = await handle.wait()
        assert (seen.state, seen.usage.input_tokens) == ("paused", 80)
        below = [task for task in (await handle.tree()).tasks if task.id != handle.id]
        for child in below:
            with pytest.raises(orchestrator.BudgetExhausted) as spent:
                await o.task(child.id)
            assert spent.value.spender == handle.id
        await handle.resume()
        assert await handle == 41
        assert (await handle.get()).usage.input_tokens == 80, "the step was not paid for twice"


@orchestrator.agent
async def stuck(ctx: Context) -> str:
    ctx.log("begun")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        ctx.usage(output_tokens=3)
        assert ctx.stop_reason == "cancelled", ctx.stop_reason
        raise
    return "never"


@orchestrator.agent
def stubborn(ctx: sync.Context) -> str:
    ctx.log("begun")
    while True:
        ctx.sleep(0.01, name="nap")
        ctx.step("again", lambda: 1)


async def test_cancelling(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([stuck, stubborn]):
        for agent in (stuck, stubborn):
            handle: orchestrator.TaskHandle[str] = await o.submit(agent)
            async for _ in handle.logs(follow=True):
                break
            await handle.cancel("enough")
            with pytest.raises(orchestrator.TaskCancelled):
                await handle
        # The agent's last words count.
        async for done in o.list(task_type="stuck"):
            assert done.usage.output_tokens == 3


async def test_what_is_refused(url: str) -> None:
    async with orchestrator.connect(url) as o:
        with pytest.raises(orchestrator.InvalidInput, match="priority") as refused:
            await o.submit("x", priority=11)
        assert refused.value.code == "invalid_input"
        with pytest.raises(orchestrator.InvalidInput, match="colour: a task has no such option"):
            await o.submit("x", colour="red")  # type: ignore[call-overload]
        missing = "01900000-0000-7000-8000-000000000000"
        with pytest.raises(orchestrator.NotFound, match=missing) as absent:
            await o.get(missing)
        assert absent.value.code == "task_not_found"
        first = await o.submit("external", idempotency_key="k")
        assert (await o.submit("external", idempotency_key="k")).id == first.id
        with pytest.raises(orchestrator.Conflict) as conflict:
            await o.submit("external", 1, idempotency_key="k")
        assert conflict.value.code == "idempotency_conflict"
        with pytest.raises(TimeoutError):
            await first.result(0.05)
        await first.fail("did not work")
        with pytest.raises(TaskFailed, match="did not work"):
            await first
        with pytest.raises(orchestrator.InvalidInput, match="^task_id: .*UUID") as no_id:
            await o.get("not-an-id")
        assert [one["field"] for one in no_id.value.detail["errors"]] == ["task_id"]


async def test_batches_depend_on_each_other(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([double]):
        first, second = await o.submit_all(
            [task(double, 1, ref="a"), task(double, 2, depends_on=["a"], priority=1)]
        )
        await second
        assert (await first.get()).has_ended
        with pytest.raises(orchestrator.InvalidInput, match="circle") as refused:
            await o.submit_all([task("x", ref="a", depends_on=["b"]), task("x", ref="b", depends_on=["a"])])
        assert refused.value.code == "cycle"


async def test_operators_do_their_work(url: str) -> None:
    async with orchestrator.connect(url) as o, o.worker([double], name="mine", labels=["gpu"]):
        await o.pause_queue("slow")
        handle = await o.submit(double, 2, queue="slow")
        assert "paused" in str(await handle.why())
        await o.pause_queue("slow", paused=False)
        assert await handle == 4
        await o.limit("provider:x", max_running=2)
        assert (await o.limits())["provider:x"]["max_running"] == 2
        await o.limit("provider:x")
        assert "provider:x" not in await o.limits()
        made = await o.schedule("nightly", double, 1, cron="0 3 * * *")
        assert [one["name"] for one in await o.schedules()] == ["nightly"]
        await o.pause_schedule(made["id"])
        await o.delete_schedule(made["id"])
        [worker] = await o.workers()
        assert (worker["name"], worker["labels"], worker["slots"]) == ("mine", ["gpu"], 8)
        held = await o.submit(double, 3, requires=["tpu"])
        assert "tpu" in str(await held.why())
        await held.pause()
        assert (await held.get()).state == "paused"
        await held.resume()
        await held.cancel()

"""Agents in Python and agents in Rust call each other through one server: each side is a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Any, Iterator

import orchestrator
import pytest
from conftest import Server, binary
from orchestrator import Context, TaskFailed


@pytest.fixture
def rust(server: Server) -> Iterator[Server]:
    """A server with a worker in Rust: `count_words`, and `each`, which calls the agent that its input names."""
    worker = subprocess.Popen([str(binary("remote_worker")), server.url], stdout=subprocess.DEVNULL)
    try:
        yield server
    finally:
        worker.kill()
        worker.wait()


@orchestrator.agent
async def first_line(ctx: Context, text: str) -> dict[str, Any]:
    ctx.usage(input_tokens=len(text))
    if not text:
        raise orchestrator.Terminal("an empty text", detail={"why": "no lines"})
    return {"line": text.splitlines()[0], "words": await ctx.call("count_words", text, returns=int)}


@orchestrator.agent
async def digest(ctx: Context, texts: list[str]) -> list[dict[str, Any]]:
    return await ctx.call("each", {"agent": first_line.name, "inputs": texts}, returns=list[dict[str, Any]])


async def test_each_calls_the_other(rust: Server) -> None:
    async with orchestrator.connect(rust.url) as o, o.worker([first_line, digest]) as worker:
        # Python calls Rust, which calls Python, which calls Rust.
        handle = await o.submit(digest, ["é è\nand more", "b"])
        assert await handle.result(60) == [{"line": "é è", "words": 4}, {"line": "b", "words": 1}]

        tasks = (await handle.tree()).tasks
        by_id = {one.id: one for one in tasks}

        def way(one: orchestrator.Task) -> list[tuple[str, bool]]:
            """From the root to a task: the agents, and whether each ran here."""
            above = way(by_id[one.parent_id]) if one.parent_id else []
            return [*above, (one.task_type, one.worker_id == worker.id)]

        assert sorted(way(one) for one in tasks if one.task_type == "count_words") == [
            [("digest", True), ("each", False), ("first_line", True), ("count_words", False)]
        ] * 2
        assert (await handle.get()).tree_usage.input_tokens == len("é è\nand more") + len("b")

        # Rust first, asked by nobody but the submitter.
        assert await o.run("each", {"agent": "first_line", "inputs": ["x y"]}, wait=60) == [{"line": "x y", "words": 2}]


async def test_failures_go_through_both(rust: Server) -> None:
    async with orchestrator.connect(rust.url) as o, o.worker([first_line, digest]):
        # Raised in Python, below Rust, below Python.
        with pytest.raises(TaskFailed, match="an empty text") as failed:
            await o.run(digest, [""], wait=60)
        assert failed.value.error_class == "terminal"
        [deepest] = [one async for one in o.list(task_type="first_line")]
        assert deepest.error is not None and deepest.error.detail["detail"] == {"why": "no lines"}
        assert "raise orchestrator.Terminal" in deepest.error.detail["traceback"]

        # Each side names what it cannot read of the other's.
        with pytest.raises(TaskFailed, match=r"input: must be a text, not 3"):
            await o.run("each", {"agent": "first_line", "inputs": [3]}, wait=60)
        with pytest.raises(TaskFailed, match=r"`count_words`.*invalid type: integer `3`, expected a string"):
            await o.run("count_words", 3, wait=60)


async def test_cancelling_goes_through_both(rust: Server) -> None:
    stopped: list[str | None] = []

    @orchestrator.agent
    async def stuck(ctx: Context) -> None:
        ctx.log("begun")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            stopped.append(ctx.stop_reason)
            raise

    @orchestrator.agent
    async def above(ctx: Context) -> None:
        await ctx.call("each", {"agent": "stuck", "inputs": [None]})

    async with orchestrator.connect(rust.url) as o, o.worker([stuck, above]):
        handle = await o.submit(above)
        while not (lowest := [one async for one in o.list(task_type="stuck")]):
            await asyncio.sleep(0.01)
        async for _ in o.task(lowest[0].id).logs(follow=True):
            break
        await handle.cancel("enough")
        with pytest.raises(orchestrator.TaskCancelled):
            await handle
        # What runs gets time to clean up.
        await o.task(lowest[0].id).wait(60)
        states = {one.task_type: one.state for one in (await handle.tree()).tasks}
        assert states == {"above": "cancelled", "each": "cancelled", "stuck": "cancelled"}
    assert stopped == ["cancelled"]

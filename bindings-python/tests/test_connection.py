"""Opening, closing, being refused, and saying so."""

from __future__ import annotations

import asyncio
import logging
import pathlib
import threading
from typing import Any

import orchestrator
import pytest
from conftest import Server, script
from orchestrator import Context, InvalidInput, Unavailable, sync, task
from orchestrator._client import connection


@orchestrator.agent
async def echo(value: Any) -> Any:
    return value


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        ("nowhere:", InvalidInput, "`nowhere` is not the URL of a store or a server; use `memory:`, `sqlite:path"),
        ("localhost:8080", InvalidInput, r"did you mean `http://localhost:8080`\?"),
        ("agents.db", InvalidInput, r"did you mean `sqlite:agents.db`\?"),
        ("postgresql+asyncpg://a:secret@b/c", InvalidInput, "write `postgres://`"),
        ("ws://host", InvalidInput, "write `http://`"),
        ("wss://host", InvalidInput, "write `https://`"),
        ("SQLite:a.db", InvalidInput, "write `sqlite:` in small letters"),
        (pathlib.Path("a.db"), InvalidInput, "a path is not a URL; write `sqlite:a.db`"),
        (None, InvalidInput, "url: must be `memory:`.*not None"),
        ("sqlite:", InvalidInput, "`sqlite:` needs the path of a file"),
        ("http://u:secret@host", InvalidInput, "a token is given by itself, never in a URL"),
        ("postgres://nobody@127.0.0.1:1/none", Unavailable, "refused"),
    ],
)
async def test_what_cannot_be_opened(url: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as refused:
        await orchestrator.connect(url)
    assert "secret" not in str(refused.value)


async def test_a_server_that_is_not_there() -> None:
    async with orchestrator.connect("http://127.0.0.1:1") as o:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await o.stats()


async def test_a_closed_connection_says_so(sqlite: str) -> None:
    o = await orchestrator.connect(sqlite)
    handle = await o.submit("external")
    waiting = asyncio.create_task(handle.wait())
    await asyncio.sleep(0)
    await o.close()
    await o.close()
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable, match="it was closed; connect again"):
        await o.stats()
    in_memory = await orchestrator.connect("memory:")
    await in_memory.close()
    with pytest.raises(Unavailable, match="it was closed; connect again"):
        await in_memory.run("anything")


async def test_another_loop_is_told_to_connect_itself() -> None:
    async with orchestrator.connect("memory:") as o:
        said: list[str] = []

        def elsewhere() -> None:
            try:
                asyncio.run(o.stats())
            except InvalidInput as error:
                said.append(error.message)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert said == ["this was opened on another event loop; call orchestrator.connect() on this one"]


async def test_a_task_that_nobody_here_can_run_is_refused_or_explained(
    sqlite: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with orchestrator.connect("memory:") as o:
        with pytest.raises(InvalidInput, match="no agent here runs `echo`; there is no worker"):
            await o.run(echo)
        async with o.worker([echo]):
            with pytest.raises(InvalidInput, match="no agent here runs `other`; there are echo"):
                await o.run("other")
    # In a file another program may have the agent.
    monkeypatch.setattr(connection, "_PATIENCE", 0.05)
    async with orchestrator.connect(sqlite) as o:
        running = asyncio.create_task(o.run(echo, 3))
        while not caplog.records:
            await asyncio.sleep(0.01)
        assert "still waiting for task" in caplog.text
        async with o.worker([echo]):
            assert await running == 3


async def test_workers_that_make_no_sense() -> None:
    async with orchestrator.connect("memory:") as o:
        for agents, message in [
            ([], "a worker needs at least one"),
            ([echo, echo], "there are two for the task type `echo`"),
            ([3], "3 is neither an agent nor a function"),
        ]:
            with pytest.raises(InvalidInput, match=message):
                o.worker(agents)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="slots: 0 is not within"):
            async with o.worker([echo], slots=0):
                pass
        worker = o.worker([echo])
        async with worker:
            pass
        with pytest.raises(InvalidInput, match="started before"):
            await worker.__aenter__()
        with pytest.raises(InvalidInput, match="tasks of the type `external` are not run by agents"):
            async with o.worker([orchestrator.agent("external")(lambda: None)]):
                pass


async def test_a_worker_that_the_server_refuses_ends_its_block(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_ADMIN_TOKEN", "the-admin-of-this-test-0123456789")
    server = Server(f"sqlite:{tmp_path}/s.db")
    try:
        async with orchestrator.connect(server.url, token="wrong") as o:
            with pytest.raises(orchestrator.Forbidden):
                await o.stats()
            with pytest.raises(orchestrator.Error, match="refused"):
                async with o.worker([echo]):
                    await asyncio.sleep(30)
        async with orchestrator.connect(server.url, token="the-admin-of-this-test-0123456789") as o:
            async with o.worker([echo]):
                assert await o.run(echo, 1) == 1
    finally:
        server.stop()


async def test_a_loop_that_watches_no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def add_reader(*_: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", add_reader)
    async with orchestrator.connect("memory:") as o, o.worker([echo]):
        handles = await o.submit_all([task(echo, n) for n in range(100)])
        assert await asyncio.gather(*handles) == list(range(100))


async def test_suspended_functions_may_be_forgotten() -> None:
    ran: list[int] = []

    @orchestrator.agent
    async def waits(ctx: Context) -> int:
        ran.append(ctx.attempt)
        try:
            first: int = await ctx.step("first", lambda: len(ran))
            await ctx.call(echo, 1)
            return first
        finally:
            ran.append(0)

    async with orchestrator.connect("memory:") as o, o.worker([waits, echo], suspended=0):
        assert await o.run(waits) == 1
        # It was run again from the top, as the same attempt, and its first run was cleaned up.
        assert ran.count(1) > 1
        assert ran.count(0) == ran.count(1)


async def test_context_reaches_everywhere_below_an_agent() -> None:
    def deep() -> str:
        return orchestrator.context().task_id

    @orchestrator.agent
    async def above(ctx: Context) -> bool:
        return [ctx.task_id] * 2 == [deep(), await asyncio.to_thread(deep)]

    @orchestrator.agent
    def plain(ctx: sync.Context) -> bool:
        return bool(ctx.task_id == deep())

    with pytest.raises(LookupError):
        deep()
    async with orchestrator.connect("memory:") as o, o.worker([above, plain]):
        assert await o.run(above) and await o.run(plain)


async def test_what_the_native_half_logs_reaches_logging(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "orchestrator")
    async with orchestrator.connect(server.url) as o:
        async with o.worker([echo], drain=0):
            server.stop()
            while not caplog.records:
                await asyncio.sleep(0.01)
    assert all(record.name.startswith("orchestrator.") for record in caplog.records)
    assert "server" in caplog.text or "connection" in caplog.text, caplog.text


async def test_logging_is_captured_once() -> None:
    @orchestrator.agent
    async def chatty() -> None:
        logging.getLogger("mine").warning("once")

    async with orchestrator.connect("memory:") as o:
        # Two workers capture once.
        async with o.worker([chatty]), o.worker([echo]):
            handle = await o.submit(chatty)
            await handle
            assert [line.text async for line in handle.logs()] == ["WARNING mine: once"]
            assert logging.getLogger().handlers.count(orchestrator._logging._handler) == 1
        assert orchestrator._logging._handler not in logging.getLogger().handlers


def test_warnings_are_seen_without_logging_being_set_up() -> None:
    done = script("""
import asyncio, logging, orchestrator

@orchestrator.agent
async def warns() -> None:
    logging.getLogger("mine").warning("inside")
    logging.getLogger("mine").info("quiet")

async def main():
    async with orchestrator.connect("memory:") as o, o.worker([warns]):
        handle = await o.submit(warns)
        await handle
        logging.getLogger("mine").warning("outside")
        print([line.text async for line in handle.logs()])
    logging.getLogger("mine").warning("after")

asyncio.run(main())
""")
    assert (done.stdout, done.stderr) == ("['WARNING mine: inside']\n", "inside\noutside\nafter\n")


def test_the_blocking_facade(sqlite: str) -> None:
    @orchestrator.agent
    def outer(ctx: sync.Context, n: int) -> dict[str, Any]:
        child = ctx.spawn("inner", n, name="spawned")
        doubled = ctx.map("inner", [1, 2, 3], name="many")
        decided = ctx.checkpoint("Go on?")
        remembered = ctx.step("remembered")(lambda: "x")()
        return {"child": ctx.gather(child), "doubled": doubled, "decided": decided.accepted, "step": remembered}

    @orchestrator.agent
    def inner(n: int) -> int:
        return n * 2

    @orchestrator.agent(retry=1)
    def lucky(ctx: sync.Context) -> int:
        if ctx.attempt == 1:
            raise orchestrator.Terminal("not at first")
        return int(ctx.attempt)

    with sync.connect(sqlite) as o, o.worker([outer, inner, lucky]):
        handle = o.submit(outer, 4)
        for event in handle.events():
            if event.type == "checkpoint_opened":
                [asked] = o.checkpoints()
                o.decide(asked, "accept")
        assert handle.result() == {"child": [8], "doubled": [2, 4, 6], "decided": True, "step": "x"}
        assert o.get(handle.id).state == "succeeded"
        assert {one.task_type for one in o.list()} == {"outer", "inner", "checkpoint"}
        assert o.stats()["by_state"]["succeeded"] == 6
        o.limit("provider:x", max_running=1)
        assert o.limits()["provider:x"]["max_running"] == 1
        assert str(handle.why()).startswith("succeeded")
        assert o.is_embedded is True
        assert (repr(o), repr(handle)) == ("Orchestrator(sqlite:…)", f"TaskHandle({handle.id!r})")
        with pytest.raises(orchestrator.TaskFailed, match="input: must be a whole number"):
            o.run(inner, "x")
        again = o.submit(lucky)
        with pytest.raises(orchestrator.TaskFailed, match="not at first"):
            again.result()
        assert again.retry().result() == 2


async def test_a_restart_of_the_server_is_waited_through(tmp_path: pathlib.Path) -> None:
    database = f"sqlite:{tmp_path}/server.db"
    server = Server(database)
    o = await orchestrator.connect(server.url)
    handle = await o.submit("external")
    waiting = asyncio.create_task(handle.result())
    # It is known to be there once it was asked for.
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 1)
    server.stop()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 1)
    server = Server(database, server.url.removeprefix("http://"))
    try:
        await handle.complete("done")
        assert await waiting == "done"
    finally:
        await o.close()
        server.stop()

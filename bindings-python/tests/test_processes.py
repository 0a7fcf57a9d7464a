"""What happens to processes: crashes, forks, Ctrl-C, the end of the interpreter."""

from __future__ import annotations

import concurrent.futures
import gc
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Callable

import orchestrator
import pytest
from conftest import Server, binary, script
from orchestrator import Context

USE = """
import asyncio, sys, orchestrator

@orchestrator.agent
async def nap(ctx, n: int) -> int:
    await ctx.step("nap", asyncio.sleep, 0)
    return n

async def main():
    async with orchestrator.connect("memory:") as o, o.worker([nap]):
        print(await asyncio.gather(*[o.run(nap, i) for i in range(3)]), flush=True)
"""


def test_the_interpreter_ends_in_peace_however_it_ends() -> None:
    # Threads of ours that touch Python while it is being taken down would crash it now and then.
    runs: list[tuple[str, concurrent.futures.Future[subprocess.CompletedProcess[str]]]] = []
    endings = {
        "in order": "asyncio.run(main())",
        "left open": "loop = asyncio.new_event_loop(); o = loop.run_until_complete(main_open())",
        "with an error": "asyncio.run(main()); raise SystemExit(0)",
    }
    left_open = """
async def main_open():
    o = await orchestrator.connect("memory:")
    worker = o.worker([nap], blocked_after=None)
    await worker.__aenter__()
    handles = [await o.submit(nap, i) for i in range(3)]
    print([await h for h in handles], flush=True)
    for i in range(50): await o.submit(nap, i)
    return o
"""
    # A crash of one program in 25 would be missed by these once in 1,500 times.
    with concurrent.futures.ThreadPoolExecutor(4) as several:
        for how, ending in [*endings.items()] * 60:
            ended = several.submit(script, USE + left_open + ending)
            runs.append((how, ended))
        for how, ended in runs:
            done = ended.result()
            assert (done.stdout, done.returncode) == ("[0, 1, 2]\n", 0), f"{how}: {done.stderr}"


def test_a_fork_is_told_what_to_do_and_may_connect_anew() -> None:
    done = script(
        USE
        + """
import os

async def forked():
    o = await orchestrator.connect("memory:")
    worker = o.worker([nap])
    await worker.__aenter__()
    print(await o.run(nap, 7), flush=True)
    pid = os.fork()
    if pid == 0:
        for late in (o.stats, lambda: o.run(nap, 7), lambda: o.submit(nap, 7)):
            try:
                await late()
            except orchestrator.Unavailable as error:
                print("fork" in str(error) and "connect() here" in str(error), flush=True)
        try:
            o._engine.ask('"stats"')
        except orchestrator.Unavailable as error:
            print("fork" in str(error) and "connect() here" in str(error), flush=True)
        del o, worker, late
        asyncio.events._set_running_loop(None)
        asyncio.run(main())
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    print(await o.run(nap, 8), flush=True)
    await worker.stop()
    await o.close()

asyncio.run(forked())
"""
    )
    assert (done.stdout, done.returncode) == ("7\nTrue\nTrue\nTrue\nTrue\n[0, 1, 2]\n8\n", 0), done.stderr


def test_a_fork_of_the_blocking_facade_is_told_too() -> None:
    done = script(
        USE
        + """
import os

with orchestrator.sync.connect("memory:") as o, o.worker([nap]):
    handle = o.submit(nap, 7)
    print(handle.result(), flush=True)
    pid = os.fork()
    if pid == 0:
        for late in (o.stats, handle.result, lambda: o.run(nap, 8)):
            try:
                late()
            except orchestrator.Unavailable as error:
                print("fork" in str(error) and "connect() here" in str(error), flush=True)
        with orchestrator.sync.connect("memory:") as anew, anew.worker([nap]):
            print(anew.run(nap, 9), flush=True)
    else:
        assert os.waitpid(pid, 0)[1] == 0
        print(o.run(nap, 10), flush=True)
"""
    )
    assert (done.stdout, done.returncode) == ("7\nTrue\nTrue\nTrue\n9\n10\n", 0), done.stderr


def test_ctrl_c_ends_a_run_in_order(tmp_path: pathlib.Path) -> None:
    source = """
import asyncio, sys, orchestrator

@orchestrator.agent
async def long(ctx) -> None:
    print("begun", flush=True)
    try:
        await asyncio.sleep(3600)
    finally:
        print("cleaned up", flush=True)

async def main():
    async with orchestrator.connect(sys.argv[1]) as o, o.worker([long]):
        await o.run(long, idempotency_key="k")

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    url = f"sqlite:{tmp_path}/t.db"
    process = subprocess.Popen([sys.executable, "-c", source, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == "begun\n"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert said.read() == "cleaned up\ninterrupted\n"
    assert process.wait() == 0
    assert time.monotonic() - began < 5
    # It was given back, and has not failed: the next worker goes on with it at once.
    with orchestrator.sync.connect(url) as o:
        [left] = o.list()
        assert (left.state, left.error) == ("ready", None)


def test_the_blocking_facade_is_interrupted_too(tmp_path: pathlib.Path) -> None:
    source = """
import sys, time, orchestrator

@orchestrator.agent
def long(ctx) -> None:
    print("begun", flush=True)
    ctx.sleep(3600)

try:
    with orchestrator.sync.connect("memory:") as o, o.worker([long]):
        o.run(long)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        assert said.read() == "interrupted\n"
    assert process.wait() == 0


WORKER = """
import asyncio, os, pathlib, sys, orchestrator
from orchestrator import Context

journal = pathlib.Path(os.environ["JOURNAL"])

def note(what):
    with journal.open("a") as file:
        file.write(what + chr(10))

def work(what):
    note(what)
    return what

@orchestrator.agent
async def helper(ctx: Context, n: int) -> int:
    note(f"helper {n}")
    return n * 10

@orchestrator.agent
async def durable(ctx: Context) -> str:
    a = await ctx.step("first", work, "first")
    child = await ctx.call(helper, 4)
    b = await ctx.step("second", work, "second")
    if os.environ.get("HANG"):
        note("hanging")
        await asyncio.sleep(3600)
    c = await ctx.call("command", {"argv": ["echo", "from rust"]})
    return f"{a} {child} {b} {c['stdout'].strip()}"
"""


def eventually(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not after {seconds} s"
        time.sleep(0.02)


async def test_another_worker_goes_on_where_a_killed_one_was(server: Server, tmp_path: pathlib.Path) -> None:
    (tmp_path / "agents.py").write_text(WORKER)
    journal = tmp_path / "journal"
    command = [sys.executable, "-m", "orchestrator.cli", "worker", "agents", "--server", server.url]
    environment = {**os.environ, "JOURNAL": str(journal)}
    rust = subprocess.Popen(
        [str(binary("orchestrator-worker")), "--server", server.url, "--no-discovery"], stderr=subprocess.DEVNULL
    )
    first = subprocess.Popen(command, cwd=tmp_path, env={**environment, "HANG": "1"}, stderr=subprocess.DEVNULL)
    second = None
    try:
        async with orchestrator.connect(server.url) as o:
            handle = await o.submit("durable")
            eventually(lambda: journal.exists() and "hanging" in journal.read_text(), "the agent hangs")
            first.kill()
            first.wait()
            second = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
            assert await handle.result(60) == "first 40 second from rust"
            assert journal.read_text().split("\n") == ["first", "helper 4", "second", "hanging", ""]
            second.terminate()
            assert second.wait(30) == 0
    finally:
        for process in (first, second, rust):
            if process is not None:
                process.kill()
                process.wait()


@orchestrator.agent
async def from_python(ctx: Context, n: int) -> int:
    return n + 1


async def test_what_the_command_says_of_mistakes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mine.py").write_text("import orchestrator\nx = 3\n@orchestrator.agent\ndef a(): pass\n")
    (tmp_path / "half.py").write_text("def a(:\n")

    def command(*words: str) -> tuple[str, int]:
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator.cli", "worker", "--log-level", "error", *words],
            capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
        return done.stderr, done.returncode

    for words, said, status in [
        (["nothing"], "error: nothing: there is no module `nothing` here or installed", 2),
        (["mine.py"], "error: mine.py: there is no module `mine.py` here or installed; a module is named without `.py`", 2),
        (["half"], "error: half: the module cannot be loaded: SyntaxError: ", 2),
        (["mine:x"], "error: mine:x: `x` is not an agent of the module", 2),
        (["mine:y"], "error: mine:y: `y` is not an agent of the module", 2),
        (["mine", "--url", "nowhere:"], "`nowhere` is not the URL of a store", 2),
        (["mine", "--url", "sqlite:t.db", "--slots", "0"], "slots: 0 is not within 1 and 65536", 2),
        (["mine", "--url", "sqlite:/nowhere/t.db"], "/nowhere/t.db", 4),
    ]:
        errors, code = command(*words)
        assert said in errors, (words, errors)
        assert code == status, (words, errors)


def test_the_command_starts_again_when_a_file_changes(server: Server, tmp_path: pathlib.Path) -> None:
    source = "import orchestrator\n@orchestrator.agent\ndef version() -> int:\n    return 1\n"
    (tmp_path / "changing.py").write_text(source)
    command = [sys.executable, "-m", "orchestrator.cli", "worker", "changing", "--server", server.url, "--reload"]
    said = tmp_path / "said"
    with said.open("w") as errors:
        process = subprocess.Popen(command, cwd=tmp_path, stderr=errors)
    try:
        with orchestrator.sync.connect(server.url) as o:
            assert o.run("version", wait=30) == 1
            # Saved in the middle of a change: nothing runs until the next one.
            (tmp_path / "changing.py").write_text(source + "def half(:\n")
            eventually(lambda: "cannot be loaded: SyntaxError" in said.read_text(), "half a change is told")
            (tmp_path / "changing.py").write_text(source.replace("1", "22"))
            eventually(lambda: o.run("version", wait=30) == 22, "the new version runs")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="counts the files below /proc")
async def test_nothing_is_left_open() -> None:
    def count() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    async def once() -> None:
        async with orchestrator.connect("memory:") as o, o.worker([from_python]):
            assert await o.run(from_python, 1) == 2

    await once()
    before = count()
    for _ in range(20):
        await once()
    assert count() <= before + 1

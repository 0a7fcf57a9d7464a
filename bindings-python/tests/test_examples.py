"""Every example is run, and what it prints is what it should."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, Server, binary

EXAMPLES = ROOT / "examples" / "python"

PRINTED = {
    "hello": "hello ada\n",
    "fan_out": "finished\nleft out: `measure[5]` failed: 'wh4t' is not a word\n",
    "checkpoint": "Publish? All about tasks, and much more.\nPublish? All about tasks.\npublished: All about tasks.\n",
    "streaming": "3... 2... 1... lift-off\n'3... 2... 1... lift-off'\n",
    "testing_agents": "ok\n",
}


#: Another one, into which the wheel was installed, is given by `.ci/wheel.sh`.
PYTHON = os.environ.get("ORCHESTRATOR_TEST_PYTHON", sys.executable)


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [PYTHON, "-X", "dev", str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    # In this mode asyncio tells what took longer than a tenth of a second, which on a busy machine is anything.
    lines = [line for line in done.stderr.splitlines(keepends=True) if not line.startswith("Executing <")]
    done.stderr = "".join(lines)
    return done


@pytest.mark.parametrize("name", PRINTED)
def test_example(name: str) -> None:
    done = run(name)
    assert (done.stdout, done.stderr, done.returncode) == (PRINTED[name], "", 0)


def test_durable_steps(tmp_path: pathlib.Path) -> None:
    killed = run("durable_steps", str(tmp_path / "agents.db"))
    assert (killed.stdout, killed.returncode) == ("buying milk\nbuying bread\n", -signal.SIGKILL)
    done = run("durable_steps", str(tmp_path / "agents.db"))
    assert (done.stdout, done.returncode) == (
        "packing\na box with 2 things: receipt for milk, receipt for bread\n",
        0,
    ), done.stderr


def test_remote_worker(server: Server) -> None:
    command = [str(binary("orchestrator-worker")), "--server", server.url, "--no-discovery"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        done = run("remote_worker", server.url)
        assert (done.stdout, done.returncode) == ("built 1.2.3\n", 0), done.stderr
    finally:
        worker.terminate()
        worker.wait()


def test_both_ways(server: Server) -> None:
    worker = subprocess.Popen([str(binary("remote_worker")), server.url], stdout=subprocess.DEVNULL)
    try:
        done = run("both_ways", server.url)
        assert (done.stdout, done.returncode) == ("Rust (3 words); Python (4 words)\n", 0), done.stderr
    finally:
        worker.kill()
        worker.wait()


def test_none_is_forgotten() -> None:
    run_here = {*PRINTED, "durable_steps", "remote_worker", "both_ways"}
    elsewhere = {path.stem.removeprefix("test_example_") for path in pathlib.Path(__file__).parent.glob("test_example_*.py")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == run_here | elsewhere

"""What the tests share: stores and servers of their own."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import uuid
from typing import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A shell has what it runs in the background ignore Ctrl-C, and programs that are started here would do so too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def binary(name: str) -> pathlib.Path:
    """A program of the workspace, built by `.ci/python-test.sh`."""
    folder = os.environ.get("ORCHESTRATOR_TEST_BINARIES", str(ROOT / "target" / "debug"))
    path = pathlib.Path(folder, name)
    if not path.exists():
        pytest.fail(f"{path} is missing: run .ci/python-test.sh, which builds it", pytrace=False)
    return path


@contextlib.contextmanager
def postgres_database() -> Iterator[str]:
    """A database of its own on the private PostgreSQL."""
    server = os.environ.get("ORCHESTRATOR_TEST_POSTGRES")
    if server is None:
        pytest.fail(
            "ORCHESTRATOR_TEST_POSTGRES is not set: run .ci/services.sh run .ci/python-test.sh, which starts a private one",
            pytrace=False,
        )
    name = f"p{uuid.uuid4().hex}"

    def psql(statement: str) -> None:
        subprocess.run(["psql", "-q", server, "-c", statement], check=True, capture_output=True)

    psql(f"create database {name}")
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        psql(f"drop database {name} with (force)")


class Server:
    """A real server on a free port."""

    def __init__(self, database: str, listen: str = "127.0.0.1:0") -> None:
        command = [str(binary("orchestrator-server")), "--listen", listen, "--database", database]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"the server said {line!r}"
        self.url = found.group()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[Server]:
    """A server on an SQLite file."""
    server = Server(f"sqlite:{tmp_path}/server.db")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["memory", "sqlite", "postgres", "server"])
def url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[str]:
    """Each kind of place that can be opened."""
    if request.param == "memory":
        yield "memory:"
    elif request.param == "sqlite":
        yield f"sqlite:{tmp_path}/tasks.db"
    elif request.param == "postgres":
        with postgres_database() as database:
            yield database
    else:
        yield request.getfixturevalue("server").url


@pytest.fixture
def sqlite(tmp_path: pathlib.Path) -> str:
    """A file of its own."""
    return f"sqlite:{tmp_path}/tasks.db"


def script(source: str, *arguments: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own to its end."""
    return subprocess.run(
        [sys.executable, "-c", source, *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


assert shutil.which("psql") or "ORCHESTRATOR_TEST_POSTGRES" not in os.environ, "psql is missing: install postgresql-client"

"""Processes: the workers of the peers that have such, and what everyone who takes part uses of the processor."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Iterable, Iterator

HERE = pathlib.Path(__file__).parent

_TICKS = os.sysconf("SC_CLK_TCK")


class WorkerProcess:
    """A worker, in a process of its own, whose log is in the turn's folder."""

    def __init__(self, *command: str) -> None:
        log = pathlib.Path(os.environ["BENCH_MARKS"]).with_name("worker.log")
        with log.open("ab") as out:
            self._process = subprocess.Popen([sys.executable, "-m", *command], cwd=HERE, stdout=out, stderr=out)

    def stop(self) -> None:
        """Ends it: in order if it does so soon."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def used() -> float:
    """Seconds that this process, its children, and the private PostgreSQL and Redis have used so far, those of their
    children that have ended included."""
    parents = dict(_parents())
    return sum(_seconds(pid) for pid in _below({os.getpid(), *_services()}, parents))


def _services() -> Iterator[int]:
    folder = pathlib.Path(os.environ["ORCHESTRATOR_TEST_SERVICES"])
    for path in (folder / "postgres" / "data" / "postmaster.pid", folder / "redis" / "pid"):
        yield int(path.read_text().split()[0])


def _parents() -> Iterator[tuple[int, int]]:
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(path)
        if fields:
            yield int(path.parent.name), int(fields[1])


def _below(roots: Iterable[int], parents: dict[int, int]) -> set[int]:
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _seconds(pid: int) -> float:
    fields = _stat(pathlib.Path(f"/proc/{pid}/stat"))
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _stat(path: pathlib.Path) -> list[str]:
    """The fields after the name, which may have blanks in it; none of a process that has ended."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []

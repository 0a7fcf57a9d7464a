"""What every contender measures with: one clock for all processes, and marks that handlers leave in a file."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import os
import pathlib
import statistics
import struct
import tempfile
import threading
import time

_MARK = struct.Struct("q")
_file: int | None = None


def now() -> int:
    """Nanoseconds of a clock that all processes of the machine share."""
    return time.monotonic_ns()


def payload(number: int) -> str:
    """What every task is given: 200 bytes."""
    return f"{number:08d}".ljust(200, ".")


def mark() -> int:
    """Leaves a mark that a handler has run, and gives the moment. Nothing gets lost between processes: a write of eight
    bytes to the end of a file is one."""
    global _file
    moment = now()
    if _file is None:
        _file = os.open(os.environ["BENCH_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(_file, _MARK.pack(moment))
    return moment


class Marks:
    """The marks of one turn, for who waits for them."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        path.touch()

    def count(self) -> int:
        """How many handlers have run."""
        return self._path.stat().st_size // _MARK.size

    async def wait(self, count: int, *, within: float) -> None:
        """Returns when so many handlers have run. Raises ``TimeoutError`` when no further one ran for ``within`` seconds."""
        seen, since = 0, time.monotonic()
        while (found := self.count()) < count:
            if found != seen:
                seen, since = found, time.monotonic()
            elif time.monotonic() - since > within:
                raise TimeoutError(f"{found} of {count} tasks have run, and none in the last {within:g} s")
            await asyncio.sleep(0.005)

    def span(self) -> float:
        """Seconds from the first handler to the last."""
        moments: list[int] = [moment for (moment,) in _MARK.iter_unpack(self._path.read_bytes())]
        return (max(moments) - min(moments)) / 1e9


@dataclasses.dataclass
class Spread:
    """Several measurements of one thing."""

    values: list[float]

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.values)

    def at(self, share: float) -> float:
        """The value that this share of them does not exceed."""
        ordered = sorted(self.values)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def calibration(folder: pathlib.Path) -> dict[str, float]:
    """What the machine gives now, in milliseconds: a fixed loop, 8 kB written and synced, a thread woken by another.
    Two runs, or two rounds, can be compared where these agree."""
    return {"loop": _loop(), "sync": _sync(folder), "wake": _wake()}


def _loop() -> float:
    def once() -> float:
        begun, total = now(), 0
        for number in range(1_000_000):
            total += number & 7
        return (now() - begun) / 1e6

    return min(once() for _ in range(3))


def _sync(folder: pathlib.Path) -> float:
    def once(file: int) -> float:
        begun = now()
        os.pwrite(file, b"x" * 8192, 0)
        os.fdatasync(file)
        return (now() - begun) / 1e6

    with tempfile.TemporaryFile(dir=folder) as opened:
        return statistics.median(once(opened.fileno()) for _ in range(100))


def _wake() -> float:
    asked, told = threading.Semaphore(0), threading.Semaphore(0)
    moments: list[int] = []

    def other() -> None:
        for _ in range(200):
            asked.acquire()
            moments.append(now())
            told.release()

    thread = threading.Thread(target=other)
    thread.start()
    delays: list[float] = []
    for _ in range(200):
        begun = now()
        asked.release()
        told.acquire()
        delays.append((moments[-1] - begun) / 1e6)
    thread.join()
    return statistics.median(delays)

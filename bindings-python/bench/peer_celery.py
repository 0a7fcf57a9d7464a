"""Celery on Redis, whose append-only file is on: a task is acknowledged when it has ended, so that a crash loses none.

``worker_prefetch_multiplier`` is what the guide advises for many short tasks; prefork with a process for each core is
its fastest pool here.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from celery import Celery, chord
from measure import mark, now, payload
from processes import WorkerProcess
from turn import CHILDREN, take

URL = os.environ["BENCH_URL"]

app = Celery("peer_celery", broker=f"{URL}/0", backend=f"{URL}/1")
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=64,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task(ignore_result=True)
def noop(text: str) -> None:
    mark()


@app.task
def timed(text: str) -> int:
    return mark()


@app.task
def count(marks: list[int]) -> int:
    return len(marks)


class Peer:
    """Celery with one worker of two processes."""

    async def prepare(self) -> None:
        app.connection_for_write().ensure_connection()

    async def submit(self, count: int) -> None:
        for number in range(count):
            noop.delay(payload(number))

    async def start(self) -> None:
        # Gossip and heartbeats are for fleets; what they cost would count against it.
        options = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        self._worker = WorkerProcess("celery", "-A", "peer_celery", "worker", "-P", "prefork", "-c", "2", *options)

    async def once(self) -> tuple[int, int, int]:
        submitted = now()
        started = timed.delay(payload(0)).get(timeout=60, interval=0.001)
        return submitted, started, now()

    async def fan_out(self) -> int | None:
        work = chord([timed.s(payload(number)) for number in range(CHILDREN)])
        ended: Any = work(count.s()).get(timeout=60, interval=0.001)
        return int(ended)

    async def stop(self) -> None:
        await asyncio.to_thread(self._worker.stop)


if __name__ == "__main__":
    take(Peer())

"""Dramatiq on Redis, whose append-only file is on. It acknowledges a message when it was handled."""

from __future__ import annotations

import asyncio
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from measure import mark, now, payload
from processes import WorkerProcess
from turn import CHILDREN, take

URL = os.environ["BENCH_URL"]

broker = RedisBroker(url=f"{URL}/0")
broker.add_middleware(Results(backend=RedisBackend(url=f"{URL}/1")))
dramatiq.set_broker(broker)


@dramatiq.actor
def noop(text: str) -> None:
    mark()


@dramatiq.actor(store_results=True)
def timed(text: str) -> int:
    return mark()


class Peer:
    """Dramatiq with one worker of two processes."""

    async def prepare(self) -> None:
        broker.client.ping()

    async def submit(self, count: int) -> None:
        for number in range(count):
            noop.send(payload(number))

    async def start(self) -> None:
        self._worker = WorkerProcess("dramatiq", "peer_dramatiq", "-p", "2", "-t", "8")

    async def once(self) -> tuple[int, int, int]:
        submitted = now()
        started = timed.send(payload(0)).get_result(block=True, timeout=60_000)
        return submitted, started, now()

    async def fan_out(self) -> int | None:
        group = dramatiq.group([timed.message(payload(number)) for number in range(CHILDREN)]).run()
        return len(list(group.get_results(block=True, timeout=60_000)))

    async def stop(self) -> None:
        await asyncio.to_thread(self._worker.stop)


if __name__ == "__main__":
    take(Peer())

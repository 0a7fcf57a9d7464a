"""DBOS in this process, on PostgreSQL that syncs or on SQLite. Many tasks go through a queue that it polls; one task, and
children, are started directly, which is its fastest way."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os

from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions
from measure import mark, now, payload
from turn import CHILDREN, take

URL = os.environ["BENCH_URL"]
VERSION = "1"
#: Each enqueues one by one: there is no call for many.
CALLERS = 16

CONFIG: DBOSConfig = {
    "name": "bench",
    "system_database_url": URL,
    "application_version": VERSION,
    "executor_id": "bench",
    "log_level": "ERROR",
}


@DBOS.workflow()
def noop(text: str) -> int:
    return mark()


@DBOS.workflow()
def fan(count: int) -> int:
    children = [DBOS.start_workflow(noop, payload(number)) for number in range(count)]
    return len([child.get_result() for child in children])


class Peer:
    """DBOS as a client at first, then as the process that runs what was enqueued."""

    async def prepare(self) -> None:
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        # Launched once without the queue, so that the tables are there.
        DBOS(config=CONFIG)
        DBOS.launch()
        DBOS.destroy()

    async def submit(self, count: int) -> None:
        await asyncio.to_thread(self._submit, count)

    def _submit(self, count: int) -> None:
        client = DBOSClient(system_database_url=URL)
        options: EnqueueOptions = {"workflow_name": "noop", "queue_name": "bench", "app_version": VERSION}
        with concurrent.futures.ThreadPoolExecutor(CALLERS) as callers:
            for _ in callers.map(lambda number: client.enqueue(options, payload(number)), range(count)):
                pass
        client.destroy()

    async def start(self) -> None:
        await asyncio.to_thread(self._launch)

    def _launch(self) -> None:
        DBOS(config=CONFIG)
        DBOS.launch()
        DBOS.register_queue("bench", polling_interval_sec=0.1)

    async def once(self) -> tuple[int, int, int]:
        return await asyncio.to_thread(self._once)

    def _once(self) -> tuple[int, int, int]:
        submitted = now()
        started = DBOS.start_workflow(noop, payload(0)).get_result()
        return submitted, started, now()

    async def fan_out(self) -> int | None:
        return await asyncio.to_thread(fan, CHILDREN)

    async def stop(self) -> None:
        await asyncio.to_thread(DBOS.destroy)


if __name__ == "__main__":
    take(Peer())

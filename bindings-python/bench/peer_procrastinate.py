"""Procrastinate on PostgreSQL that syncs, woken by LISTEN and NOTIFY as it is by default. It has no join of children."""

from __future__ import annotations

import asyncio
import os

import procrastinate
from measure import mark, now, payload
from processes import WorkerProcess
from turn import take

BATCH = 1_000

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["BENCH_URL"]))


@app.task(name="noop")
async def noop(text: str) -> None:
    mark()


class Peer:
    """Procrastinate with one worker of sixteen jobs at a time."""

    async def prepare(self) -> None:
        await app.open_async()
        await app.schema_manager.apply_schema_async()

    async def submit(self, count: int) -> None:
        for first in range(0, count, BATCH):
            last = min(first + BATCH, count)
            await noop.batch_defer_async(*({"text": payload(number)} for number in range(first, last)))

    async def start(self) -> None:
        command = ("--app", "peer_procrastinate.app", "worker", "--concurrency", "16")
        self._worker = WorkerProcess("procrastinate", *command)

    async def once(self) -> tuple[int, int, int]:
        # It keeps no results: the handler's mark says that it ran, and its result is there when the job is done.
        submitted = now()
        id = await noop.defer_async(text=payload(0))
        query = "select status::text from procrastinate_jobs where id = %(id)s"
        while (await app.connector.execute_query_one_async(query, id=id))["status"] != "succeeded":
            await asyncio.sleep(0.001)
        return submitted, _last_mark(), now()

    async def fan_out(self) -> int | None:
        return None

    async def stop(self) -> None:
        await asyncio.to_thread(self._worker.stop)
        await app.close_async()


def _last_mark() -> int:
    with open(os.environ["BENCH_MARKS"], "rb") as file:
        file.seek(-8, os.SEEK_END)
        return int.from_bytes(file.read(), "little", signed=True)


if __name__ == "__main__":
    take(Peer())

"""A web application with the engine inside: a request submits work and is answered at once; work survives restarts.

    DATABASE=sqlite:reports.db python fastapi_app.py 8000
    curl -X POST 'localhost:8000/reports?topic=tides'       # {"id": "..."}
    curl localhost:8000/reports/ID                          # {"state": "running", "text": null}
    curl -N localhost:8000/reports/ID/stream                # the text, as it is written
"""

import asyncio
import contextlib
import os
import sys
from typing import AsyncGenerator, AsyncIterator

import fastapi
import orchestrator
import uvicorn
from fastapi.responses import StreamingResponse
from orchestrator import Context, Orchestrator, TaskHandle


@orchestrator.agent
async def research(ctx: Context, topic: str) -> str:
    await asyncio.sleep(0.1)
    return f"what is known about {topic}"


@orchestrator.agent
async def report(ctx: Context, topic: str) -> AsyncIterator[str]:
    known = await ctx.call(research, topic)
    await ctx.sleep(0.5, name="think")
    for word in f"This is {known}.".split(" "):
        yield f"{word} "


@contextlib.asynccontextmanager
async def lifespan(app: fastapi.FastAPI) -> AsyncGenerator[None, None]:
    async with orchestrator.connect(os.environ.get("DATABASE", "memory:")) as o, o.worker([research, report]):
        app.state.orchestrator = o
        yield


app = fastapi.FastAPI(lifespan=lifespan)


def _orchestrator() -> Orchestrator:
    opened: Orchestrator = app.state.orchestrator
    return opened


async def _report(id: str) -> TaskHandle[str]:
    handle: TaskHandle[str] = _orchestrator().task(id)
    try:
        await handle.get()
    except (orchestrator.NotFound, orchestrator.InvalidInput) as error:
        raise fastapi.HTTPException(404, error.message) from None
    return handle


@app.post("/reports", status_code=202)
async def submit(topic: str) -> dict[str, str]:
    return {"id": (await _orchestrator().submit(report, topic)).id}


@app.get("/reports/{id}")
async def show(id: str) -> dict[str, str | None]:
    task = await (await _report(id)).get()
    return {"state": task.state, "text": task.output}


@app.get("/reports/{id}/stream")
async def stream(id: str) -> StreamingResponse:
    return StreamingResponse((await _report(id)).stream(), media_type="text/plain")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]))

"""FastAPI: a task from memory; with a DATABASE_URL, a row inserted for each request."""

import os
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

TABLE = """create table if not exists task (id bigint generated always as identity primary key, title text not null,
    status text not null default 'ready', priority int not null, created_at timestamptz not null default now())"""
INSERT = "insert into task (title, priority) values ($1, $2) returning id, title, status, priority"


class NewTask(BaseModel):
    title: str
    priority: int = 5


class Task(NewTask):
    id: int
    status: str
    agent: str = "bench"


@asynccontextmanager
async def lifespan(app: FastAPI):
    url = os.environ.get("DATABASE_URL")
    if url:
        app.state.pool = await asyncpg.create_pool(url, min_size=2, max_size=16)
        await app.state.pool.execute(TABLE)
    yield


app = FastAPI(lifespan=lifespan)
tasks = {n: Task(id=n, title=f"task {n}", status="ready", priority=n % 5) for n in range(1000)}


@app.get("/api/v1/tasks/{task_id}")
async def get(task_id: int) -> Task:
    if task_id not in tasks:
        raise HTTPException(404)
    return tasks[task_id]


@app.post("/api/v1/tasks", status_code=201)
async def create(task: NewTask) -> Task:
    row = await app.state.pool.fetchrow(INSERT, task.title, task.priority)
    return Task(**dict(row))


@app.get("/api/v1/tasks")
async def several() -> list[Task]:
    return []

"""Who takes part, where each turn's fresh storage is, and the least that a commit takes there."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import sqlite3
import statistics
import tempfile
import uuid
from typing import Callable, Iterator, Literal

import psycopg
import redis
from measure import now, payload

#: Commits of which the median counts.
COMMITS = 100

Storage = Literal["memory", "sqlite", "postgres", "redis"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One contender: a program of this folder, what it works on, and how much of it is enough to be measured."""

    name: str
    program: str
    storage: Storage
    tasks: int
    fan_outs: int
    ours: bool = False
    durable: bool = True


ENTRIES = (
    Entry("ours, memory", "ours.py", "memory", 20_000, 10, ours=True, durable=False),
    Entry("ours, SQLite", "ours.py", "sqlite", 20_000, 10, ours=True),
    Entry("ours, PostgreSQL", "ours.py", "postgres", 20_000, 10, ours=True),
    Entry("Celery, Redis", "peer_celery.py", "redis", 5_000, 5),
    Entry("Dramatiq, Redis", "peer_dramatiq.py", "redis", 10_000, 5),
    Entry("Procrastinate, PostgreSQL", "peer_procrastinate.py", "postgres", 3_000, 0),
    Entry("DBOS, PostgreSQL", "peer_dbos.py", "postgres", 1_500, 3),
    Entry("DBOS, SQLite", "peer_dbos.py", "sqlite", 200, 1),
)


@contextlib.contextmanager
def storage(entry: Entry, folder: pathlib.Path) -> Iterator[str]:
    """The URL of a storage for one turn, with nothing in it."""
    if entry.storage == "memory":
        yield "memory:"
    elif entry.storage == "sqlite":
        path = folder / "tasks.db"
        yield f"sqlite:{path}" if entry.ours else f"sqlite:///{path}"
    elif entry.storage == "redis":
        url = os.environ["ORCHESTRATOR_TEST_REDIS"]
        with redis.Redis.from_url(url) as client:
            client.flushall()
            yield url
    else:
        with database() as url:
            yield url


@contextlib.contextmanager
def database() -> Iterator[str]:
    """The URL of a database of its own on the private PostgreSQL."""
    server = os.environ["ORCHESTRATOR_TEST_POSTGRES"]
    name = f"b{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"drop database {name} with (force)")


def must_be_durable() -> None:
    """Raises ``RuntimeError`` when the services do not sync, or are not there: nothing could be compared then."""
    try:
        with psycopg.connect(os.environ["ORCHESTRATOR_TEST_POSTGRES"]) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                found = connection.execute(f"show {setting}").fetchone()
                if found != ("on",):
                    raise RuntimeError(f"PostgreSQL's {setting} is {found}: run this through `make bench ARGS=python`")
        with redis.Redis.from_url(os.environ["ORCHESTRATOR_TEST_REDIS"]) as client:
            if client.config_get("appendonly").get("appendonly") != "yes":
                raise RuntimeError("Redis keeps no append-only file: run this through `make bench ARGS=python`")
    except KeyError as missing:
        raise RuntimeError(f"{missing} is not set: run this through `make bench ARGS=python`") from None


def commits(folder: pathlib.Path) -> dict[str, float]:
    """Milliseconds of one row committed by hand, through Python's own drivers, on SQLite that syncs and on the private
    PostgreSQL: no durable start takes less."""
    return {"commit on SQLite": _sqlite(folder), "on PostgreSQL": _postgres()}


def _sqlite(folder: pathlib.Path) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as made:
        with contextlib.closing(sqlite3.connect(pathlib.Path(made, "floor.db"), isolation_level=None)) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.execute("create table floor (number integer primary key, input text not null)")
            return _median(lambda n: connection.execute("insert into floor values (?, ?)", (n, payload(n))))


def _postgres() -> float:
    with database() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table floor (number bigint primary key, input text not null)")
        return _median(lambda n: connection.execute("insert into floor values (%s, %s)", (n, payload(n))))


def _median(commit: Callable[[int], object]) -> float:
    def once(number: int) -> float:
        begun = now()
        commit(number)
        return (now() - begun) / 1e6

    return statistics.median(once(number) for number in range(COMMITS))

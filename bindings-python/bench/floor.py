"""The least that a durable start can take: one row, committed, by hand and through Python's own drivers."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import statistics
import tempfile
from typing import Callable

import psycopg
from contenders import database
from measure import now, payload

#: Commits of which the median counts.
COMMITS = 100


def commits(folder: pathlib.Path) -> dict[str, float]:
    """Milliseconds of a commit on SQLite that syncs and on the private PostgreSQL."""
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

"""A worker: claims tasks and runs their agents on the event loop that it was started on."""

from __future__ import annotations

import asyncio
import collections.abc
import logging
import socket
from types import TracebackType
from typing import Any, Callable, Iterable, Sequence, cast

from .. import _logging, _native
from .._client.task import Seconds, seconds, texts
from .._errors import Error, InvalidInput
from .._values import json as _json
from .agent import Agent, agent
from .run import Runner
from .watchdog import Watchdog

_log = logging.getLogger("orchestrator")


class Worker:
    """A worker, while its ``async with`` block lasts. Made by :meth:`Orchestrator.worker`."""

    def __init__(
        self,
        engine: Callable[[], _native.Engine],
        peers: list[Worker],
        agents: Iterable[Agent[Any] | Callable[..., Any]],
        *,
        slots: int,
        name: str | None,
        labels: Sequence[str],
        drain: Seconds,
        grace: Seconds,
        suspended: int | None,
        capture_logging: bool,
        blocked_after: Seconds | None,
    ) -> None:
        if not isinstance(slots, int):
            raise InvalidInput(f"slots: must be a whole number, not {slots!r}")
        self._engine = engine
        self._peers = peers
        self._agents = _by_name(agents)
        self._drain = seconds(drain)
        self._capture = capture_logging
        self._blocked_after = None if blocked_after is None else seconds(blocked_after)
        self._watchdog: Watchdog | None = None
        self._settings = {
            "name": name or socket.gethostname() or "worker",
            "labels": texts(labels, "labels"),
            "slots": slots,
            "grace_s": seconds(grace),
            "suspended": suspended,
            "agents": [
                {
                    "task_type": agent.name,
                    "description": agent.description,
                    "requires": list(agent.requires),
                    "input_schema": agent.input_schema,
                }
                for agent in self._agents.values()
            ],
        }
        self._native: _native.Worker | None = None
        self._runner: Runner | None = None
        self._watch: asyncio.Task[None] | None = None
        self._refusal: BaseException | None = None

    @property
    def id(self) -> str:
        """Its id: what tasks that it runs show as their ``worker_id``."""
        return self._started().id

    @property
    def task_types(self) -> list[str]:
        """The names of its agents."""
        return list(self._agents)

    def _started(self) -> _native.Worker:
        if self._native is None:
            raise InvalidInput("the worker has not been started: use `async with`")
        return self._native

    async def __aenter__(self) -> Worker:
        if self._native is not None:
            raise InvalidInput("the worker was started before; make another one")
        loop = asyncio.get_running_loop()
        self._runner = Runner(self._agents, loop)
        settings = _json.dumps(self._settings, "worker")
        self._native = await self._engine().start_worker(settings, self._runner.start)
        self._peers.append(self)
        if self._capture:
            _logging.capture()
        if self._blocked_after is not None:
            self._watchdog = Watchdog(self._native, self._runner, loop, self._blocked_after)
        self._watch = asyncio.create_task(self._until_refused(asyncio.current_task()))
        return self

    async def _until_refused(self, owner: asyncio.Task[Any] | None) -> None:
        """Ends the block when the worker cannot go on: nobody would run what the block waits for."""
        try:
            await self._started().ended()
        except Error as error:
            self._refusal = error
            if owner is not None:
                owner.cancel(str(error))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Whoever leaves in a hurry does not wait for what runs: it is given back and goes on when a worker takes it.
        await self.stop(self._drain if kind is None else 0.0)
        if self._refusal is not None and (kind is None or issubclass(kind, asyncio.CancelledError)):
            uncancel = getattr(asyncio.current_task(), "uncancel", None)
            if uncancel is not None and kind is not None:
                uncancel()
            raise self._refusal from None

    async def stop(self, drain: Seconds | None = None) -> None:
        """Stops in order: claims no more, gives what runs ``drain`` seconds to end, then stops and gives back the rest."""
        native = self._started()
        native.stop(self._drain if drain is None else seconds(drain))
        try:
            await native.ended()
        except asyncio.CancelledError:
            native.hurry()
            raise
        except Error as error:
            self._refusal = error
        finally:
            self._release()

    async def _leave(self) -> None:
        """Stops it at once if it runs: what it works for is being closed."""
        if self._native is not None and self._watch is not None:
            await self.stop(0.0)

    def _release(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
            self._peers.remove(self)
            if self._capture:
                _logging.release()
        if self._watchdog is not None:
            self._watchdog.stop()
        if self._runner is not None:
            self._runner.close()

    def hurry(self) -> None:
        """While it stops: gives back at once what still runs."""
        self._started().hurry()

    def drain(self) -> None:
        """Takes nothing more, and finishes what it has."""
        self._started().drain()

    def abort(self) -> None:
        """Drops everything where it is, as a crash would. For tests."""
        self._started().abort()

    async def status(self) -> dict[str, Any]:
        """How many tasks it runs (``running``), how many are suspended in memory, and whether it drains."""
        return cast("dict[str, Any]", _json.loads(await self._started().status()))

    async def wait(self) -> None:
        """Waits until it has ended: somebody stopped it, or the server refused it, which raises."""
        await self._started().ended()


def _by_name(agents: Iterable[Agent[Any] | Callable[..., Any]]) -> dict[str, Agent[Any]]:
    named: dict[str, Agent[Any]] = {}
    if isinstance(agents, Agent) or not isinstance(agents, collections.abc.Iterable):
        raise InvalidInput(f"agents: must be a list of agents: worker([{getattr(agents, 'name', '...')}])")
    for one in agents:
        if not isinstance(one, Agent):
            if not callable(one):
                raise InvalidInput(f"agents: {one!r} is neither an agent nor a function")
            one = agent(one)
        if one.name in named:
            raise InvalidInput(f"agents: there are two for the task type `{one.name}`; give one of them another name")
        named[one.name] = one
    if not named:
        raise InvalidInput("agents: a worker needs at least one")
    return named

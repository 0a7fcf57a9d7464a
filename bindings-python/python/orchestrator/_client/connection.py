"""The way in: a store or a server, opened by its URL."""

from __future__ import annotations

import asyncio
import logging
import os
from types import TracebackType
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Generator, Iterable, Literal, Sequence, TypeVar, overload

from .. import _native
from .._errors import InvalidInput, Process, Unavailable
from .._values import json as _json, types as _types
from .._work.agent import Agent
from .._work.worker import Worker
from .handle import TaskHandle
from .task import ENDED, Checkpoint, Decision, Event, NewTask, Seconds, Task, TaskOptions, new_task, seconds
from .url import check_url

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")
O = TypeVar("O")

_log = logging.getLogger("orchestrator")

#: How long `run` waits for a task to begin before it says why it does not, in seconds.
_PATIENCE = 5.0


def connect(url: str, *, token: str | None = None) -> Connecting:
    """Opens a store in this process, or connects to a server.

    ``memory:`` keeps everything in memory, ``sqlite:path/to/file.db`` in a file, ``postgres://user@host/name`` in
    PostgreSQL; ``http://host:8080`` is a server, for which ``token`` (or the variable ``ORCHESTRATOR_TOKEN``) lets one in.
    Use it as ``async with orchestrator.connect(url) as o``.

    >>> import asyncio, orchestrator
    >>> @orchestrator.agent
    ... async def double(n: int) -> int:
    ...     return n * 2
    >>> async def main():
    ...     async with orchestrator.connect("memory:") as o, o.worker([double]):
    ...         return await o.run(double, 21)
    >>> asyncio.run(main())
    42
    """
    return Connecting(url, token, None, None)


class Connecting:
    """What :func:`connect` gives: to be entered with ``async with``, or awaited and closed by hand."""

    def __init__(
        self, url: str, token: str | None, clock: _native.ManualClock | None, session_ttl: float | None
    ) -> None:
        self._url = url
        self._token = token
        self._clock = clock
        self._session_ttl = session_ttl
        self._kind: type[Orchestrator] = Orchestrator
        self._opened: Orchestrator | None = None

    if not TYPE_CHECKING:  # type checkers find it by themselves

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(
                f"nothing is open yet, so that there is no `{name}`: write `async with orchestrator.connect(...) as o:`"
            )

    async def _open(self) -> Orchestrator:
        check_url(self._url)
        loop = asyncio.get_running_loop()
        bridge = _native.Bridge(loop)
        fileno = bridge.fileno()
        try:
            if fileno is None:
                raise NotImplementedError
            loop.add_reader(fileno, bridge.drain)
        except NotImplementedError:
            bridge.call_through(loop.call_soon_threadsafe, bridge.drain)
            fileno = None
        opening = {
            "url": self._url,
            "token": self._token or os.environ.get("ORCHESTRATOR_TOKEN") or None,
            "session_ttl_s": self._session_ttl,
        }
        try:
            engine = await _native.Engine.open(bridge, _json.dumps(opening, "url"), self._clock)
        except BaseException:
            if fileno is not None:
                loop.remove_reader(fileno)
            bridge.close()
            raise
        return self._kind(self._url, engine, bridge, fileno, loop)

    def __await__(self) -> Generator[Any, None, Orchestrator]:
        return self._open().__await__()

    async def __aenter__(self) -> Orchestrator:
        self._opened = await self._open()
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._opened is not None
        await self._opened.close()


class Orchestrator:
    """Everything that can be asked of an engine in this process or of a server: the same for both."""

    def __init__(
        self,
        url: str,
        engine: _native.Engine,
        bridge: _native.Bridge,
        fileno: int | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._url = url
        self._engine = engine
        self._bridge = bridge
        self._fileno = fileno
        self._loop = loop
        self._process = Process()
        self._closed = False
        self._workers: list[Worker] = []

    def _here(self) -> _native.Engine:
        if self._closed:
            raise Unavailable("it was closed; connect again")
        self._process.check()
        try:
            running: Any = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not self._loop:
            raise InvalidInput("this was opened on another event loop; call orchestrator.connect() on this one")
        return self._engine

    async def _ask(self, op: str, **fields: Any) -> Any:
        question: Any = {op: fields} if fields else op
        try:
            return _json.loads(await self._here().ask(_json.dumps(question, op)))
        except InvalidInput as error:
            # What the question is called is our matter, not the caller's.
            error.args = (error.message.removeprefix(f"{op}."),)
            if isinstance(error.detail, dict):
                for one in error.detail.get("errors", []):
                    one["field"] = one["field"].removeprefix(f"{op}.")
            raise

    @property
    def is_embedded(self) -> bool:
        """Whether the engine lives in this process."""
        return self._engine.is_embedded()

    async def close(self) -> None:
        """Ends everything in order. What is not finished goes on when the store is opened again."""
        if self._closed:
            return
        engine = self._here()
        self._closed = True
        try:
            for worker in [*self._workers]:
                await worker._leave()
            await engine.close()
        finally:
            if self._fileno is not None:
                self._loop.remove_reader(self._fileno)
            self._bridge.close()

    # Tasks

    @overload
    async def submit(self, agent: Agent[O], input: Any = ..., **options: Unpack[TaskOptions]) -> TaskHandle[O]: ...
    @overload
    async def submit(self, agent: str, input: Any = ..., **options: Unpack[TaskOptions]) -> TaskHandle[Any]: ...
    async def submit(
        self, agent: Agent[Any] | str, input: Any = None, **options: Unpack[TaskOptions]
    ) -> TaskHandle[Any]:
        """Submits a task for an agent, of this program or of any worker. The handle may be awaited for its output."""
        return (await self.submit_all([new_task(agent, input, options)]))[0]

    async def submit_all(self, tasks: Sequence[NewTask]) -> list[TaskHandle[Any]]:
        """Submits several tasks, all or none, made by :func:`orchestrator.task`. They may depend on each other by refs."""
        tasks = [tasks] if isinstance(tasks, NewTask) else [*tasks]
        for one in tasks:
            if not isinstance(one, NewTask):
                raise InvalidInput(f"tasks: {one!r} is not a task; make it one with orchestrator.task(agent, input)")
        texts = ",".join(task._text() for task in tasks)
        text = await self._here().ask(f'{{"submit":{{"tasks":[{texts}]}}}}')
        return [TaskHandle(self, id, _reader(task, None)) for id, task in zip(_json.loads(text), tasks)]

    @overload
    async def run(
        self, agent: Agent[O], input: Any = ..., *, wait: Seconds | None = ..., **options: Unpack[TaskOptions]
    ) -> O: ...
    @overload
    async def run(
        self,
        agent: Agent[Any] | str,
        input: Any = ...,
        *,
        returns: type[T],
        wait: Seconds | None = ...,
        **options: Unpack[TaskOptions],
    ) -> T: ...
    @overload
    async def run(
        self, agent: str, input: Any = ..., *, wait: Seconds | None = ..., **options: Unpack[TaskOptions]
    ) -> Any: ...
    async def run(
        self,
        agent: Agent[Any] | str,
        input: Any = None,
        *,
        returns: Any = None,
        wait: Seconds | None = None,
        **options: Unpack[TaskOptions],
    ) -> Any:
        """Submits a task and waits for its output, at most ``wait`` (then ``TimeoutError``; the task goes on).

        Raises :class:`TaskFailed`, :class:`TaskCancelled`, :class:`NeedsAttention`, :class:`BudgetExhausted`.
        """
        task = new_task(agent, input, options)
        self._check_somebody_runs(task.task_type)
        handle = (await self.submit_all([task]))[0]
        handle._read = _reader(task, returns)
        if wait is not None:
            return await handle.result(wait)
        seen = await handle._settled(_PATIENCE)
        if seen["state"] in ENDED:
            return handle._outcome(seen, None)
        if seen.get("started_at") is None:
            # Nobody may ever take it, which must not look like work.
            _log.warning("still waiting for task %s (`%s`): %s", handle.id, task.task_type, await handle.why())
        return await handle.result()

    def _check_somebody_runs(self, task_type: str) -> None:
        """A task in memory that no agent here runs would be waited for without end."""
        self._here()
        if not self._url.startswith("memory:") or task_type in ("external", "checkpoint"):
            return
        known = [name for worker in self._workers for name in worker.task_types]
        if task_type not in known:
            have = f"there are {', '.join(known)}" if known else "there is no worker: use `async with o.worker([...])`"
            raise InvalidInput(f"task_type: no agent here runs `{task_type}`; {have}")

    def task(self, id: str) -> TaskHandle[Any]:
        """The handle of a task that was submitted before, here or elsewhere."""
        return TaskHandle(self, id, _plain)

    async def get(self, id: str) -> Task:
        """One task. Raises :class:`NotFound`."""
        return await self.task(id).get()

    async def list(
        self,
        *,
        state: str | Sequence[str] | None = None,
        task_type: str | None = None,
        root_id: str | None = None,
        parent_id: str | None = None,
        worker_id: str | None = None,
        label: tuple[str, str] | None = None,
        text: str | None = None,
        roots_only: bool = False,
    ) -> AsyncIterator[Task]:
        """The tasks, the newest first: those in these states, of this type, in this tree, with this label, with this text
        in the description."""
        states = [state] if isinstance(state, str) else [*(state or ())]
        query: dict[str, Any] = {
            "states": states,
            "task_type": task_type,
            "root_id": root_id,
            "parent_id": parent_id,
            "worker_id": worker_id,
            "label": label,
            "text": text,
            "roots_only": roots_only,
            "limit": 100,
            "cursor": None,
        }
        while True:
            page = await self._ask("list", **query)
            for raw in page["items"]:
                yield Task._of(raw)
            query["cursor"] = page["next_cursor"]
            if query["cursor"] is None:
                return

    # Events

    async def _events(self, *, task: TaskHandle[Any] | str | None, tree: bool, after: int | None) -> _native.Events:
        follow: dict[str, Any] = {
            "task_id": task if task is None or isinstance(task, str) else task.id,
            "tree": tree,
            "types": [],
            "after": after,
        }
        return await self._here().events(_json.dumps(follow, "events"))

    async def events(
        self, *, task: TaskHandle[Any] | str | None = None, tree: bool = True, after: int | None = None
    ) -> AsyncIterator[Event]:
        """What happens, as it happens: everything, or what concerns a task (with ``tree`` also what is below it).

        Events come once and in order, also over lost connections. ``after`` is the ``seq`` of the last one that was seen,
        0 for the whole history; without it they begin now. Progress, log lines and the workers' states are not part of the
        history: they are seen as they happen, or not at all.
        """
        native = await self._events(task=task, tree=tree, after=after)
        while True:
            for raw in _json.loads(await native.next()):
                yield Event._of(raw)

    # People and machines

    async def checkpoints(self, *, root_id: str | None = None) -> list_[Checkpoint]:
        """What waits for people: everything, or what is in the tree of a task."""
        found = await self._ask("checkpoints", root_id=root_id)
        return [
            Checkpoint(Task._of(raw["task"]), raw["question"], raw["content"], raw.get("evaluation"), raw.get("context"))
            for raw in found
        ]

    async def decide(
        self, checkpoint: str | Checkpoint, decision: Decision | Literal["accept", "correct", "reject"], feedback: str = ""
    ) -> Task:
        """Decides at a checkpoint. Raises :class:`Conflict` when it was decided before."""
        id = checkpoint if isinstance(checkpoint, str) else checkpoint.id
        return await self.task(id).decide(decision, feedback)

    async def workers(self) -> list_[dict[str, Any]]:
        """The workers that are connected, as the API writes them."""
        found: list_[dict[str, Any]] = await self._ask("workers")
        return found

    async def drain(self, worker_id: str) -> dict[str, Any]:
        """Lets a worker finish what it has and take no more."""
        found: dict[str, Any] = await self._ask("drain", worker_id=worker_id)
        return found

    async def stats(self) -> dict[str, Any]:
        """Counts by state, the age of the oldest ready task, what was spent."""
        found: dict[str, Any] = await self._ask("stats")
        return found

    # What keeps tasks from starting, and what starts them

    async def schedule(
        self,
        name: str,
        agent: Agent[Any] | str,
        input: Any = None,
        *,
        cron: str | None = None,
        time_zone: str = "UTC",
        every: Seconds | None = None,
        overlap: Literal["skip", "queue", "cancel_previous"] = "skip",
        **options: Unpack[TaskOptions],
    ) -> dict[str, Any]:
        """Submits a task again and again: by a cron expression in a time zone, or ``every`` so many seconds. Replaces the
        schedule of the same name."""
        if (cron is None) == (every is None):
            raise InvalidInput("cron, every: give one of the two")
        timing: dict[str, Any]
        if cron is not None:
            timing = {"cron": {"expression": cron, "time_zone": time_zone}}
        else:
            timing = {"every_s": seconds(every or 0)}
        head = _json.dumps({"name": name, "timing": timing, "overlap": overlap}, "schedule")
        task = new_task(agent, input, options)._text()
        question = f'{{"put_schedule":{{"schedule":{head[:-1]},"task":{task}}}}}}}'
        found: dict[str, Any] = _json.loads(await self._here().ask(question))
        return found

    async def schedules(self) -> list_[dict[str, Any]]:
        """The schedules, as the API writes them."""
        found: list_[dict[str, Any]] = await self._ask("schedules")
        return found

    async def pause_schedule(self, schedule_id: str, paused: bool = True) -> None:
        """Lets a schedule rest, or go on from now."""
        await self._ask("pause_schedule", schedule_id=schedule_id, paused=paused)

    async def delete_schedule(self, schedule_id: str) -> None:
        """Removes a schedule; the tasks that it submitted stay."""
        await self._ask("delete_schedule", schedule_id=schedule_id)

    async def limit(
        self,
        key: str,
        *,
        max_running: int | None = None,
        starts_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> None:
        """Sets what tasks with a limit key may do at once and in a minute; removes the limit when nothing is given."""
        rule = {
            "max_running": max_running,
            "starts_per_minute": starts_per_minute,
            "tokens_per_minute": tokens_per_minute,
        }
        kept = {name: value for name, value in rule.items() if value is not None}
        await self._ask("put_limit", key=key, rule=kept or None)

    async def limits(self) -> dict[str, dict[str, Any]]:
        """The limits by their keys."""
        return dict(await self._ask("limits"))

    async def pause_queue(self, queue: str, paused: bool = True) -> None:
        """Starts nothing of a queue, or lets it go on."""
        await self._ask("pause_queue", queue=queue, paused=paused)

    # Running tasks

    def worker(
        self,
        agents: Iterable[Agent[Any] | Callable[..., Any]],
        *,
        slots: int = 8,
        name: str | None = None,
        labels: Sequence[str] = (),
        drain: Seconds = 30.0,
        grace: Seconds = 10.0,
        suspended: int | None = None,
        capture_logging: bool = True,
        blocked_after: Seconds | None = 0.5,
    ) -> Worker:
        """A worker with these agents: ``async with o.worker([...]):`` runs tasks for as long as the block lasts.

        ``slots`` tasks run at once; suspended ones fill none. ``labels`` are what it offers (``gpu``, ``tool:git``). When
        the block ends what runs gets ``drain`` seconds to end; what is stopped then, or cancelled, gets ``grace`` seconds
        to clean up. ``suspended`` functions at most are kept in memory (10,000 by default). With ``capture_logging`` what
        agents log by ``logging`` reaches their tasks' logs. An agent that keeps the event loop from running for longer than
        ``blocked_after`` seconds is named in a warning, with its stack; ``None`` does not look.
        """
        return Worker(
            self._here,
            self._workers,
            agents,
            slots=slots,
            name=name,
            labels=labels,
            drain=drain,
            grace=grace,
            suspended=suspended,
            capture_logging=capture_logging,
            blocked_after=blocked_after,
        )

    def __repr__(self) -> str:
        scheme = self._url.split(":", 1)[0]
        return f"Orchestrator({scheme}:…)"


list_ = list
"""The type, beside the method of the same name."""


def _plain(output: Any) -> Any:
    return output


def _reader(task: NewTask, returns: Any) -> Callable[[Any], Any]:
    agent = task.agent
    what = f"output of `{task.task_type}`"
    if returns is not None:
        return lambda output: _types.read(returns, output, what)
    if agent is not None:
        return lambda output: agent._read(output, what)
    return _plain

"""The same without ``await``: for scripts and notebooks, and for plain functions that are agents."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, AsyncIterator, Awaitable, Callable, Generic, Iterable, Iterator, Sequence, TypeVar

from ._errors import InvalidInput, Process, Unavailable
from ._values import json as _json, types as _types
from ._work import context as _context

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._client import connection as _connection, handle as _handle, task as _task
    from ._work import worker as _worker
    from ._work.agent import Agent

T = TypeVar("T")

__all__ = ["Context", "Orchestrator", "TaskHandle", "connect"]


class Context:
    """What an agent that is a plain function can do with its task: as :class:`orchestrator.Context`, without ``await``.

    The function runs in a thread of its own. A task that is stopped raises ``asyncio.CancelledError`` at the next thing
    that it does here.
    """

    def __init__(self, ctx: _context.Context, loop: asyncio.AbstractEventLoop) -> None:
        self._ctx = ctx
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ctx, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        def blocking(*args: Any, **kwargs: Any) -> Any:
            return self._wait(lambda: found(*args, **kwargs))

        return blocking

    def spawn(self, *args: Any, **kwargs: Any) -> Child:
        """Asks for a child without waiting for it."""
        return Child(self._wait(lambda: self._ctx.spawn(*args, **kwargs)), self)

    def gather(self, *children: Child) -> list[Any]:
        """Waits for several children; their outputs in the same order."""
        return self._wait(lambda: self._ctx.gather(*(child._child for child in children)))

    def step(
        self, name: str, work: Callable[..., Any] | None = None, /, *args: Any, returns: Any = None, **kwargs: Any
    ) -> Any:
        """Does something once, in this thread, and remembers its result."""
        if work is None:
            return lambda work: lambda *args, **kwargs: self.step(name, work, *args, returns=returns, **kwargs)
        returns = returns or _context._returned(work)
        begun = self._wait(lambda: self._ctx._native.step(name))
        if isinstance(begun, str):
            text = begun
        else:
            try:
                text = _json.dumps(work(*args, **kwargs), f"result of the step `{name}`")
            except BaseException:
                self._wait(begun.give_up)
                raise
            self._wait(lambda: begun.finish(text))
        value = _json.loads(text)
        return value if returns is None else _types.read(returns, value, f"result of the step `{name}`")

    def _wait(self, begin: Callable[[], Awaitable[T]]) -> T:
        return wait(self._loop, begin)


class Child:
    """A child that was asked for."""

    def __init__(self, child: _context.Child[Any], ctx: Context) -> None:
        self._child = child
        self._ctx = ctx

    @property
    def id(self) -> str:
        """Its id."""
        return self._child.id

    def join(self) -> Any:
        """Waits for its output."""
        return self._ctx._wait(self._child.join)


def wait(loop: asyncio.AbstractEventLoop, begin: Callable[[], Awaitable[T]]) -> T:
    """What an awaitable gives that begins and runs on the loop of another thread."""
    if loop.is_closed():
        raise Unavailable("it was closed; connect again")
    if asyncio._get_running_loop() is loop:
        raise InvalidInput(
            "this would wait for the event loop that it is called on, without end; an agent that is a coroutine uses its "
            "context: `await ctx.call(...)`"
        )

    async def whole() -> T:
        return await begin()

    future = asyncio.run_coroutine_threadsafe(whole(), loop)
    try:
        return future.result()
    except concurrent.futures.CancelledError as error:
        raise asyncio.CancelledError(*error.args) from None
    except BaseException:
        # Ctrl-C, if it is not what the awaitable raised: then it does nothing.
        future.cancel()
        raise


def connect(url: str, *, token: str | None = None) -> Orchestrator:
    """As :func:`orchestrator.connect`, for programs without an event loop.

    >>> import orchestrator
    >>> @orchestrator.agent
    ... def double(n: int) -> int:
    ...     return n * 2
    >>> with orchestrator.sync.connect("memory:") as o, o.worker([double]):
    ...     o.run(double, 21)
    42
    """
    from ._client import connection as _connection

    loop = _Loop()
    try:
        return Orchestrator(loop, loop.wait(_connection.connect(url, token=token)._open))
    except BaseException:
        loop.close()
        raise


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="orchestrator-loop", daemon=True)
        self.process = Process()
        self._thread.start()

    def wait(self, begin: Callable[[], Awaitable[T]]) -> T:
        # Where the loop's thread is not, nobody would ever answer.
        self.process.check()
        return wait(self._loop, begin)

    def iterate(self, begin: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
        iterator = self.wait(lambda: _as_awaitable(begin()))
        try:
            while True:
                try:
                    yield self.wait(lambda: anext(iterator))
                except StopAsyncIteration:
                    return
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                self.wait(close)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _as_awaitable(value: T) -> T:
    return value


class Orchestrator:
    """As :class:`orchestrator.Orchestrator`, without ``await``."""

    def __init__(self, loop: _Loop, inner: _connection.Orchestrator) -> None:
        self._loop = loop
        self._inner = inner
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends everything in order."""
        # What a fork leaves is for the process that opened it to end.
        if not self._closed and self._loop.process.is_here():
            self._closed = True
            try:
                self._loop.wait(self._inner.close)
            finally:
                self._loop.close()

    def _handle(self, handle: _handle.TaskHandle[T]) -> TaskHandle[T]:
        return TaskHandle(self._loop, handle)

    def run(
        self,
        agent: Agent[Any] | str,
        input: Any = None,
        *,
        returns: Any = None,
        wait: _task.Seconds | None = None,
        **options: Unpack[_task.TaskOptions],
    ) -> Any:
        """Submits a task and waits for its output."""
        return self._loop.wait(lambda: self._inner.run(agent, input, returns=returns, wait=wait, **options))

    def submit(
        self, agent: Agent[Any] | str, input: Any = None, **options: Unpack[_task.TaskOptions]
    ) -> TaskHandle[Any]:
        """Submits a task."""
        return self._handle(self._loop.wait(lambda: self._inner.submit(agent, input, **options)))

    def submit_all(self, tasks: Sequence[_task.NewTask]) -> list[TaskHandle[Any]]:
        """Submits several tasks, all or none."""
        return [self._handle(one) for one in self._loop.wait(lambda: self._inner.submit_all(tasks))]

    def task(self, id: str) -> TaskHandle[Any]:
        """The handle of a task that was submitted before."""
        return self._handle(self._inner.task(id))

    def get(self, id: str) -> _task.Task:
        """One task."""
        return self._loop.wait(lambda: self._inner.get(id))

    def list(self, **query: Any) -> Iterator[_task.Task]:
        """The tasks, the newest first."""
        return self._loop.iterate(lambda: self._inner.list(**query))

    def events(self, **query: Any) -> Iterator[_task.Event]:
        """What happens, as it happens."""
        return self._loop.iterate(lambda: self._inner.events(**query))

    def checkpoints(self, **query: Any) -> Sequence[_task.Checkpoint]:
        """What waits for people."""
        return self._loop.wait(lambda: self._inner.checkpoints(**query))

    def decide(self, checkpoint: Any, decision: Any, feedback: str = "") -> _task.Task:
        """Decides at a checkpoint."""
        return self._loop.wait(lambda: self._inner.decide(checkpoint, decision, feedback))

    def workers(self) -> Sequence[dict[str, Any]]:
        """The workers that are connected."""
        return self._loop.wait(self._inner.workers)

    def stats(self) -> dict[str, Any]:
        """Counts."""
        return self._loop.wait(self._inner.stats)

    @property
    def is_embedded(self) -> bool:
        """Whether the engine lives in this process."""
        return self._inner.is_embedded

    def __repr__(self) -> str:
        return repr(self._inner)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)

        def blocking(*args: Any, **kwargs: Any) -> Any:
            return self._loop.wait(lambda: found(*args, **kwargs))

        return blocking

    @contextlib.contextmanager
    def worker(self, agents: Iterable[Agent[Any] | Callable[..., Any]], **settings: Any) -> Iterator[_worker.Worker]:
        """A worker with these agents, for as long as the block lasts."""
        worker = self._inner.worker(agents, **settings)
        self._loop.wait(worker.__aenter__)
        try:
            yield worker
        except BaseException:
            if self._loop.process.is_here():
                self._loop.wait(lambda: worker.stop(0.0))
            raise
        if self._loop.process.is_here():
            self._loop.wait(worker.stop)


class TaskHandle(Generic[T]):
    """As :class:`orchestrator.TaskHandle`, without ``await``."""

    def __init__(self, loop: _Loop, inner: _handle.TaskHandle[T]) -> None:
        self._loop = loop
        self._inner = inner
        self.id = inner.id
        """The task's id."""

    def result(self, timeout: _task.Seconds | None = None) -> T:
        """Its output."""
        return self._loop.wait(lambda: self._inner.result(timeout))

    def wait(self, timeout: _task.Seconds | None = None) -> _task.Task:
        """The task once it has ended or needs a person."""
        return self._loop.wait(lambda: self._inner.wait(timeout))

    def retry(self) -> Self:
        """Runs it again when it has failed, was cancelled or needs a person: from its finished steps."""
        self._loop.wait(self._inner.retry)
        return self

    def __repr__(self) -> str:
        return repr(self._inner)

    def logs(self, *, follow: bool = False) -> Iterator[_task.LogLine]:
        """The lines that it wrote."""
        return self._loop.iterate(lambda: self._inner.logs(follow=follow))

    def stream(self) -> Iterator[Any]:
        """What its generator yields."""
        return self._loop.iterate(self._inner.stream)

    def events(self, *, tree: bool = True) -> Iterator[_task.Event]:
        """What happens to it."""
        return self._loop.iterate(lambda: self._inner.events(tree=tree))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)

        def blocking(*args: Any, **kwargs: Any) -> Any:
            return self._loop.wait(lambda: found(*args, **kwargs))

        return blocking

"""One run of one task: its function, called in the way that it wants to be called."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import json
import threading
import traceback
from typing import Any

from .. import _native, sync
from .._errors import AgentError, Error, InvalidInput, TaskCancelled, TaskFailed
from .._values import json as _json
from .agent import Agent
from .context import Context, _undisturbed, current

#: The stream of a task's log that has what its generator yielded, each piece as JSON.
STREAM = "output"

_TRACEBACK = 20_000


class Runner:
    """Runs the tasks of one worker on one event loop."""

    def __init__(self, agents: dict[str, Agent[Any]], loop: asyncio.AbstractEventLoop) -> None:
        self._agents = agents
        self._loop = loop
        #: Set while there is a task that could block the loop.
        self.busy = threading.Event()
        self._running: dict[asyncio.Task[Any] | None, Context] = {}
        # A suspended function keeps its thread, and holds no slot: so many threads there may be, not so many there are.
        self._threads = concurrent.futures.ThreadPoolExecutor(65_536, thread_name_prefix="orchestrator-agent")

    def start(self, native: _native.TaskContext, task_type: str, text: str) -> asyncio.Task[None]:
        """Begins to run a task. Called on the loop."""
        agent = self._agents[task_type]
        task = self._loop.create_task(self._run(native, agent, text), name=f"{task_type} {native.task_id}")
        # One that is cancelled before its first step never gets to say that it has ended.
        task.add_done_callback(functools.partial(_left, native))
        return task

    def context_of(self, task: asyncio.Task[Any]) -> Context | None:
        """What an ``asyncio.Task`` runs here."""
        return self._running.get(task)

    def close(self) -> None:
        """Lets the threads go that have nothing to do any more."""
        self._threads.shutdown(wait=False)

    async def _run(self, native: _native.TaskContext, agent: Agent[Any], text: str) -> None:
        ctx = Context(native)
        current.set(ctx)
        task = asyncio.current_task()
        self._running[task] = ctx
        self.busy.set()
        try:
            native.finish(await self._output(ctx, agent, text))
        except asyncio.CancelledError as error:
            await _reason(native)
            native.fail(_told("retryable", str(error) or "the agent was cancelled from within"))
        except Exception as error:
            native.fail(_failure(error))
        except BaseException as error:
            native.fail(_failure(error))
            # The program ends, by Ctrl-C or by its own wish: the task is for others to go on with.
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
        finally:
            del self._running[task]
            if not self._running:
                self.busy.clear()

    async def _output(self, ctx: Context, agent: Agent[Any], text: str) -> str:
        try:
            args, kwargs = agent._arguments(ctx, text)
        except InvalidInput as error:
            # No attempt can mend what was submitted.
            raise _Refused(error) from None
        kind = agent.kind
        if kind == "coroutine":
            output = await agent.function(*args, **kwargs)
        elif kind == "async_generator":
            output = await _streamed(ctx, agent.function(*args, **kwargs))
        else:
            output = await self._in_thread(ctx, agent, args, kwargs)
        return agent._written(output)

    async def _in_thread(self, ctx: Context, agent: Agent[Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
        blocking = sync.Context(ctx, self._loop)
        args = [blocking if arg is ctx else arg for arg in args]

        def work() -> tuple[Any, BaseException | None]:
            try:
                if agent.kind == "generator":
                    return _drained(ctx, agent.function(*args, **kwargs)), None
                return agent.function(*args, **kwargs), None
            except BaseException as error:
                return None, error

        inside = functools.partial(contextvars.copy_context().run, work)
        done = self._loop.run_in_executor(self._threads, inside)
        try:
            output, error = await asyncio.shield(done)
        except asyncio.CancelledError:
            # A thread cannot be stopped; nobody may believe that it has ended while it goes on.
            await asyncio.wait({done})
            raise
        if error is None:
            return output
        if isinstance(error, (Exception, asyncio.CancelledError)):
            raise error
        # Nobody interrupts a thread: a library called `sys.exit`, which must not end the worker.
        raise _Exited(error)


async def _reason(native: _native.TaskContext) -> None:
    """Waits a little for the reason why a task was cancelled. When a program ends, its tasks may be cancelled before its
    worker is told to stop: then the task is given back, and has not failed."""
    for _ in range(20):
        if native.stop_reason is not None:
            return
        await _undisturbed(asyncio.sleep(0.01))


def _left(native: _native.TaskContext, task: asyncio.Task[None]) -> None:
    native.fail(_told("retryable", "the agent was cancelled before it began"))


class _Pieces:
    """What a generator has yielded."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._pieces: list[Any] = []

    def add(self, piece: Any) -> None:
        text = _json.dumps(piece, f"piece {len(self._pieces)} of the output")
        self._pieces.append(piece)
        self._ctx.log(text, stream=STREAM)

    def output(self) -> Any:
        if self._pieces and all(isinstance(piece, str) for piece in self._pieces):
            return "".join(self._pieces)
        return self._pieces


async def _streamed(ctx: Context, generator: Any) -> Any:
    pieces = _Pieces(ctx)
    try:
        async for piece in generator:
            pieces.add(piece)
    finally:
        await generator.aclose()
    return pieces.output()


def _drained(ctx: Context, generator: Any) -> Any:
    pieces = _Pieces(ctx)
    while True:
        try:
            pieces.add(next(generator))
        except StopIteration as end:
            return pieces.output() if end.value is None else end.value


class _Exited(Exception):
    """A plain function raised what usually ends a program."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class _Refused(Exception):
    """The input is not what the agent asks for."""

    def __init__(self, error: InvalidInput) -> None:
        super().__init__(error.message)
        self.detail = error.detail


def _told(error_class: str, message: str, detail: Any = None, retry_after: float | None = None) -> str:
    error: dict[str, Any] = {"class": error_class, "message": message, "detail": detail}
    if retry_after is not None:
        error["retry_after_s"] = retry_after
    return json.dumps(error, default=repr)


def _failure(error: BaseException) -> str:
    """A task's error for what its agent raised."""
    if isinstance(error, _Refused):
        return _told("terminal", str(error), error.detail)
    if isinstance(error, _Exited):
        error = error.error
    detail: dict[str, Any] = {"exception": _type_name(error), "traceback": _traceback(error)}
    message = _message(error)
    if isinstance(error, AgentError):
        if error.detail is not None:
            detail["detail"] = error.detail
        return _told(error.error_class, message, detail, error.retry_after)
    if isinstance(error, (TaskFailed, TaskCancelled)):
        # A child's own attempts are used up: trying its parent again cannot help.
        detail["task_id"] = error.task_id
        return _told("terminal", message, {**detail, "detail": error.detail})
    if isinstance(error, Error):
        detail["code"] = error.code
        terminal = isinstance(error, InvalidInput)
        return _told("terminal" if terminal else "retryable", message, {**detail, "detail": error.detail})
    return _told("retryable", message, detail)


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        text = str(error).encode(errors="replace").decode()
    except Exception:
        text = "(its text cannot be shown)"
    if isinstance(error, Error):
        return text
    name = type(error).__qualname__
    return f"{name}: {text}" if text else name


def _traceback(error: BaseException) -> str:
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    text = "".join(lines).encode(errors="replace").decode()
    return text if len(text) <= _TRACEBACK else "…" + text[-_TRACEBACK:]

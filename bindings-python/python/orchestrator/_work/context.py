"""What an agent can do with its task."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import datetime
import functools
import inspect
from typing import (
    TYPE_CHECKING,
    Any,
    Awaitable,
    Callable,
    Coroutine,
    Generic,
    Iterable,
    Literal,
    Protocol,
    Sequence,
    TypeVar,
    overload,
)

from .. import _native
from .._client.task import Decision, NewTask, Seconds, TaskOptions, new_task, seconds
from .._errors import Error, Terminal, from_task_error
from .._values import json as _json, types as _types
from .agent import Agent

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")
O = TypeVar("O")

current: contextvars.ContextVar[Context] = contextvars.ContextVar("orchestrator.context")


@dataclasses.dataclass(frozen=True)
class Winner(Generic[T]):
    """Who won a race: its place among those who took part, and its output."""

    index: int
    output: T


class Child(Generic[T]):
    """A child that was asked for."""

    def __init__(self, native: _native.Child, agent: Agent[T] | None, returns: Any) -> None:
        self._native = native
        self._agent = agent
        self._returns = returns

    @property
    def id(self) -> str:
        """Its id."""
        return self._native.id

    @property
    def name(self) -> str:
        """Its name within its parent."""
        return self._native.name

    async def join(self) -> T:
        """Waits for its output. May be called again, with the same answer. Raises as :meth:`Context.call`."""
        text = await self._native.join()
        output: T = _output(text, self._agent, self._returns, self.name)
        return output

    def __await__(self) -> Any:
        return self.join().__await__()

    def __repr__(self) -> str:
        return f"Child(id={self.id!r}, name={self.name!r})"


def _output(text: str, agent: Agent[Any] | None, returns: Any, what: str) -> Any:
    return _read(_json.loads(text), agent, returns, what)


def _read(value: Any, agent: Agent[Any] | None, returns: Any, what: str) -> Any:
    what = f"output of `{what}`"
    if returns is not None:
        return _types.read(returns, value, what)
    return agent._read(value, what) if agent is not None else value


def _agent_of(named: Agent[Any] | str) -> Agent[Any] | None:
    return None if isinstance(named, str) else named


def _name_of(named: Agent[Any] | str) -> str:
    return named if isinstance(named, str) else named.name


class Context:
    """What an agent can do with its task, and what it knows of it.

    Steps and children have names, unique among both within the task. A name that is met again, in a loop or when the
    agent runs again after its worker was lost, gives the result that it gave before: nothing finished is done again.
    It must mean the same thing then: a child that is asked for with another agent or input under a known name is an
    error, which says so.

    While everything that an agent does with its context is waiting (for children, people, time or events), its task is
    suspended: it holds no slot of its worker. Work beside a wait belongs into :meth:`step`.

    When the task is stopped, ``asyncio.CancelledError`` is raised in the agent; :attr:`stop_reason` says why.
    """

    def __init__(self, native: _native.TaskContext) -> None:
        self._native = native
        self._spec: dict[str, Any] | None = None
        self._slept = False

    # What it knows

    @property
    def task_id(self) -> str:
        """The task."""
        return self._native.task_id

    @property
    def root_id(self) -> str:
        """The topmost task of its tree."""
        return self._native.root_id

    @property
    def attempt(self) -> int:
        """How often the task was started, this time included. Going on after a wait does not count."""
        return self._native.attempt

    @property
    def spec(self) -> dict[str, Any]:
        """What was submitted, as the API writes it."""
        known = self._spec
        if known is None:
            known = self._spec = dict(_json.loads(self._native.spec()))
        return known

    @property
    def task_type(self) -> str:
        """The type of the task: the name of its agent."""
        return str(self.spec["task_type"])

    @property
    def description(self) -> str:
        """What the task is, for people."""
        return str(self.spec.get("description", ""))

    @property
    def labels(self) -> dict[str, str]:
        """The task's free keys and values."""
        return dict(self.spec.get("labels", {}))

    @property
    def stop_reason(self) -> Literal["cancelled", "lease_lost", "timed_out", "draining", "refused"] | None:
        """Why the task was stopped here, if it was. ``draining``: another worker goes on with it."""
        return self._native.stop_reason  # type: ignore[return-value]

    # What it says

    def log(self, text: object, *, stream: str = "log") -> None:
        """Writes a line into the task's log; a text of several lines becomes several. Queued, never waited for."""
        self._native.output(stream, str(text))

    def progress(self, fraction: float) -> None:
        """Says how far the task is, from 0 to 1."""
        self._native.progress(float(fraction))

    def usage(
        self,
        *,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cached_tokens: int = 0,
        cost_usd: float = 0.0,
    ) -> None:
        """Says what the task has spent since it last said so. ``cached_tokens`` are a part of ``input_tokens``."""
        spent = {
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cached_tokens": cached_tokens,
            "cost_usd": cost_usd,
        }
        self._native.usage(_json.dumps(spent, "usage"))

    async def flush(self) -> None:
        """Returns once everything that was said before is on its way."""
        await self._native.flush()

    # What it remembers

    @overload
    def step(
        self, name: str, work: Callable[..., Awaitable[T]], /, *args: Any, returns: Any = ..., **kwargs: Any
    ) -> Coroutine[Any, Any, T]: ...
    @overload
    def step(
        self, name: str, work: Callable[..., T], /, *args: Any, returns: Any = ..., **kwargs: Any
    ) -> Coroutine[Any, Any, T]: ...
    @overload
    def step(self, name: str, /, *, returns: Any = ...) -> _StepDecorator: ...
    def step(
        self, name: str, work: Callable[..., Any] | None = None, /, *args: Any, returns: Any = None, **kwargs: Any
    ) -> Any:
        """Does something once: its result is recorded under the name, and found there when the agent runs again.

        ``await ctx.step("fetch", fetch, url)`` calls ``fetch(url)``, in a thread when it is a plain function. As a
        decorator, ``@ctx.step("fetch")`` makes a function that may be awaited. The result is read back as the function's
        annotation, or ``returns``, says, the first time too. An exception is not recorded: the step runs again next
        time.
        """
        if work is None:
            return self._step_decorator(name, returns)
        return self._step(name, functools.partial(work, *args, **kwargs), returns or _returned(work))

    def _step_decorator(self, name: str, returns: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def decorate(work: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(work)
            def remembered(*args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
                return self._step(name, functools.partial(work, *args, **kwargs), returns or _returned(work))

            return remembered

        return decorate

    async def _step(self, name: str, work: Callable[[], Any], returns: Any) -> Any:
        begun = await self._native.step(name)
        if isinstance(begun, str):
            text = begun
        else:
            try:
                text = _json.dumps(await _do(work), f"result of the step `{name}`")
            except BaseException:
                # Its name must be free before anyone can try again.
                await _undisturbed(begun.give_up())
                raise
            await begun.finish(text)
        value = _json.loads(text)
        return value if returns is None else _types.read(returns, value, f"result of the step `{name}`")

    # What it asks of others

    @overload
    async def call(
        self, agent: Agent[O], input: Any = ..., *, name: str | None = ..., **options: Unpack[TaskOptions]
    ) -> O: ...
    @overload
    async def call(
        self,
        agent: Agent[Any] | str,
        input: Any = ...,
        *,
        returns: type[T],
        name: str | None = ...,
        **options: Unpack[TaskOptions],
    ) -> T: ...
    @overload
    async def call(
        self, agent: str, input: Any = ..., *, name: str | None = ..., **options: Unpack[TaskOptions]
    ) -> Any: ...
    async def call(
        self,
        agent: Agent[Any] | str,
        input: Any = None,
        *,
        returns: Any = None,
        name: str | None = None,
        **options: Unpack[TaskOptions],
    ) -> Any:
        """Has a child do something and waits for its output.

        ``name`` is the child's name within this task; the agent's name when none is given, so that a second call of the
        same agent needs a name of its own. Raises :class:`TaskFailed` when the child failed, its own retries included,
        and :class:`TaskCancelled` when it was cancelled.
        """
        task = new_task(agent, input, options)
        name = name or task.task_type
        text = await self._native.call(name, task._text())
        return _output(text, _agent_of(agent), returns, name)

    @overload
    async def spawn(
        self, agent: Agent[O], input: Any = ..., *, name: str | None = ..., **options: Unpack[TaskOptions]
    ) -> Child[O]: ...
    @overload
    async def spawn(
        self, agent: str, input: Any = ..., *, name: str | None = ..., returns: Any = ..., **options: Unpack[TaskOptions]
    ) -> Child[Any]: ...
    async def spawn(
        self,
        agent: Agent[Any] | str,
        input: Any = None,
        *,
        name: str | None = None,
        returns: Any = None,
        **options: Unpack[TaskOptions],
    ) -> Child[Any]:
        """Asks for a child without waiting for it. Children that have not settled when this task ends are cancelled."""
        task = new_task(agent, input, options)
        native = await self._native.spawn(name or task.task_type, task._text())
        return Child(native, _agent_of(agent), returns)

    async def gather(self, *awaitables: Awaitable[T]) -> list[T]:
        """Waits for several children, calls or steps at once; their results in the same order.

        The first exception is raised once it is there; the others go on, and are cancelled with this task if nobody
        waits for them. With ``max_parallel`` and a failure per child, see :meth:`map`.
        """
        return list(await asyncio.gather(*awaitables))

    @overload
    async def map(
        self,
        agent: Agent[O],
        inputs: Iterable[Any],
        *,
        max_parallel: int = ...,
        name: str | None = ...,
        return_exceptions: Literal[False] = ...,
        **options: Unpack[TaskOptions],
    ) -> list[O]: ...
    @overload
    async def map(
        self,
        agent: Agent[Any] | str,
        inputs: Iterable[Any],
        *,
        max_parallel: int = ...,
        name: str | None = ...,
        returns: Any = ...,
        return_exceptions: bool = ...,
        **options: Unpack[TaskOptions],
    ) -> list[Any]: ...
    async def map(
        self,
        agent: Agent[Any] | str,
        inputs: Iterable[Any],
        *,
        max_parallel: int = 0,
        name: str | None = None,
        returns: Any = None,
        return_exceptions: bool = False,
        **options: Unpack[TaskOptions],
    ) -> list[Any]:
        """Has one child work on each input, at most ``max_parallel`` of them at a time (0: all at once), and waits.

        The children are called ``name[0]``, ``name[1]`` and so on; the outputs are in the order of the inputs. The first
        failure is raised after all have settled, or, with ``return_exceptions``, every one stands in its place.
        """
        tasks = [new_task(agent, input, options) for input in inputs]
        name = name or _name_of(agent)
        return await self.map_tasks(
            tasks, max_parallel=max_parallel, name=name, returns=returns, return_exceptions=return_exceptions
        )

    async def map_tasks(
        self,
        tasks: Sequence[NewTask],
        *,
        name: str,
        max_parallel: int = 0,
        returns: Any = None,
        return_exceptions: bool = False,
    ) -> list[Any]:
        """As :meth:`map`, with tasks of any kinds, made by :func:`orchestrator.task`."""
        text = await self._native.map(name, _array(tasks), max_parallel)
        outcomes: list[Any] = []
        for index, (told, task) in enumerate(zip(_json.loads(text), tasks)):
            if "error" in told:
                outcomes.append(from_task_error(told["error"]))
            else:
                outcomes.append(_read(told["output"], task.agent, returns, f"{name}[{index}]"))
        if not return_exceptions:
            for outcome in outcomes:
                if isinstance(outcome, Error):
                    raise outcome
        return outcomes

    async def race(self, tasks: Sequence[NewTask], *, name: str = "race", returns: Any = None) -> Winner[Any]:
        """Lets tasks race: the first that succeeds wins, the others are cancelled. Raises the last one's error when none
        succeeds. Who won is remembered under ``name``."""
        index, output = _json.loads(await self._native.race(name, _array(tasks)))
        return Winner(index, _read(output, tasks[index].agent, returns, f"{name}[{index}]"))

    async def sleep(self, duration: Seconds, *, name: str | None = None) -> None:
        """Sleeps without holding anything. The end of it is remembered under ``name``: an agent that runs again sleeps for
        the rest only. A moment that has passed (a duration below 0) is not waited for.

        Without a name it is called ``sleep``, so that a second one in the same agent, or one in a loop, needs a name of its
        own: ``ctx.sleep(60, name=f"look {n}")``.
        """
        if name is None:
            if self._slept:
                # Nobody means a sleep that is over at once, and one who does can say so by its name.
                raise Terminal(
                    "this agent has slept before, and a sleep without a name is the same one, which is over: give the second "
                    "one a name, as in `ctx.sleep(60, name=\"look again\")`, and one in a loop another name for each turn"
                )
            self._slept = True
            name = "sleep"
        passed = isinstance(duration, (int, float)) and duration < 0
        passed = passed or (isinstance(duration, datetime.timedelta) and duration < datetime.timedelta(0))
        await self._native.sleep(name, 0.0 if passed else seconds(duration))

    async def checkpoint(
        self,
        question: str,
        content: Any = None,
        *,
        name: str | None = None,
        evaluation: Any = None,
        context: Any = None,
        description: str = "",
        expires_in: Seconds | None = None,
        default: Decision | Literal["accept", "correct", "reject"] | None = None,
    ) -> Decision:
        """Asks people and waits for their decision, minutes or days later.

        ``content`` is the work under review. When nobody has answered after ``expires_in``, ``default`` counts; without
        one the checkpoint fails. The question is the name, unless another one is given.
        """
        asked: dict[str, Any] = {"question": question, "content": content, "description": description}
        asked.update(evaluation=evaluation, context=context)
        if expires_in is not None:
            asked["expires_in_s"] = seconds(expires_in)
        if default is not None:
            asked["default"] = {"decision": default} if isinstance(default, str) else dataclasses.asdict(default)
        text = await self._native.checkpoint(name or question, _json.dumps(asked, "checkpoint"))
        return Decision(**_json.loads(text))

    async def wait_external(
        self,
        name: str,
        *,
        description: str = "",
        input: Any = None,
        expires_in: Seconds | None = None,
        returns: Any = None,
    ) -> Any:
        """Waits for an outside system to complete a child of this task (``POST /tasks/{id}/complete``); gives its output."""
        asked: dict[str, Any] = {"description": description, "input": input}
        if expires_in is not None:
            asked["expires_in_s"] = seconds(expires_in)
        text = await self._native.wait_external(name, _json.dumps(asked, "external"))
        return _output(text, None, returns, name)

    def __repr__(self) -> str:
        return f"Context(task_id={self.task_id!r}, attempt={self.attempt})"


if TYPE_CHECKING:

    class _StepDecorator(Protocol):
        """Makes a function whose result is remembered."""

        @overload
        def __call__(self, work: Callable[..., Awaitable[T]], /) -> Callable[..., Coroutine[Any, Any, T]]: ...
        @overload
        def __call__(self, work: Callable[..., T], /) -> Callable[..., Coroutine[Any, Any, T]]: ...


def _array(tasks: Sequence[NewTask]) -> str:
    return "[" + ",".join(task._text() for task in tasks) + "]"


def _returned(work: Callable[..., Any]) -> Any:
    """What a function says that it returns; nothing when it does not say."""
    if isinstance(work, functools.partial):
        return _returned(work.func)
    kind = _types.hints(work).get("return")
    return None if kind is Any else kind


async def _do(work: Callable[[], Any]) -> Any:
    target = work.func if isinstance(work, functools.partial) else work
    if inspect.iscoroutinefunction(target):
        return await work()
    value = await asyncio.to_thread(work)
    return await value if inspect.isawaitable(value) else value


async def _undisturbed(awaitable: Awaitable[T]) -> T:
    """Waits to the end, whoever cancels meanwhile."""
    waiting = asyncio.ensure_future(awaitable)
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.wait({waiting})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return waiting.result()


def context() -> Context:
    """The context of the agent that runs here. Raises ``LookupError`` outside of agents."""
    found = current.get(None)
    if found is None:
        raise LookupError("no agent runs here: a context is there while one does, and in what it calls")
    return found

"""A submitted task in the hand of its submitter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, AsyncIterator, Generic, TypeVar, cast

from .._errors import BudgetExhausted, NeedsAttention, TaskCancelled, TaskFailed
from .._values import json as _json
from .._work.run import STREAM
from .task import ENDED, Decision, Event, LogLine, Seconds, Task, Tree, Why, seconds

if TYPE_CHECKING:
    from typing_extensions import Self

    from .connection import Orchestrator

T = TypeVar("T")

#: How many lines or events are asked for at once.
_PAGE = 500


class TaskHandle(Generic[T]):
    """A submitted task. Dropping the handle changes nothing."""

    def __init__(self, connection: Orchestrator, id: str, read: Any) -> None:
        self._connection = connection
        self._read = read
        self.id = id
        """The task's id."""

    def __await__(self) -> Any:
        return self.result().__await__()

    def __repr__(self) -> str:
        return f"TaskHandle({self.id!r})"

    async def _ask(self, op: str, **fields: Any) -> Any:
        return await self._connection._ask(op, task_id=self.id, **fields)

    async def get(self) -> Task:
        """The task as it is now."""
        return Task._of(await self._ask("get"))

    async def wait(self, timeout: Seconds | None = None) -> Task:
        """The task once it has ended, needs a person or rests because a budget is spent, or as it is after ``timeout``."""
        return Task._of(await self._settled(timeout))

    async def _settled(self, timeout: Seconds | None) -> dict[str, Any]:
        wait_s = None if timeout is None else seconds(timeout)
        return cast("dict[str, Any]", await self._ask("settled", wait_s=wait_s))

    async def result(self, timeout: Seconds | None = None) -> T:
        """Its output. Raises :class:`TaskFailed`, :class:`TaskCancelled`, :class:`NeedsAttention`,
        :class:`BudgetExhausted` when it rests because a budget is spent, or ``TimeoutError`` when it has not ended after
        ``timeout``; the task goes on then."""
        return self._outcome(await self._settled(timeout), timeout)

    def _outcome(self, raw: dict[str, Any], timeout: Seconds | None) -> T:
        if raw["state"] == "succeeded":
            return cast(T, self._read(raw["output"]))
        task = Task._of(raw)
        error = task.error
        if task.state == "cancelled":
            raise TaskCancelled(f"task {task.id} (`{task.task_type}`) was cancelled", task_id=task.id)
        message = error.message if error else "no reason was given"
        if task.state == "needs_attention":
            attention = NeedsAttention(
                f"task {task.id} (`{task.task_type}`) needs a decision: {message}", detail=error.detail if error else None
            )
            attention.task_id = task.id
            raise attention
        for spent in raw.get("attention", []):
            if task.state == "paused":
                raise BudgetExhausted(
                    f"task {task.id} (`{task.task_type}`) has stopped: {spent['message']}; resume() lets it go on regardless",
                    task_id=task.id,
                    spender=spent["task_id"],
                )
        if task.state != "failed":
            raise TimeoutError(f"task {task.id} (`{task.task_type}`) is still {task.state} after {timeout} s")
        raise TaskFailed(
            f"task {task.id} (`{task.task_type}`) failed: {message}",
            task_id=task.id,
            error_class=error.error_class if error else "terminal",
            detail=error.detail if error else None,
        )

    async def cancel(self, reason: str = "cancelled by its submitter") -> Task:
        """Cancels it and everything below it. Repeating it is harmless."""
        return Task._of(await self._ask("cancel", reason=reason))

    async def retry(self) -> Self:
        """Runs it again when it has failed, was cancelled or needs a person: from its finished steps."""
        await self._ask("retry")
        return self

    async def pause(self) -> Task:
        """Starts nothing more of it and of what is below it."""
        return Task._of(await self._ask("pause"))

    async def resume(self) -> Task:
        """Takes a pause back, or lets a tree go on although its budget is spent."""
        return Task._of(await self._ask("resume"))

    async def decide(self, decision: Decision | str, feedback: str = "") -> Task:
        """Decides at a checkpoint: ``accept``, ``correct`` or ``reject``. Raises :class:`Conflict` when it is decided."""
        said = {"decision": decision, "feedback": feedback}
        if not isinstance(decision, str):
            said = {"decision": decision.decision, "feedback": decision.feedback}
        return Task._of(await self._ask("decide", decision=said))

    async def complete(self, output: Any = None) -> Task:
        """Completes an external task with an output."""
        return Task._of(await self._ask("complete", result={"output": output}))

    async def fail(self, message: str, *, detail: Any = None) -> Task:
        """Completes an external task with an error."""
        error = {"class": "terminal", "message": message, "detail": detail}
        return Task._of(await self._ask("complete", result={"error": error}))

    async def why(self) -> Why:
        """Why it is where it is."""
        return Why._of(await self._ask("why"))

    async def tree(self) -> Tree:
        """It and all below it."""
        raw = await self._ask("tree")
        edges = [(edge["from"], edge["to"]) for edge in raw["edges"]]
        return Tree([Task._of(task) for task in raw["tasks"]], edges)

    async def history(self, *, tree: bool = False) -> list[Event]:
        """Everything durable that happened to it, and with ``tree`` to what is below it, so far."""
        found: list[Event] = []
        while True:
            after = found[-1].seq if found else 0
            page = await self._ask("history", after=after, tree=tree, types=[], limit=_PAGE)
            found.extend(Event._of(raw) for raw in page)
            if len(page) < _PAGE:
                return found

    async def events(self, *, tree: bool = True) -> AsyncIterator[Event]:
        """Everything that happened to it, and with ``tree`` to what is below it, and then what happens, until it ends.

        Progress and log lines are not kept as events: those from before this call are not among them. :meth:`logs` has
        every line.
        """
        async for event in self._connection.events(task=self, tree=tree, after=0):
            yield event
            if event.task_id == self.id and event.type == "task_state" and event.state in ENDED:
                return

    async def logs(self, *, follow: bool = False) -> AsyncIterator[LogLine]:
        """The lines that it wrote; with ``follow`` also those that it writes until it ends."""
        last = 0
        async for _ in self._turns(follow):
            while True:
                page = await self._ask("logs", after=last, limit=_PAGE)
                for raw in page:
                    last = raw["seq"]
                    yield LogLine._of(raw)
                if len(page) < _PAGE:
                    break

    async def _turns(self, follow: bool) -> AsyncIterator[None]:
        """When to look for more lines: now, whenever there are some, and once more at the end."""
        if not follow:
            yield
            return
        events = await self._connection._events(task=self, tree=False, after=None)
        ended = (await self.get()).has_ended
        while not ended:
            yield
            batch = _json.loads(await events.next())
            ended = any(event["type"] == "task_state" and event.get("state") in ENDED for event in batch)
        yield

    async def stream(self) -> AsyncIterator[Any]:
        """What its generator yields, as it yields it, from the beginning until the task ends."""
        async for line in self.logs(follow=True):
            if line.stream == STREAM:
                yield _json.loads(line.text)

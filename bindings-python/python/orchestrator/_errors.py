"""What can go wrong, as exceptions."""

from __future__ import annotations

import json
import os
from typing import Any, ClassVar

__all__ = [
    "AgentError",
    "BudgetExhausted",
    "Conflict",
    "Error",
    "Forbidden",
    "InvalidInput",
    "LeaseLost",
    "NeedsAttention",
    "NotFound",
    "RateLimited",
    "Retryable",
    "TaskCancelled",
    "TaskFailed",
    "Terminal",
    "Unavailable",
]


class Error(Exception):
    """The base of everything that the orchestrator raises.

    ``code`` is the stable name on the public interface (``task_not_found``, ``invalid_input``, ``state_conflict``...),
    ``detail`` what else is known, for programs: plain JSON or ``None``.
    """

    code: str = "internal"

    def __init__(self, message: str, *, code: str | None = None, detail: Any = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.detail = detail

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _as_public(cls)

    def __reduce__(self) -> Any:
        # Between processes with all that it says, though most of it is given by keyword.
        return _again, (type(self), self.args, dict(self.__dict__))

    @property
    def message(self) -> str:
        """What happened and what to do, in one line."""
        return str(self.args[0]) if self.args else ""


def _as_public(kind: type[Error]) -> None:
    """Tracebacks name it as programs do."""
    if kind.__module__ == __name__:
        kind.__module__ = __name__.partition(".")[0]


_as_public(Error)


def _again(kind: type[Error], args: tuple[Any, ...], known: dict[str, Any]) -> Error:
    error = kind.__new__(kind, *args)
    error.__dict__.update(known)
    return error


class NotFound(Error):
    """What was named does not exist."""

    code = "not_found"


class Conflict(Error):
    """The state of a task does not allow this, or an idempotency key was used before with another body."""

    code = "state_conflict"


class InvalidInput(Error, ValueError):
    """Something breaks a rule; the message names the field."""

    code = "invalid_input"


class LeaseLost(Error):
    """The task is not this worker's any more: nothing that is said of it counts."""

    code = "lease_lost"


class BudgetExhausted(Error):
    """What a tree may spend is spent, and nothing more of it starts. ``task_id`` is the task that was waited for,
    ``spender`` the one whose budget it is: that or one above. ``await handle.resume()`` lets it go on regardless."""

    code = "budget_exhausted"

    def __init__(
        self,
        message: str,
        *,
        task_id: str | None = None,
        spender: str | None = None,
        code: str | None = None,
        detail: Any = None,
    ) -> None:
        super().__init__(message, code=code, detail=detail)
        self.task_id = task_id
        self.spender = spender


class Forbidden(Error):
    """There is no token, it is wrong, or its roles do not allow this."""

    code = "forbidden"


class Unavailable(Error):
    """The store or the server cannot be reached, or does not take this now. Trying again later may help."""

    code = "unavailable"


class Process:
    """The process in which something was opened. A fork has none of the threads that would answer there."""

    def __init__(self) -> None:
        self._id = os.getpid()

    def is_here(self) -> bool:
        """Whether this is the process, and not a fork of it."""
        return self._id == os.getpid()

    def check(self) -> None:
        """Raises :class:`Unavailable` in a fork."""
        if not self.is_here():
            raise Unavailable(
                f"this was opened in the process {self._id}, of which this one ({os.getpid()}) is a fork: call connect() "
                "here anew"
            )


class TaskFailed(Error):
    """A task failed, its own retries included.

    ``task_id`` is the task, ``error_class`` what kind of failure it was (``terminal``, ``retryable``...), ``detail`` what
    its agent left: for agents in Python ``detail["traceback"]``.
    """

    code = "task_failed"

    def __init__(
        self, message: str, *, task_id: str, error_class: str = "terminal", detail: Any = None, code: str | None = None
    ) -> None:
        super().__init__(message, code=code, detail=detail)
        self.task_id = task_id
        self.error_class = error_class

    @property
    def traceback(self) -> str | None:
        """The traceback of the agent, where it was one in Python."""
        found = self.detail.get("traceback") if isinstance(self.detail, dict) else None
        return found if isinstance(found, str) else None


class TaskCancelled(Error):
    """A task was cancelled."""

    code = "task_cancelled"

    def __init__(self, message: str, *, task_id: str, detail: Any = None) -> None:
        super().__init__(message, detail=detail)
        self.task_id = task_id


class AgentError(Error):
    """What an agent raises to say how it failed. Any other exception counts as :class:`Retryable`."""

    code = "task_error"
    error_class: ClassVar[str] = "retryable"

    def __init__(self, message: str, *, detail: Any = None, retry_after: float | None = None) -> None:
        super().__init__(message, detail=detail)
        self.retry_after = retry_after


class Retryable(AgentError):
    """A failure that may pass by itself; counts against the task's attempts."""

    error_class = "retryable"


class Terminal(AgentError):
    """A failure that no further attempt can mend."""

    error_class = "terminal"


class RateLimited(AgentError):
    """A provider asked for patience: tried again no earlier than after ``retry_after`` seconds."""

    error_class = "rate_limited"


class NeedsAttention(AgentError):
    """A person must decide how the task goes on. Waiting for such a task raises this too, with its ``task_id``."""

    error_class = "needs_attention"
    task_id: str | None = None


_BY_CODE: dict[str, type[Error]] = {
    "task_not_found": NotFound,
    "not_found": NotFound,
    "invalid_input": InvalidInput,
    "cycle": InvalidInput,
    "payload_too_large": InvalidInput,
    "method_not_allowed": InvalidInput,
    "lease_lost": LeaseLost,
    "idempotency_conflict": Conflict,
    "state_conflict": Conflict,
    "budget_exhausted": BudgetExhausted,
    "unauthorized": Forbidden,
    "forbidden": Forbidden,
    "rate_limited": Unavailable,
    "unavailable": Unavailable,
}

_BY_CLASS: dict[str, type[AgentError]] = {
    kind.error_class: kind for kind in (Retryable, Terminal, RateLimited, NeedsAttention)
}


def from_native(code: str, message: str, detail: str) -> Error:
    """The exception for a failure of the native half. ``detail`` is JSON."""
    known: Any = json.loads(detail)
    if code == "task_error":
        return from_task_error(known)
    return _BY_CODE.get(code, Error)(message, code=code, detail=known)


def from_task_error(error: dict[str, Any]) -> Error:
    """The exception for what an operation of a context failed with."""
    detail = error.get("detail")
    message = str(error.get("message", ""))
    if isinstance(detail, dict) and "task_id" in detail and "class" in detail:
        # A child's failure; its own error is in the details.
        return TaskFailed(
            message,
            task_id=str(detail["task_id"]),
            error_class=str(detail["class"]),
            detail=detail.get("detail"),
        )
    if isinstance(detail, dict) and set(detail) == {"task_id"}:
        return TaskCancelled(message, task_id=str(detail["task_id"]))
    kind = _BY_CLASS.get(str(error.get("class")), Retryable)
    return kind(message, detail=detail, retry_after=error.get("retry_after_s"))

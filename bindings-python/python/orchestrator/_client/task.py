"""What a task is: the request for one, and what is known of it."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import functools
from typing import TYPE_CHECKING, Any, Callable, Literal, Sequence, TypedDict, Union

from .._errors import InvalidInput
from .._values import json as _json, types as _types

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._work.agent import Agent

Seconds = Union[float, int, datetime.timedelta]
"""A duration: seconds, or a ``timedelta``."""

State = Literal[
    "blocked",
    "scheduled",
    "ready",
    "running",
    "waiting",
    "paused",
    "needs_attention",
    "succeeded",
    "failed",
    "cancelled",
]
"""Where a task is in its life."""

ENDED: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})


def seconds(value: Seconds) -> float:
    """A duration in seconds."""
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    if isinstance(value, (int, float)):
        if not value >= 0:
            raise InvalidInput(f"a duration is 0 seconds or more, not {value}")
        return float(value)
    raise InvalidInput(f"a duration is seconds or a `timedelta`, not {value!r}")


def texts(value: Sequence[str], what: str) -> list[str]:
    """A list of texts. One text is a sequence of texts too, which nobody means."""
    if isinstance(value, (str, bytes)) or not isinstance(value, collections.abc.Iterable):
        raise InvalidInput(f"{what}: must be a list of texts, not {value!r}")
    listed = list(value)
    for one in listed:
        if not isinstance(one, str):
            raise InvalidInput(f"{what}: must be a list of texts, and {one!r} is none")
    return listed


@dataclasses.dataclass(frozen=True)
class Retry:
    """Attempts and the exponential backoff between them, of which up to half is taken off by jitter."""

    max_attempts: int = 3
    initial_backoff: Seconds = 1.0
    multiplier: float = 2.0
    max_backoff: Seconds = 60.0

    def _request(self) -> dict[str, Any]:
        return {
            "max_attempts": self.max_attempts,
            "initial_backoff_s": seconds(self.initial_backoff),
            "multiplier": self.multiplier,
            "max_backoff_s": seconds(self.max_backoff),
        }


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a task and everything below it may spend."""

    tokens: int | None = None
    cost_usd: float | None = None


class TaskOptions(TypedDict, total=False):
    """What can be said of a task beyond its agent and its input. Everything has a default."""

    description: str
    """For people; Markdown."""
    queue: str
    """The queue that it waits in. Defaults to ``default``."""
    requires: Sequence[str]
    """Labels that a worker must offer: ``gpu``, ``tool:git``, ``memory_gb>=16``."""
    prefers: Sequence[str]
    """Labels that a worker should offer."""
    depends_on: Sequence[Any]
    """Tasks that must settle first: handles, ids, or refs within a batch."""
    join: Any
    """How many of them: ``"all"`` (default), ``"any"`` or ``{"quorum": n}``."""
    on_dependency_failure: Literal["cancel", "continue"]
    """What a failed dependency does. Defaults to ``cancel``."""
    ref: str
    """A name for ``depends_on`` within the same batch."""
    priority: int
    """1 (first) to 10 (last). Defaults to 5."""
    run_at: datetime.datetime
    """Start no earlier. Without a time zone it is local time."""
    deadline: datetime.datetime
    """Fail it if it has not been started by then."""
    timeout: Seconds
    """The longest that one attempt may run."""
    silence_timeout: Seconds
    """The longest that one attempt may run without a word."""
    retry: Retry | int
    """Attempts and backoff, or only how many attempts."""
    side_effects: Literal["none", "idempotent", "once"]
    """Whether it may run again after its worker was lost. Defaults to ``idempotent``."""
    idempotency_key: str
    """A second submission with the same key returns the first task."""
    limits: Sequence[str]
    """Concurrency and rate keys that it counts against."""
    budget: Budget
    """What the whole tree may spend."""
    privacy: Literal["normal", "sensitive"]
    """Whether only local workers may see it."""
    checkpoint_frequency: Literal["none", "low", "medium", "high"]
    """How often agents should ask people."""
    labels: dict[str, str]
    """Free keys and values to search by."""


def _moment(value: datetime.datetime) -> str:
    if not isinstance(value, datetime.datetime):
        raise TypeError(f"must be a `datetime`, not {value!r}")
    return value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def _retry(value: Retry | int) -> dict[str, Any]:
    if not isinstance(value, (Retry, int)):
        raise TypeError(f"must be a number of attempts or a `Retry`, not {value!r}")
    return (Retry(max_attempts=value) if isinstance(value, int) else value)._request()


def _budget(value: Budget) -> dict[str, Any]:
    if not isinstance(value, Budget):
        raise TypeError(f"must be a `Budget`, not {value!r}")
    return {name: amount for name, amount in dataclasses.asdict(value).items() if amount is not None}


def _refs(values: Sequence[Any]) -> list[str]:
    if isinstance(values, str) or not isinstance(values, collections.abc.Iterable):
        raise TypeError(f"must be a list of tasks, not {values!r}")
    return [value if isinstance(value, str) else str(value.id) for value in values]


def _text(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"must be a text, not {value!r}")
    return value


def _number(value: int) -> int:
    if not isinstance(value, int):
        raise TypeError(f"must be a whole number, not {value!r}")
    return value


def _labels(value: dict[str, str]) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(part, str) for item in value.items() for part in item):
        raise TypeError(f"must be a `dict` of texts, not {value!r}")
    return value


def _one_of(*choices: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(map(repr, choices))}, not {value!r}")
        return value

    return check


_WRITTEN: dict[str, tuple[str, Any]] = {
    "depends_on": ("depends_on", _refs),
    "run_at": ("run_at", _moment),
    "deadline": ("deadline", _moment),
    "timeout": ("timeout_s", seconds),
    "silence_timeout": ("silence_timeout_s", seconds),
    "retry": ("retry", _retry),
    "budget": ("budget", _budget),
    "requires": ("requires", functools.partial(texts, what="requires")),
    "prefers": ("prefers", functools.partial(texts, what="prefers")),
    "limits": ("limits", functools.partial(texts, what="limits")),
    "description": ("description", _text),
    "queue": ("queue", _text),
    "ref": ("ref", _text),
    "idempotency_key": ("idempotency_key", _text),
    "priority": ("priority", _number),
    "labels": ("labels", _labels),
    "on_dependency_failure": ("on_dependency_failure", _one_of("cancel", "continue")),
    "side_effects": ("side_effects", _one_of("none", "idempotent", "once")),
    "privacy": ("privacy", _one_of("normal", "sensitive")),
    "checkpoint_frequency": ("checkpoint_frequency", _one_of("none", "low", "medium", "high")),
}


def request_options(options: TaskOptions) -> dict[str, Any]:
    """The options as a request writes them."""
    known = TaskOptions.__annotations__
    written: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known:
            raise InvalidInput(
                f"{name}: a task has no such option; it has {', '.join(known)}. An input is given as one value"
            )
        if value is None:
            continue
        key, write = _WRITTEN.get(name, (name, None))
        try:
            written[key] = write(value) if write else value
        except InvalidInput as error:
            if error.message.startswith(f"{name}: "):
                raise
            raise InvalidInput(f"{name}: {error}") from None
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidInput(f"{name}: {error}") from None
    return written


@dataclasses.dataclass(frozen=True)
class NewTask:
    """A task to be submitted, made by :func:`task`."""

    task_type: str
    input: Any
    options: TaskOptions
    agent: Agent[Any] | None = None

    def _text(self) -> str:
        """The request, as JSON."""
        options = request_options(self.options) if self.options else {}
        head = _json.dumps({"task_type": self.task_type, **options}, "task")
        # The input is written by itself, so that an error names a place within it.
        return f'{head[:-1]},"input":{_json.dumps(self.input, "input")}}}'


def new_task(agent: Agent[Any] | str, input: Any, options: TaskOptions) -> NewTask:
    """A task for an agent, with what its agent wants by default."""
    if isinstance(agent, str):
        return NewTask(agent, input, options)
    if not hasattr(agent, "defaults"):
        name = getattr(agent, "__name__", None)
        what = f"the function `{name}`" if name else repr(agent)
        raise InvalidInput(f"agent: {what} is not an agent; make it one with @orchestrator.agent, or give an agent's name")
    return NewTask(agent.name, input, {**agent.defaults, **options}, agent)


def task(agent: Agent[Any] | str, input: Any = None, **options: Unpack[TaskOptions]) -> NewTask:
    """A task to be submitted or to be one of several children.

    >>> import orchestrator
    >>> orchestrator.task("summarize", "README.md", priority=1).task_type
    'summarize'
    """
    return new_task(agent, input, options)


@dataclasses.dataclass(frozen=True)
class Usage:
    """What was spent."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    wall_s: float = 0.0

    @classmethod
    def _of(cls, value: dict[str, Any] | None) -> Usage:
        value = value or {}
        return cls(**{field.name: value[field.name] for field in dataclasses.fields(cls) if field.name in value})


@dataclasses.dataclass(frozen=True)
class TaskProblem:
    """Why a task failed."""

    error_class: str
    message: str
    detail: Any = None


@dataclasses.dataclass(frozen=True)
class Task:
    """A task as it was when it was looked at. ``raw`` has every field, as the API writes it."""

    id: str
    task_type: str
    state: State
    description: str
    input: Any
    output: Any
    error: TaskProblem | None
    parent_id: str | None
    root_id: str
    step: str | None
    attempt: int
    worker_id: str | None
    progress: float | None
    usage: Usage
    tree_usage: Usage
    labels: dict[str, str]
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    raw: dict[str, Any] = dataclasses.field(repr=False, compare=False)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state in ENDED

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> Task:
        error = raw.get("error")
        return cls(
            error=TaskProblem(error["class"], error["message"], error.get("detail")) if error else None,
            usage=Usage._of(raw.get("usage")),
            tree_usage=Usage._of(raw.get("tree_usage")),
            created_at=_types.moment(raw["created_at"]),
            started_at=_types.moment(raw["started_at"]) if raw.get("started_at") else None,
            finished_at=_types.moment(raw["finished_at"]) if raw.get("finished_at") else None,
            raw=raw,
            **{name: raw.get(name) for name in _AS_IT_IS},  # type: ignore[arg-type]
        )


_AS_IT_IS = (
    "id",
    "task_type",
    "state",
    "description",
    "input",
    "output",
    "parent_id",
    "root_id",
    "step",
    "attempt",
    "worker_id",
    "progress",
    "labels",
)


@dataclasses.dataclass(frozen=True)
class Event:
    """One thing that happened. Which parts are there depends on the type; ``raw`` has all of them."""

    seq: int
    at: datetime.datetime
    type: str
    task_id: str | None
    root_id: str | None
    state: State | None
    step: str | None
    text: str | None
    raw: dict[str, Any] = dataclasses.field(repr=False, compare=False)

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> Event:
        return cls(
            seq=raw["seq"],
            at=_types.moment(raw["at"]),
            type=raw["type"],
            task_id=raw.get("task_id"),
            root_id=raw.get("root_id"),
            state=raw.get("state"),
            step=raw.get("step"),
            text=raw.get("text"),
            raw=raw,
        )


@dataclasses.dataclass(frozen=True)
class LogLine:
    """A line that a task wrote."""

    seq: int
    at: datetime.datetime
    stream: str
    text: str

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> LogLine:
        return cls(seq=raw["seq"], at=_types.moment(raw["at"]), stream=raw["stream"], text=raw["text"])


@dataclasses.dataclass(frozen=True)
class Decision:
    """How a person decided at a checkpoint."""

    decision: Literal["accept", "correct", "reject"]
    feedback: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it was accepted as it is."""
        return self.decision == "accept"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What waits for a person."""

    task: Task
    question: str
    content: Any
    evaluation: Any = None
    context: Any = None

    @property
    def id(self) -> str:
        """The checkpoint's own id, by which it is decided."""
        return self.task.id


@dataclasses.dataclass(frozen=True)
class Reason:
    """One reason why a task is where it is."""

    code: str
    message: str
    tasks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Why:
    """Why a task is where it is, the most telling reason first."""

    state: State
    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        return f"{self.state}: " + ("; ".join(reason.message for reason in self.reasons) or "no reason is known")

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> Why:
        reasons = (Reason(one["code"], one["message"], tuple(one.get("tasks", ()))) for one in raw["reasons"])
        return cls(raw["state"], tuple(reasons))


@dataclasses.dataclass(frozen=True)
class Tree:
    """A task and all below it, parents before their children."""

    tasks: list[Task]
    edges: list[tuple[str, str]]
    """From a dependency to what depends on it."""

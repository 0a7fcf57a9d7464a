"""What runs a task: functions."""

from __future__ import annotations

import dataclasses
import inspect
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Callable,
    Coroutine,
    Generic,
    Iterator,
    Literal,
    Protocol,
    Sequence,
    TypeVar,
    get_args,
    overload,
)

from .._client.task import Retry, Seconds, TaskOptions, request_options, texts
from .._errors import InvalidInput
from .._values import json as _json, schema as _schema, types as _types

if TYPE_CHECKING:
    from .context import Context

O_co = TypeVar("O_co", covariant=True)
O = TypeVar("O")

Kind = Literal["coroutine", "function", "async_generator", "generator"]


@dataclasses.dataclass(frozen=True, eq=False)
class Agent(Generic[O_co]):
    """A function that runs the tasks of one type, made by :func:`agent`. Calling it calls the function."""

    name: str
    function: Callable[..., Any]
    description: str = ""
    requires: tuple[str, ...] = ()
    defaults: TaskOptions = dataclasses.field(default_factory=lambda: TaskOptions())
    _shape: _Shape = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shape", _Shape(self.function, self.name))
        object.__setattr__(self, "__doc__", self.function.__doc__)
        object.__setattr__(self, "__wrapped__", self.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @property
    def kind(self) -> Kind:
        """How the function runs."""
        return self._shape.kind

    @property
    def input_schema(self) -> dict[str, Any] | None:
        """The JSON schema of its input, by the function's annotations, as workers announce it; none where they say
        nothing. Texts in ``Annotated[…, "text"]`` describe fields."""
        return self._shape.schema()

    def _arguments(self, ctx: Context, text: str) -> tuple[list[Any], dict[str, Any]]:
        """What the function is called with for an input. Raises :class:`InvalidInput`, which names the field."""
        return self._shape.arguments(ctx, _json.loads(text))

    def _written(self, output: Any) -> str:
        """The JSON text of an output. Raises :class:`InvalidInput` when it is not what the annotation says."""
        what = f"output of `{self.name}`"
        text = _json.dumps(output, what)
        returns = self._shape.returns
        if returns is not Any and type(output) is not returns:
            _types.read(returns, _json.loads(text), what)
        return text

    def _read(self, output: Any, what: str) -> O_co:
        """An output as the function's annotation says."""
        return _types.read(self._shape.returns, output, what)  # type: ignore[no-any-return]


class _Shape:
    """How a function takes its input."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.kind: Kind = _kind(function)
        known = _types.hints(function)
        parameters = list(inspect.signature(function).parameters.values())
        self.takes_context = bool(parameters) and _is_context(parameters[0], known)
        inputs = parameters[1:] if self.takes_context else parameters
        for parameter in inputs:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise InvalidInput(
                    f"agent `{name}`: `{parameter}` takes any number of values, which an input is not; name the "
                    "parameters, or take one `dict`"
                )
        self.inputs = inputs
        self.known = known
        self.name = name
        self.returns = self._returned(known.get("return", Any))

    def _returned(self, kind: Any) -> Any:
        if self.kind in ("generator", "async_generator"):
            # What is yielded is streamed: texts become one text, anything else a list.
            item = next(iter(get_args(kind)), Any)
            return str if item is str else Any
        return kind

    def schema(self) -> dict[str, Any] | None:
        """The schema of the input; none where the annotations say nothing of it."""
        if not self.inputs:
            return None
        if len(self.inputs) > 1:
            return _schema.parameters(self.inputs, self.known)
        only = self.inputs[0]
        made = _schema.of(self.known.get(only.name, Any))
        return _schema.with_default(made, only.default) if made else None

    def arguments(self, ctx: Context, value: Any) -> tuple[list[Any], dict[str, Any]]:
        first: list[Any] = [ctx] if self.takes_context else []
        if len(self.inputs) == 1:
            return self._single(first, self.inputs[0], value)
        if not self.inputs:
            if value is not None:
                raise InvalidInput(f"input: agent `{self.name}` takes none; it got {_json.dumps(value, 'input')[:60]}")
            return first, {}
        return first, self._several(value)

    def _single(
        self, first: list[Any], parameter: inspect.Parameter, value: Any
    ) -> tuple[list[Any], dict[str, Any]]:
        if value is None and parameter.default is not parameter.empty:
            return first, {}
        read = _types.read(self.known.get(parameter.name, Any), value, "input")
        if parameter.kind is parameter.KEYWORD_ONLY:
            return first, {parameter.name: read}
        return [*first, read], {}

    def _several(self, value: Any) -> dict[str, Any]:
        value = {} if value is None else value
        names = ", ".join(parameter.name for parameter in self.inputs)
        if not isinstance(value, dict):
            raise InvalidInput(f"input: must be an object with {names}, not {_json.dumps(value, 'input')[:60]}")
        unknown = set(value) - {parameter.name for parameter in self.inputs}
        if unknown:
            raise InvalidInput(f"input.{min(unknown)}: agent `{self.name}` has no such input; it has {names}")
        read: dict[str, Any] = {}
        for parameter in self.inputs:
            if parameter.name in value:
                kind = self.known.get(parameter.name, Any)
                read[parameter.name] = _types.read(kind, value[parameter.name], f"input.{parameter.name}")
            elif parameter.default is parameter.empty:
                raise InvalidInput(f"input.{parameter.name}: is missing")
        return read


def _check_function(function: Any) -> None:
    if isinstance(function, Agent):
        raise InvalidInput(f"agent: `{function.name}` is an agent already; decorate the function")
    if isinstance(function, type) or not callable(function):
        shown = f"the class `{function.__name__}`" if isinstance(function, type) else repr(function)
        raise InvalidInput(f"agent: {shown} is not a function")


def _kind(function: Callable[..., Any]) -> Kind:
    if inspect.isasyncgenfunction(function):
        return "async_generator"
    if inspect.isgeneratorfunction(function):
        return "generator"
    called = getattr(function, "__call__", None)
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        return "coroutine"
    return "function"


def _is_context(parameter: inspect.Parameter, known: dict[str, Any]) -> bool:
    from .. import sync
    from . import context as _context

    kind = known.get(parameter.name)
    if isinstance(kind, type) and issubclass(kind, (_context.Context, sync.Context)):
        return True
    return parameter.name in ("ctx", "context") and kind in (None, Any)


@overload
def agent(
    name: str = ...,
    *,
    description: str = ...,
    requires: Sequence[str] = ...,
    retry: Retry | int | None = ...,
    timeout: Seconds | None = ...,
    options: TaskOptions | None = ...,
) -> _Decorator: ...
@overload
def agent(name: Callable[..., Coroutine[Any, Any, O]], /) -> Agent[O]: ...
@overload
def agent(name: Callable[..., AsyncIterator[O]], /) -> Agent[Any]: ...
@overload
def agent(name: Callable[..., Iterator[O]], /) -> Agent[Any]: ...
@overload
def agent(name: Callable[..., O], /) -> Agent[O]: ...
def agent(
    name: str | Callable[..., Any] | None = None,
    *,
    description: str = "",
    requires: Sequence[str] = (),
    retry: Retry | int | None = None,
    timeout: Seconds | None = None,
    options: TaskOptions | None = None,
) -> Any:
    """Makes an agent of a function: ``@agent`` and ``@agent(retry=2)`` take the function's name, ``@agent("name")``
    another one.

    The function may be ``async`` (it runs on the event loop), plain (it runs in a thread), or a generator of either kind
    (what it yields is streamed). It takes the task's context, if its first parameter is called ``ctx`` or annotated
    :class:`Context`, and the input: one parameter is the input itself, several are the fields of an object. Inputs and
    outputs are read as the annotations say.

    ``requires`` are labels that a worker must offer to have this agent. ``retry``, ``timeout`` and ``options`` are what
    tasks for it are submitted with by this program, unless the call says something else.

    >>> import orchestrator
    >>> @orchestrator.agent("shout", retry=2)
    ... def shout(text: str) -> str:
    ...     return text.upper()
    >>> shout("hello")
    'HELLO'
    >>> shout.name
    'shout'
    """
    if name == "":
        raise InvalidInput("agent: the name is empty; leave it out to take the function's")
    if name is not None and not isinstance(name, str):
        _check_function(name)
        return Agent(name.__name__, name, inspect.getdoc(name) or "")
    labels = tuple(texts(requires, "requires"))
    defaults = TaskOptions() if options is None else TaskOptions(**options)
    if retry is not None:
        defaults["retry"] = retry
    if timeout is not None:
        defaults["timeout"] = timeout
    # What it cannot mean is said where it is written, not where the first task is submitted.
    request_options(defaults)

    def decorate(function: Callable[..., Any]) -> Agent[Any]:
        _check_function(function)
        words = description or inspect.getdoc(function) or ""
        return Agent(name or function.__name__, function, words, labels, defaults)

    return decorate


if TYPE_CHECKING:

    class _Decorator(Protocol):
        """Makes an agent of a function."""

        @overload
        def __call__(self, function: Callable[..., Coroutine[Any, Any, O]], /) -> Agent[O]: ...
        @overload
        def __call__(self, function: Callable[..., AsyncIterator[O]], /) -> Agent[Any]: ...
        @overload
        def __call__(self, function: Callable[..., Iterator[O]], /) -> Agent[Any]: ...
        @overload
        def __call__(self, function: Callable[..., O], /) -> Agent[O]: ...

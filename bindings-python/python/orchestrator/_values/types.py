"""Plain JSON read into the types that a function asks for, with errors that name the field."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import functools
import inspect
import pathlib
import re
import types
import typing
import uuid
from typing import Any, Callable, Literal, TypeVar, Union, get_args, get_origin

from .._errors import InvalidInput

_Reader = Callable[[Any, str], Any]
_NOTHING: Any = object()


def read(kind: Any, value: Any, path: str) -> Any:
    """A value of JSON as a ``kind``. Raises :class:`InvalidInput`, which names the field below ``path``."""
    return _reader(kind)(value, path)


def _reader(kind: Any) -> _Reader:
    try:
        return _cached(kind)
    except TypeError:  # what cannot be a key
        return _make(kind)


@functools.lru_cache(maxsize=4096)
def _cached(kind: Any) -> _Reader:
    return _make(kind)


def _fail(path: str, wanted: str, value: Any) -> InvalidInput:
    shown = repr(value)
    if len(shown) > 60:
        shown = shown[:60] + "…"
    message = f"must be {wanted}, not {shown}"
    return InvalidInput(f"{path}: {message}", detail={"errors": [{"field": path, "message": message}]})


def _anything(value: Any, path: str) -> Any:
    return value


def _make(kind: Any) -> _Reader:
    if kind is Any or kind is inspect.Parameter.empty or kind is object or isinstance(kind, (str, TypeVar)):
        return _anything
    if kind is None or kind is type(None):
        return _exactly(type(None), "null")
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is not None:
        return _generic(origin, arguments, kind)
    supertype = getattr(kind, "__supertype__", None)  # NewType
    if supertype is not None:
        return _reader(supertype)
    if hasattr(kind, "__value__"):  # `type X = ...`
        return _reader(kind.__value__)
    if isinstance(kind, type):
        return _class(kind)
    return _anything


def _generic(origin: Any, arguments: tuple[Any, ...], kind: Any) -> _Reader:
    name = getattr(origin, "__name__", "")
    if name in ("Annotated", "Required", "NotRequired", "ReadOnly", "Final", "ClassVar"):
        return _reader(arguments[0])
    if hasattr(kind, "__metadata__"):
        return _reader(arguments[0])
    if origin is Union or origin is types.UnionType:
        return _union(arguments)
    if origin is Literal:
        return _literal(arguments)
    if origin in (dict, collections.abc.Mapping, collections.abc.MutableMapping):
        return _mapping(*(arguments or (str, Any)))
    if origin is tuple:
        return _tuple(arguments)
    if origin in (set, frozenset, collections.abc.Set, collections.abc.MutableSet):
        return _many(arguments[0], frozenset if origin is frozenset else set)
    if origin in (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection):
        return _many(arguments[0], list)
    if isinstance(origin, type) and hasattr(kind, "model_validate"):
        return _pydantic(kind)
    return _class(origin) if isinstance(origin, type) else _anything


def _class(kind: type) -> _Reader:
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind is list or kind is tuple or kind is set or kind is frozenset:
        return _many(Any, kind)
    if kind is dict:
        return _mapping(str, Any)
    if hasattr(kind, "model_validate"):
        return _pydantic(kind)
    if typing.is_typeddict(kind):
        return _typed_dict(kind)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, enum.Enum):
        return _enum(kind)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _named_tuple(kind)
    for base, make in _FROM_TEXT.items():
        if issubclass(kind, base):
            return _text(kind.__name__, make if base in (datetime.datetime, datetime.date, datetime.time) else kind)
    return _unknown(kind)


def _unknown(kind: type) -> _Reader:
    def reader(value: Any, path: str) -> Any:
        raise InvalidInput(
            f"{path}: `{kind.__name__}` is not a type that can be read from JSON; use plain JSON, a dataclass, a "
            "TypedDict or a pydantic model"
        )

    return reader


def _exactly(kind: type, words: str) -> _Reader:
    def reader(value: Any, path: str) -> Any:
        if type(value) is not kind:
            raise _fail(path, words, value)
        return value

    return reader


def _float(value: Any, path: str) -> float:
    if type(value) is int or type(value) is float:
        return float(value)
    raise _fail(path, "a number", value)


_SIMPLE: dict[type, _Reader] = {
    str: _exactly(str, "a text"),
    int: _exactly(int, "a whole number"),
    bool: _exactly(bool, "true or false"),
    float: _float,
}

_FRACTION = re.compile(r"\.(\d+)")


def moment(text: str) -> datetime.datetime:
    """A time as RFC 3339 writes it. Before 3.11 Python knows neither the ``Z`` nor fractions of any length."""
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    return datetime.datetime.fromisoformat(_FRACTION.sub(lambda part: "." + part[1][:6].ljust(6, "0"), text))


_FROM_TEXT: dict[type, Callable[[str], Any]] = {
    datetime.datetime: moment,
    datetime.date: datetime.date.fromisoformat,
    datetime.time: datetime.time.fromisoformat,
    uuid.UUID: uuid.UUID,
    decimal.Decimal: decimal.Decimal,
    pathlib.PurePath: pathlib.Path,
}


def _text(name: str, make: Callable[[str], Any]) -> _Reader:
    def reader(value: Any, path: str) -> Any:
        if isinstance(value, str):
            try:
                return make(value)
            except (ValueError, ArithmeticError):
                pass
        raise _fail(path, f"a text that is a `{name}`", value)

    return reader


def _union(arguments: tuple[Any, ...]) -> _Reader:
    readers = [_reader(argument) for argument in arguments]

    def reader(value: Any, path: str) -> Any:
        refusals: list[InvalidInput] = []
        for read_one in readers:
            try:
                return read_one(value, path)
            except InvalidInput as refusal:
                refusals.append(refusal)
        # The one that came farthest says most.
        raise max(refusals, key=lambda refusal: len(refusal.message.split(":")[0])) from None

    return reader


def _literal(choices: tuple[Any, ...]) -> _Reader:
    words = "one of " + ", ".join(repr(choice) for choice in choices)

    def reader(value: Any, path: str) -> Any:
        for choice in choices:
            if type(choice) is type(value) and choice == value:
                return choice
        raise _fail(path, words, value)

    return reader


def _many(kind: Any, make: Callable[[Any], Any]) -> _Reader:
    item = _reader(kind)

    def reader(value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise _fail(path, "a list", value)
        if item is _anything:
            return value if make is list else make(value)
        return make([item(one, f"{path}[{index}]") for index, one in enumerate(value)])

    return reader


def _tuple(arguments: tuple[Any, ...]) -> _Reader:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return _many(arguments[0], tuple)
    items = [_reader(argument) for argument in arguments]

    def reader(value: Any, path: str) -> Any:
        if not isinstance(value, list) or len(value) != len(items):
            raise _fail(path, f"a list of {len(items)}", value)
        return tuple(item(one, f"{path}[{index}]") for index, (item, one) in enumerate(zip(items, value)))

    return reader


def _mapping(key_kind: Any, kind: Any) -> _Reader:
    item = _reader(kind)
    # Keys of JSON are texts; what was a number is read as one again.
    make_key: Callable[[str], Any] = key_kind if key_kind in (int, float) else str

    def reader(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _fail(path, "an object", value)
        try:
            return {make_key(key): item(one, f"{path}.{key}") for key, one in value.items()}
        except InvalidInput:
            raise
        except ValueError:
            raise _fail(path, f"an object whose keys are `{key_kind.__name__}`", value) from None

    return reader


def _fields(
    make: Callable[..., Any], kinds: dict[str, Any], required: set[str], name: str
) -> _Reader:
    readers: dict[str, _Reader] = {}

    def reader(value: Any, path: str) -> Any:
        if not readers and kinds:
            # Only now: a type may mention itself.
            readers.update({field: _reader(kind) for field, kind in kinds.items()})
        if not isinstance(value, dict):
            raise _fail(path, f"an object (`{name}`)", value)
        unknown = next((key for key in value if key not in kinds), _NOTHING)
        if unknown is not _NOTHING:
            known = ", ".join(kinds) or "none"
            raise InvalidInput(f"{path}.{unknown}: `{name}` has no such field; it has {known}")
        missing = next((field for field in kinds if field in required and field not in value), _NOTHING)
        if missing is not _NOTHING:
            raise InvalidInput(f"{path}.{missing}: is missing")
        return make(**{field: readers[field](one, f"{path}.{field}") for field, one in value.items()})

    return reader


def hints(of: Any) -> dict[str, Any]:
    """The annotations of a function or a class; those that cannot be resolved stand for anything."""
    try:
        return typing.get_type_hints(of, include_extras=True)
    except Exception:
        return {}


def _dataclass(kind: Any) -> _Reader:
    known = hints(kind)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    required = {
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    return _fields(kind, {field.name: known.get(field.name, Any) for field in fields}, required, kind.__name__)


def _typed_dict(kind: Any) -> _Reader:
    return _fields(dict, hints(kind), set(kind.__required_keys__), kind.__name__)


def _named_tuple(kind: Any) -> _Reader:
    known = hints(kind)
    return _tuple_of(kind, [known.get(field, Any) for field in kind._fields])


def _tuple_of(kind: Any, kinds: list[Any]) -> _Reader:
    items = _tuple(tuple(kinds))
    return lambda value, path: kind(*items(value, path))


def _enum(kind: type[enum.Enum]) -> _Reader:
    words = "one of " + ", ".join(repr(member.value) for member in kind)

    def reader(value: Any, path: str) -> Any:
        for member in kind:
            if type(member.value) is type(value) and member.value == value:
                return member
        raise _fail(path, words, value)

    return reader


def _pydantic(kind: Any) -> _Reader:
    def reader(value: Any, path: str) -> Any:
        try:
            return kind.model_validate(value)
        except ValueError as error:
            problems: list[Any] = getattr(error, "errors", list)()
            if not problems:
                raise InvalidInput(f"{path}: {error}") from None
            told = [
                {"field": path + "".join(_part(part) for part in problem["loc"]), "message": str(problem["msg"])}
                for problem in problems
            ]
            words = "; ".join(f"{one['field']}: {one['message']}" for one in told)
            raise InvalidInput(words, detail={"errors": told}) from None

    return reader


def _part(part: int | str) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"

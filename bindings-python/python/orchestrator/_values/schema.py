"""The types that a function asks for as a JSON schema, from which an app makes the fields of a form."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import enum
import inspect
import json
import pathlib
import types
import typing
import uuid
from typing import Any, Literal, Union, get_args, get_origin

from .types import hints

Schema = dict[str, Any]

_SIMPLE: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dict: {"type": "object"},
    list: {"type": "array"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.time: {"type": "string", "format": "time"},
    uuid.UUID: {"type": "string", "format": "uuid"},
}


def of(kind: Any, inside: tuple[Any, ...] = ()) -> Schema:
    """The schema of a ``kind``; an empty one, which allows anything, where it says nothing. ``inside`` are the types
    around it, so that one that mentions itself comes to an end."""
    try:
        if kind in _SIMPLE:
            return dict(_SIMPLE[kind])
    except TypeError:  # what cannot be a key
        return {}
    if kind in inside:
        return {}
    inside = (*inside, kind)
    if hasattr(kind, "__metadata__"):
        return _annotated(kind, inside)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is not None:
        return _generic(origin, arguments, inside)
    supertype = getattr(kind, "__supertype__", None)  # NewType
    if supertype is not None:
        return of(supertype, inside)
    if hasattr(kind, "__value__"):  # `type X = ...`
        return of(kind.__value__, inside)
    return _class(kind, inside) if isinstance(kind, type) else {}


def parameters(wanted: list[inspect.Parameter], known: dict[str, Any]) -> Schema:
    """The schema of an object with a field for each parameter."""
    required = [parameter.name for parameter in wanted if parameter.default is parameter.empty]
    properties = {
        parameter.name: with_default(of(known.get(parameter.name, Any)), parameter.default) for parameter in wanted
    }
    return _object(properties, required)


def with_default(schema: Schema, default: Any) -> Schema:
    """The schema, with a default where there is one that JSON can say."""
    if default is inspect.Parameter.empty or default is dataclasses.MISSING:
        return schema
    try:
        json.dumps(default, allow_nan=False)
    except (TypeError, ValueError):
        return schema
    return {**schema, "default": default}


def _object(properties: dict[str, Schema], required: list[str], title: str = "", words: str = "") -> Schema:
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        made["required"] = required
    if title:
        made["title"] = title
    if words:
        made["description"] = words
    return made


def _annotated(kind: Any, inside: tuple[Any, ...]) -> Schema:
    made = of(kind.__origin__, inside)
    for word in kind.__metadata__:
        words = word if isinstance(word, str) else getattr(word, "description", None)
        if isinstance(words, str):
            made = {**made, "description": words}
    return made


def _generic(origin: Any, arguments: tuple[Any, ...], inside: tuple[Any, ...]) -> Schema:
    name = getattr(origin, "__name__", "")
    if name in ("Required", "NotRequired", "ReadOnly", "Final", "ClassVar"):
        return of(arguments[0], inside)
    if origin is Union or origin is types.UnionType:
        return {"anyOf": [of(argument, inside) for argument in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (dict, collections.abc.Mapping, collections.abc.MutableMapping):
        return {"type": "object", "additionalProperties": of(arguments[1], inside)}
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        items = [of(argument, inside) for argument in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if isinstance(origin, type) and issubclass(origin, collections.abc.Iterable) and arguments:
        return {"type": "array", "items": of(arguments[0], inside)}
    return _class(origin, inside) if isinstance(origin, type) else {}


def _class(kind: Any, inside: tuple[Any, ...]) -> Schema:
    if hasattr(kind, "model_json_schema"):
        made = kind.model_json_schema()
        # What it refers to is at its own root, which it is not where something else is around it.
        is_whole = isinstance(made, dict) and (len(inside) == 1 or "$defs" not in made)
        return made if is_whole else {"type": "object"}
    if typing.is_typeddict(kind):
        properties = {field: of(of_field, inside) for field, of_field in hints(kind).items()}
        return _object(properties, sorted(kind.__required_keys__), kind.__name__)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, inside)
    if issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind], "title": kind.__name__}
    if issubclass(kind, (tuple, set, frozenset)):
        return {"type": "array"}
    if issubclass(kind, pathlib.PurePath):
        return {"type": "string"}
    return {}


def _dataclass(kind: Any, inside: tuple[Any, ...]) -> Schema:
    known = hints(kind)
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for field in dataclasses.fields(kind):
        if not field.init:
            continue
        properties[field.name] = with_default(of(known.get(field.name, Any), inside), field.default)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(field.name)
    words = inspect.getdoc(kind) or ""
    # Python writes one itself where there is none.
    return _object(properties, required, kind.__name__, "" if words.startswith(f"{kind.__name__}(") else words)

"""Values on their way to JSON and back."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import pathlib
import uuid
from typing import Any

from .._errors import InvalidInput

def dumps(value: Any, what: str) -> str:
    """The JSON text of a value: plain JSON, dataclasses, pydantic models, enums, times, UUIDs, paths, sets.

    Raises :class:`InvalidInput` that names the place in the value: ``what`` and the path within.
    """
    try:
        text = _encode(value)
        # Half a character can be in a string of Python, and nowhere else.
        text.encode()
        return text
    except (TypeError, ValueError, OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidInput(_blame(value, what) or f"{what}: cannot be written as JSON: {error}") from None


loads = json.loads
"""The value of a JSON text."""


def _plain(value: Any) -> Any:
    """What stands for a value that JSON does not know."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # Not `asdict`: it copies everything below, and knows nothing of what is not a dataclass.
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump(mode="json")
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, (uuid.UUID, pathlib.PurePath, decimal.Decimal)):
        return str(value)
    if inspect.isawaitable(value):
        raise TypeError(f"a `{type(value).__name__}` is not its result; put `await` before the call")
    raise TypeError(f"a `{type(value).__name__}` cannot be written as JSON; give plain values, dataclasses or pydantic models")


# Made once: `json.dumps` would make one for each value.
_encode = json.JSONEncoder(default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


def _blame(value: Any, path: str, above: tuple[int, ...] = ()) -> str | None:
    """Which part of a value cannot be written, and why; none when all of it can."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return f"{path}: a text with half a character (a lone surrogate) cannot be written as JSON"
        return None
    if value is None or isinstance(value, (bool, int)):
        return None
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return f"{path}: {value} is not a number of JSON; use None"
        return None
    if id(value) in above:
        return f"{path}: it contains itself"
    if len(above) > 100:
        return f"{path[:200]}…: it is nested too deeply"
    inside = (*above, id(value))
    if isinstance(value, dict):
        return _blame_object(value, path, inside)
    if isinstance(value, (list, tuple)):
        found = (_blame(item, f"{path}[{index}]", inside) for index, item in enumerate(value))
        return next(filter(None, found), None)
    try:
        plain = _plain(value)
    except Exception as error:
        return f"{path}: {error}"
    return _blame(plain, path, inside)


def _blame_object(value: dict[Any, Any], path: str, inside: tuple[int, ...]) -> str | None:
    for key, item in value.items():
        if not isinstance(key, (str, int, float, bool, type(None))):
            return f"{path}: the key {key!r} is a `{type(key).__name__}`; keys of JSON are texts"
        found = _blame(key, path, inside) or _blame(item, f"{path}.{key}", inside)
        if found:
            return found
    return None

"""What crosses the border: values, their types, and errors that name the place."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import pathlib
import uuid
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, TypedDict

import orchestrator
import pydantic
import pytest
from orchestrator import InvalidInput
from orchestrator._values import json as _json, schema as _schema, types as _types
from orchestrator._work.agent import Agent


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


@dataclasses.dataclass
class Shape:
    points: list[Point]
    colour: Colour
    parent: Optional[Shape] = None


class Options(TypedDict, total=False):
    verbose: bool


class Pair(NamedTuple):
    left: str
    right: int


class Model(pydantic.BaseModel):
    name: str
    at: datetime.datetime
    tags: set[str] = set()


Id = NewType("Id", str)

MOMENT = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, 3),
        (float, 2.5),
        (str, "é\n\0😀"),
        (bool, True),
        (None, None),
        (list[int], [1, 2]),
        (tuple[int, str], (1, "a")),
        (tuple[int, ...], (1, 2, 3)),
        (set[str], {"a", "b"}),
        (dict[str, Point], {"a": Point(1)}),
        (dict[int, str], {1: "a"}),
        (Shape, Shape([Point(1, 2.0)], Colour.RED, Shape([], Colour.BLUE))),
        (Options, {"verbose": True}),
        (Pair, Pair("a", 1)),
        (Model, Model(name="n", at=MOMENT, tags={"x"})),
        (list[Model], [Model(name="n", at=MOMENT)]),
        (Literal["a", 1], 1),
        (int | None, None),
        (Id, "x"),
        (datetime.datetime, MOMENT),
        (datetime.date, datetime.date(2026, 1, 2)),
        (uuid.UUID, uuid.UUID(int=3)),
        (pathlib.Path, pathlib.Path("a/b")),
        (Any, {"any": [1, None, {"x": 1.5}]}),
        (int, 2**100),
    ],
)
def test_values_come_back_as_they_went(kind: Any, value: Any) -> None:
    assert _types.read(kind, _json.loads(_json.dumps(value, "value")), "value") == value


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (int, "3", "input: must be a whole number, not '3'"),
        (int, True, "input: must be a whole number, not True"),
        (int, 3.0, "input: must be a whole number, not 3.0"),
        (str, None, "input: must be a text, not None"),
        (list[int], [1, "x"], "input[1]: must be a whole number, not 'x'"),
        (dict[str, list[int]], {"a": [1, None]}, "input.a[1]: must be a whole number, not None"),
        (Point, {"y": 1}, "input.x: is missing"),
        (Point, {"x": 1, "z": 1}, "input.z: `Point` has no such field; it has x, y"),
        (Shape, {"points": [{"x": "a"}], "colour": "red"}, "input.points[0].x: must be a whole number, not 'a'"),
        (Shape, {"points": [], "colour": "green"}, "input.colour: must be one of 'red', 'blue', not 'green'"),
        (Options, {"verbose": 1}, "input.verbose: must be true or false, not 1"),
        (Literal["a"], "b", "input: must be one of 'a', not 'b'"),
        (int | None, "x", "input: must be a whole number, not 'x'"),
        (Point | None, {"x": "a"}, "input.x: must be a whole number, not 'a'"),
        (Model, {"name": 3, "at": "never"}, "input.name: Input should be a valid string; input.at:"),
        (datetime.date, "tomorrow", "input: must be a text that is a `date`, not 'tomorrow'"),
        (tuple[int, str], [1], "input: must be a list of 2, not [1]"),
        (dict[int, str], {"a": "b"}, "input: must be an object whose keys are `int`"),
        (object.__class__, 1, "`type` is not a type that can be read from JSON"),
    ],
)
def test_wrong_values_are_refused_by_the_name_of_their_place(kind: Any, value: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        _types.read(kind, value, "input")
    assert message in refused.value.message


@pytest.mark.parametrize("text", ["2026-01-02T00:00:00.5Z", "2026-01-02T00:00:00.500000000+00:00", "2026-01-02T01:00:00.50+01:00"])
def test_times_are_read_as_others_write_them(text: str) -> None:
    assert _types.read(datetime.datetime, text, "at") == MOMENT.replace(microsecond=500_000)


def _endless() -> list[Any]:
    value: list[Any] = [1]
    value.append(value)
    return value


def _deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, object()]}, "output.a[1]: a `object` cannot be written as JSON; give plain values"),
        ({"a": {"b": float("nan")}}, "output.a.b: nan is not a number of JSON; use None"),
        ([1, b"x"], "output[1]: a `bytes` cannot be written as JSON"),
        ({(1, 2): 3}, "output: the key (1, 2) is a `tuple`; keys of JSON are texts"),
        (_endless(), "output[1]: it contains itself"),
        (_deep(), "it is nested too deeply"),
        (["\ud800"], "output[0]: a text with half a character"),
        (Point(1, complex(1)), "output.y: a `complex` cannot be written as JSON"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_json_is_refused_by_the_name_of_its_place(value: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        _json.dumps(value, "output")
    assert message in refused.value.message


def _input(agent: Agent[Any], value: Any) -> tuple[list[Any], dict[str, Any]]:
    args, kwargs = agent._arguments("ctx", _json.dumps(value, "input"))  # type: ignore[arg-type]
    return args, kwargs


def test_one_parameter_is_the_input_and_several_are_its_fields() -> None:
    @orchestrator.agent
    def none() -> None: ...

    @orchestrator.agent
    def one(ctx: orchestrator.Context, doc: Point) -> None: ...

    @orchestrator.agent
    def optional(doc: str = "x") -> None: ...

    @orchestrator.agent
    def several(ctx: Any, a: int, *, b: list[Point], c: str = "") -> None: ...

    assert _input(none, None) == ([], {})
    assert _input(one, {"x": 1}) == (["ctx", Point(1)], {})
    assert _input(optional, None) == ([], {})
    assert _input(several, {"a": 1, "b": [{"x": 2}]}) == (["ctx"], {"a": 1, "b": [Point(2)]})
    for agent, value, message in [
        (none, 3, "input: agent `none` takes none; it got 3"),
        (several, {"a": 1}, "input.b: is missing"),
        (several, {"a": 1, "b": [], "d": 1}, "input.d: agent `several` has no such input; it has a, b, c"),
        (several, [1], "input: must be an object with a, b, c, not [1]"),
        (several, {"a": 1, "b": [{}]}, "input.b[0].x: is missing"),
    ]:
        with pytest.raises(InvalidInput) as refused:
            _input(agent, value)
        assert message in refused.value.message


def test_agents_that_make_no_sense_are_refused_when_they_are_made() -> None:
    with pytest.raises(InvalidInput, match="takes any number of values"):

        @orchestrator.agent
        def all_of_them(*docs: str) -> None: ...


class Node(TypedDict, total=False):
    name: str
    below: list["Node"]


class Ask(pydantic.BaseModel):
    question: str
    near: Optional[Point] = None


@dataclasses.dataclass
class Order:
    """What is to be painted."""

    colour: Colour
    where: Point
    size: Annotated[int, "In metres."] = 3
    tags: list[str] = dataclasses.field(default_factory=list)
    how: Literal["fast", "well"] = "well"
    note: Optional[str] = None


POINT = {
    "type": "object",
    "title": "Point",
    "properties": {"x": {"type": "integer"}, "y": {"type": "number", "default": 0.0}},
    "required": ["x"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (Any, {}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Point, POINT),
        (pathlib.Path, {"type": "string"}),
        (
            Node,
            {
                "type": "object",
                "title": "Node",
                "properties": {"name": {"type": "string"}, "below": {"type": "array", "items": {}}},
                "additionalProperties": False,
            },
        ),
    ],
)
def test_types_say_what_a_form_needs(kind: Any, expected: dict[str, Any]) -> None:
    assert _schema.of(kind) == expected


def test_an_agent_announces_what_it_takes() -> None:
    def paint(ctx: orchestrator.Context, order: Order) -> None: ...

    schema = Agent("paint", paint).input_schema
    assert schema is not None
    assert schema["title"] == "Order" and schema["description"] == "What is to be painted."
    assert schema["required"] == ["colour", "where"]
    assert schema["properties"]["size"] == {"type": "integer", "description": "In metres.", "default": 3}
    assert schema["properties"]["colour"] == {"enum": ["red", "blue"], "title": "Colour"}
    assert schema["properties"]["how"] == {"enum": ["fast", "well"], "default": "well"}
    assert schema["properties"]["where"] == POINT

    def ask(ask: Ask) -> None: ...

    asked = Agent("ask", ask).input_schema
    assert asked is not None and asked["required"] == ["question"] and "Point" in asked["$defs"]

    def several(repository: str, deep: bool = False, *, seed: float = float("nan")) -> None: ...

    assert Agent("several", several).input_schema == {
        "type": "object",
        "properties": {
            "repository": {"type": "string"},
            "deep": {"type": "boolean", "default": False},
            "seed": {"type": "number"},
        },
        "required": ["repository"],
        "additionalProperties": False,
    }
    assert Agent("nothing", lambda: None).input_schema is None
    assert Agent("anything", lambda value: None).input_schema is None

"""What pydantic finds wrong, said in plain words."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, replace
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

Key = str | int
"""A step into a document: the key of a mapping or the position in a list."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that pydantic found wrong.

    ``union`` is the way to the value that fits no form of a union, if it is in one.
    """

    keys: tuple[Key, ...]
    kind: str
    problem: str
    remedy: str | None
    union: tuple[Key, ...] | None


def to_complaint(error: ErrorDetails, data: Any, model: type[BaseModel]) -> Complaint:
    """Says in plain words what pydantic says in its own."""
    kind, here = error["type"], data
    keys: list[Key] = []
    union: tuple[Key, ...] | None = None
    *way, last = error["loc"] or ("",)
    if kind not in ("missing", "extra_forbidden"):
        way.append(last)
    for part in way:
        if has_key(here, part):
            here = here[part]
            keys.append(part)
        elif part and part != "[key]" and union is None:
            union = tuple(keys)  # the name of a form of a union, not of a place
    remedy = None
    if kind == "missing":
        problem, remedy = "is missing", "add it"
        keys.append(last)
    elif kind == "extra_forbidden":
        problem, remedy = "unknown field", suggest(str(last), _fields(model, error["loc"][:-1]))
        keys.append(last)
    else:
        context = error.get("ctx", {})
        words = _WORDS.get(kind)
        text = words.format(**context) if words else _plain(error["msg"])
        problem = text + (f", not {_shown(here)}" if text.startswith("expected") else "")
        if kind == "string_type" and isinstance(here, int | float):
            remedy = "put it in quotes"
    return Complaint(tuple(keys), kind, problem, remedy, union)


def has_key(value: Any, key: Key) -> bool:
    """Whether a list or a mapping has something at a key."""
    if isinstance(value, list):
        return isinstance(key, int) and 0 <= key < len(value)
    return isinstance(value, dict) and key in value


_WORDS = {
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "int_parsing": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "bool_type": "expected true or false",
    "string_type": "expected text",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
    "set_type": "expected a list",
    "frozen_set_type": "expected a list",
    "model_type": "expected fields ('key: value')",
    "dict_type": "expected fields ('key: value')",
    "dataclass_type": "expected fields ('key: value')",
    "mapping_type": "expected fields ('key: value')",
    "none_required": "expected nothing",
    "path_type": "expected the name of a file",
    "literal_error": "expected {expected}",
    "enum": "expected {expected}",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected at most {le}",
    "too_short": "expected at least {min_length} value(s)",
    "too_long": "expected at most {max_length} value(s)",
    "string_too_short": "expected text of at least {min_length} characters",
    "string_too_long": "expected text of at most {max_length} characters",
    "string_pattern_mismatch": "expected text of the form {pattern}",
    "value_error": "{error}",
    "assertion_error": "{error}",
}


def most_telling(found: list[Complaint]) -> Complaint:
    """The complaint to tell: a misspelt field explains a missing one, so it goes first."""

    def rank(complaint: Complaint) -> int:
        # Values that are wrong are not counted: a list may only seem too short.
        return {"extra_forbidden": 0, "missing": 2, "too_short": 3}.get(complaint.kind, 1)

    first = min(found, key=rank)
    if first.union is None:
        return first
    # Every form of the union complains. The one that got furthest into the value was meant.
    depth = len(first.union)
    forms = [c for c in found if c.union is not None and c.keys[:depth] == first.union]
    deepest = min(forms, key=lambda c: (-len(c.keys), rank(c)))
    if rank(deepest) != 1:
        return deepest
    words = [c.problem.partition(", not ") for c in forms if c.keys == deepest.keys]
    if not all(text.startswith("expected ") for text, _, _ in words):
        return deepest
    expected = list(dict.fromkeys(text.removeprefix("expected ") for text, _, _ in words))
    if "a number" in expected and "a whole number" in expected:
        expected.remove("a whole number")
    *others, last = expected
    text = f"{', '.join(others)} or {last}" if others else last
    return replace(deepest, problem=f"expected {text}, not {words[0][2]}")


def _plain(message: str) -> str:
    text = message.replace("Input should be", "expected").replace("Value should", "should")
    return text[:1].lower() + text[1:]


def _shown(value: Any) -> str:
    """A value as its writer would recognise it."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return json.dumps(value) if not value else "a list" if isinstance(value, list) else "fields"
    text = value if isinstance(value, str) else json.dumps(value)
    text = text if len(text) <= 40 else f"{text[:37]}..."
    return f"'{text}'" if isinstance(value, str) else text


def suggest(name: str, known: Iterable[str]) -> str | None:
    """The remedy for a name that is not known: the nearest known one, or all of them."""
    known = sorted(known)
    if near := difflib.get_close_matches(name, known, n=1):
        return f"did you mean '{near[0]}'?"
    return f"known are {', '.join(known)}" if known else None


def _fields(model: Any, way: tuple[Key, ...]) -> list[str]:
    """Names of the fields that the models at the end of a way of pydantic's have."""
    types: list[Any] = [model]
    for part in way:
        types = [t for outer in types for t in _inner(outer, part)]
    models = [t for t in types if isinstance(t, type) and issubclass(t, BaseModel)]
    return [f.alias or name for m in models for name, f in m.model_fields.items()]


def _inner(annotation: Any, part: Key) -> list[Any]:
    """The types that may stand at a key of a type; the type itself where the part is not a key."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {f.alias or name: f.annotation for name, f in annotation.model_fields.items()}
        return _flat(fields[str(part)]) if part in fields else [annotation]
    arguments = [a for a in get_args(annotation) if a is not Ellipsis]
    return _flat(arguments[-1]) if arguments else [annotation]


def _flat(annotation: Any) -> list[Any]:
    """The forms of a union."""
    if get_origin(annotation) in (Union, UnionType):
        return [t for form in get_args(annotation) for t in _flat(form)]
    return [annotation]

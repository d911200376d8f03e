"""Reading YAML that somebody else wrote: safely, and with a line number in every complaint.

Only YAML's core schema is understood: `true` and `false` are the truth values, so a model may be
called `no`, and `1e3` is a number. Tags, aliases and repeated keys are refused.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import stat
from dataclasses import dataclass, replace
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from yaml.composer import Composer, ComposerError
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from dse.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)
Key = str | int

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_DIGITS = 40
_CORE = "tag:yaml.org,2002:"
# Without .inf and .nan: nothing here is measured in either, and JSON has neither.
_PLAIN = (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
)


class _CoreResolver(BaseResolver):
    # A table of its own: without one, the first addition would copy what YAML 1.1 adds later.
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]


for _name, _pattern, _starts in _PLAIN:
    _CoreResolver.add_implicit_resolver(_CORE + _name, re.compile(rf"(?:{_pattern})\Z"), _starts)


class _Composer(Composer):
    """Builds nodes, but no shared ones, no typed ones and no tower of them."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[attr-defined]
        problem = None
        if isinstance(event, yaml.AliasEvent):
            problem = f"'*{event.anchor}' stands for another place; write the value out"
        elif getattr(event, "tag", None):
            tag = event.tag.replace(_CORE, "!!")
            problem = f"the tag '{tag}' is not allowed; write the value without it"
        elif self.depth >= MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} levels deep"
        if problem:
            raise ComposerError(None, None, problem, event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Loader(Reader, Scanner, Parser, _Composer, _CoreResolver):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


class _Dumper(yaml.SafeDumper):
    # With the reader's own resolver, a text that would be read as a number is written quoted.
    yaml_implicit_resolvers = _CoreResolver.yaml_implicit_resolvers


def read(path: Path, model: type[M]) -> M:
    """Reads a YAML file into a pydantic model.

    Values are not coerced: ``"4"`` and ``true`` are no whole numbers.

    Args:
        path: the file, UTF-8, at most `MAX_BYTES` bytes.
        model: what the file must hold.

    Raises:
        RequestError: the file can't be read, is no YAML or does not hold what it should; names
            file, line and field.
    """
    node = _compose(path)
    return _check(_value(node, path), model, path, node)


def check(data: Any, model: type[M]) -> M:
    """Like `read`, for a JSON-able value that comes from no file.

    Raises:
        RequestError: the value does not hold what it should; names the field.
    """
    return _check(data, model, None, None)


def locate(path: Path, *keys: Key) -> int | None:
    """The line of a value in a YAML file, counted from one; of its key if the value is a block.

    Args:
        path: a file that `read` accepted.
        keys: the way to the value: keys of mappings and indices of lists.

    Returns:
        The line, or None where the file (no longer) holds such a value.
    """
    try:
        line, rest = _line(_compose(path), keys)
    except RequestError:
        return None
    return None if rest else line


def dump(data: Any) -> str:
    """The YAML text of a JSON-able value; `read` gives the same value back."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=100)
    return text


def field_name(keys: tuple[Key, ...]) -> str:
    """A dotted name for the way to a value, as in ``backends.onnxruntime.threads[2]``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def _compose(path: Path) -> yaml.Node:
    text = _text(path)
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
        raise RequestError(problem, file=path, line=line, remedy="remove it") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "unreadable"
        if problem.startswith("but "):
            problem = f"{error.context} {problem}"
        at = mark.line + 1 if mark else None
        raise RequestError(f"not valid YAML: {problem}", file=path, line=at) from error
    except (ValueError, OverflowError) as error:
        line = loader.line + 1 if loader else 1
        problem = "not valid YAML: an escape or a version is out of range"
        raise RequestError(problem, file=path, line=line) from error
    if node is None:
        raise RequestError("the file is empty", file=path, remedy="expected 'key: value' lines")
    if not isinstance(node, yaml.MappingNode):
        problem = "expected fields ('key: value' lines) at the top of the file"
        raise RequestError(problem, file=path, line=node.start_mark.line + 1)
    return node


def _text(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise RequestError("is a folder", file=path, remedy="give a YAML file")
        if not stat.S_ISREG(mode):  # opening a pipe could wait for ever
            raise RequestError("is not a regular file", file=path, remedy="give a YAML file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise RequestError("no such file", file=path) from error
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror or error}", file=path) from error
    except ValueError as error:  # a null byte in the name
        raise RequestError(f"can't be read: {error}", file=repr(str(path))) from error
    if len(data) > MAX_BYTES:
        raise RequestError(f"is larger than {MAX_BYTES >> 20} MiB", file=path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"byte 0x{data[error.start]:02x} is not UTF-8 text"
        raise RequestError(problem, file=path, line=line, remedy="save it as UTF-8") from error


def _value(node: yaml.Node, path: Path, keys: tuple[Key, ...] = ()) -> Any:
    """The JSON-able value of a node; the keys of a mapping are texts as they are written."""
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, path, (*keys, i)) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _refusal("a field's name must be text", key_node, path, keys)
            _scalar(key_node, path, keys)
            key = str(key_node.value)
            if key in result:
                raise _refusal("given twice", key_node, path, (*keys, key), "keep one of them")
            result[key] = _value(value_node, path, (*keys, key))
        return result
    return _scalar(node, path, keys)


def _scalar(node: yaml.Node, path: Path, keys: tuple[Key, ...]) -> str | int | float | bool | None:
    text, kind = str(node.value), node.tag.removeprefix(_CORE)
    if re.search("[\ud800-\udfff]", text):
        raise _refusal("holds half a character (\\ud800 to \\udfff)", node, path, keys)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind in ("int", "float"):
        number = float(text) if kind == "float" else 0.0
        if len(text) > MAX_DIGITS or not math.isfinite(number):
            raise _refusal("the number is too large", node, path, keys)
        return number if kind == "float" else int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    return text


def _refusal(
    problem: str, node: yaml.Node, path: Path, keys: tuple[Key, ...], remedy: str | None = None
) -> RequestError:
    line = node.start_mark.line + 1
    return RequestError(problem, file=path, line=line, field=field_name(keys), remedy=remedy)


def _line(root: yaml.Node, keys: tuple[Key, ...]) -> tuple[int, tuple[Key, ...]]:
    """The line of the value at the end of the way, and what of the way could not be walked."""
    node, line = root, root.start_mark.line + 1
    for i, key in enumerate(keys):
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == key), None)
            if pair is None:
                return line, keys[i:]
            node = pair[1]
            head = node if isinstance(node, yaml.ScalarNode) else pair[0]
        elif isinstance(node, yaml.SequenceNode) and _holds(node.value, key):
            head = node = node.value[int(key)]
        else:
            return line, keys[i:]
        line = head.start_mark.line + 1
    return line, ()


def _check(data: Any, model: type[M], path: Path | None, root: yaml.Node | None) -> M:
    try:
        text = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"is no JSON value: {error}", file=path) from error
    try:
        # JSON's strict mode is YAML's meaning: lists may become tuples and texts paths, but
        # nothing becomes a number that was none.
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        found = [_complaint(e, data, model) for e in error.errors(include_url=False)]
        first = _first(found)
        line = _line(root, first.keys)[0] if root else None
        name = field_name(first.keys)
        raise RequestError(
            first.problem, file=path, line=line, field=name, remedy=first.remedy
        ) from error


@dataclass(frozen=True, slots=True)
class _Complaint:
    """One thing that pydantic found wrong.

    ``union`` is the way to the value that fits no form of a union, if it is in one.
    """

    keys: tuple[Key, ...]
    kind: str
    problem: str
    remedy: str | None
    union: tuple[Key, ...] | None


def _complaint(error: ErrorDetails, data: Any, model: type[BaseModel]) -> _Complaint:
    """Says in plain words what pydantic says in its own."""
    kind, here = error["type"], data
    keys: list[Key] = []
    union: tuple[Key, ...] | None = None
    *way, last = error["loc"] or ("",)
    if kind not in ("missing", "extra_forbidden"):
        way.append(last)
    for part in way:
        if _holds(here, part):
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
    return _Complaint(tuple(keys), kind, problem, remedy, union)


def _holds(value: Any, key: Key) -> bool:
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


def _first(found: list[_Complaint]) -> _Complaint:
    """The complaint to tell: a misspelt field explains a missing one, so it goes first."""

    def rank(complaint: _Complaint) -> int:
        return {"extra_forbidden": 0, "missing": 2}.get(complaint.kind, 1)

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
    """The types that may stand at a key of a type; the type itself where the part is no key."""
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

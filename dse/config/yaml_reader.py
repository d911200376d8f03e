"""Reading YAML that somebody else wrote: safely, and with a line number in every complaint.

Only YAML's core schema is understood: `true` and `false` are the truth values, so a model may be
called `no`, and `1e3` is a number. Tags, aliases and repeated keys are refused.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.composer import Composer, ComposerError
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from dse.config.messages import Key, has_key, most_telling, to_complaint
from dse.core.access import explain_denial
from dse.core.errors import RequestError
from dse.core.paths import read_regular

if TYPE_CHECKING:
    from pathlib import Path


M = TypeVar("M", bound=BaseModel)

MAX_YAML_BYTES = 1 << 20
MAX_YAML_DEPTH = 32
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
    """Builds nodes, without aliases and tags, and to a limited depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[attr-defined]
        problem = None
        if isinstance(event, yaml.AliasEvent):
            problem = f"'*{event.anchor}' stands for another place; write the value out"
        elif getattr(event, "tag", None):
            tag = event.tag.replace(_CORE, "!!")
            problem = f"the tag '{tag}' is not allowed; write the value without it"
        elif self.depth >= MAX_YAML_DEPTH:
            problem = f"nested more than {MAX_YAML_DEPTH} levels deep"
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


@dataclass(frozen=True, slots=True)
class Document:
    """Where values stand, for errors that are found after a file was read.

    Attributes:
        file: the YAML file; None for values that come from no file.
    """

    file: Path | None = None
    _root: yaml.Node | None = None

    def locate(self, *keys: Key) -> int | None:
        """The line of a value, counted from one; of its key if the value is a block.

        Args:
            keys: the way to the value: keys of mappings and indices of lists. Where nothing stands
                there, the line is that of what is nearest around it.
        """
        return None if self._root is None else _walk(self._root, keys)[0]

    def error(self, problem: str, *keys: Key, remedy: str | None = None) -> RequestError:
        """The error about a value, or about a field that is missing."""
        line = None
        if self._root is not None:
            # A single value stands for a list of one: then an index leads nowhere.
            line, keys = _walk(self._root, keys)
        field = field_name(keys)
        return RequestError(problem, file=self.file, line=line, field=field, remedy=remedy)


NO_FILE = Document()
"""That of values that come from no file."""


def read(path: Path, model: type[M]) -> M:
    """Reads a YAML file into a pydantic model.

    Values are not coerced: ``"4"`` and ``true`` are not whole numbers.

    Args:
        path: the file, UTF-8, at most `MAX_BYTES` bytes.
        model: what the file must hold.

    Raises:
        RequestError: the file can't be read, is not YAML or does not hold what it should; names
            file, line and field.
    """
    return read_document(path, model)[0]


def read_document(path: Path, model: type[M]) -> tuple[M, Document]:
    """Like `read`, with the places of the values for later errors."""
    data, document = load(path)
    return check(data, model, document), document


def load(path: Path) -> tuple[dict[str, Any], Document]:
    """Reads a YAML file as it is, with the places of its values.

    Raises:
        RequestError: the file can't be read, or is not YAML.
    """
    root = _compose(path, _text(path))
    return _value(root, path), Document(path, root)


def load_text(text: str, path: Path) -> tuple[dict[str, Any], Document]:
    """Like `load`, for the text of a file that need not be there.

    Args:
        text: at most `MAX_YAML_BYTES` bytes as UTF-8.
        path: what errors call the file.
    """
    if len(text.encode(errors="replace")) > MAX_YAML_BYTES:
        problem = f"larger than {MAX_YAML_BYTES >> 10:,} KiB"
        raise RequestError(problem, file=path, remedy="shorten it")
    root = _compose(path, text)
    return _value(root, path), Document(path, root)


def check(data: Any, model: type[M], document: Document = NO_FILE) -> M:
    """Like `read`, for a JSON-able value: one that comes from no file, or that `load` gave.

    Raises:
        RequestError: the value does not hold what it should; names the field.
    """
    try:
        text = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"is not a JSON value: {error}", file=document.file) from error
    try:
        # JSON's strict mode is YAML's meaning: lists may become tuples and texts paths, but
        # nothing becomes a number that was none.
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        found = [to_complaint(e, data, model) for e in error.errors(include_url=False)]
        told = most_telling(found)
        raise document.error(told.problem, *told.keys, remedy=told.remedy) from error


def dump(data: Any) -> str:
    """The YAML text of a JSON-able value; `read` gives the same value back."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=100)
    return text


def field_name(keys: tuple[Key, ...]) -> str:
    """A dotted name for the way to a value, as in ``backends.onnxruntime.threads[2]``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def _compose(path: Path, text: str) -> yaml.Node:
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
        data = read_regular(path, MAX_YAML_BYTES)
    except FileNotFoundError as error:
        raise RequestError("no such file", file=path) from error
    except IsADirectoryError as error:
        raise RequestError("is a folder", file=path, remedy="give a YAML file") from error
    except OSError as error:
        denial = explain_denial(error, path, os.R_OK)
        raise RequestError(f"can't be read: {denial}", file=path) from error
    except ValueError as error:  # a null byte in the name
        raise RequestError(f"can't be read: {error}", file=repr(str(path))) from error
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


def _walk(root: yaml.Node, keys: tuple[Key, ...]) -> tuple[int, tuple[Key, ...]]:
    """The line at the end of the way, and the keys up to there or to what is missing there."""
    node, line = root, root.start_mark.line + 1
    for i, key in enumerate(keys):
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == key), None)
            if pair is None:
                return line, keys
            node = pair[1]
            head = node if isinstance(node, yaml.ScalarNode) else pair[0]
        elif isinstance(node, yaml.SequenceNode) and has_key(node.value, key):
            head = node = node.value[int(key)]
        else:
            missing = isinstance(node, yaml.SequenceNode) and isinstance(key, int)
            return line, keys if missing else keys[:i]
        line = head.start_mark.line + 1
    return line, keys

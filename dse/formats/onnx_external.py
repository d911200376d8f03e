"""Where an ONNX file keeps the data of its constants, if not in itself.

Read without onnx, which a folder of model files does not take, and past the weights. Field numbers
are those of onnx.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import PurePath, PureWindowsPath
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.paths import mapped
from dse.formats.flow import MAX_GRAPH_DEPTH
from dse.formats.protobuf import ProtobufError, iter_fields, iter_integers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dse.formats.protobuf import Data

    Span = tuple[int, int]

_GRAPH, _FUNCTION = 7, 25  # of ModelProto
_NODE, _CONSTANT, _SPARSE_CONSTANT = 1, 5, 15  # of GraphProto
_FUNCTION_NODE, _DEFAULT = 7, 11  # of FunctionProto
_ATTRIBUTE = 5  # of NodeProto
_TENSORS, _GRAPHS, _SPARSE_TENSORS = (5, 10), (6, 11), (22, 23)  # of AttributeProto: one, several
_SPARSE_PARTS = (1, 2)  # of SparseTensorProto: values and indices
_DIMS, _TYPE, _NAME, _EXTERNAL, _LOCATION = 1, 2, 8, 13, 14  # of TensorProto
_KEY, _VALUE = 1, 2  # of StringStringEntryProto
_ELSEWHERE = 1
"""The value of a tensor's location that says so."""
_BITS = {
    **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8),  # 8-bit integers, bool, kinds of float8
    **dict.fromkeys((4, 5, 10, 16), 16),
    **dict.fromkeys((1, 6, 12), 32),
    **dict.fromkeys((7, 11, 13, 14), 64),
    15: 128,
    **dict.fromkeys((21, 22, 23), 4),
    **dict.fromkeys((25, 26), 2),
    **dict.fromkeys((27, 28), 6),
}
"""Size of an element by the number of its type; texts can't lie outside."""


@dataclass(frozen=True, slots=True)
class ExternalData:
    """A constant whose data lies in another file.

    Attributes:
        tensor: its name.
        location: the file's path below the folder of the model.
        end: where its data ends in that file, in bytes from the start.
    """

    tensor: str
    location: str
    end: int


def find_external_data(path: Path) -> tuple[ExternalData, ...]:
    """All such constants of a model: of its graph, of graphs in operators and of functions.

    The file is not read again while it stays as it is.

    Raises:
        RequestError: it is damaged, or a constant is said to lie outside the model's folder.
        OSError: it can't be read.
    """
    found = path.stat()
    return _find_external_data(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=256)
def _find_external_data(
    path: Path, _inode: int, _size: int, _mtime_ns: int
) -> tuple[ExternalData, ...]:
    with mapped(path) as data:
        try:
            spans = _iter_tensors(data, _iter_spans(data, (0, len(data)), _GRAPH, _FUNCTION), path)
            found = [_parse_tensor(data, span, path) for span in spans]
        except (ProtobufError, UnicodeDecodeError) as error:
            raise _damaged_error(path, str(error)) from error
    return tuple(one for one in found if one is not None)


def _iter_spans(data: Data, span: Span, *numbers: int) -> Iterator[tuple[int, Span]]:
    """The fields of a message that have one of these numbers."""
    for number, _, begin, end in iter_fields(data, *span):
        if number in numbers:
            yield number, (begin, end)


def _iter_tensors(data: Data, roots: Iterator[tuple[int, Span]], path: Path) -> Iterator[Span]:
    """Every tensor of a model, in whatever graph it stands; those of a graph before those in it."""
    waiting = [(span, number == _GRAPH, 0) for number, span in roots]
    while waiting:
        span, is_graph, depth = waiting.pop(0)
        if depth > MAX_GRAPH_DEPTH:
            raise RequestError("graphs within graphs", file=path, remedy="give another file")
        tensors, attributes = (_of_graph if is_graph else _of_function)(data, span)
        yield from tensors
        for attribute in attributes:
            tensors, graphs = _of_attribute(data, attribute)
            yield from tensors
            waiting += [(graph, True, depth + 1) for graph in graphs]


def _of_graph(data: Data, span: Span) -> tuple[list[Span], list[Span]]:
    """The constants of a graph, and the attributes of its operators."""
    tensors: list[Span] = []
    attributes: list[Span] = []
    for number, inner in _iter_spans(data, span, _NODE, _CONSTANT, _SPARSE_CONSTANT):
        if number == _NODE:
            attributes += [found for _, found in _iter_spans(data, inner, _ATTRIBUTE)]
        else:
            tensors += [inner] if number == _CONSTANT else _of_sparse(data, inner)
    return tensors, attributes


def _of_function(data: Data, span: Span) -> tuple[list[Span], list[Span]]:
    """No constants, and the attributes of a function's operators and those it has by default."""
    attributes: list[Span] = []
    for number, inner in _iter_spans(data, span, _FUNCTION_NODE, _DEFAULT):
        if number == _DEFAULT:
            attributes.append(inner)
        else:
            attributes += [found for _, found in _iter_spans(data, inner, _ATTRIBUTE)]
    return [], attributes


def _of_attribute(data: Data, span: Span) -> tuple[list[Span], list[Span]]:
    """The tensors and the graphs of an attribute."""
    tensors: list[Span] = []
    graphs: list[Span] = []
    for number, inner in _iter_spans(data, span, *_TENSORS, *_GRAPHS, *_SPARSE_TENSORS):
        if number in _GRAPHS:
            graphs.append(inner)
        else:
            tensors += [inner] if number in _TENSORS else _of_sparse(data, inner)
    return tensors, graphs


def _of_sparse(data: Data, span: Span) -> list[Span]:
    """The tensors of a sparse one: values and indices."""
    return [inner for _, inner in _iter_spans(data, span, *_SPARSE_PARTS)]


def _parse_tensor(data: Data, span: Span, path: Path) -> ExternalData | None:
    """What a tensor says of its data; None where it holds them itself."""
    name, kind, elsewhere = "", 0, 0
    dims: list[int] = []
    stated: dict[str, str] = {}
    for number, value, begin, end in iter_fields(data, *span):
        if number == _DIMS:
            dims += iter_integers(data, begin, end) if begin < end else [value]
        elif number == _TYPE:
            kind = value
        elif number == _NAME:
            name = data[begin:end].decode()
        elif number == _LOCATION:
            elsewhere = value
        elif number == _EXTERNAL:
            texts = {key: data[a:b].decode() for key, _, a, b in iter_fields(data, begin, end)}
            stated[texts.get(_KEY, "")] = texts.get(_VALUE, "")
    if elsewhere != _ELSEWHERE:
        return None
    try:
        offset = int(stated.get("offset") or 0)
        length = int(stated.get("length") or -(-prod(dims) * _BITS.get(kind, 0) // 8))
    except ValueError as error:
        raise _damaged_error(path, f"where the data of '{name}' lies is not a number") from error
    if min(offset, length) < 0:
        raise _damaged_error(path, f"the data of '{name}' begins before its file")
    return ExternalData(
        name, _check_location(stated.get("location", ""), name, path), offset + length
    )


def _check_location(location: str, tensor: str, path: Path) -> str:
    """The path that a tensor gives, which must not lead out of the model's folder."""
    windows = PureWindowsPath(location)  # knows both separators, and drives
    outside = windows.anchor or ".." in windows.parts or not windows.parts
    if outside or not location.isprintable():
        raise RequestError(
            f"the data of '{tensor}' lies outside the model's folder: {location[:80]!r}",
            file=path,
            remedy="give a model with its data beside it",
        )
    return PurePath(location).as_posix()


def _damaged_error(path: Path, problem: str) -> RequestError:
    return RequestError(
        f"the file is cut short or damaged: {problem}", file=path, remedy="get it again"
    )

"""Reads the constants of an ONNX file: their types, and the files of data outside it.

Read without the onnx package, which a folder of models does not need, and without the weights.
Field numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import PurePath, PureWindowsPath
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.paths import mapped
from dse.formats._flow import MAX_GRAPH_DEPTH
from dse.formats._protobuf import ProtobufError, iter_fields, iter_integers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dse.formats._protobuf import Data

    Span = tuple[int, int]

_GRAPH, _FUNCTION = 7, 25  # of ModelProto
_NODE, _CONSTANT, _SPARSE_CONSTANT = 1, 5, 15  # of GraphProto
_FUNCTION_NODE, _DEFAULT = 7, 11  # of FunctionProto
_ATTRIBUTE = 5  # of NodeProto
_TENSORS, _GRAPHS, _SPARSE_TENSORS = (5, 10), (6, 11), (22, 23)  # of AttributeProto: one, several
_SPARSE_PARTS = (1, 2)  # of SparseTensorProto: values and indices
_DIMS, _TYPE, _NAME, _EXTERNAL, _LOCATION = 1, 2, 8, 13, 14  # of TensorProto
_KEY, _VALUE = 1, 2  # of StringStringEntryProto
_MAX_RANK = 64
_MAX_BYTES = 1 << 62
"""Bounds that no real file comes near: a product of more sizes takes ever longer."""
_ELSEWHERE = 1
"""Value of a tensor's location whose data lies in another file."""
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
"""Bits of an element by number of the type; strings can't be stored outside."""


@dataclass(frozen=True, slots=True)
class ExternalData:
    """A constant whose data lies in another file.

    Attributes:
        tensor: name of the constant.
        location: path of the file, relative to the folder of the model.
        end: position after its data in that file, in bytes.
    """

    tensor: str
    location: str
    end: int


@dataclass(frozen=True, slots=True)
class Constants:
    """All constants of a model, from nested graphs and functions as well.

    Attributes:
        elements: number of elements by number of the type.
        external: the constants whose data lies in other files.
    """

    elements: Mapping[int, int]
    external: tuple[ExternalData, ...]


def read_constants(path: Path) -> Constants:
    """Reads the constants of a model. An unchanged file is not read again.

    Raises:
        RequestError: it is damaged, or a constant lies outside the model's folder.
        OSError: it can't be read.
    """
    found = path.stat()
    return _read_cached(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=256)
def _read_cached(path: Path, _inode: int, _size: int, _mtime_ns: int) -> Constants:
    elements: Counter[int] = Counter()
    external: list[ExternalData] = []
    with mapped(path) as data:
        try:
            for span in _iter_tensors(
                data, _iter_spans(data, (0, len(data)), _GRAPH, _FUNCTION), path
            ):
                kind, count, elsewhere = _parse_tensor(data, span, path)
                elements[kind] += count
                external += [elsewhere] if elsewhere else []
        except (ProtobufError, UnicodeDecodeError) as error:
            raise _damaged_error(path, str(error)) from error
    return Constants(elements, tuple(external))


def _iter_spans(data: Data, span: Span, *numbers: int) -> Iterator[tuple[int, Span]]:
    """The fields of a message that have one of these numbers."""
    for number, _, begin, end in iter_fields(data, *span):
        if number in numbers:
            yield number, (begin, end)


def _iter_tensors(data: Data, roots: Iterator[tuple[int, Span]], path: Path) -> Iterator[Span]:
    """Every tensor of a model: those of a graph come before those of the graphs nested in it."""
    waiting = [(span, number == _GRAPH, 0) for number, span in roots]
    while waiting:
        span, is_graph, depth = waiting.pop(0)
        if depth > MAX_GRAPH_DEPTH:
            problem = "the graphs are nested too deep"
            raise RequestError(problem, file=path, remedy="give another file")
        tensors, attributes = (_of_graph if is_graph else _of_function)(data, span)
        yield from tensors
        for attribute in attributes:
            tensors, graphs = _of_attribute(data, attribute)
            yield from tensors
            waiting += [(graph, True, depth + 1) for graph in graphs]


def _of_graph(data: Data, span: Span) -> tuple[list[Span], list[Span]]:
    """The constants of a graph and the attributes of its operators."""
    tensors: list[Span] = []
    attributes: list[Span] = []
    for number, inner in _iter_spans(data, span, _NODE, _CONSTANT, _SPARSE_CONSTANT):
        if number == _NODE:
            attributes += [found for _, found in _iter_spans(data, inner, _ATTRIBUTE)]
        else:
            tensors += [inner] if number == _CONSTANT else _of_sparse(data, inner)
    return tensors, attributes


def _of_function(data: Data, span: Span) -> tuple[list[Span], list[Span]]:
    """No constants; the attributes of a function's operators and its default attributes."""
    attributes: list[Span] = []
    for number, inner in _iter_spans(data, span, _FUNCTION_NODE, _DEFAULT):
        if number == _DEFAULT:
            attributes.append(inner)
        else:
            attributes += [found for _, found in _iter_spans(data, inner, _ATTRIBUTE)]
    return [], attributes


def _of_attribute(data: Data, span: Span) -> tuple[list[Span], list[Span]]:
    """The tensors and graphs of an attribute."""
    tensors: list[Span] = []
    graphs: list[Span] = []
    for number, inner in _iter_spans(data, span, *_TENSORS, *_GRAPHS, *_SPARSE_TENSORS):
        if number in _GRAPHS:
            graphs.append(inner)
        else:
            tensors += [inner] if number in _TENSORS else _of_sparse(data, inner)
    return tensors, graphs


def _of_sparse(data: Data, span: Span) -> list[Span]:
    """The tensors of a sparse tensor: values and indices."""
    return [inner for _, inner in _iter_spans(data, span, *_SPARSE_PARTS)]


def _parse_tensor(data: Data, span: Span, path: Path) -> tuple[int, int, ExternalData | None]:
    """Type and number of elements of a tensor, and where its data lies if not in itself."""
    name, kind, location = "", 0, 0
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
            location = value
        elif number == _EXTERNAL:
            texts = {key: data[a:b].decode() for key, _, a, b in iter_fields(data, begin, end)}
            stated[texts.get(_KEY, "")] = texts.get(_VALUE, "")
    if len(dims) > _MAX_RANK:
        raise ProtobufError(f"'{name[:80]}' has {len(dims):,} dimensions")
    elements = prod(dims)
    own_bytes = -(-elements * _BITS.get(kind, 0) // 8)
    external = _external(name, stated, own_bytes, path) if location == _ELSEWHERE else None
    return kind, elements, external


def _external(name: str, stated: Mapping[str, str], own_bytes: int, path: Path) -> ExternalData:
    """Parses where the data of a tensor lies."""
    try:
        offset = int(stated.get("offset") or 0)
        length = int(stated.get("length") or own_bytes)
    except ValueError as error:
        raise _damaged_error(
            path, f"the position of the data of '{name}' is not a number"
        ) from error
    if min(offset, length) < 0 or max(offset, length) > _MAX_BYTES:
        raise _damaged_error(path, f"the data of '{name[:80]}' lies outside any file")
    return ExternalData(
        name, _check_location(stated.get("location", ""), name, path), offset + length
    )


def _check_location(location: str, tensor: str, path: Path) -> str:
    """The path of a tensor's data, which must not lead out of the model's folder."""
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

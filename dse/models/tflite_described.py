"""What a TFLite file says of itself. Field numbers are those of TensorFlow Lite's schema.fbs."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING

from dse.errors import RequestError
from dse.flatbuffer import DamagedError, Table, root
from dse.models.described import Declared, Described, stored_precision

if TYPE_CHECKING:
    from pathlib import Path

_OPERATOR_CODES, _SUBGRAPHS, _BUFFERS = 1, 2, 4  # of Model
_TENSORS, _INPUTS, _OPERATORS = 0, 1, 3  # of SubGraph
_SHAPE, _TYPE, _BUFFER, _NAME, _SIGNATURE = 0, 1, 2, 3, 7  # of Tensor
_CODE, _READS, _WRITES = 0, 1, 2  # of Operator; the first also of OperatorCode
_TYPES = (
    *("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64"),
    *("int8", "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16"),
    *("int4", "bfloat16"),
)
_PRECISIONS = {
    "float32": "fp32",
    "float64": "fp32",
    "float16": "fp16",
    "bfloat16": "bf16",
    **dict.fromkeys(("int8", "uint8", "int4"), "int8"),
}
_UNCHANGED = {22, 53, 70}  # RESHAPE, CAST, EXPAND_DIMS
_PICKS = {36: (1, 0), 7: (0, 1)}  # GATHER and EMBEDDING_LOOKUP: what picks, and from which table
_MAX_RANK = 8


def describe_tflite(path: Path) -> Described:
    """Reads the first subgraph of a file.

    Raises:
        RequestError: it is damaged.
    """
    try:
        data = path.read_bytes()
        model = root(data)
        subgraph = model.element(_SUBGRAPHS, 0)
        tensors = list(subgraph.tables(_TENSORS))
        inputs = subgraph.integers(_INPUTS)
        rows = _rows(model, subgraph, tensors)
        declared = tuple(
            _declared(subgraph.element(_TENSORS, index), rows.get(index)) for index in inputs
        )
        filled = [buffer.vector(0, 1)[1] > 0 for buffer in model.tables(_BUFFERS)]
        counts = _weights(tensors, filled)
    except DamagedError as error:
        raise RequestError(
            f"the TFLite model is damaged: {error}", file=path, remedy="get it again"
        ) from error
    return Described("tflite", declared, stored_precision(counts, _PRECISIONS.items()))


def _declared(tensor: Table, rows: int | None) -> Declared:
    name = tensor.text(_NAME)
    shape, signature = tensor.integers(_SHAPE), tensor.integers(_SIGNATURE)
    if len(shape) > _MAX_RANK:
        raise DamagedError(f"a tensor has {len(shape)} dimensions")
    sizes = signature if len(signature) == len(shape) else shape
    dims = tuple(size if size > 0 else f"{name}[{axis}]" for axis, size in enumerate(sizes))
    return Declared(name, _type_name(tensor), dims, rows)


def _type_name(tensor: Table) -> str:
    kind = tensor.byte(_TYPE)
    return _TYPES[kind] if kind < len(_TYPES) else f"type {kind}"


def _weights(tensors: list[Table], filled: list[bool]) -> Counter[str]:
    """How many constants there are of each type."""
    counts: Counter[str] = Counter()
    for tensor in tensors:
        buffer = tensor.number(_BUFFER)
        if 0 < buffer < len(filled) and filled[buffer]:
            counts[_type_name(tensor)] += abs(prod(tensor.integers(_SHAPE)))
    return counts


def _rows(model: Table, subgraph: Table, tensors: list[Table]) -> dict[int, int]:
    """By tensor: the rows of the smallest table that it picks rows from."""
    codes = [code.byte(_CODE) for code in model.tables(_OPERATOR_CODES)]
    origin: dict[int, int] = {}
    rows: dict[int, int] = {}
    for operator in subgraph.tables(_OPERATORS):
        number = operator.number(_CODE)
        code = codes[number] if number < len(codes) else -1
        reads, writes = operator.integers(_READS), operator.integers(_WRITES)
        if code in _UNCHANGED and reads and writes:
            origin[writes[0]] = origin.get(reads[0], reads[0])
        if code in _PICKS and len(reads) > 1:
            picking, table = (reads[place] for place in _PICKS[code])
            shape = tensors[table].integers(_SHAPE) if 0 <= table < len(tensors) else ()
            if shape and shape[0] > 0:
                source = origin.get(picking, picking)
                rows[source] = min(shape[0], rows.get(source, shape[0]))
    return rows

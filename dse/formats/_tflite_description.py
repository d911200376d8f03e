"""Describes a TFLite file. Field numbers are those of TensorFlow Lite's schema.fbs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.formats._flow import FlowError
from dse.formats._tflite_flow import operator_codes, roles_by_tensor
from dse.formats._tflite_interface import shape_with_open_sizes, type_name
from dse.formats._tflite_values import values_by_tensor
from dse.formats.description import DeclaredInput, ModelDescription
from dse.formats.flatbuffer import FlatbufferError, Table, root
from dse.formats.precision import tflite_precision

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SUBGRAPHS, _SIGNATURES = 2, 7  # of Model
_TENSORS, _INPUTS, _OPERATORS = 0, 1, 3  # of SubGraph
_SHAPE, _NAME = 0, 3  # of Tensor
_CODE, _READS, _WRITES, _OPTIONS = 0, 1, 2, 4  # of Operator
_KEY, _SUBGRAPH = 2, 4  # of SignatureDef
_UNCHANGED = {22, 53, 70}  # RESHAPE, CAST, EXPAND_DIMS
_GATHER, _EMBEDDING_LOOKUP, _GATHER_ND = 36, 7, 107
_PICKS = {
    _GATHER: (1, 0),
    _EMBEDDING_LOOKUP: (0, 1),
    _GATHER_ND: (1, 0),
}  # positions of the ids and of the table


def describe_tflite(path: Path, signature: str | None = None) -> ModelDescription:
    """Describes the subgraph of a signature.

    None takes the first subgraph, or, if that has no signature, that of the first signature.

    Raises:
        RequestError: the file is damaged, or has no such signature.
    """
    try:
        data = path.read_bytes()
        model = root(data)
        signatures = [
            _Signature(one.text(_KEY), one.number(_SUBGRAPH)) for one in model.tables(_SIGNATURES)
        ]
        chosen = _choose_signature(signatures, signature, path)
        number = chosen.subgraph if chosen else 0
        subgraph = model.element(_SUBGRAPHS, number)
        tensors = list(subgraph.tables(_TENSORS))
        inputs = subgraph.integers(_INPUTS)
        rows, roles = _rows_by_tensor(model, subgraph, tensors), roles_by_tensor(model, number)
        values = values_by_tensor(model, subgraph, tensors)
        declared = tuple(
            replace(
                _declare(subgraph.element(_TENSORS, index), place, values.get(index, ())),
                rows=rows.get(index),
                role=roles.get(index),
            )
            for place, index in enumerate(inputs)
        )
        precision = tflite_precision(model, subgraph)
    except (FlatbufferError, FlowError) as error:
        raise RequestError(
            f"the TFLite model is damaged: {error}", file=path, remedy="get it again"
        ) from error
    return ModelDescription(
        "tflite",
        declared,
        precision,
        signatures=tuple(one.name for one in signatures),
        signature=chosen.name if chosen else None,
        subgraph=number,
    )


@dataclass(frozen=True, slots=True)
class _Signature:
    """The name by which a subgraph can be called."""

    name: str
    subgraph: int


def _choose_signature(
    signatures: Sequence[_Signature], wanted: str | None, path: Path
) -> _Signature | None:
    """The wanted signature; else that of the first subgraph, else the first one, if any."""
    if wanted is None:
        first = [one for one in signatures if one.subgraph == 0] or signatures
        return first[0] if first else None
    found = next((one for one in signatures if one.name == wanted), None)
    if found is None:
        names = [one.name for one in signatures]
        raise RequestError(
            f"the file has no signature '{wanted}'",
            file=path,
            field="--signature",
            remedy=suggest(wanted, names) or "leave it out",
        )
    return found


def _declare(tensor: Table, place: int, values: tuple[int, ...]) -> DeclaredInput:
    """Describes an input by itself; one without a name is called by its place.

    Values that don't fit are left out; those of an open vector tell its size.
    """
    dims = tuple(size if size >= 0 else "" for size in shape_with_open_sizes(tensor))
    if values and dims == ("",):
        dims = (len(values),)
    fit = dims == (len(values),) or (len(values) == 1 and dims == ())
    return DeclaredInput(
        tensor.text(_NAME) or f"input {place}",
        type_name(tensor),
        dims,
        values=values if fit else (),
    )


def _rows_by_tensor(model: Table, subgraph: Table, tensors: list[Table]) -> dict[int, int]:
    """Number of rows of the smallest table that each tensor picks from, by number of the tensor."""
    codes = operator_codes(model)
    origin: dict[int, int] = {}
    rows: dict[int, int] = {}
    shapes = [tensor.integers(_SHAPE) for tensor in tensors]
    for operator in subgraph.tables(_OPERATORS):
        number = operator.number(_CODE)
        code = codes[number] if number < len(codes) else -1
        reads, writes = operator.integers(_READS), operator.integers(_WRITES)
        if code in _UNCHANGED and reads and writes:
            origin[writes[0]] = origin.get(reads[0], reads[0])
        if code in _PICKS and len(reads) > 1:
            picking, table = (reads[place] for place in _PICKS[code])
            shape = shapes[table] if 0 <= table < len(shapes) else ()
            axis = _gather_axis(operator) if code == _GATHER else 0
            sizes: tuple[int, ...] = (shape[axis],) if -len(shape) <= axis < len(shape) else ()
            if code == _GATHER_ND:  # a number for each of the first axes
                ids = shapes[picking] if 0 <= picking < len(shapes) else ()
                sizes = shape[: ids[-1]] if ids else ()
            if sizes and min(sizes) > 0:
                source = origin.get(picking, picking)
                rows[source] = min(*sizes, rows.get(source, sizes[0]))
    return rows


def _gather_axis(operator: Table) -> int:
    """The axis of GATHER: the first field of its options, as a signed number."""
    options = operator.table(_OPTIONS)
    number = options.number(0) if options else 0
    return number - (1 << 32) if number >> 31 else number

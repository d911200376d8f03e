"""Describes an ONNX file. Only the types of its weights are read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.requirements import Requirement
from dse.formats._flow import FlowError
from dse.formats._id_bounds import rows_by_input
from dse.formats._implied_values import values_by_input
from dse.formats._onnx_constants import read_constants
from dse.formats._onnx_flow import roles_by_input
from dse.formats.description import DeclaredInput, ModelDescription
from dse.formats.precision import onnx_precision

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import ModelProto, ValueInfoProto

REQUIREMENT = Requirement("ONNX files", ("onnx",), "builtin")
_TYPES = {
    "FLOAT": "float32",
    "FLOAT16": "float16",
    "DOUBLE": "float64",
    "BOOL": "bool",
    **{f"{sign}INT{bits}": f"{sign}int{bits}".lower() for sign in ("", "U") for bits in (8, 16)},
    **{f"{sign}INT{bits}": f"{sign}int{bits}".lower() for sign in ("", "U") for bits in (32, 64)},
}
"""Numpy's name of a type by ONNX's."""


def describe_onnx(path: Path) -> ModelDescription:
    """Describes the graph of a file; its data files are not read.

    Raises:
        RequestError: it is damaged, has inputs that can't be generated, or has data outside its
            folder.
        UnavailableError: onnx is not installed.
    """
    model = _load(path)
    try:
        roles = roles_by_input(model)
    except FlowError as error:
        raise RequestError(str(error), file=path, remedy="give another file") from error
    rows, values = rows_by_input(model.graph), values_by_input(model.graph)
    constants = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in constants]
    stored = read_constants(path)
    return ModelDescription(
        format="onnx",
        inputs=tuple(
            replace(
                _declare(one, path),
                rows=rows.get(one.name),
                role=roles.get(one.name),
                values=values.get(one.name, ()),
            )
            for one in inputs
        ),
        precision=onnx_precision(stored.elements),
        beside=tuple(dict.fromkeys(one.location for one in stored.external)),
    )


def _load(path: Path) -> ModelProto:
    if not REQUIREMENT.met:
        raise REQUIREMENT.error()
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise RequestError(
            f"the file is cut short or damaged: {error}", file=path, remedy="get it again"
        ) from error


def _declare(one: ValueInfoProto, path: Path) -> DeclaredInput:
    """Describes an input by itself; a size below 0 stands for any size, and 0 for no elements."""
    if not one.type.HasField("tensor_type"):
        kind = one.type.WhichOneof("value") or "value of no type"
        raise RequestError(
            f"the input '{one.name}' is not a tensor but a {kind.removesuffix('_type')}",
            file=path,
            remedy="export the model with tensors as inputs",
        )
    tensor = one.type.tensor_type
    if not tensor.HasField("shape"):
        raise RequestError(
            f"the file does not say how many dimensions the input '{one.name}' has",
            file=path,
            remedy="export the model with the shapes of its inputs",
        )
    name = _type_name(tensor.elem_type)
    dims = tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else dim.dim_param.strip()
        for dim in tensor.shape.dim
    )
    return DeclaredInput(one.name, _TYPES.get(name, name.lower()), dims)


def _type_name(number: int) -> str:
    from onnx import TensorProto

    known = TensorProto.DataType.values()
    return str(TensorProto.DataType.Name(number)) if number in known else f"type {number}"

"""An ONNX file as a graph of PyTorch's own functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from dse.core.backend import LoadError, UnsupportedError

from ._torch_call import Call, dtype_of
from ._torch_elementwise import ELEMENTWISE
from ._torch_graph import Graph, Value
from ._torch_layers import LAYERS
from ._torch_quantised import QUANTISED
from ._torch_reductions import REDUCTIONS
from ._torch_shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto
    from torch import fx

    from ._torch_call import Translator

TRANSLATORS = {**ELEMENTWISE, **LAYERS, **QUANTISED, **REDUCTIONS, **SHAPES}
OLDEST = 7
"""Before this version of the operators, shapes were not broadcast as they are now."""
OWN_DOMAINS = ("", "ai.onnx")


def read(file: Path | None) -> ModelProto:
    """A model with its weights.

    Raises:
        LoadError: it can't be read, or is no model.
    """
    try:
        model = onnx.load(str(file))
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError, OSError) as error:
        raise LoadError(str(error) or "not an ONNX file") from error
    if not model.graph.node or not model.graph.output:
        raise LoadError("the file holds no graph")
    return model


def inputs_of(model: ModelProto) -> list[ValueInfoProto]:
    """What has to be given: older files list the weights among the inputs as well."""
    weights = {one.name for one in model.graph.initializer}
    return [one for one in model.graph.input if one.name not in weights]


def declared_shape(one: ValueInfoProto) -> list[int | None] | None:
    """The sizes of an input or output; None for one that is open, or where nothing is said."""
    if not one.type.tensor_type.HasField("shape"):
        return None
    dims = one.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]


def dtype_name(one: ValueInfoProto) -> str:
    """The type of an input, as numpy and PyTorch both name it.

    Raises:
        UnsupportedError: it is no tensor, or of a type that is not computed with.
    """
    return str(dtype_of(one.type.tensor_type.elem_type)).removeprefix("torch.")


def to_module(
    model: ModelProto,
    shapes: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    others: Mapping[str, Translator] | None = None,
) -> fx.GraphModule:
    """The module that computes some outputs of a model.

    Args:
        model: with its weights.
        shapes: of the inputs by name, in the order of the module's arguments.
        outputs: names of those that it gives, as a tuple.
        others: what writes some operators in another way, by their names.

    Raises:
        UnsupportedError: an operator is not known, or sizes in the model depend on its inputs'
            numbers.
        LoadError: the model contradicts itself.
    """
    versions = {one.domain: one.version for one in model.opset_import}
    opset = next((versions[domain] for domain in OWN_DOMAINS if domain in versions), OLDEST)
    if opset < OLDEST:
        raise UnsupportedError(f"opset {opset} is older than {OLDEST}")
    graph, translators = Graph(), {**TRANSLATORS, **(others or {})}
    known: dict[str, Value] = {one.name: Value(_tensor(one)) for one in model.graph.initializer}
    declared = {one.name: one for one in inputs_of(model)}
    for name, shape in shapes.items():
        number = declared[name].type.tensor_type.elem_type
        known[name] = graph.input(shape, dtype_of(number))
    for node in _needed(model, outputs):
        _write(graph, node, known, opset, translators)
    if missing := [name for name in outputs if name not in known]:
        promised = any(missing[0] in node.output for node in model.graph.node)
        problem = f"nothing that is supported computes the output '{missing[0]}'"
        raise UnsupportedError(problem) if promised else LoadError(problem)
    return graph.finish([known[name] for name in outputs])


def _needed(model: ModelProto, outputs: Sequence[str]) -> list[NodeProto]:
    """The operators on which outputs depend, in the order of the file."""
    wanted, found = set(outputs), []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            found.append(node)
    return found[::-1]


def _write(
    graph: Graph,
    node: NodeProto,
    known: dict[str, Value],
    opset: int,
    translators: Mapping[str, Translator],
) -> None:
    """Writes an operator; its outputs are known afterwards."""
    translate = translators.get(node.op_type) if node.domain in OWN_DOMAINS else None
    if translate is None:
        domain = "" if node.domain in OWN_DOMAINS else f" of {node.domain}"
        raise UnsupportedError(f"operator {node.op_type}{domain} is not supported")
    lost = [name for name in node.input if name and name not in known]
    if lost:
        raise UnsupportedError(f"nothing that is supported computes '{lost[0]}'")
    attributes = {one.name: _attribute(one) for one in node.attribute}
    inputs = [known[name] if name else None for name in node.input]
    call = Call(graph, node.op_type, inputs, attributes, len(node.output), opset)
    try:
        found = translate(call)
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
        problem = str(error).partition("\n")[0]
        raise UnsupportedError(f"operator {node.op_type}: {problem}") from error
    values = [found] if isinstance(found, Value) else found
    pairs = zip(node.output, values, strict=False)  # a mask of Dropout is not there
    known.update((name, value) for name, value in pairs if name)


def _attribute(one: AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(one)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, onnx.TensorProto):
        return _tensor(value)
    return list(value) if isinstance(value, list | tuple) else value


def _tensor(one: TensorProto) -> torch.Tensor:
    dtype = dtype_of(one.data_type)
    try:
        array = numpy_helper.to_array(one)
    except (ValueError, TypeError) as error:
        raise LoadError(f"the constant '{one.name}' can't be read: {error}") from error
    if dtype == torch.bfloat16:
        array = array.astype(np.float32)
    return torch.from_numpy(np.array(array)).to(dtype)

"""An ONNX file as a graph of PyTorch's own functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ._onnx_file import Writer, inputs_of, numbers_of, read
from ._torch_call import Call, dtype_of
from ._torch_elementwise import ELEMENTWISE
from ._torch_graph import Graph, Value
from ._torch_layers import LAYERS
from ._torch_quantised import QUANTISED
from ._torch_reductions import REDUCTIONS
from ._torch_shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnx import ModelProto, TensorProto, ValueInfoProto
    from torch import fx

    from ._torch_call import Translator

__all__ = ["dtype_name", "inputs_of", "read", "to_module"]
TRANSLATORS = {**ELEMENTWISE, **LAYERS, **QUANTISED, **REDUCTIONS, **SHAPES}


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
    graph, translators = Graph(), {**TRANSLATORS, **(others or {})}
    writer: Writer[Value] = Writer(graph, model, translators, Call, _tensor)
    known: dict[str, Value] = {one.name: Value(_tensor(one)) for one in model.graph.initializer}
    declared = {one.name: one for one in inputs_of(model)}
    for name, shape in shapes.items():
        number = declared[name].type.tensor_type.elem_type
        known[name] = graph.input(shape, dtype_of(number))
    return graph.finish(writer.write(known, outputs))


def _tensor(one: TensorProto) -> torch.Tensor:
    dtype = dtype_of(one.data_type)
    array = numbers_of(one)
    if dtype == torch.bfloat16:
        array = array.astype(np.float32)
    return torch.from_numpy(np.array(array)).to(dtype)

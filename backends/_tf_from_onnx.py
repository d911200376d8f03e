"""An ONNX file as a function of TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from dse.core.backend import UnsupportedError

from ._onnx_file import Writer, inputs_of, numbers_of, read
from ._tf_call import Call, dtype_of
from ._tf_elementwise import ELEMENTWISE
from ._tf_graph import Graph, Value, constant
from ._tf_layers import LAYERS
from ._tf_pixels import PIXELS
from ._tf_quantised import QUANTISED
from ._tf_shapes import SHAPES
from ._tf_windows import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from onnx import ModelProto, TensorProto, ValueInfoProto

__all__ = ["dtype_name", "inputs_of", "read", "to_function"]
TRANSLATORS = {**ELEMENTWISE, **LAYERS, **PIXELS, **QUANTISED, **SHAPES, **WINDOWS}


def dtype_name(one: ValueInfoProto) -> str:
    """The type of an input, as numpy names it.

    Raises:
        UnsupportedError: it is no tensor, or of a type that is not computed with.
    """
    return str(dtype_of(one.type.tensor_type.elem_type).name)


def to_function(
    model: ModelProto,
    shapes: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    *,
    compiled: bool = False,
) -> Any:
    """The concrete function that computes some outputs of a model.

    Args:
        model: with its weights.
        shapes: of the inputs by name, in the order of the function's arguments.
        outputs: names of those that it gives, as a list.
        compiled: whether XLA compiles it, at its first call.

    Raises:
        UnsupportedError: an operator is not known, or sizes in the model depend on its inputs'
            numbers.
        LoadError: the model contradicts itself.
    """
    declared = {one.name: one for one in inputs_of(model)}
    specs = [
        tf.TensorSpec(tuple(shape), dtype_of(declared[name].type.tensor_type.elem_type))
        for name, shape in shapes.items()
    ]

    def write(*tensors: Any) -> list[Any]:
        graph = Graph(compiled=compiled)
        writer: Writer[Value] = Writer(graph, model, TRANSLATORS, Call, _numbers)
        known = {one.name: constant(_numbers(one)) for one in model.graph.initializer}
        known |= {name: graph.wrap(one) for name, one in zip(shapes, tensors, strict=True)}
        return [tf.identity(graph.plain(value)) for value in writer.write(known, outputs)]

    function = tf.function(
        write, input_signature=specs, autograph=False, jit_compile=compiled or None
    )
    try:
        return function.get_concrete_function()
    except (ValueError, tf.errors.OpError) as error:  # of the whole: such as more than 2 GB
        problem = str(error).partition("\n")[0]
        raise UnsupportedError(f"TensorFlow takes no such graph: {problem}") from error


def _numbers(one: TensorProto) -> NDArray[Any]:
    dtype_of(one.data_type)
    return np.asarray(numbers_of(one))

"""Reads trained weights from an ONNX file of one of the catalogue's architectures.

The file's operators are followed along the layers of the graph. Each must match its layer in kind,
shape, stride and padding, so the weights are read correctly or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.tasks.image_classification.models._weights import Weights
from dse.tasks.image_classification.models.graph import (
    Add,
    Conv,
    Dense,
    GlobalPool,
    MaxPool,
    Scale,
    same_padding,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

    from dse.tasks.image_classification.models.graph import Graph, GraphLayer

_NHWC_TO_NCHW = [0, 3, 1, 2]
# Operators that may follow a one-pixel tensor: they can't change its order there.
_SHAPING = {"Flatten", "Reshape", "Squeeze"}
_ACTIVATIONS = {
    "relu": {"Relu"},
    "relu6": {"Clip"},
    "hswish": {"HardSwish", "HardSigmoid"},
    "hsigmoid": {"HardSigmoid"},
}
_TOLERANCE = 1e-6


class MismatchError(Exception):
    """The file has another architecture; the message names the first difference."""


def read_weights(model: ModelProto, graph: Graph) -> Iterator[tuple[Conv | Dense, Weights]]:
    """Yields each layer of a graph that has weights, with its weights in a normalised file.

    Raises:
        MismatchError: the file has another architecture.
    """
    return _Reader(model, graph).read()


class _Reader:
    """Follows the layers; `_values` maps names of the graph's tensors to names in the file."""

    def __init__(self, model: ModelProto, graph: Graph) -> None:
        from onnx import numpy_helper

        self._graph, self._model = graph, model
        self._constants: dict[str, NDArray[Any]] = {
            one.name: numpy_helper.to_array(one) for one in model.graph.initializer
        }
        self._users: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in dict.fromkeys(node.input):
                self._users.setdefault(name, []).append(node)
        self._values: dict[str, str] = {}

    def read(self) -> Iterator[tuple[Conv | Dense, Weights]]:
        self._values[self._graph.input.name] = self._input()
        for layer in self._graph.layers:
            weights = self._layer(layer)
            if isinstance(layer, Conv | Dense) and weights is not None:
                yield layer, weights
        last = self._values[self._graph.output.name]
        # Softmax does not move the greatest score, and a label depends on nothing else.
        while after := self._user(last, {*_SHAPING, "Softmax"}):
            last = _output(after)
        if last not in {one.name for one in self._model.graph.output}:
            raise MismatchError(f"the file goes on after {self._graph.layers[-1].name}")

    def _input(self) -> str:
        source = self._model.graph.input[0]
        dims = [one.dim_value for one in source.type.tensor_type.shape.dim]
        side = self._graph.input.size
        turned = self._user(source.name, {"Transpose"})
        expected = [side, side, 3] if turned else [3, side, side]
        if dims[1:] != expected:
            raise MismatchError(f"its input is {dims[1:]} where {expected} should be")
        if turned is None:
            return str(source.name)
        if list(_attributes(turned)["perm"]) != _NHWC_TO_NCHW:
            raise MismatchError("it begins with a transposition of another kind")
        return _output(turned)

    def _layer(self, layer: GraphLayer) -> Weights | None:
        """Finds the operators of a layer and returns its weights, if any."""
        weights = None
        match layer:
            case Conv():
                weights, output = self._conv(layer)
            case Dense():
                weights, output = self._dense(layer)
            case Add():
                total = self._follow_pair(layer, "Add", layer.source.name, layer.other.name)
                output = self._follow_activation(layer, total)
            case MaxPool():
                output = self._max_pool(layer)
            case Scale():
                output = self._follow_pair(layer, "Mul", layer.source.name, layer.gate.name)
            case GlobalPool():
                output = self._pool(layer)
        self._values[layer.output.name] = output
        return weights

    def _conv(self, layer: Conv) -> tuple[Weights, str]:
        node = self._next(layer, {"Conv"}, layer.weight_shape)
        groups = layer.source.channels if layer.depthwise else 1
        _check_windows(layer, node, {**_windows(layer), "group": groups})
        return self._weights(layer, node), self._follow_activation(layer, _output(node))

    def _dense(self, layer: Dense) -> tuple[Weights, str]:
        """A fully connected layer, or the equivalent convolution of one pixel."""
        node = self._next(layer, {"Gemm", "Conv"})
        if node.op_type == "Conv":
            _check_windows(layer, node, {})
            return self._weights(layer, node), _output(node)
        stated = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0, **_attributes(node)}
        if (stated["alpha"], stated["beta"], stated["transA"]) != (1.0, 1.0, 0):
            raise MismatchError(f"{layer.name}: a Gemm with factors")
        return self._weights(layer, node, turned=not stated["transB"]), _output(node)

    def _weights(self, layer: Conv | Dense, node: NodeProto, *, turned: bool = False) -> Weights:
        import numpy as np

        kernel = self._constant(node.input[1], layer.name)
        if turned:
            kernel = kernel.T
        shape = layer.weight_shape
        if kernel.shape not in (shape, shape[:2] if isinstance(layer, Dense) else shape):
            raise MismatchError(f"{layer.name}: weights {kernel.shape} where {shape} should be")
        bias = np.zeros(shape[0], np.float32)
        if len(node.input) > 2 and node.input[2]:
            bias = self._constant(node.input[2], layer.name)
        if bias.shape != shape[:1]:
            raise MismatchError(f"{layer.name}: bias {bias.shape} where {shape[:1]} should be")
        if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
            raise MismatchError(f"{layer.name}: a weight is not a finite number")
        return Weights(kernel.reshape(shape), bias)

    def _constant(self, name: str, layer: str) -> NDArray[np.float32]:
        found = self._constants.get(name)
        if found is None or found.dtype != "float32":
            raise MismatchError(f"{layer}: its weights are not float32 constants")
        return found

    def _follow_activation(self, layer: Conv | Add, value: str) -> str:
        """The value after the layer's activation."""
        if layer.activation == "none":
            return value
        node = self._require(layer, value, _ACTIVATIONS[layer.activation])
        stated = _attributes(node)
        if node.op_type == "Clip":
            bounds = [self._constants.get(name) for name in node.input[1:]]
            if [None if one is None else one.item() for one in bounds] != [0.0, 6.0]:
                raise MismatchError(f"{layer.name}: a Clip to other bounds than 0 and 6")
        if node.op_type == "HardSigmoid":
            steep = abs(stated.get("alpha", 0.2) - 1 / 6) > _TOLERANCE
            if steep or stated.get("beta", 0.5) != 0.5:
                raise MismatchError(f"{layer.name}: a HardSigmoid of another slope")
            if layer.activation == "hswish":
                return self._find_pair(layer, "Mul", value, _output(node))
        return _output(node)

    def _max_pool(self, layer: MaxPool) -> str:
        node = self._next(layer, {"MaxPool"})
        kernel = {"kernel_shape": [layer.kernel] * 2}
        _check_windows(layer, node, {**_windows(layer), **kernel})
        return _output(node)

    def _pool(self, layer: GlobalPool) -> str:
        node = self._next(layer, {"GlobalAveragePool", "ReduceMean", "AveragePool"})
        stated = _attributes(node)
        whole = {
            "GlobalAveragePool": True,
            "ReduceMean": [axis % 4 for axis in stated.get("axes", ())] == [2, 3],
            "AveragePool": stated.get("kernel_shape") == [layer.source.size] * 2
            and not any(stated.get("pads", ())),
        }
        if not whole[node.op_type]:
            raise MismatchError(f"{layer.name}: {node.op_type} not over the whole image")
        return _output(node)

    def _follow_pair(self, layer: GraphLayer, kind: str, one: str, other: str) -> str:
        return self._find_pair(layer, kind, self._values[one], self._values[other])

    def _find_pair(self, layer: GraphLayer, kind: str, one: str, other: str) -> str:
        """The output of an operator of two values, in either order."""
        for node in self._users.get(one, ()):
            if node.op_type == kind and sorted(node.input) == sorted([one, other]):
                return _output(node)
        raise MismatchError(f"{layer.name}: no {kind} of its two inputs")

    def _next(self, layer: GraphLayer, kinds: set[str], shape: tuple[int, ...] = ()) -> NodeProto:
        """The operator of a layer; of several the one with weights of that shape."""
        value = self._values[layer.source.name]
        while layer.source.size == 1 and (shaping := self._user(value, _SHAPING)):
            value = _output(shaping)
        return self._require(layer, value, kinds, shape)

    def _require(
        self, layer: GraphLayer, value: str, kinds: set[str], shape: tuple[int, ...] = ()
    ) -> NodeProto:
        """The operator of these kinds that takes a value."""
        if found := self._user(value, kinds, shape):
            return found
        users = [node.op_type for node in self._users.get(value, ())]
        wanted, has = " or ".join(sorted(kinds)), " and ".join(users) or "nothing"
        raise MismatchError(f"{layer.name}: {has} where {wanted} should be")

    def _user(self, value: str, kinds: set[str], shape: tuple[int, ...] = ()) -> NodeProto | None:
        found = [node for node in self._users.get(value, ()) if node.op_type in kinds]
        if shape and len(found) > 1:
            found = [node for node in found if self._shape(node.input[1]) == shape]
        return found[0] if len(found) == 1 and found[0].input[0] == value else None

    def _shape(self, name: str) -> tuple[int, ...] | None:
        found = self._constants.get(name)
        return None if found is None else found.shape


def _windows(layer: Conv | MaxPool) -> dict[str, Any]:
    """The attributes of a layer's windows."""
    return {"strides": [layer.stride] * 2, "pads": _pads(layer.padding)}


def _pads(padding: tuple[int, int]) -> list[int]:
    return [padding[0], padding[0], padding[1], padding[1]]


def _check_windows(
    layer: Conv | MaxPool | Dense, node: NodeProto, attributes: dict[str, Any]
) -> None:
    """Compares the windows of an operator with what they should be, beside the usual."""
    usual = {"strides": [1, 1], "pads": [0] * 4, "dilations": [1, 1], "group": 1, "ceil_mode": 0}
    stated = usual | _attributes(node)
    if stated.get("auto_pad") == b"SAME_UPPER" and not isinstance(layer, Dense):
        stated["pads"] = _pads(same_padding(layer.source.size, layer.kernel, layer.stride))
    for name, value in (usual | attributes).items():
        if stated[name] != value:
            raise MismatchError(f"{layer.name}: {name} {stated[name]} where {value} should be")


def _output(node: NodeProto) -> str:
    return str(node.output[0])


def _attributes(node: NodeProto) -> dict[str, Any]:
    from onnx import helper

    return {one.name: helper.get_attribute_value(one) for one in node.attribute}

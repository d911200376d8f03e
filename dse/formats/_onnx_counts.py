"""Counts what the layers of an ONNX file take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.formats._onnx_nodes import OnnxNodes, read_nodes
from dse.formats._onnx_shapes import LAYERS_WITH_WEIGHTS, Known, weights_place
from dse.formats._tally import CountError, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.inference_cost import ModelCounts
    from dse.formats._onnx_nodes import Node
    from dse.formats._protobuf import Data
    from dse.formats._tally import Shape

    Sizes = tuple[tuple[str, Shape], ...]

_BITS = {
    **dict.fromkeys((1, 6), 32),
    **dict.fromkeys((10, 16), 16),
    **dict.fromkeys((2, 3, 17, 19), 8),
    **dict.fromkeys((21, 22, 23), 4),
    11: 64,
}
"""Bits of an element by number of the type, of the types that parameters have."""
_LOOKED_AT = {1: 4, 10: 2, 16: 2, 3: 1}
"""Bytes of an element, by the types among whose values zeros are looked for."""
_POOLS = (
    *("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"),
    *("QLinearAveragePool", "QLinearGlobalAveragePool"),
)
_ACTIVATIONS = ("HardSigmoid", "Sigmoid", "Tanh", "HardSwish", "Erf", "Softplus")
_NOT_COUNTED = frozenset(
    (
        *("If", "Loop", "Scan", "LSTM", "GRU", "RNN", "Einsum", "DeformConv", "MatMulNBits"),
        *("MultiHeadAttention", "GroupQueryAttention", "QAttention", "DecoderAttention"),
    )
)
"""Operators that multiply, or run others that do, in ways that are not followed here."""
_SAME_VALUES = ("Identity", "DequantizeLinear", "Cast", "Transpose", "QuantizeLinear")
SIDE, SEQUENCE = 224, 128
"""Open sizes of what has four, and of all else, where nothing tells them."""


def onnx_counts(data: Data, sizes: Sizes = ()) -> ModelCounts:
    """Counts the layers of the outermost graph.

    Args:
        data: the file.
        sizes: names and shapes of the inputs with one sample, where the file leaves sizes open; an
            empty name stands for any.

    Raises:
        ProtobufError: this is not an ONNX file.
        UnicodeDecodeError: a name is not text.
        CountError: a shape that is needed can't be found.
    """
    graph = read_nodes(data)
    inputs = {name: _input_shape(name, shape, sizes) for name, shape in graph.inputs.items()}
    shapes = {name: one.shape for name, one in graph.constants.items()}
    values = {n: one.values for n, one in graph.constants.items() if one.values is not None}
    known = Known({**graph.stated, **shapes, **inputs}, values)
    tally, counter = Tally(), _Counter(graph, known)
    for constant in graph.constants.values():
        if constant.kind in _BITS:
            tally.constant(constant.shape, _BITS[constant.kind])
    for node in graph.nodes:
        known.follow(node)
        counter.add(tally, data, node)
    return tally.result(inputs.values())


def _input_shape(name: str, declared: Sequence[int | None], sizes: Sizes) -> Shape:
    """The shape of an input with one sample."""
    for other, given in sizes:
        if other in (name, "") and len(given) == len(declared):
            return tuple(own or size for own, size in zip(declared, given, strict=True))
    rest = SIDE if len(declared) == 4 else SEQUENCE
    return tuple(size or (rest if axis else 1) for axis, size in enumerate(declared))


class _Counter:
    """Tells layers apart, by what they read."""

    def __init__(self, graph: OnnxNodes, known: Known) -> None:
        self._constants = graph.constants
        self._known = known
        self._fixed = set(graph.constants)
        self._origin: dict[str, str] = {}
        self._activated: dict[str, str] = {}
        self._seen: set[str] = set()

    def add(self, tally: Tally, data: Data, node: Node) -> None:
        """Adds an operator, if it is a layer."""
        if all(name in self._fixed or not name for name in node.reads):
            self._fix(tally, node)
            return
        if node.operator in _ACTIVATIONS and node.writes:
            self._activated[node.writes[0]] = node.reads[0]
        if node.operator in LAYERS_WITH_WEIGHTS:
            self._count_weights(tally, node)
            self._look(tally, data, node.reads[weights_place(node)])
        elif node.operator in _POOLS or node.operator == "ReduceMean":
            shape = self._known.shapes.get(node.reads[0], ())
            if node.operator in _POOLS or len(shape) == 4:
                tally.pool(self._output(node))
        elif node.operator in ("Add", "Mul", "QLinearAdd", "QLinearMul"):
            self._count_elementwise(tally, node)
        elif node.operator in _NOT_COUNTED:
            raise CountError(f"{node.operator} is not counted")

    def _fix(self, tally: Tally, node: Node) -> None:
        """Notes that what an operator writes is constant."""
        self._fixed.update(node.writes)
        if not node.writes:
            return
        if node.constant is not None:
            self._constants[node.writes[0]] = node.constant
            if node.constant.kind in _BITS:
                tally.constant(node.constant.shape, _BITS[node.constant.kind])
        elif node.operator in _SAME_VALUES:
            self._origin[node.writes[0]] = self._origin.get(node.reads[0], node.reads[0])

    def _output(self, node: Node) -> Shape:
        found = self._known.shapes.get(node.writes[0]) if node.writes else None
        if found is None:
            raise CountError(f"{node.operator} writes a value of an unknown shape")
        return found

    def _count_elementwise(self, tally: Tally, node: Node) -> None:
        names = (node.reads[0], node.reads[3 if node.operator.startswith("QLinear") else 1])
        if any(name in self._fixed or name not in self._known.shapes for name in names):
            return
        left, right = (self._known.shapes[name] for name in names)
        if any(self._activated.get(a) == b for a, b in (names, names[::-1])):
            return  # an activation
        count = tally.gate if node.operator.endswith("Mul") else tally.sum
        count(self._output(node), left, right)

    def _count_weights(self, tally: Tally, node: Node) -> None:
        output, second = self._output(node), self._known.shape(node, weights_place(node))
        constant = node.reads[weights_place(node)] in self._fixed
        if "Conv" in node.operator:
            transposed = node.operator == "ConvTranspose"
            written = self._known.shape(node, 0) if transposed else output
            tally.convolution(written, second[2:], second[1], node.number("group", 1))
            return
        first = self._known.shape(node, 0)
        inner = first[0 if node.number("transA", 0) and len(first) == 2 else -1]
        if node.operator == "Attention":
            if not constant:
                raise CountError("Attention of this form is not counted")
            tally.product((*first[:-1], second[-1]), inner, weights=True)
            length = first[-2]
            tally.product((*first[:-1], 2 * length), second[-1] // 3, weights=False)
            return
        weights = constant or node.reads[0] in self._fixed
        tally.product(output, inner, weights=weights)

    def _look(self, tally: Tally, data: Data, name: str) -> None:
        name = self._origin.get(name, name)
        constant = self._constants.get(name)
        if constant is None or name in self._seen or constant.kind not in _LOOKED_AT:
            return
        self._seen.add(name)
        tally.weights(data, *constant.data, _LOOKED_AT[constant.kind])

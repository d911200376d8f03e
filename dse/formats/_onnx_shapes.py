"""Follows shapes through an ONNX graph."""

from __future__ import annotations

from itertools import zip_longest
from math import prod
from typing import TYPE_CHECKING

from dse.formats._onnx_nodes import MAX_VALUES
from dse.formats._onnx_values import bounded, compute
from dse.formats._tally import CountError, elements_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dse.formats._onnx_nodes import Node
    from dse.formats._tally import Shape

    Values = tuple[int, ...]
    Rule = Callable[["Known", Node], "list[Shape]"]


class Known:
    """What is known of the values of a graph by their names.

    Attributes:
        shapes: of constants, inputs and computed values.
        values: of small integer tensors.
    """

    def __init__(self, shapes: dict[str, Shape], values: dict[str, Values]) -> None:
        self.shapes = shapes
        self.values = values

    def shape(self, node: Node, place: int) -> Shape:
        """The shape of what an operator reads.

        Raises:
            CountError: it is not known.
        """
        name = node.reads[place] if place < len(node.reads) else ""
        if name not in self.shapes:
            raise CountError(f"{node.operator} reads a value of an unknown shape")
        return self.shapes[name]

    def few(self, node: Node, place: int) -> Values | None:
        """The numbers that an operator reads; None if they are not known."""
        return self.values.get(node.reads[place]) if place < len(node.reads) else None

    def need(self, node: Node, place: int, name: str) -> Values:
        """Numbers that newer versions of an operator read and older ones have as an attribute.

        Raises:
            CountError: they are not known.
        """
        found = node.numbers.get(name)
        if found is None:
            found = self.few(node, place)
        if found is None:
            raise CountError(f"{node.operator} depends on values that are not known")
        return found

    def follow(self, node: Node) -> None:
        """Notes what is known of the values that an operator writes, if anything is."""
        try:
            written = _RULES[node.operator](self, node) if node.operator in _RULES else []
            for name, shape in zip(node.writes, written, strict=False):
                elements_of(shape)
                self.shapes[name] = shape
            found = compute(self, node)
        except (ValueError, IndexError, ZeroDivisionError):
            return  # attributes that don't fit the shapes, or a value that is not known
        small = found is not None and len(found) <= MAX_VALUES
        if found is not None and small:
            self.values.update(dict.fromkeys(node.writes[:1], found))


def broadcast(left: Shape, right: Shape) -> Shape:
    """The shape of an operation element by element."""
    pairs = zip_longest(reversed(left), reversed(right), fillvalue=1)
    return tuple(b if a == 1 else a for a, b in pairs)[::-1]


def _same(known: Known, node: Node) -> list[Shape]:
    return [known.shape(node, 0)] * len(node.writes)


def _elementwise(known: Known, node: Node) -> list[Shape]:
    found: Shape = ()
    for place in range(len(node.reads)):
        found = broadcast(found, known.shape(node, place))
    return [found]


def _quantised_elementwise(known: Known, node: Node) -> list[Shape]:
    return [broadcast(known.shape(node, 0), known.shape(node, 3))]


def _windows(node: Node, source: Shape, kernel: Values) -> Shape:
    """The number of windows along each axis after the first two."""
    rank = len(source) - 2
    strides = node.numbers.get("strides", (1,) * rank)
    dilations = node.numbers.get("dilations", (1,) * rank)
    pads = node.numbers.get("pads", (0,) * 2 * rank)
    padding = node.texts.get("auto_pad", "NOTSET")
    found = []
    for axis in range(rank):
        size, stride = source[axis + 2], strides[axis]
        spread = dilations[axis] * (kernel[axis] - 1) + 1
        if padding.startswith("SAME"):
            found.append(-(-size // stride))
            continue
        added = pads[axis] + pads[axis + rank] if padding != "VALID" else 0
        room = size + added - spread
        up = bool(node.number("ceil_mode", 0))
        found.append((-(-room // stride) if up else room // stride) + 1)
    return tuple(found)


def weights_place(node: Node) -> int:
    """The position of the weights, or of the second factor, of a layer that has some."""
    return 3 if node.operator in _QUANTISED_LAYERS else 1


def _convolution(known: Known, node: Node) -> list[Shape]:
    source, weights = known.shape(node, 0), known.shape(node, weights_place(node))
    return [(source[0], weights[0], *_windows(node, source, weights[2:]))]


def _transposed_convolution(known: Known, node: Node) -> list[Shape]:
    source, weights = known.shape(node, 0), known.shape(node, 1)
    rank = len(source) - 2
    strides = node.numbers.get("strides", (1,) * rank)
    pads = node.numbers.get("pads", (0,) * 2 * rank)
    more = node.numbers.get("output_padding", (0,) * rank)
    if "output_shape" in node.numbers:
        sizes = node.numbers["output_shape"]
    elif node.texts.get("auto_pad", "NOTSET").startswith("SAME"):
        sizes = tuple(source[i + 2] * strides[i] for i in range(rank))
    else:
        sizes = tuple(
            strides[i] * (source[i + 2] - 1) + more[i] + weights[i + 2] - pads[i] - pads[i + rank]
            for i in range(rank)
        )
    return [(source[0], weights[1] * node.number("group", 1), *sizes)]


def _pool(known: Known, node: Node) -> list[Shape]:
    source = known.shape(node, 0)
    kernel = node.numbers.get("kernel_shape", ())
    return [(*source[:2], *_windows(node, source, kernel))] * len(node.writes)


def _global_pool(known: Known, node: Node) -> list[Shape]:
    source = known.shape(node, 0)
    return [(*source[:2], *(1,) * (len(source) - 2))]


def _reduce(known: Known, node: Node) -> list[Shape]:
    source = known.shape(node, 0)
    given = "axes" in node.numbers or (len(node.reads) > 1 and node.reads[1])
    axes = known.need(node, 1, "axes") if given else tuple(range(len(source)))
    dropped = {axis % len(source) for axis in axes}
    keep = node.number("keepdims", 1)
    return [
        tuple(
            1 if axis in dropped else size
            for axis, size in enumerate(source)
            if keep or axis not in dropped
        )
    ]


def _gemm(known: Known, node: Node) -> list[Shape]:
    left, right = known.shape(node, 0), known.shape(node, weights_place(node))
    rows = left[1 if node.number("transA", 0) else 0]
    return [(rows, right[0 if node.number("transB", 0) else 1])]


def _matmul(known: Known, node: Node) -> list[Shape]:
    left, right = known.shape(node, 0), known.shape(node, weights_place(node))
    left = (*left[:-2], left[-1], left[-2]) if node.number("transA", 0) else left
    right = (*right[:-2], right[-1], right[-2]) if node.number("transB", 0) else right
    rows = left[-2:-1] if len(left) > 1 else ()
    columns = right[-1:] if len(right) > 1 else ()
    return [(*broadcast(left[:-2], right[:-2]), *rows, *columns)]


def _flatten(known: Known, node: Node) -> list[Shape]:
    source, axis = known.shape(node, 0), node.number("axis", 1)
    return [(prod(source[:axis]), prod(source[axis:]))]


def _reshape(known: Known, node: Node) -> list[Shape]:
    source, wanted = known.shape(node, 0), known.need(node, 1, "shape")
    sizes = [
        source[place] if size == 0 and not node.number("allowzero", 0) else size
        for place, size in enumerate(wanted)
    ]
    if -1 in sizes:
        rest = prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = elements_of(source) // rest
    return [tuple(sizes)]


def _transpose(known: Known, node: Node) -> list[Shape]:
    source = known.shape(node, 0)
    order = node.numbers.get("perm", tuple(reversed(range(len(source)))))
    return [tuple(source[axis] for axis in order)]


def _squeeze(known: Known, node: Node) -> list[Shape]:
    source = known.shape(node, 0)
    given = "axes" in node.numbers or len(node.reads) > 1
    found = known.need(node, 1, "axes") if given else [i for i, n in enumerate(source) if n == 1]
    dropped = {axis % len(source) for axis in found}
    return [tuple(size for axis, size in enumerate(source) if axis not in dropped)]


def _unsqueeze(known: Known, node: Node) -> list[Shape]:
    source, axes = known.shape(node, 0), known.need(node, 1, "axes")
    rank = len(source) + len(axes)
    added, sizes = {axis % rank for axis in axes}, iter(source)
    return [tuple(1 if axis in added else next(sizes, 1) for axis in range(rank))]


def _concat(known: Known, node: Node) -> list[Shape]:
    shapes = [known.shape(node, place) for place in range(len(node.reads))]
    axis = node.number("axis", 0) % len(shapes[0])
    joined = sum(one[axis] for one in shapes)
    return [tuple(joined if i == axis else size for i, size in enumerate(shapes[0]))]


def _slice(known: Known, node: Node) -> list[Shape]:
    sizes = list(known.shape(node, 0))
    starts, ends = known.need(node, 1, "starts"), known.need(node, 2, "ends")
    given = "axes" in node.numbers or (len(node.reads) > 3 and node.reads[3])
    axes = known.need(node, 3, "axes") if given else tuple(range(len(starts)))
    steps = known.need(node, 4, "steps") if len(node.reads) > 4 else (1,) * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=False):
        sizes[axis] = len(range(*slice(start, bounded(end), step).indices(sizes[axis])))
    return [tuple(sizes)]


def _split(known: Known, node: Node) -> list[Shape]:
    source = known.shape(node, 0)
    axis, parts = node.number("axis", 0) % len(source), len(node.writes)
    sizes = node.numbers.get("split") or known.few(node, 1)
    if sizes is None:
        least = -(-source[axis] // parts)
        sizes = (*(least,) * (parts - 1), source[axis] - least * (parts - 1))
    return [(*source[:axis], size, *source[axis + 1 :]) for size in sizes]


def _gather(known: Known, node: Node) -> list[Shape]:
    source, picked = known.shape(node, 0), known.shape(node, 1)
    axis = node.number("axis", 0) % len(source)
    return [(*source[:axis], *picked, *source[axis + 1 :])]


def _shape_of(known: Known, node: Node) -> list[Shape]:
    return [(len(known.shape(node, 0)),)]


def _constant(_known: Known, node: Node) -> list[Shape]:
    if node.constant is not None:
        return [node.constant.shape]
    return [(len(node.numbers["value_ints"]),)] if "value_ints" in node.numbers else [()]


def _filled(known: Known, node: Node) -> list[Shape]:
    return [known.need(node, 0, "shape")]


def _range(known: Known, node: Node) -> list[Shape]:
    (start,), (end,), (step,) = (known.need(node, place, "") for place in range(3))
    return [(max(0, -((start - end) // step)),)]


def _expand(known: Known, node: Node) -> list[Shape]:
    return [broadcast(known.shape(node, 0), known.need(node, 1, "shape"))]


def _pad(known: Known, node: Node) -> list[Shape]:
    source, pads = known.shape(node, 0), known.need(node, 1, "pads")
    rank = len(source)
    return [tuple(size + pads[axis] + pads[axis + rank] for axis, size in enumerate(source))]


def _resize(known: Known, node: Node) -> list[Shape]:
    return [known.need(node, 3, "sizes")]


def _tile(known: Known, node: Node) -> list[Shape]:
    pairs = zip(known.shape(node, 0), known.need(node, 1, "repeats"), strict=True)
    return [tuple(size * count for size, count in pairs)]


def _depth_to_space(known: Known, node: Node) -> list[Shape]:
    batch, channels, height, width = known.shape(node, 0)
    side = node.number("blocksize", 1)
    return [(batch, channels // side**2, height * side, width * side)]


def _attention(known: Known, node: Node) -> list[Shape]:
    source, weights = known.shape(node, 0), known.shape(node, 1)
    return [(*source[:-1], weights[-1] // 3)]


def _embedding(known: Known, node: Node) -> list[Shape]:
    return [(*known.shape(node, 0), known.shape(node, 2)[-1])]


_QUANTISED_LAYERS = ("QLinearConv", "QLinearMatMul", "QGemm")
_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        (
            *("Relu", "LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Clip", "Sigmoid"),
            *("HardSigmoid", "HardSwish", "Tanh", "Softplus", "Softsign", "Gelu", "FastGelu"),
            *("BiasGelu", "QuickGelu", "Mish", "Erf", "Sqrt", "Exp", "Log", "Neg", "Abs", "Sign"),
            *("Floor", "Ceil", "Round", "Reciprocal", "Not", "Sin", "Cos", "Softmax", "Hardmax"),
            *("LogSoftmax", "Cast", "CastLike", "Identity", "Dropout", "BatchNormalization"),
            *("InstanceNormalization", "LayerNormalization", "GroupNormalization", "LRN"),
            *("SkipLayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization"),
            *("QuantizeLinear", "DequantizeLinear", "CumSum", "IsNaN", "IsInf", "QLinearSigmoid"),
            *("QLinearLeakyRelu", "QLinearSoftmax", "LpNormalization", "Trilu", "Swish"),
        ),
        _same,
    ),
    "DynamicQuantizeLinear": lambda known, node: [known.shape(node, 0), (), ()],
    **dict.fromkeys(
        (
            *("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Min", "Max", "Sum", "Mean", "Where"),
            *("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor"),
            "PRelu",
        ),
        _elementwise,
    ),
    **dict.fromkeys(("QLinearAdd", "QLinearMul"), _quantised_elementwise),
    **dict.fromkeys(("Conv", "ConvInteger", "FusedConv", "QLinearConv"), _convolution),
    "ConvTranspose": _transposed_convolution,
    **dict.fromkeys(("MaxPool", "AveragePool", "LpPool", "QLinearAveragePool"), _pool),
    **dict.fromkeys(
        ("GlobalAveragePool", "GlobalMaxPool", "QLinearGlobalAveragePool"), _global_pool
    ),
    **dict.fromkeys(
        (f"Reduce{name}" for name in ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2")), _reduce
    ),
    **dict.fromkeys(("Gemm", "FusedGemm", "QGemm"), _gemm),
    **dict.fromkeys(
        ("MatMul", "FusedMatMul", "MatMulInteger", "QLinearMatMul", "MatMulIntegerToFloat"), _matmul
    ),
    "DynamicQuantizeMatMul": _matmul,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Gather": _gather,
    "Shape": _shape_of,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Range": _range,
    "Expand": _expand,
    "Pad": _pad,
    "Resize": _resize,
    "Tile": _tile,
    "DepthToSpace": _depth_to_space,
    "Attention": _attention,
    "EmbedLayerNormalization": _embedding,
}
"""The shapes of what an operator writes, as far as they matter."""
LAYERS_WITH_WEIGHTS = frozenset(
    name
    for name, rule in _RULES.items()
    if rule in (_convolution, _transposed_convolution, _gemm, _matmul, _attention)
)

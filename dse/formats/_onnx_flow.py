"""Finds what the inputs of an ONNX model decide, through the common form of `dse.formats._flow`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.formats._flow import (
    MAX_GRAPH_DEPTH,
    FlowError,
    FlowStep,
    Inner,
    OperatorRules,
    Subgraph,
    find_roles,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from onnx import FunctionProto, GraphProto, ModelProto, NodeProto

    from dse.formats.description import Role

_REDUCTIONS = (
    *("ReduceMax", "ReduceMin", "ReduceMean", "ReduceSum", "ReduceProd", "ReduceL1", "ReduceL2"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
)
_COMPARISONS = ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual")
_SLOTS: Mapping[str, Mapping[int, Role]] = {
    **{name: {1: "size"} for name in ("Reshape", "Expand", "Tile", "Split", "SplitToSequence")},
    **{name: {1: "size"} for name in ("TopK", "OneHot", "AffineGrid", "CenterCropPad")},
    **{name: {1: "size"} for name in ("Upsample", "ReverseSequence", "ResizeByScales")},
    **{name: {0: "size"} for name in ("HannWindow", "HammingWindow", "BlackmanWindow")},
    **{name: {4: "size"} for name in ("RNN", "GRU", "LSTM")},
    **{name: {1: "axes"} for name in (*_REDUCTIONS, "Squeeze", "Unsqueeze", "ExpandDims")},
    **{name: {1: "axes"} for name in ("CumSum", "CumProd")},
    **{name: {1: "pick"} for name in ("Gather", "GatherElements", "GatherND", "Scatter")},
    **{name: {1: "pick"} for name in ("ScatterElements", "ScatterND", "ArrayFeatureExtractor")},
    **{name: {1: "index"} for name in ("Trilu", "SequenceAt", "SequenceErase")},
    **{name: {1: "divisor"} for name in ("Div", "Mod")},
    **{name: {1: "pick"} for name in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")},
    "Attention": {6: "size"},
    "BeamSearch": {1: "size", 2: "index", 3: "size", 4: "size"},
    "Compress": {1: "size"},
    "ConstantOfShape": {0: "size"},
    "Col2Im": {1: "size", 2: "size"},
    "CropAndResize": {2: "pick", 3: "size"},
    "DFT": {1: "size", 2: "axes"},
    "Dropout": {1: "index", 2: "branch"},
    "GreedySearch": {1: "size", 2: "index"},
    "GroupQueryAttention": {5: "index", 6: "size"},
    "If": {0: "branch"},
    "Loop": {0: "size", 1: "size"},
    "MaxUnpool": {1: "pick", 2: "size"},
    "MelWeightMatrix": {0: "size", 1: "size", 2: "size"},
    "NonMaxSuppression": {2: "size", 3: "index", 4: "index"},
    "Pad": {1: "size", 3: "axes"},
    "Range": {0: "index", 1: "size", 2: "size"},
    "Resize": {2: "size", 3: "size"},
    "RoiAlign": {2: "pick"},
    "STFT": {1: "size", 3: "size"},
    "SequenceInsert": {2: "index"},
    "Slice": {1: "index", 2: "size", 3: "axes", 4: "size"},
    "TensorScatter": {2: "pick"},
}
_FIRST = (
    *("Cast", "CastLike", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Transpose"),
    *("Expand", "Tile", "Gather", "GatherElements", "GatherND", "Slice", "Split", "Pad", "CumSum"),
    *("Neg", "Abs", "Ceil", "Floor", "Round", "Sqrt", "Exp", "Log", "Sign", "Reciprocal", "Not"),
    *_REDUCTIONS,
)
_ALL = ("Concat", "Add", "Sub", "Mul", "Div", "Mod", "Pow", "Min", "Max", "Sum", "Mean", "Clip")
ONNX_RULES = OperatorRules(
    slots=_SLOTS,
    through={
        **dict.fromkeys(_FIRST, (0,)),
        **dict.fromkeys((*_ALL, "Where", "And", "Or", "Xor", *_COMPARISONS), ()),
    },
    counted={"Neg": 0, "Sub": 1},
    divisors={"Div": 1, "Mod": 1, "Reciprocal": 0},
    compared=frozenset(_COMPARISONS),
    carried={"Loop": 2},
)


def roles_by_input(model: ModelProto) -> dict[str, Role]:
    """What the inputs decide, by name.

    Raises:
        FlowError: there are too many nested graphs.
    """
    functions = {(one.domain, one.name, one.overload): one for one in model.functions}
    return find_roles(_Reader(functions).graph(model.graph, 0), ONNX_RULES)


@dataclass(slots=True)
class _Reader:
    """Brings graphs into the common form; each function once, however often it is called."""

    functions: Mapping[tuple[str, str, str], FunctionProto]
    _blocks: dict[tuple[str, str, str], Subgraph] = field(default_factory=dict)

    def graph(self, graph: GraphProto, depth: int) -> Subgraph:
        constants = {one.name for one in graph.initializer}
        return Subgraph(
            self._steps(graph.node, depth),
            tuple(one.name for one in graph.input if one.name not in constants),
            tuple(one.name for one in graph.output),
            nested=depth > 0,
        )

    def _steps(self, nodes: Iterable[NodeProto], depth: int) -> tuple[FlowStep, ...]:
        if depth > MAX_GRAPH_DEPTH:
            raise FlowError("the graphs are nested too deep")
        return tuple(
            FlowStep(_kind(node), tuple(node.input), tuple(node.output), self._inner(node, depth))
            for node in nodes
        )

    def _inner(self, node: NodeProto, depth: int) -> tuple[Inner, ...]:
        """The graphs nested in a node: its own, or that of a function of the model."""
        key = (node.domain, node.op_type, node.overload)
        if (function := self.functions.get(key)) is not None:
            if key not in self._blocks:
                steps = self._steps(function.node, depth + 1)
                self._blocks[key] = Subgraph(steps, tuple(function.input), tuple(function.output))
            return (Inner(self._blocks[key]),)
        loop = node.op_type == "Loop"
        return tuple(
            Inner(self.graph(one.g, depth + 1), 0, int(loop), decides=loop)
            for one in node.attribute
            if one.HasField("g")
        )


def _kind(node: NodeProto) -> str:
    """The operator; before version 11 the second input of Resize was its scales."""
    old_resize = (node.op_type, len(node.input)) == ("Resize", 2)
    return "ResizeByScales" if old_resize else str(node.op_type)

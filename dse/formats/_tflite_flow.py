"""Finds what the inputs of a TFLite model decide, through the common form of `dse.formats._flow`.

Operators have the numbers and names of TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    from collections.abc import Mapping, Sequence

    from dse.formats.description import Role
    from dse.formats.flatbuffer import Table

_OPERATOR_CODES, _SUBGRAPHS = 1, 2  # of Model
_INPUTS, _OUTPUTS, _OPERATORS = 1, 2, 3  # of SubGraph
_CODE, _READS, _WRITES, _OPTIONS = 0, 1, 2, 4  # of Operator
_OLD_CODE, _NEW_CODE = 0, 3  # of OperatorCode: a byte, and what does not fit into it

KINDS = {
    0: "ADD",
    2: "CONCATENATION",
    8: "FLOOR",
    18: "MUL",
    22: "RESHAPE",
    34: "PAD",
    36: "GATHER",
    23: "RESIZE_BILINEAR",
    37: "BATCH_TO_SPACE_ND",
    38: "SPACE_TO_BATCH_ND",
    39: "TRANSPOSE",
    40: "MEAN",
    41: "SUB",
    42: "DIV",
    43: "SQUEEZE",
    45: "STRIDED_SLICE",
    47: "EXP",
    48: "TOPK",
    49: "SPLIT",
    53: "CAST",
    55: "MAXIMUM",
    56: "ARG_MAX",
    57: "MINIMUM",
    58: "LESS",
    59: "NEG",
    60: "PADV2",
    61: "GREATER",
    62: "GREATER_EQUAL",
    63: "LESS_EQUAL",
    64: "SELECT",
    65: "SLICE",
    67: "TRANSPOSE_CONV",
    68: "SPARSE_TO_DENSE",
    69: "TILE",
    70: "EXPAND_DIMS",
    71: "EQUAL",
    72: "NOT_EQUAL",
    73: "LOG",
    74: "SUM",
    75: "SQRT",
    78: "POW",
    79: "ARG_MIN",
    81: "REDUCE_PROD",
    82: "REDUCE_MAX",
    83: "PACK",
    84: "LOGICAL_OR",
    85: "ONE_HOT",
    86: "LOGICAL_AND",
    87: "LOGICAL_NOT",
    88: "UNPACK",
    89: "REDUCE_MIN",
    90: "FLOOR_DIV",
    91: "REDUCE_ANY",
    94: "FILL",
    95: "FLOOR_MOD",
    96: "RANGE",
    97: "RESIZE_NEAREST_NEIGHBOR",
    100: "MIRROR_PAD",
    101: "ABS",
    102: "SPLIT_V",
    104: "CEIL",
    105: "REVERSE_V2",
    107: "GATHER_ND",
    112: "REVERSE_SEQUENCE",
    116: "ROUND",
    118: "IF",
    119: "WHILE",
    120: "NON_MAX_SUPPRESSION",
    121: "NON_MAX_SUPPRESSION",
    122: "SCATTER_ND",
    123: "SELECT",
    128: "CUMSUM",
    130: "BROADCAST_TO",
    140: "REDUCE_ALL",
    145: "BROADCAST_ARGS",
    146: "RANDOM",
    148: "RANDOM",
    149: "MULTINOMIAL",
    151: "DYNAMIC_UPDATE_SLICE",
}
_REDUCTIONS = ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL")
_COMPARISONS = ("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "EQUAL", "NOT_EQUAL")
_SLOTS: Mapping[str, Mapping[int, Role]] = {
    **{name: {1: "size"} for name in ("RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")},
    **{name: {1: "size"} for name in ("TILE", "TOPK", "BROADCAST_TO", "PAD", "PADV2")},
    **{name: {1: "size"} for name in ("MIRROR_PAD", "ONE_HOT", "SPARSE_TO_DENSE", "MULTINOMIAL")},
    **{name: {1: "size", 2: "index"} for name in ("BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND")},
    **{name: {0: "size"} for name in ("FILL", "TRANSPOSE_CONV", "RANDOM")},
    **{name: {1: "axes"} for name in (*_REDUCTIONS, "TRANSPOSE", "EXPAND_DIMS", "CUMSUM")},
    **{name: {1: "axes"} for name in ("ARG_MAX", "ARG_MIN", "REVERSE_V2")},
    **{name: {1: "pick"} for name in ("GATHER", "GATHER_ND")},
    "DYNAMIC_UPDATE_SLICE": {2: "index"},
    "IF": {0: "branch"},
    "NON_MAX_SUPPRESSION": {2: "size", 3: "index", 4: "index"},
    "RANGE": {0: "index", 1: "size", 2: "size"},
    "REVERSE_SEQUENCE": {1: "size"},
    "SCATTER_ND": {0: "index", 2: "size"},
    "SLICE": {1: "index", 2: "size"},
    "SPLIT": {0: "axes"},
    "SPLIT_V": {1: "size", 2: "axes"},
    "STRIDED_SLICE": {1: "index", 2: "size", 3: "size"},
}
_FIRST = (
    *("RESHAPE", "CAST", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "TILE", "BROADCAST_TO", "GATHER"),
    *("GATHER_ND", "SLICE", "STRIDED_SLICE", "UNPACK", "SPLIT_V", "PAD", "PADV2", "CUMSUM"),
    *("NEG", "ABS", "CEIL", "FLOOR", "ROUND", "SQRT", "EXP", "LOG", "LOGICAL_NOT", *_REDUCTIONS),
)
_ALL = (
    *("ADD", "SUB", "MUL", "DIV", "FLOOR_DIV", "FLOOR_MOD", "POW", "MINIMUM", "MAXIMUM", "PACK"),
    *("CONCATENATION", "SELECT", "LOGICAL_AND", "LOGICAL_OR", "BROADCAST_ARGS", *_COMPARISONS),
)
TFLITE_RULES = OperatorRules(
    slots=_SLOTS,
    through={**dict.fromkeys(_FIRST, (0,)), "SPLIT": (1,), **dict.fromkeys(_ALL, ())},
    counted={"NEG": 0, "SUB": 1},
    divisors={"DIV": 1, "FLOOR_DIV": 1, "FLOOR_MOD": 1},
    compared=frozenset(_COMPARISONS),
    carried={"WHILE": 0},
)


def operator_codes(model: Table) -> list[int]:
    """The numbers of the kinds of operators that a file uses."""
    return [
        max(code.byte(_OLD_CODE), code.number(_NEW_CODE)) for code in model.tables(_OPERATOR_CODES)
    ]


def roles_by_tensor(model: Table, subgraph: int) -> dict[int, Role]:
    """What the inputs of a subgraph decide, by number of the tensor.

    Raises:
        FlowError: there are too many nested subgraphs.
        FlatbufferError: the file is damaged.
    """
    reader = _Reader(list(model.tables(_SUBGRAPHS)), operator_codes(model))
    return {
        int(name): role
        for name, role in find_roles(reader.block(subgraph, 0), TFLITE_RULES).items()
    }


@dataclass(frozen=True, slots=True)
class _Reader:
    """Brings subgraphs into the common form; the names of tensors are their numbers."""

    subgraphs: Sequence[Table]
    codes: Sequence[int]

    def block(self, number: int, depth: int) -> Subgraph:
        if depth > MAX_GRAPH_DEPTH or number >= len(self.subgraphs):
            raise FlowError("the subgraphs are nested too deep")
        subgraph = self.subgraphs[number]
        steps = tuple(self._step(one, depth) for one in subgraph.tables(_OPERATORS))
        inputs, outputs = (_names(subgraph.integers(field)) for field in (_INPUTS, _OUTPUTS))
        return Subgraph(steps, inputs, outputs)

    def _step(self, operator: Table, depth: int) -> FlowStep:
        number = operator.number(_CODE)
        kind = KINDS.get(self.codes[number] if number < len(self.codes) else -1, "")
        reads, writes = (_names(operator.integers(field)) for field in (_READS, _WRITES))
        return FlowStep(kind, reads, writes, self._inner(operator, kind, depth))

    def _inner(self, operator: Table, kind: str, depth: int) -> tuple[Inner, ...]:
        """The subgraphs of an IF, or the condition and the body of a loop."""
        options = operator.table(_OPTIONS) if kind in ("IF", "WHILE") else None
        if options is None:
            return ()
        one, other = (self.block(options.number(field), depth + 1) for field in (0, 1))
        if kind == "IF":
            return Inner(one, first_read=1), Inner(other, first_read=1)
        return Inner(one, first_write=None, decides=True), Inner(other)


def _names(tensors: Sequence[int]) -> tuple[str, ...]:
    """The names of tensors; a tensor that is left out (-1) has an empty name."""
    return tuple(str(tensor) if tensor >= 0 else "" for tensor in tensors)

"""Inputs of TFLite models that decide how much is computed, or what is picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ai_edge_litert import schema_py_generated as schema

from dse.core.errors import RequestError
from dse.formats._tflite_flow import KINDS, TFLITE_RULES
from dse.formats.reading import describe
from tests.small_models import tflite_bytes, tiling_bytes

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("x", "y", "data", "a", "b", "out")
"""Tensors, by number; the first three are inputs."""


def operator(model: Any, kind: str, inputs: str, output: str, options: Any = None) -> Any:
    """An operator; an input that is left out is written as a dash."""
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    model.operatorCodes.append(code)
    made = schema.OperatorT()
    made.opcodeIndex = len(model.operatorCodes) - 1
    made.inputs = [NAMES.index(name) if name != "-" else -1 for name in inputs.split()]
    made.outputs = [NAMES.index(output)]
    if options is not None:
        name = type(options).__name__.removesuffix("T")
        made.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        made.builtinOptions = options
    return made


def graph(inputs: str = "x y data", output: str = "out") -> Any:
    made = schema.SubGraphT()
    made.tensors = []
    for name in NAMES:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, [2], schema.TensorType.INT32
        made.tensors.append(tensor)
    made.inputs = [NAMES.index(name) for name in inputs.split()]
    made.outputs, made.operators = [NAMES.index(output)], []
    return made


def model(*steps: tuple[str, str, str] | tuple[str, str, str, Any], inner: tuple[Any, ...]) -> Any:
    made = schema.ModelT()
    made.version, made.operatorCodes = 3, []
    made.buffers = [schema.BufferT()]
    made.subgraphs = [graph(), *(each for each, _ in inner)]
    made.subgraphs[0].operators = [operator(made, *step) for step in steps]
    for each, own in inner:
        each.operators = [operator(made, *step) for step in own]
    return made


def packed(model: Any) -> bytes:
    builder = schema.flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def found(folder: Path, *steps: Any, inner: tuple[Any, ...] = ()) -> dict[str, str]:
    made = model(*steps, inner=inner)
    path = folder / "model.tflite"
    path.write_bytes(packed(made))
    return {one.name: one.role for one in describe(path).inputs if one.role}


@pytest.mark.parametrize(
    ("kind", "inputs", "role"),
    [
        ("RESHAPE", "data x", "size"),
        ("RESIZE_BILINEAR", "data x", "size"),
        ("RESIZE_NEAREST_NEIGHBOR", "data x", "size"),
        ("TILE", "data x", "size"),
        ("SLICE", "data x a", "index"),
        ("SLICE", "data a x", "size"),
        ("STRIDED_SLICE", "data x a b", "index"),
        ("STRIDED_SLICE", "data a x b", "size"),
        ("STRIDED_SLICE", "data a b x", "size"),
        ("RANGE", "x a b", "index"),
        ("RANGE", "a x b", "size"),
        ("TOPK_V2", "data x", "size"),
        ("FILL", "x data", "size"),
        ("BROADCAST_TO", "data x", "size"),
        ("PAD", "data x", "size"),
        ("PADV2", "data x a", "size"),
        ("MIRROR_PAD", "data x", "size"),
        ("ONE_HOT", "data x a b", "size"),
        ("NON_MAX_SUPPRESSION_V4", "data data x a b", "size"),
        ("REDUCE_MAX", "data x", "axes"),
        ("TRANSPOSE", "data x", "axes"),
        ("CUMSUM", "data x", "axes"),
        ("GATHER", "data x", "pick"),
        ("TRANSPOSE_CONV", "x a data", "size"),
    ],
)
def test_slots_that_decide(kind: str, inputs: str, role: str, tmp_path: Path) -> None:
    assert found(tmp_path, (kind, inputs, "out")) == {"x": role}


@pytest.mark.parametrize(
    "steps",
    [
        [("RESHAPE", "x a", "out")],
        [("GATHER", "a x", "out")],
        [("ADD", "x y", "out")],
        [("SHAPE", "x", "a"), ("FILL", "a b", "out")],
        [("CONV_2D", "x y -", "a"), ("FILL", "a b", "out")],
    ],
)
def test_plain_data_decides_nothing(steps: list[Any], tmp_path: Path) -> None:
    assert found(tmp_path, *steps) == {}


def test_numbers_are_followed(tmp_path: Path) -> None:
    steps = [("CAST", "x", "a"), ("PACK", "a y", "b"), ("RESIZE_BILINEAR", "data b", "out")]
    assert found(tmp_path, *steps) == {"x": "size", "y": "size"}
    steps = [("SUB", "y x", "a"), ("SLICE", "data a b", "out")]
    assert found(tmp_path, *steps) == {"x": "size", "y": "index"}


def test_conditions_and_loops(tmp_path: Path) -> None:
    choice = schema.IfOptionsT()
    choice.thenSubgraphIndex, choice.elseSubgraphIndex = 1, 2
    inner = (
        (graph("a b"), [("TILE", "a b", "out")]),
        (graph("a b"), [("ADD", "a b", "out")]),
    )
    step = ("IF", "x data y", "out", choice)
    assert found(tmp_path, step, inner=inner) == {"x": "branch", "y": "size"}

    loop = schema.WhileOptionsT()
    loop.condSubgraphIndex, loop.bodySubgraphIndex = 1, 2
    inner = (
        (graph("a b"), [("LESS", "a b", "out")]),
        (graph("a b", "b"), []),
    )
    step = ("WHILE", "data x", "out", loop)
    assert found(tmp_path, step, inner=inner) == {"x": "size", "data": "size"}


def test_subgraphs_without_end_are_refused(tmp_path: Path) -> None:
    loop = schema.WhileOptionsT()
    loop.condSubgraphIndex = loop.bodySubgraphIndex = 0
    with pytest.raises(RequestError, match="nested too deep"):
        found(tmp_path, ("WHILE", "x y data", "out", loop))


def test_the_numbers_of_operators_are_those_of_the_schema() -> None:
    shortened = {"TOPK": "TOPK_V2", "RANDOM": "RANDOM_UNIFORM"}
    for number, name in KINDS.items():
        names = {
            *(name, shortened.get(name), f"{name}_V2", f"{name}_V4", f"{name}_V5"),
            "RANDOM_STANDARD_NORMAL" if name == "RANDOM" else None,
        }
        numbers = {getattr(schema.BuiltinOperator, each, None) for each in names if each}
        assert number in numbers, name
    named = {
        *TFLITE_RULES.slots,
        *TFLITE_RULES.through,
        *TFLITE_RULES.counted,
        *TFLITE_RULES.divisors,
        *TFLITE_RULES.compared,
    }
    assert named <= set(KINDS.values())


def test_a_file_says_what_its_inputs_decide(tmp_path: Path) -> None:
    for data, roles in ((tiling_bytes(), [None, "size"]), (tflite_bytes(inputs=2), [None, None])):
        path = tmp_path / "file.tflite"
        path.write_bytes(data)
        assert [one.role for one in describe(path).inputs] == roles

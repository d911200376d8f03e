"""What files say of their inputs and outputs, held against what runtimes and libraries read."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dse.core.configuration import ModelFormat
from dse.formats._tflite_interface import tflite_interface
from dse.formats.interface import Interface, TensorInfo
from dse.formats.onnx_interface import declares_opset, onnx_interface
from dse.formats.reading import parse_interface, read_interface
from tests import any_models
from tests.models.quantised_inputs import quantised_onnx
from tests.small_models import classifier_bytes, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from pathlib import Path

SMALL: dict[ModelFormat, bytes] = {
    "onnx": quantised_onnx(),
    "tflite": classifier_bytes(8, 10, "uint8"),
}


def test_a_file_without_an_opset_is_not_whole() -> None:
    whole = onnx_bytes()
    assert declares_opset(whole)
    assert not declares_opset(whole[:-6])
    assert onnx_interface(whole[:-6]) == onnx_interface(whole)


def test_an_onnx_file() -> None:
    assert onnx_interface(onnx_bytes(heads=2)) == Interface(
        (TensorInfo("input", "float32", (None, 3, 8, 8)),),
        (TensorInfo("aside", "float32", (None, 7)), TensorInfo("logits", "float32", (None, 10))),
    )


def test_types_are_numpys() -> None:
    found = onnx_interface(any_models.of_all_types().SerializeToString())
    names = ("float32", "float16", "int32", "int64", "uint8", "int8", "bool")
    assert tuple(one.dtype for one in found.inputs) == names
    assert found.inputs[0].words == "float32 ?x2"
    text = onnx_interface(any_models.reading().SerializeToString())
    assert text.inputs == (TensorInfo("text", "string", (None, 1)),)


def test_a_number_and_an_input_that_is_no_tensor() -> None:
    from onnx import TensorProto, helper

    found = onnx_interface(any_models.without_batches().SerializeToString())
    assert found.inputs[1] == TensorInfo("rate", "int64", ())
    assert found.inputs[1].words == "int64 a single number"
    values = [
        helper.make_tensor_sequence_value_info("several", TensorProto.FLOAT, None),
        helper.make_tensor_value_info("any", TensorProto.FLOAT, None),
    ]
    graph = helper.make_graph([], "none", values, [])
    found = onnx_interface(helper.make_model(graph).SerializeToString())
    assert [one.dtype for one in found.inputs] == ["no tensor", "float32"]
    assert [one.shape for one in found.inputs] == [None, None]
    assert found.inputs[1].words == "float32 of any shape"


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("raw", [True, False])
def test_an_onnx_input_is_quantised_by_the_operator_that_reads_it(dtype: str, raw: bool) -> None:
    (found,) = onnx_interface(quantised_onnx(dtype, (0.25, 3), raw=raw)).inputs
    assert found == TensorInfo("input", dtype, (None, 3, 8, 8), (0.25, 3))
    if dtype == "int8":
        (found,) = onnx_interface(quantised_onnx(dtype, (0.25, -3), raw=raw)).inputs
        assert found.quantisation == (0.25, -3)


def test_an_onnx_input_that_is_read_otherwise_tells_no_quantisation() -> None:
    (found,) = onnx_interface(quantised_onnx("uint8", None)).inputs
    assert found == TensorInfo("input", "uint8", (None, 3, 8, 8))


def test_a_tflite_file() -> None:
    assert tflite_interface(classifier_bytes(32, 7, "int8", (0.5, -7))) == Interface(
        (TensorInfo("input", "int8", (1, 32, 32, 3), (0.5, -7)),),
        (TensorInfo("scores", "float32", (1, 7)),),
    )
    assert [one.name for one in tflite_interface(tflite_bytes(inputs=2)).inputs] == [
        "input0",
        "input1",
    ]


def test_real_files_say_what_the_runtime_says(shared_data: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    for path in sorted((shared_data / "models").glob("*.tflite")):
        found = read_interface(path, "tflite")
        assert found is not None
        runtime = Interpreter(model_path=str(path))
        for ours, theirs in (
            (found.inputs, runtime.get_input_details()),
            (found.outputs, runtime.get_output_details()),
        ):
            for one, detail in zip(ours, theirs, strict=True):
                assert one.name == detail["name"]
                assert one.dtype == detail["dtype"].__name__
                assert one.shape == tuple(n if n > 0 else None for n in detail["shape_signature"])
                scale, zero = detail["quantization"]
                assert one.quantisation == ((scale, zero) if scale else None)


def test_real_onnx_files_say_what_onnx_says(shared_data: Path) -> None:
    import onnx

    for path in sorted((shared_data / "models").glob("*.onnx")):
        found = read_interface(path, "onnx")
        assert found is not None
        graph = onnx.load(path).graph
        for ours, theirs in ((found.inputs, graph.input), (found.outputs, graph.output)):
            for one, value in zip(ours, theirs, strict=True):
                tensor = value.type.tensor_type
                assert one.name == value.name
                assert one.shape == tuple(dim.dim_value or None for dim in tensor.shape.dim)
                dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
                assert one.dtype == dtype.name


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    path.write_bytes(classifier_bytes(32, 7))
    first = read_interface(path, "tflite")
    assert read_interface(path, "tflite") is first
    path.write_bytes(classifier_bytes(32, 11))
    second = read_interface(path, "tflite")
    assert second is not None
    assert second.outputs[0].shape == (1, 11)
    with pytest.raises(FileNotFoundError):
        read_interface(tmp_path / "none.onnx", "onnx")


@pytest.mark.parametrize("kind", ["onnx", "tflite"])
@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 40, b"<!DOCTYPE html>", b"\x08\x08"])
def test_what_is_no_model_tells_nothing(kind: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content)
    assert read_interface(path, "onnx" if kind == "onnx" else "tflite") is None


@given(
    st.sampled_from(get_args(ModelFormat)),
    st.integers(0, 10_000),
    st.binary(min_size=0, max_size=4),
)
@example("tflite", 0, b"\xff\xff\xff\xff")
@example("tflite", 8, b"\0\0\0\x80")
def test_damage_is_seen_or_harmless(kind: ModelFormat, place: int, change: bytes) -> None:
    """Whatever the bytes are, reading ends, and within them."""
    whole = SMALL[kind]
    position = place % len(whole)
    for data in (whole[:position], whole[:position] + change + whole[position + len(change) :]):
        found = parse_interface(data, kind)
        assert found is None or len(found.inputs) <= 2

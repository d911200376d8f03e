"""What model files say of themselves."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import pytest
from onnx import TensorProto, helper

from dse.core.errors import RequestError
from dse.formats.description import DeclaredInput
from dse.formats.reading import describe
from tests import any_models, small_models
from tests.any_models import KINDS, WORDS, value, weights, write, write_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto


def test_bert(tmp_path: Path) -> None:
    found = describe(write(tmp_path, any_models.bert))
    dims = ("batch", "sequence")
    assert found.inputs == (
        DeclaredInput("input_ids", "int64", dims, WORDS),
        DeclaredInput("attention_mask", "int64", dims),
        DeclaredInput("token_type_ids", "int64", dims, KINDS),
    )
    assert (found.format, found.precision, found.beside) == ("onnx", "fp32", ())


@pytest.mark.parametrize(
    ("make", "precision"),
    [
        (any_models.audio, "fp32"),
        (any_models.half, "fp16"),
        (any_models.quantised, "int8"),
        (any_models.without_batches, "fp32"),
    ],
)
def test_the_precision_is_that_of_most_weights(
    make: Callable[[], ModelProto], precision: str, tmp_path: Path
) -> None:
    assert describe(write(tmp_path, make)).precision == precision


def test_types_and_shapes(tmp_path: Path) -> None:
    found = describe(write(tmp_path, any_models.of_all_types))
    types = ["float32", "float16", "int32", "int64", "uint8", "int8", "bool"]
    assert [one.dtype for one in found.inputs] == types
    state, rate = describe(write(tmp_path, any_models.without_batches)).inputs
    assert (state.dims, rate.dims) == ((2, "batch", 4), ())
    assert describe(write(tmp_path, any_models.reading)).inputs[0].dtype == "string"


def test_a_size_of_0_stays_and_one_below_is_open(tmp_path: Path) -> None:
    shape = ("batch", 0, -1, "", "None", 3)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [value("x", shape)],
        [value("y", shape)],
    )
    dims = graph.input[0].type.tensor_type.shape.dim
    assert (dims[1].dim_value, dims[2].dim_value) == (0, -1)
    path = tmp_path / "empty.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    assert describe(path).inputs == (
        DeclaredInput("x", "float32", ("batch", 0, "", "", "None", 3)),
    )


def test_weights_in_files_beside_it_are_named_and_not_read(tmp_path: Path) -> None:
    path = write_apart(tmp_path, any_models.bert)
    (tmp_path / "bert.onnx_data").unlink()
    found = describe(path)
    assert found.beside == ("bert.onnx_data",)
    assert found.inputs[0].rows == WORDS


@pytest.mark.parametrize(
    "location", ["../data", "/etc/passwd", "a/../../data", "..\\data", "C:\\x"]
)
def test_a_file_elsewhere_is_refused(location: str, tmp_path: Path) -> None:
    path = write_apart(tmp_path, any_models.audio)
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[-1].external_data:
        if entry.key == "location":
            entry.value = location
    path.write_bytes(model.SerializeToString())
    with pytest.raises(RequestError, match="lies outside the model's folder"):
        describe(path)


def rows(tmp_path: Path, *nodes: NodeProto, **constants: NDArray[np.float32]) -> int | None:
    path = tmp_path / "table.onnx"
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(
        nodes, "g", [value("ids", ("batch", 4), "INT64")], [value("out", ("a",))], tensors
    )
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return describe(path).inputs[0].rows


def test_rows_are_found_behind_operators_that_keep_the_numbers(tmp_path: Path) -> None:
    cast = helper.make_node("Cast", ["ids"], ["narrow"], to=TensorProto.INT32)
    flat = helper.make_node("Flatten", ["narrow"], ["flat"])
    pick = helper.make_node("Gather", ["table", "flat"], ["out"])
    assert rows(tmp_path, cast, flat, pick, table=weights(9, 2)) == 9


def test_the_smallest_table_bounds(tmp_path: Path) -> None:
    first = helper.make_node("Gather", ["large", "ids"], ["one"])
    second = helper.make_node("Gather", ["small", "ids"], ["out"])
    assert rows(tmp_path, first, second, large=weights(9, 2), small=weights(5, 2)) == 5


def test_rows_are_counted_along_the_axis(tmp_path: Path) -> None:
    pick = helper.make_node("Gather", ["table", "ids"], ["out"], axis=-1)
    assert rows(tmp_path, pick, table=weights(9, 2)) == 2


def test_a_table_may_be_a_node_or_quantised(tmp_path: Path) -> None:
    table = onnx.numpy_helper.from_array(weights(6, 2))
    constant = helper.make_node("Constant", [], ["table"], value=table)
    pick = helper.make_node("Gather", ["table", "ids"], ["out"])
    assert rows(tmp_path, constant, pick) == 6
    linear = helper.make_node("DequantizeLinear", ["narrow", "step"], ["table"])
    assert rows(tmp_path, linear, pick, narrow=weights(7, 2), step=weights(1)) == 7


def test_any_value_whose_size_stands_in_the_file_bounds(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("GatherElements", ["data", "ids"], ["out"], axis=1)],
        "g",
        [value("data", (3, 6)), value("ids", (3, 2), "INT64")],
        [value("out", ("a",))],
    )
    path = tmp_path / "data.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    assert [one.rows for one in describe(path).inputs] == [None, 6]


def test_what_is_computed_is_no_table(tmp_path: Path) -> None:
    double = helper.make_node("Add", ["ids", "ids"], ["twice"])
    pick = helper.make_node("Gather", ["table", "twice"], ["out"])
    assert rows(tmp_path, double, pick, table=weights(9, 2)) is None
    other = helper.make_node("Gather", ["ids", "ids"], ["out"])
    assert rows(tmp_path, other) is None


def test_a_circle_ends(tmp_path: Path) -> None:
    one = helper.make_node("Cast", ["b"], ["a"], to=TensorProto.INT64)
    other = helper.make_node("Cast", ["a"], ["b"], to=TensorProto.INT64)
    pick = helper.make_node("Gather", ["table", "a"], ["out"])
    assert rows(tmp_path, one, other, pick, table=weights(9, 2)) is None


def test_tflite(tmp_path: Path) -> None:
    path = tmp_path / "two.tflite"
    path.write_bytes(small_models.tflite_bytes(inputs=2))
    found = describe(path)
    side = small_models.SIDE
    dims = (1, side, side, 3)
    assert found.inputs == (
        DeclaredInput("input0", "float32", dims),
        DeclaredInput("input1", "float32", dims),
    )
    assert (found.format, found.precision) == ("tflite", "fp32")


SIGNATURES = {"encode": 1, "decode": 2}
"""How many inputs each has."""


@pytest.fixture
def two_signatures(tmp_path: Path) -> Path:
    path = tmp_path / "two.tflite"
    files = {name: small_models.tflite_bytes(inputs=n) for name, n in SIGNATURES.items()}
    path.write_bytes(small_models.with_signatures(**files))
    return path


@pytest.mark.parametrize(
    ("wanted", "chosen", "subgraph", "inputs"),
    [(None, "encode", 0, 1), ("encode", "encode", 0, 1), ("decode", "decode", 1, 2)],
)
def test_a_tflite_file_with_several_signatures(
    wanted: str | None, chosen: str, subgraph: int, inputs: int, two_signatures: Path
) -> None:
    found = describe(two_signatures, wanted)
    assert (found.signatures, found.signature) == (("encode", "decode"), chosen)
    assert (found.subgraph, len(found.inputs)) == (subgraph, inputs)


def test_the_first_signature_counts_where_the_first_subgraph_has_none(
    two_signatures: Path,
) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(two_signatures.read_bytes(), 0)
    model.signatureDefs = model.signatureDefs[1:]
    builder = schema.flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    two_signatures.write_bytes(bytes(builder.Output()))
    found = describe(two_signatures)
    assert (found.signature, found.subgraph, len(found.inputs)) == ("decode", 1, 2)


def test_a_signature_that_is_not_there(two_signatures: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no signature 'decod'; did you mean 'decode'"):
        describe(two_signatures, "decod")
    with pytest.raises(RequestError, match="--signature: an ONNX file has no signatures"):
        describe(write(tmp_path, any_models.bert), "main")
    plain = tmp_path / "plain.tflite"
    plain.write_bytes(small_models.tflite_bytes())
    with pytest.raises(RequestError, match="no signature 'main'; leave it out"):
        describe(plain, "main")


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
@pytest.mark.parametrize("content", [b"", b"\0", b"no model\n" * 50, b"TFL3" * 50])
def test_what_is_no_model_is_refused(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(RequestError):
        describe(path)


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
def test_a_model_cut_short_is_refused_or_read(suffix: str, tmp_path: Path) -> None:
    """Whatever is cut away, it is one line and no traceback."""
    whole = {"onnx": small_models.onnx_bytes, "tflite": small_models.tflite_bytes}[suffix]()
    path = tmp_path / f"cut.{suffix}"
    for length in range(0, len(whole) - 1, max(1, len(whole) // 150)):
        path.write_bytes(whole[:length])
        with suppress(RequestError):
            describe(path)


def test_what_takes_nothing_is_refused(tmp_path: Path) -> None:
    path, node = tmp_path / "odd.onnx", helper.make_node("Relu", ["x"], ["y"])
    for inputs, words in (
        ([], "the model has no input"),
        ([onnx.ValueInfoProto(name="x")], "'x' is not a tensor but a value of no type"),
    ):
        graph = helper.make_graph([node], "odd", inputs, [value("y", (1,))])
        path.write_bytes(helper.make_model(graph).SerializeToString())
        with pytest.raises(RequestError, match=words):
            describe(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    for name, words in (("no.onnx", "no such file"), ("folder.onnx", "not a file")):
        (tmp_path / "folder.onnx").mkdir(exist_ok=True)
        with pytest.raises(RequestError, match=words):
            describe(tmp_path / name)
    with pytest.raises(RequestError, match="not known as a kind of model"):
        describe(Path("model.pt"))

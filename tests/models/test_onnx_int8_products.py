"""int8 of encoders of text: products by weights compute in 8 bits, all else as before."""

from __future__ import annotations

import collections
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dse.core.errors import ModelError
from dse.models.quantise import quantise
from dse.tasks.question_answering._architectures import Pruning
from dse.tasks.question_answering._calibration import RANDOM_TOKENS
from dse.tasks.question_answering._onnx_file import onnx_bytes
from tests.tasks.question_answering.encoders import ENCODERS, SMALL, feeds, session

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.tasks.question_answering._architectures import Encoder

OUTPUTS = ["start_logits", "end_logits"]


def int8_of(encoder: Encoder, folder: Path, source: bytes | None = None) -> bytes:
    path = folder / "fp32.onnx"
    path.write_bytes(source or onnx_bytes(encoder))
    samples = RANDOM_TOKENS.samples(encoder.form.to_form())
    return quantise(path, "onnx-products", samples)


def products(model: onnx.ModelProto) -> list[tuple[onnx.NodeProto, dict[str, onnx.NodeProto]]]:
    """The products by weights, with what makes each tensor."""
    makers = {name: node for node in model.graph.node for name in node.output}
    found = [node for node in model.graph.node if node.op_type == "MatMul"]
    return [(node, makers) for node in found if "kernel" in node.input[1]]


@pytest.mark.parametrize("name", ENCODERS)
def test_int8_says_what_fp32_says(name: str, tmp_path: Path) -> None:
    encoder = ENCODERS[name]
    inputs = feeds(encoder, 3)
    fp32, int8 = onnx_bytes(encoder), int8_of(encoder, tmp_path)
    answers = [np.stack(session(one).run(OUTPUTS, inputs)) for one in (fp32, int8)]
    errors, spread = answers[1] - answers[0], answers[0].std()
    assert 0 < np.sqrt((errors**2).mean()) < 0.1 * spread


@pytest.mark.parametrize("name", ENCODERS)
def test_products_by_weights_stand_between_8_bits(name: str, tmp_path: Path) -> None:
    encoder = ENCODERS[name]
    model = onnx.load_from_string(int8_of(encoder, tmp_path))
    onnx.checker.check_model(model, full_check=True)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 15)]
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    seen = 0
    for node, makers in products(model):
        if node.output[0].startswith("logits"):
            assert constants[node.input[1]].dtype == np.float32
            continue
        seen += 1
        source, weights = (makers[name] for name in node.input)
        assert source.op_type == weights.op_type == "DequantizeLinear"
        stored = makers[source.input[0]]
        assert stored.op_type == "QuantizeLinear"
        assert stored.input[1:] == source.input[1:]
        assert constants[source.input[2]].dtype == np.uint8
        kernel, scales, zeros = (constants[name] for name in weights.input)
        assert kernel.dtype == zeros.dtype == np.int8
        assert scales.shape == zeros.shape == kernel.shape[1:]
        assert not zeros.any()
        pairs = kernel.astype(int).reshape(-1, 2, kernel.shape[1]).sum(axis=1)
        assert np.abs(pairs).max() <= 128
    inside = encoder.layers * (13 if encoder.bottleneck else 6) + (encoder.bottleneck is not None)
    assert seen == inside
    kept = [name for name in constants if name in ("embedding/words", "embedding/places")]
    assert [constants[name].dtype for name in kept] == [np.float32, np.float32]
    counts = collections.Counter(node.op_type for node in model.graph.node)
    assert counts["DequantizeLinear"] == counts["QuantizeLinear"] + inside
    assert counts["QuantizeLinear"] < inside  # query, key and value have one in common


@pytest.mark.parametrize("name", ENCODERS)
def test_onnxruntime_computes_them_as_integers(name: str, tmp_path: Path) -> None:
    encoder = ENCODERS[name]
    session(int8_of(encoder, tmp_path), tmp_path / "optimised.onnx")
    counts = collections.Counter(
        node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node
    )
    inside = encoder.layers * (13 if encoder.bottleneck else 6) + (encoder.bottleneck is not None)
    integers = ("MatMulIntegerToFloat", "QLinearMatMul", "MatMulInteger")
    assert sum(counts[one] for one in integers) == inside
    assert not counts["DequantizeLinear"]


def test_zeros_stay_zero(tmp_path: Path) -> None:
    pruned = replace(SMALL, pruning=Pruning(90, 4))
    source = {
        one.name: numpy_helper.to_array(one)
        for one in onnx.load_from_string(onnx_bytes(pruned)).graph.initializer
    }
    model = onnx.load_from_string(int8_of(pruned, tmp_path))
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    kernels = [name for name in constants if name.endswith("/kernel/int8")]
    assert len(kernels) == 12
    for name in kernels:
        assert not constants[name][source[name.removesuffix("/int8")] == 0].any()


def test_an_older_file_is_brought_to_an_opset_with_scales_by_channel(tmp_path: Path) -> None:
    constants = [
        numpy_helper.from_array(
            np.random.default_rng(0).standard_normal((16, 8)).astype(np.float32), "weights"
        )
    ]
    nodes = [
        helper.make_node("Cast", ["ids"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["numbers", "weights"], ["found"]),
    ]
    graph = helper.make_graph(
        nodes,
        "old",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ("batch", 16))],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, ("batch", 8))],
        constants,
    )
    old = helper.make_model(graph, ir_version=6, opset_imports=[helper.make_opsetid("", 11)])
    path = tmp_path / "old.onnx"
    path.write_bytes(old.SerializeToString())
    ids = np.arange(16)[None]
    model = quantise(path, "onnx-products", [(ids,)])
    assert onnx.load_from_string(model).opset_import[0].version == 15
    (expected,), (found,) = (
        session(one).run(None, {"ids": ids}) for one in (path.read_bytes(), model)
    )
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())


def no_products() -> bytes:
    nodes = [helper.make_node("Cast", ["ids"], ["found"], to=TensorProto.FLOAT)]
    graph = helper.make_graph(
        nodes,
        "none",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ("batch", 4))],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, ("batch", 4))],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 15)])
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (no_products(), "m.onnx can't be quantised: it has no matrix product by constant weights"),
        (b"no model at all", "m.onnx can't be quantised: "),
    ],
)
def test_what_can_not_be_quantised_is_told(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    samples: list[tuple[NDArray[Any], ...]] = [(np.zeros((1, 4), np.int64),)]
    with pytest.raises(ModelError) as caught:
        quantise(path, "onnx-products", samples)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)

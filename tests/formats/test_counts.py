"""What is counted in files, held against what the architectures take by themselves."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dse.core.inference_cost import InferenceCost
from dse.core.signature import Input, Signature
from dse.formats.counts import counts_of_file, parse_counts
from dse.tasks.image_classification.models._architectures import (
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
)
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models._tflite_writer import tflite_bytes
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.graph import counts
from dse.tasks.question_answering._architectures import ENCODERS
from dse.tasks.question_answering._onnx_file import onnx_bytes as encoder_bytes
from tests import any_models, small_models
from tests.models.quantised_inputs import quantised_onnx

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import ModelProto

    from dse.core.configuration import ModelFormat
    from dse.core.inference_cost import ModelCounts
    from dse.tasks.image_classification.models.graph import Graph

STATED = 1e-4
"""Relative tolerance between formats: TFLite keeps the axes of a mean among its constants."""


@cache
def graph_of(family: str) -> Graph:
    """A small one, with all kinds of layers of its family."""
    if family == "gates":
        return mobilenet_v3("gates", "small", 1.0, 96)
    return (mobilenet_v1 if family == "plain" else mobilenet_v2)(family, 0.35, 64)


FAMILIES = ("plain", "sums", "gates")


@cache
def content(family: str, model_format: ModelFormat) -> bytes:
    write = onnx_bytes if model_format == "onnx" else tflite_bytes
    return write(graph_of(family))


def counted(data: bytes, model_format: ModelFormat = "onnx") -> ModelCounts:
    found = parse_counts(data, model_format)
    assert found is not None
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_in_onnx_takes_what_its_architecture_takes(family: str) -> None:
    assert counted(content(family, "onnx")) == counts(graph_of(family))


@pytest.mark.parametrize("family", FAMILIES)
def test_both_formats_say_the_same(family: str) -> None:
    one, other = (counted(content(family, each), each) for each in ("onnx", "tflite"))
    assert other.cost.macs_by_kind == one.cost.macs_by_kind
    assert (other.cost.values, other.cost.layers) == (one.cost.values, one.cost.layers)
    assert other.cost.parameters == pytest.approx(one.cost.parameters, rel=STATED)
    assert other.weight_bytes == pytest.approx(one.weight_bytes, rel=STATED)
    shared = ("points", "zeros", "filter_side", "sums", "gates")
    assert [getattr(one, name) for name in shared] == [getattr(other, name) for name in shared]


@given(st.sampled_from(FAMILIES), st.integers(0, 2**32 - 1))
def test_neither_names_nor_the_order_of_operators_count(family: str, seed: int) -> None:
    import onnx

    model = onnx.load_from_string(content(family, "onnx"))
    rng = random.Random(seed)  # noqa: S311
    _shuffle(model, rng)
    _rename(model, rng)
    assert counted(model.SerializeToString()) == counts(graph_of(family))


def _shuffle(model: ModelProto, rng: random.Random) -> None:
    """Another order in which each value is computed before it is used."""
    graph = model.graph
    constants = list(graph.initializer)
    rng.shuffle(constants)
    left, nodes = list(graph.node), []
    there = {one.name for one in (*graph.input, *graph.initializer)}
    while left:
        ready = [node for node in left if set(node.input) <= there]
        node = rng.choice(ready)
        left.remove(node)
        nodes.append(node)
        there.update(node.output)
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)


def _rename(model: ModelProto, rng: random.Random) -> None:
    graph = model.graph
    names = {name for node in graph.node for name in (*node.input, *node.output)}
    numbers = rng.sample(range(10**6), len(names))
    new = dict(zip(sorted(names), map(str, numbers), strict=True))
    for node in graph.node:
        node.name = str(rng.random())
        node.input[:] = [new[name] for name in node.input]
        node.output[:] = [new[name] for name in node.output]
    for one in (*graph.input, *graph.output, *graph.initializer):
        one.name = new.get(one.name, one.name)
    graph.name = "renamed"


def test_an_encoder() -> None:
    name = min(ENCODERS, key=lambda one: ENCODERS[one].layers * ENCODERS[one].width)
    encoder = ENCODERS[name]
    found = counted(encoder_bytes(encoder))
    length, width, inner = encoder.sequence_length, encoder.width, encoder.inner
    attention = 2 * encoder.layers * length**2 * width
    dense = length * (encoder.layers * (4 * width**2 + 2 * width * inner) + 2 * width)
    assert found.cost.macs_by_kind == (0, 0, 0, dense, attention)
    assert found.points == length
    assert found.sums


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_zeros_are_seen_by_a_part_of_the_weights(share: float) -> None:
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((small_models.FEATURES, small_models.CLASSES)).astype(np.float32)
    dense *= rng.random(dense.shape) >= share  # which leaves zeros of both signs
    found = counted(small_models.onnx_bytes(dense=dense))
    assert found.zeros == pytest.approx(share, abs=0.03)


def test_open_sizes_are_those_of_a_sample(tmp_path: Path) -> None:
    path = any_models.write(tmp_path, any_models.bert)
    lengths = (16, 32)
    found = []
    for length in lengths:
        names = ("input_ids", "attention_mask", "token_type_ids")
        inputs = tuple(Input(name, "int64", (1, length)) for name in names)
        found.append(counts_of_file(path, "onnx", Signature(inputs, batched=True)))
    assert [one.points for one in found if one] == [*lengths]
    short, long = (one.cost for one in found if one)
    once = 2 * short.dense_macs - long.dense_macs  # of the one token that is classified
    assert 0 < once < short.dense_macs / 10
    assert long.parameters == short.parameters


def test_padding_as_pytorch_exports_it() -> None:
    """The amounts are computed from constants, in an order of their own."""
    from onnx import TensorProto, helper, numpy_helper

    arrays = {
        "own": np.array([1, 2, 3, 4]),  # the last axis goes first
        "none": np.array([4]),
        "pairs": np.array([-1, 2]),
        "last": np.array([-1]),
        "before": np.array([-(2**63) + 1]),
        "first": np.array([0]),
        "flat": np.array([-1]),
        "filters": np.ones((5, 3, 3, 3), np.float32),
    }
    node = helper.make_node
    nodes = [
        node("ConstantOfShape", ["none"], ["zeros"]),
        node("Concat", ["own", "zeros"], ["amounts"], axis=0),
        node("Reshape", ["amounts", "pairs"], ["rows"]),
        node("Slice", ["rows", "last", "before", "first", "last"], ["backwards"]),
        node("Transpose", ["backwards"], ["sides"], perm=[1, 0]),
        node("Reshape", ["sides", "flat"], ["listed"]),
        node("Cast", ["listed"], ["pads"], to=TensorProto.INT64),
        node("Pad", ["image", "pads"], ["padded"]),
        node("Conv", ["padded", "filters"], ["output"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 10, 20])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, None)
    constants = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "padding", [image], [output], constants)
    found = counted(helper.make_model(graph).SerializeToString())
    assert found.cost.spatial_macs == 5 * 27 * (10 + 3 + 4 - 2) * (20 + 1 + 2 - 2)


@pytest.mark.parametrize(
    ("operator", "shapes", "attributes", "kind", "macs"),
    [
        ("Gemm", ((1, 6), (5, 6)), {"transB": 1}, "dense", 30),
        ("MatMul", ((2, 7, 6), (6, 5)), {}, "dense", 420),
        ("Conv", ((1, 6, 4, 4), (9, 6, 1, 1)), {}, "pointwise", 864),
        ("Conv", ((1, 6, 4, 4), (9, 6, 1, 1)), {"strides": [2, 2]}, "pointwise", 216),
        ("Conv", ((1, 6, 4, 4), (6, 1, 3, 3)), {"group": 6, "pads": [1] * 4}, "depthwise", 864),
        ("Conv", ((1, 6, 4, 4), (6, 3, 1, 1)), {"group": 2}, "spatial", 288),
        ("Conv", ((1, 6, 8), (4, 6, 3)), {"dilations": [2]}, "spatial", 288),
        ("ConvTranspose", ((1, 6, 4, 4), (6, 5, 2, 2)), {"strides": [2, 2]}, "spatial", 1920),
    ],
)  # fmt: skip
def test_a_layer_by_hand(
    operator: str,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    attributes: dict[str, Any],
    kind: str,
    macs: int,
) -> None:
    from onnx import TensorProto, helper, numpy_helper

    source, weights = shapes
    node = helper.make_node(operator, ["x", "w"], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, source)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones(weights, np.float32), "w")],
    )
    found = counted(helper.make_model(graph).SerializeToString()).cost
    assert getattr(found, f"{kind}_macs") == found.macs == macs


def test_what_nothing_can_be_counted_in(tmp_path: Path) -> None:
    assert parse_counts(b"", "onnx") is None
    assert parse_counts(b"", "tflite") is None
    assert parse_counts(small_models.tiling_bytes(), "onnx") is None
    path = tmp_path / "gone.onnx"
    with pytest.raises(OSError, match="gone"):
        counts_of_file(path, "onnx")


def test_a_shape_out_of_bounds() -> None:
    from onnx import TensorProto, helper

    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    sizes = [1 << 40, 1 << 40]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, sizes) for n in ("x", "w")]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "large", values, [output])
    assert parse_counts(helper.make_model(graph).SerializeToString(), "onnx") is None


DAMAGED: dict[ModelFormat, list[bytes]] = {
    "onnx": [quantised_onnx(), small_models.onnx_bytes(), any_models.bert().SerializeToString()],
    "tflite": [small_models.tflite_bytes(), small_models.classifier_bytes(8, 10, "uint8")],
}


@given(
    st.sampled_from([(kind, data) for kind, found in DAMAGED.items() for data in found]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
)
@example(("onnx", DAMAGED["onnx"][0]), [], 1.0)
def test_damaged_files_tell_nothing_and_do_no_harm(
    file: tuple[ModelFormat, bytes], changes: list[tuple[float, int]], kept: float
) -> None:
    model_format, data = file
    damaged = bytearray(data[: round(kept * len(data))])
    for place, byte in changes:
        if damaged:
            damaged[int(place * (len(damaged) - 1))] = byte
    found = parse_counts(bytes(damaged), model_format)
    assert found is None or found.cost.macs > 0


def test_integers_take_what_floats_take() -> None:
    assert counted(quantised_onnx()).cost.macs > 0
    found = counted(small_models.classifier_bytes(8, 10, "uint8"), "tflite")
    assert isinstance(found.cost, InferenceCost)


class TestShared:
    """Trained files of several exporters are of the architectures that their names tell."""

    @pytest.mark.parametrize(
        ("file", "name"),
        [
            ("efficientnet-lite0_fp32.onnx", "efficientnet-lite0"),
            ("efficientnet-lite0_fp32.tflite", "efficientnet-lite0"),
            ("mobilenet_v1_0.25_128_fp32.onnx", "mobilenet-v1-0.25-128"),
            ("mobilenet_v1_0.5_160_quant.tflite", "mobilenet-v1-0.5-160"),
            ("mobilenet_v2_1.0_224_fp32.onnx", "mobilenet-v2-1.0-224"),
            ("mobilenet_v2_1.0_224_quant.tflite", "mobilenet-v2-1.0-224"),
        ],
    )
    def test_trained_files(self, shared_data: Path, file: str, name: str) -> None:
        path = shared_data / "models" / file
        model_format: ModelFormat = "onnx" if path.suffix == ".onnx" else "tflite"
        found = counts_of_file(path, model_format)
        expected = counts(CATALOGUE[name].graph())
        assert found is not None
        pointwise, *rest, dense, _ = found.cost.macs_by_kind
        assert pointwise + dense == expected.cost.pointwise_macs + expected.cost.dense_macs
        assert tuple(rest) == expected.cost.macs_by_kind[1:3]
        assert found.cost.parameters == pytest.approx(expected.cost.parameters, rel=STATED)
        assert (found.points, found.filter_side) == (expected.points, expected.filter_side)

"""The architectures against the figures of their papers, and against published weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.tasks.image_classification.models._architectures import (
    efficientnet_lite,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    resnet50_v1_5,
)
from dse.tasks.image_classification.models.catalogue import CATALOGUE, V3_FLAVOURS
from dse.tasks.image_classification.models.graph import Add, Conv, Dense, MaxPool, Scale, cost

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.image_classification.models._architectures import Flavour
    from dse.tasks.image_classification.models.catalogue import Variant
    from dse.tasks.image_classification.models.graph import Graph


# tensorflow/models, research/slim/nets/mobilenet_v1.md: width, millions of parameters, millions of
# MACs at 128, 160, 192 and 224 pixels.
V1_TABLE = (
    (0.25, 0.47, (14, 21, 34, 41)),
    (0.5, 1.34, (49, 77, 110, 150)),
    (0.75, 2.59, (104, 162, 233, 317)),
    (1.0, 4.24, (186, 291, 418, 569)),
)
# tensorflow/models, research/slim/nets/mobilenet/README.md, the same columns.
V2_TABLE = (
    (0.35, 1.66, (20, 30, 43, 59)),
    (0.5, 1.95, (32, 50, 71, 97)),
    (0.75, 2.61, (69, 107, 153, 209)),
    (1.0, 3.47, (99, 154, 221, 300)),
)
# tensorflow/tpu, models/official/efficientnet/lite/README.md: millions of parameters and "MAdds".
LITE_TABLE = ((4.7, 407), (5.4, 631), (6.1, 899), (8.2, 1440), (13.0, 2640))
RESOLUTIONS = (128, 160, 192, 224)


def convolutions(graph: Graph) -> list[Conv]:
    return [layer for layer in graph.layers if isinstance(layer, Conv)]


def channels(graph: Graph) -> int:
    """Number of folded batch normalisations, each of which brought one parameter more."""
    return sum(layer.output.channels for layer in convolutions(graph))


def test_v1_full_size_is_the_paper_s() -> None:
    # arXiv:1704.04861, table 6: 569, 325, 149 and 41 M MACs; 4.2, 2.6, 1.3 and 0.5 M parameters.
    for width, macs, parameters in ((1.0, 569, 4.2), (0.75, 325, 2.6), (0.5, 149, 1.3)):
        found = cost(CATALOGUE[f"mobilenet-v1-{width}-224"].graph())
        assert found.macs / 1e6 == pytest.approx(macs, rel=0.005)
        assert found.parameters / 1e6 == pytest.approx(parameters, abs=0.05)


@pytest.mark.parametrize(("width", "parameters", "row"), V1_TABLE)
def test_v1_is_tf_slim_s(width: float, parameters: float, row: tuple[int, ...]) -> None:
    for resolution, macs in zip(RESOLUTIONS, row, strict=True):
        graph = CATALOGUE[f"mobilenet-v1-{width}-{resolution}"].graph()
        found = cost(graph)
        # The table's 34 is a slip: MACs go with the number of pixels, and the row's 41 gives 30.
        expected = 41 * (192 / 224) ** 2 if (width, resolution) == (0.25, 192) else macs
        # The table's row of width 0.75 is 2.6 % below the paper's 325 M, which is met exactly.
        tolerance = 0.03 if width == 0.75 else 0.01
        assert found.macs / 1e6 == pytest.approx(expected, rel=tolerance, abs=0.5)
        # The table counts batch normalisation's scale and offset; here both are one bias.
        assert (found.parameters + channels(graph)) / 1e6 == pytest.approx(parameters, abs=0.011)


@pytest.mark.parametrize(("width", "parameters", "row"), V2_TABLE)
def test_v2_is_tf_slim_s(width: float, parameters: float, row: tuple[int, ...]) -> None:
    for resolution, macs in zip(RESOLUTIONS, row, strict=True):
        graph = CATALOGUE[f"mobilenet-v2-{width}-{resolution}"].graph()
        found = cost(graph)
        assert found.macs / 1e6 == pytest.approx(macs, rel=0.01, abs=1)
        # This table counts no batch normalisation at all, so the folded bias is taken off.
        assert (found.parameters - channels(graph)) / 1e6 == pytest.approx(parameters, abs=0.006)


@pytest.mark.parametrize(
    ("flavour", "width", "macs", "parameters"),
    [
        # TF-slim's README. The paper's table 3 says 219 and 5.4.
        ("large", 1.0, 217, 5.4),
        ("large", 0.75, 155, 4.0),
        # arXiv:1905.02244, table 3 of its last version. TF-slim's README has 66 M and 2.9 M (2.4 M
        # at width 0.75), as the first version had; its own definition does not give these.
        ("small", 1.0, 56, 2.5),
        ("small", 0.75, 44, 2.0),
        # TF-slim's README.
        ("large-minimalistic", 1.0, 209, 3.9),
    ],
)
def test_v3_is_the_paper_s(flavour: Flavour, width: float, macs: float, parameters: float) -> None:
    found = cost(mobilenet_v3("x", flavour, width, 224))
    assert found.macs / 1e6 == pytest.approx(macs, rel=0.015)
    assert found.parameters / 1e6 == pytest.approx(parameters, rel=0.02)


@pytest.mark.parametrize("size", ["large", "small"])
def test_v3_minimalistic_drops_gates_and_shrinks_filters_and_nothing_else(
    size: str,
) -> None:
    # TF-slim's README has 65 M MACs for small-minimalistic, which its own definition does not
    # give (52 M), while its 2.0 M parameters do follow. So the MACs are checked by this identity.
    full = CATALOGUE[f"mobilenet-v3-{size}"].graph()
    plain = cost(CATALOGUE[f"mobilenet-v3-{size}-minimalistic"].graph())
    gates = sum(
        layer.source.channels * layer.output.channels
        for layer in convolutions(full)
        if "/squeeze/" in layer.name
    )
    larger = sum(
        layer.output.channels * layer.output.size**2 * (25 - 9)
        for layer in convolutions(full)
        if layer.kernel == 5
    )
    assert plain.macs == cost(full).macs - gates - larger
    if size == "small":
        assert plain.parameters / 1e6 == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize("number", range(5))
def test_efficientnet_lite_is_tpu_s(number: int) -> None:
    parameters, madds = LITE_TABLE[number]
    graph = CATALOGUE[f"efficientnet-lite{number}"].graph()
    found = cost(graph)
    assert (found.parameters + channels(graph)) / 1e6 == pytest.approx(parameters, abs=0.05)
    # The published figure is half of all floating point operations that TensorFlow's profiler
    # counts. It is met with six of them for each output of a convolution (unfused batch
    # normalisation) and one for each of a residual sum, which are no MACs.
    sizes = {
        kind: sum(la.output.channels * la.output.size**2 for la in graph.layers if type(la) is kind)
        for kind in (Conv, Add)
    }
    assert (found.macs + 3 * sizes[Conv] + sizes[Add] / 2) / 1e6 == pytest.approx(madds, rel=0.005)
    assert found.macs / 1e6 == pytest.approx(madds, rel=0.06)


def test_resnet50_is_torchvision_s() -> None:
    # torchvision, models/resnet.py, ResNet50_Weights: 25,557,032 parameters, 4.089 G operations
    # at 224 pixels, which are multiply-accumulates. arXiv:1512.03385, table 1, has 3.8 G: version 1
    # strides in the 1 x 1 convolution before, which then has a quarter of the pixels.
    graph = resnet50_v1_5("x", 1.0, 224, 1000)
    found = cost(graph)
    # A batch normalisation has scale and offset; here both are one bias.
    assert found.parameters + channels(graph) == 25_557_032
    assert found.macs / 1e9 == pytest.approx(4.089, abs=0.0005)
    by_name = {layer.name: layer for layer in convolutions(graph)}
    strided = {
        (one.name.rpartition("/")[2], one.kernel) for one in by_name.values() if one.stride > 1
    }
    assert strided == {("stem", 7), ("spatial", 3), ("shortcut", 1)}
    moved = sum(
        layer.weight_shape[0] * layer.weight_shape[1] * layer.output.size**2 * 3 // 4
        for layer in (by_name[f"block{number}/reduce"] for number in (4, 8, 14))
    )
    assert (found.macs - moved) / 1e9 == pytest.approx(3.8, abs=0.06)


def test_resnet50_has_the_layers_of_the_paper() -> None:
    graph = CATALOGUE["resnet50-v1.5"].graph()
    weighted = [one for one in graph.layers if isinstance(one, Conv | Dense)]
    assert len([one for one in weighted if "shortcut" not in one.name]) == 50
    assert [one.output.size for one in graph.layers if isinstance(one, MaxPool)] == [56]
    sums = [one for one in graph.layers if isinstance(one, Add)]
    assert [(one.output.channels, one.output.size, one.activation) for one in sums] == [
        *[(256, 56, "relu")] * 3,
        *[(512, 28, "relu")] * 4,
        *[(1024, 14, "relu")] * 6,
        *[(2048, 7, "relu")] * 3,
    ]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("efficientnet-lite0", "efficientnet-lite0_fp32.onnx"),
        ("efficientnet-lite1", "efficientnet-lite1_fp32.onnx"),
        ("mobilenet-v1-0.25-128", "mobilenet_v1_0.25_128_fp32.onnx"),
        ("mobilenet-v1-0.5-160", "mobilenet_v1_0.5_160_fp32.onnx"),
        ("mobilenet-v2-1.0-224", "mobilenet_v2_1.0_224_fp32.onnx"),
    ],
)
def test_filters_and_strides_are_those_of_the_published_weights(
    name: str, file: str, shared_data: Path
) -> None:
    import onnx

    published = onnx.load(shared_data / "models" / file).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in published.initializer}
    theirs = []
    for node in published.node:
        if node.op_type == "Conv":
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            stride = attributes["strides"][0]
            theirs.append((shapes[node.input[1]], stride))
    ours = [(layer.weight_shape, layer.stride) for layer in convolutions(CATALOGUE[name].graph())]
    # MobileNets have their classifier as a convolution.
    assert theirs[: len(ours)] == ours
    classifier = CATALOGUE[name].graph().layers[-1]
    assert isinstance(classifier, Dense)
    assert theirs[len(ours) :] in ([], [(classifier.weight_shape, 1)])


def check(graph: Graph, classes: int) -> None:
    """The shapes fit: each input exists and is used, each layer is a legal one."""
    known = {graph.input.name: graph.input}
    used = set()
    for layer in graph.layers:
        inputs = [layer.source]
        inputs += [layer.other] if isinstance(layer, Add) else []
        inputs += [layer.gate] if isinstance(layer, Scale) else []
        for tensor in inputs:
            assert known[tensor.name] == tensor
            used.add(tensor.name)
        assert layer.output.name not in known
        known[layer.output.name] = layer.output
        if isinstance(layer, Conv):
            before, after = layer.padding
            assert 0 <= after - before <= 1
            size = (layer.source.size + before + after - layer.kernel) // layer.stride + 1
            assert size == layer.output.size == -(-layer.source.size // layer.stride)
        if isinstance(layer, MaxPool):
            assert layer.output.size == -(-layer.source.size // layer.stride)
    assert set(known) - used == {graph.output.name}
    assert isinstance(graph.layers[-1], Dense)
    assert (graph.output.channels, graph.output.size) == (classes, 1)
    names = [layer.name for layer in graph.layers]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=str)
def test_shapes_fit_in_the_catalogue(known: Variant) -> None:
    check(known.graph(), known.classes)


widths = st.floats(0.05, 2.0)
resolutions = st.integers(1, 600)


@settings(deadline=None)  # five networks each time
@given(widths, resolutions, st.floats(0.2, 3.0), st.sampled_from(V3_FLAVOURS))
def test_shapes_fit_at_any_width_and_resolution(
    width: float, resolution: int, depth: float, flavour: Flavour
) -> None:
    check(mobilenet_v1("x", width, resolution), 1001)
    check(mobilenet_v2("x", width, resolution), 1001)
    check(mobilenet_v3("x", flavour, width, resolution), 1001)
    check(efficientnet_lite("x", width, depth, resolution), 1000)
    check(resnet50_v1_5("x", width, resolution), 1001)


def test_total_stride_is_32() -> None:
    for known in CATALOGUE.values():
        ends = {"head", "layer13/depthwise", "layer13/pointwise", "block16/spatial"}
        last = convolutions(known.graph())
        assert max(c.output.size for c in last if c.name in ends) == -(-known.resolution // 32)

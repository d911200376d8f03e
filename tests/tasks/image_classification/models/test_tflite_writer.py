from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.formats.file_kind import why_mismatched
from dse.tasks.image_classification.models import builtin
from dse.tasks.image_classification.models._architectures import mobilenet_v1
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models._tflite_writer import tflite_bytes
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.graph import GraphBuilder
from tests.image_models import classes_of, preprocessing_of
from tests.resnets import narrow

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.tasks.image_classification.models.graph import Activation, Graph

SMALLEST = "mobilenet-v1-0.25-128"
# Every family, every flavour, even and odd sizes under stride 2.
SELECTION = (
    SMALLEST,
    "mobilenet-v1-0.75-192",
    "mobilenet-v2-0.35-160",
    "mobilenet-v2-1.0-224",
    "mobilenet-v3-large",
    "mobilenet-v3-small",
    "mobilenet-v3-large-minimalistic",
    "mobilenet-v3-small-minimalistic",
    "efficientnet-lite0",
    "efficientnet-lite1",
    "efficientnet-lite2",
)
QUICK = (
    SMALLEST,
    "mobilenet-v2-0.35-160",
    "mobilenet-v3-small",
    "mobilenet-v3-small-minimalistic",
    "efficientnet-lite0",
)
"""The smallest of each architecture."""
BUILD = (
    "from dse.tasks.image_classification.models.builtin import BuiltinProvider;"
    f"print(BuiltinProvider().artefact('{SMALLEST}', 'fp32', ('tflite',)).path)"
)


class Loaded:
    """A TFLite model in LiteRT, resized for every batch it is given."""

    def __init__(self, model: bytes, *, xnnpack: bool = True) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self.interpreter = Interpreter(
            model_content=model,
            num_threads=2,
            experimental_op_resolver_type=OpResolverType.AUTO if xnnpack else resolver,
        )
        (self.input,) = self.interpreter.get_input_details()
        (self.output,) = self.interpreter.get_output_details()

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self.interpreter.resize_tensor_input(self.input["index"], images.shape, strict=True)
        self.interpreter.allocate_tensors()
        self.interpreter.set_tensor(self.input["index"], images)
        self.interpreter.invoke()
        scores: NDArray[np.float32] = self.interpreter.get_tensor(self.output["index"])
        return scores


def reference(graph: Graph, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """What onnxruntime makes of the ONNX file of the same graph."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        onnx_bytes(graph), options, providers=["CPUExecutionProvider"]
    )
    pixels = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    (scores,) = session.run(None, {"input": pixels})
    return np.asarray(scores)


def pixels(batch: int, size: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-1, 1, (batch, size, size, 3)).astype(np.float32)


def root(model: bytes) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))


def tiny(size: int, kernel: int, stride: int, activation: Activation = "none") -> Graph:
    builder = GraphBuilder("tiny", size)
    net = builder.conv("a", builder.input, 8, kernel=kernel, stride=stride, activation=activation)
    net = builder.depthwise("b", net, kernel=kernel, stride=stride, activation=activation)
    return builder.classify(builder.global_pool("c", net), 5)


def residual(size: int, stride: int) -> Graph:
    """What ResNet50 has beside the mobile networks: other padding, pools, sums with ReLU."""
    builder = GraphBuilder("residual", size)
    net = builder.conv("a", builder.input, 8, kernel=7, stride=stride, symmetric=True)
    net = builder.max_pool("b", net, kernel=3, stride=stride)
    inner = builder.conv("c", net, 8, kernel=3, stride=stride, symmetric=True, activation="relu")
    shortcut = builder.conv("d", net, 8, stride=stride)
    net = builder.add("e", inner, shortcut, activation="relu")
    return builder.classify(builder.global_pool("f", net), 5)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.long) for name in SELECTION],
)
@pytest.mark.usefixtures("shared_cache")
def test_litert_and_onnxruntime_agree(name: str) -> None:
    known = CATALOGUE[name]
    loaded = Loaded(BuiltinProvider().artefact(name, "fp32", ("tflite",)).path.read_bytes())
    images = pixels(2, known.resolution)
    scores, expected = loaded(images), reference(known.graph(), images)
    assert scores.shape == (2, known.classes)
    assert expected.std() > 0.01
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [9, 10, 11, 12])
def test_padding_is_that_of_the_onnx_file(size: int, stride: int, kernel: int) -> None:
    graph, images = tiny(size, kernel, stride), pixels(2, size)
    for xnnpack in (True, False):
        scores = Loaded(tflite_bytes(graph), xnnpack=xnnpack)(images)
        np.testing.assert_allclose(scores, reference(graph, images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [16, 17, 30, 31])
def test_residual_networks_are_those_of_the_onnx_file(size: int, stride: int) -> None:
    # Below zero, where padding with zeros would be the greatest value.
    graph, images = residual(size, stride), pixels(2, size) - 2
    for xnnpack in (True, False):
        scores = Loaded(tflite_bytes(graph), xnnpack=xnnpack)(images)
        np.testing.assert_allclose(scores, reference(graph, images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["none", "relu", "relu6", "hswish", "hsigmoid"])
def test_activations_are_those_of_the_onnx_file(activation: Activation) -> None:
    # Far from the origin, where the clipped parts of every activation are reached.
    graph, images = tiny(9, 3, 1, activation), 40 * pixels(2, 9)
    scores = Loaded(tflite_bytes(graph))(images)
    np.testing.assert_allclose(scores, reference(graph, images), rtol=1e-4, atol=1e-4)


SMALL = [CATALOGUE[SMALLEST], CATALOGUE["mobilenet-v2-0.35-128"], CATALOGUE["mobilenet-v3-small"]]


@pytest.mark.parametrize(
    "graph", [*(one.graph() for one in SMALL), narrow(64)], ids=lambda graph: graph.name
)
def test_the_batch_may_be_resized_and_xnnpack_runs_all_of_it(graph: Graph) -> None:
    loaded = Loaded(tflite_bytes(graph))
    images = pixels(8, graph.input.size)
    expected = loaded(images)
    for batch in (1, 4, 8, 1):
        np.testing.assert_allclose(loaded(images[:batch]), expected[:batch], rtol=1e-3, atol=1e-4)
        operators = loaded.interpreter._get_ops_details()
        # One partition that ends in the scores: no operator is left to the built-in kernels.
        (delegate,) = (one for one in operators if one["op_name"] == "DELEGATE")
        assert list(delegate["outputs"]) == [loaded.output["index"]]


def test_the_interface_is_the_documented_one() -> None:
    loaded = Loaded(tflite_bytes(CATALOGUE[SMALLEST].graph()))
    assert loaded.input["name"] == "input"
    assert loaded.input["dtype"] == loaded.output["dtype"] == np.float32
    assert loaded.input["shape_signature"].tolist() == [-1, 128, 128, 3]
    assert loaded.output["name"] == "logits"
    assert loaded.output["shape_signature"].tolist() == [-1, 1001]
    assert loaded.interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["input"], "outputs": ["logits"]}
    }


def test_the_file_is_plain_tflite(tmp_path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    data = tflite_bytes(CATALOGUE["mobilenet-v3-small"].graph())
    (tmp_path / "x.tflite").write_bytes(data)
    assert why_mismatched(tmp_path / "x.tflite", "tflite") is None
    model = root(data)
    assert {names[one.builtinCode] for one in model.operatorCodes} == {
        *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"),
        *("ADD", "MUL", "MEAN", "HARD_SWISH"),
    }
    for code in model.operatorCodes:
        assert (code.deprecatedBuiltinCode, code.version) == (code.builtinCode, 1)
    (graph,) = model.subgraphs
    tensors = [one.name for one in graph.tensors]
    assert len(tensors) == len(set(tensors))
    used = {index for one in graph.operators for index in (*one.inputs, *one.outputs)}
    assert used == set(range(len(tensors)))


def test_constants_are_aligned() -> None:
    from ai_edge_litert import schema_py_generated as schema

    data = tflite_bytes(CATALOGUE[SMALLEST].graph())
    model = schema.Model.GetRootAs(data, 0)
    start = np.frombuffer(data, np.uint8).ctypes.data
    constants = [model.Buffers(i) for i in range(1, model.BuffersLength())]
    assert len(constants) == 57
    assert not any((one.DataAsNumpy().ctypes.data - start) % 16 for one in constants)


def test_the_provider_offers_it(shared_cache: Path) -> None:
    found, known = (
        BuiltinProvider().artefact(SMALLEST, "fp32", ("tflite", "onnx")),
        CATALOGUE[SMALLEST],
    )
    assert found.path.is_relative_to(shared_cache / "models" / "builtin")
    assert found.path.suffix == ".tflite"
    assert found.format == "tflite"
    assert preprocessing_of(found) == known.preprocessing
    assert preprocessing_of(found).layout == "NHWC"
    assert found.weights == "untrained (builtin)"
    assert found.published == known.published["fp32"]
    assert classes_of(found) == 1001


@pytest.mark.usefixtures("shared_cache")
def test_the_bytes_belong_to_the_builder_s_version() -> None:
    # When this fails, the builder writes other bytes than before: raise BUILDER_VERSION with it.
    assert builtin.BUILDER_VERSION == 1
    assert BuiltinProvider().artefact(SMALLEST, "fp32", ("tflite",)).sha256 == (
        "53796af1d3e3ede3193b4d685df03398813e39f475969735deb09ca910b70f0a"
    )


def test_the_bytes_are_always_the_same(own_cache: Path, tmp_path: Path) -> None:
    path, _ = builtin.build_fp32(CATALOGUE[SMALLEST].graph(), "tflite")
    environment = {**os.environ, "DSE_CACHE_DIR": str(tmp_path / "other")}
    done = subprocess.run(
        [sys.executable, "-c", BUILD], env=environment, capture_output=True, text=True, check=True
    )
    theirs = tmp_path / "other" / path.relative_to(own_cache)
    assert done.stdout.strip() == str(theirs)
    assert theirs.read_bytes() == path.read_bytes()


@pytest.mark.usefixtures("own_cache")
def test_any_width_and_resolution_is_built() -> None:
    graph, images = mobilenet_v1("narrow", 0.1, 33, 7), pixels(2, 33)
    path, _ = builtin.build_fp32(graph, "tflite")
    scores = Loaded(path.read_bytes())(images)
    np.testing.assert_allclose(scores, reference(graph, images), rtol=1e-3, atol=1e-4)

"""int8 by method: what each knob makes of a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from onnx import TensorProto, helper, numpy_helper

from dse.core.errors import ModelError, RequestError
from dse.core.quantisation import KNOBS, Method, Way, obstacle
from dse.formats.precision import read_precision
from dse.models.provider import NO_METHOD, Quantising, provider_of
from dse.models.quantise import NNCF, quantise, rank
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models._tflite_writer import tflite_bytes
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.models.calibration import RANDOM_PIXELS
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.question_answering._calibration import RANDOM_TOKENS
from dse.tasks.question_answering._onnx_file import onnx_bytes as encoder_bytes
from tests import small_models
from tests.models.test_quantised import (
    BOTH,
    GIVEN_INT8,
    SMALL,
    SMALL_TFLITE,
    both,
    files,
    folder,
)
from tests.tasks.question_answering.encoders import SMALL as ENCODER
from tests.tasks.question_answering.encoders import feeds as questions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.configuration import KnobValue, ModelFormat

__all__ = ["folder"]  # a fixture

NAME = "mobilenet-v1-0.25-128"
needs_nncf = pytest.mark.skipif(not NNCF.met, reason="nncf is not installed")
CASES = [
    pytest.param(
        way,
        {knob.name: value},
        id=f"{way}-{knob.name}-{value}",
        marks=[needs_nncf] if value == "nncf" else [],
    )
    for way in get_args(Way)
    for knob in KNOBS
    for value in (knob.values if knob.name != "fp32_layers" else (2,))
    if value != knob.default
    and not obstacle(Method.from_knobs({knob.name: value}, way), way)
    and Method.from_knobs({knob.name: value}, way).changes(way)
]
LARGEST_ERROR = 0.2
"""Root mean square of the errors, in standard deviations of the answers: weights are random."""


def source(way: Way, place: Path) -> Path:
    """A float32 file of a kind that is quantised that way."""
    path = place / f"fp32.{'tflite' if way == 'tflite' else 'onnx'}"
    if way == "onnx-products":
        path.write_bytes(encoder_bytes(ENCODER))
    else:
        write = tflite_bytes if way == "tflite" else onnx_bytes
        path.write_bytes(write(CATALOGUE[NAME].graph()))
    return path


def samples(way: Way) -> list[Any]:
    if way == "onnx-products":
        return list(RANDOM_TOKENS.samples(ENCODER.form.to_form()))
    layout = "NHWC" if way == "tflite" else "NCHW"
    form = BuiltinProvider().form(NAME, "fp32", ("tflite" if layout == "NHWC" else "onnx",))
    return list(RANDOM_PIXELS.samples(form))[:4]


def answers(path: Path, way: Way) -> NDArray[Any]:
    if way == "tflite":
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path))
        interpreter.allocate_tensors()
        (entry,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
        found = []
        for sample in samples(way):
            interpreter.set_tensor(entry["index"], sample)
            interpreter.invoke()
            found.append(interpreter.get_tensor(end["index"]).copy())
        return np.stack(found)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    if way == "onnx-products":
        return np.stack(session.run(None, questions(ENCODER, 3)))
    (name,) = (one.name for one in session.get_inputs())
    return np.stack([session.run(None, {name: one})[0] for one in samples(way)])


def openvino_answers(path: Path, way: Way) -> NDArray[Any]:
    model = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    if way == "onnx-products":
        return np.stack(list(model(questions(ENCODER, 3)).values()))
    return np.stack([model(one)[0] for one in samples(way)])


def made(way: Way, knobs: Mapping[str, KnobValue], place: Path) -> Path:
    method = Method.from_knobs(knobs, way)
    path = place / f"int8.{'tflite' if way == 'tflite' else 'onnx'}"
    path.write_bytes(int8(source(way, place), way, samples(way), method))
    return path


def int8(path: Path, way: Way, inputs: list[Any], method: Method) -> bytes:
    """A file with as many layers in float32 as the method has."""
    kept = json.loads(rank(path, way, inputs, method)) if method.fp32_layers else []
    return quantise(path, way, inputs, method, kept[: method.fp32_layers])


@pytest.mark.parametrize(("way", "knobs"), CASES)
def test_each_method_gives_a_file_that_says_what_fp32_says(
    way: Way, knobs: Mapping[str, KnobValue], tmp_path: Path
) -> None:
    path = made(way, knobs, tmp_path)
    # Most weights of a small encoder are those of its embedding, of a small classifier the last.
    if way != "onnx-products" and "fp32_layers" not in knobs:
        assert read_precision(path, "tflite" if way == "tflite" else "onnx") == "int8"
    expected = answers(source(way, tmp_path), way)
    runs = [answers] if way == "tflite" else [answers, openvino_answers]
    for run in runs:
        errors = run(path, way) - expected
        assert 0 < np.sqrt((errors**2).mean()) < LARGEST_ERROR * expected.std(), run.__name__


def weight_types(path: Path) -> tuple[set[int], set[int], set[int]]:
    """Types and ranks of the scales of the weights, and types of the activations."""
    model = onnx.load(path)
    constants = {one.name: one for one in model.graph.initializer}
    weights, scales, activations = set(), set(), set()
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            kind = constants[node.input[0]].data_type
            if kind != TensorProto.INT32:  # a bias
                weights.add(kind)
                scales.add(numpy_helper.to_array(constants[node.input[1]]).ndim)
        elif node.op_type == "QuantizeLinear":
            activations.add(constants[node.input[2]].data_type)
    return weights, scales, activations


@pytest.mark.parametrize("way", ["onnx", "onnx-products"])
def test_types_and_scales_are_as_asked(way: Way, tmp_path: Path) -> None:
    int8, uint8 = {TensorProto.INT8}, {TensorProto.UINT8}
    found = weight_types(made(way, {"weight_type": "uint8", "per_channel": False}, tmp_path))
    assert found == (uint8, {0}, uint8)
    assert weight_types(made(way, {"activation_type": "int8"}, tmp_path)) == (int8, {1}, int8)
    assert weight_types(made(way, {}, tmp_path)) == (int8, {1}, uint8)


def chain(spoiled: int) -> bytes:
    """Three products, one of which has large weights for an input that is always zero."""
    size, generator = 16, np.random.default_rng(0)
    weights = [generator.normal(size=(size, size)).astype(np.float32) for _ in range(3)]
    weights[spoiled][3] *= 500
    weights[spoiled - 1][:, 3] = 0
    nodes, last = [], "input"
    for place in range(3):
        nodes.append(helper.make_node("MatMul", [last, f"w{place}"], [f"p{place}"]))
        last = f"a{place}" if place < 2 else "output"
        kind = "Relu" if place < 2 else "Identity"
        nodes.append(helper.make_node(kind, [f"p{place}"], [last]))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name in ("input", "output")
    ]
    constants = [numpy_helper.from_array(one, f"w{place}") for place, one in enumerate(weights)]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.parametrize("spoiled", [1, 2])
def test_the_layer_that_costs_most_stays_in_float32(spoiled: int, tmp_path: Path) -> None:
    path = tmp_path / "fp32.onnx"
    path.write_bytes(chain(spoiled))
    inputs = [np.random.default_rng(seed).normal(size=(1, 16)) for seed in range(8)]
    batches: list[Any] = [(one.astype(np.float32),) for one in inputs]

    def outputs(model: bytes) -> NDArray[Any]:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        return np.stack([session.run(None, {"input": one})[0] for (one,) in batches])

    files = [
        int8(path, "onnx-products", batches, Method(per_channel=False, fp32_layers=kept))
        for kept in (0, 1, 32)
    ]
    whole = outputs(path.read_bytes())
    errors = [float(np.square(outputs(one) - whole).mean()) for one in files]
    assert errors[1] < errors[0] / 10
    assert 0 <= errors[2] <= errors[1]
    kept = [
        one.name
        for one in onnx.load_from_string(files[1]).graph.initializer
        if one.data_type == TensorProto.FLOAT and len(one.dims) == 2
    ]
    assert kept == [f"w{spoiled}"]


def test_layers_are_ranked_once_for_any_number_of_them(folder: Path, own_cache: Path) -> None:
    (folder / "small.onnx").write_bytes(small_models.onnx_bytes(heads=2))  # three layers
    provider = both(files(folder, SMALL))
    assert isinstance(provider, Quantising)
    made = [
        provider.by({"fp32_layers": kept}).artefact("small", "int8", ("onnx",)) for kept in (1, 2)
    ]
    sizes = [one.size_bytes for one in made]
    assert sizes[0] < sizes[1]
    (ranking,) = (own_cache / "models" / "rankings").glob("*.json")
    assert len(json.loads(ranking.read_bytes())) >= 2


@pytest.mark.parametrize("form", BOTH)
def test_more_layers_in_float32_than_there_are_make_no_file(
    form: ModelFormat, folder: Path, own_cache: Path
) -> None:
    """They would make the file of a smaller number, and be measured as another method."""
    provider = both(files(folder, SMALL, SMALL_TFLITE))
    assert isinstance(provider, Quantising)
    name = f"small.{form}"
    with pytest.raises(ModelError) as caught:
        provider.by({"fp32_layers": 32}).artefact("small", "int8", (form,))
    assert str(caught.value) == (
        f"{name} can't be quantised: fp32_layers=32, but it has 2 layers that would gain accuracy "
        "in float32"
    )
    with pytest.raises(ModelError) as caught:
        provider.by({"fp32_layers": 2}).artefact("small", "int8", (form,))
    reason = "with so many layers in float32 none is left in int8"
    assert str(caught.value) == f"{name} can't be quantised: {reason}"
    assert not list((own_cache / "models" / "quantised").glob(f"*.{form}"))
    assert provider.by({"fp32_layers": 1}).artefact("small", "int8", (form,)).path.is_file()


def test_an_encoder_without_int8_products_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fp32.onnx"
    path.write_bytes(chain(1))
    batches: list[Any] = [(np.ones((1, 16), np.float32),)]
    kept = [f"p{place}/MatMul" for place in range(3)]
    assert quantise(path, "onnx-products", batches, kept=kept[:2])
    with pytest.raises(ModelError, match="none is left in int8"):
        quantise(path, "onnx-products", batches, kept=kept)


@pytest.mark.usefixtures("own_cache")
def test_a_method_makes_the_file_anew_where_one_was_given(folder: Path) -> None:
    provider = both(files(folder, SMALL, GIVEN_INT8))
    assert isinstance(provider, Quantising)
    assert provider.artefact("small", "int8", ("tflite",)).path == folder / "int8.tflite"
    by = provider.by({"weight_range": "full"})
    reason = "int8 by a method is made from an fp32 file, which it has not got"
    assert by.obstacle("small", "int8", ("tflite",)) == reason
    with pytest.raises(RequestError):
        by.artefact("small", "int8", ("tflite",))
    found = by.artefact("small", "int8", BOTH)
    assert found.weights.endswith("int8 calibrated on 4 images, weight_range=full")
    assert (found.format, found.calibrated_on) == ("onnx", 4)
    usual = provider.by({"weight_range": "safe"}).artefact("small", "int8", BOTH)
    assert usual.sha256 != found.sha256
    assert usual == both(files(folder, SMALL)).artefact("small", "int8", BOTH)
    assert by.artefact("small", "fp32", BOTH).path == folder / "small.onnx"


def test_builtin_models_have_no_methods() -> None:
    from dse.core.configuration import Configuration

    own = Configuration(NAME, "int8", "onnxruntime", 1, 1)
    provider = BuiltinProvider()
    assert provider_of(provider, own) is provider
    own = Configuration(NAME, "int8", "onnxruntime", 1, 1, (("weight_range", "full"),))
    assert provider_of(provider, own) is None
    assert "--dataset" in NO_METHOD

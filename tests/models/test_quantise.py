from __future__ import annotations

import collections
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core import requirements
from dse.core.errors import DseError, ModelError, UnavailableError
from dse.models import quantise
from dse.models.calibration import Calibration
from dse.tasks.image_classification.models import builtin
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.models.calibration import RANDOM_PIXELS
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.graph import Conv, Dense
from dse.tasks.image_classification.preprocessing import to_form
from tests import small_models
from tests.image_models import preprocessing_of
from tests.resnets import CLASSES, SIDE, narrow, reference_onnx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.configuration import ModelFormat
    from dse.core.signature import Form
    from dse.tasks.image_classification.preprocessing import Layout

SMALLEST = "mobilenet-v1-0.25-128"
SELECTION = (
    SMALLEST,
    "mobilenet-v2-0.35-160",
    "mobilenet-v3-small",
    "mobilenet-v3-small-minimalistic",
    "efficientnet-lite0",
)
NAMES = [
    pytest.param(name, marks=[] if name in (SMALLEST, "mobilenet-v3-small") else pytest.mark.long)
    for name in SELECTION
]
"""Of the selection; the larger ones in the long tests."""
FORMATS: tuple[ModelFormat, ...] = ("onnx", "tflite")
BUILD = """
import json, sys
from dse.tasks.image_classification.models.builtin import BuiltinProvider
path = BuiltinProvider().artefact({model!r}, "int8", ({form!r},)).path
loaded = [name for name in ("onnxruntime", "ai_edge_quantizer") if name in sys.modules]
print(json.dumps([str(path), loaded]))
"""


def int8(name: str, form: ModelFormat) -> Path:
    return BuiltinProvider().artefact(name, "int8", (form,)).path


def onnx_scores(
    path: Path, images: NDArray[np.float32], *, exact: bool = False
) -> NDArray[np.float32]:
    """The scores of a file.

    Args:
        path: an ONNX file.
        images: (batch, size, size, 3).
        exact: whether integers are dequantised and multiplied in float32, which loses nothing.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if exact:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"input": np.ascontiguousarray(images.transpose(0, 3, 1, 2))})
    return np.asarray(scores)


def tflite_interpreter(path: Path, images: NDArray[np.float32]) -> Any:
    """An interpreter that has run the images."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=2)
    (source,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(source["index"], images.shape, strict=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], images)
    interpreter.invoke()
    return interpreter


def tflite_scores(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    interpreter = tflite_interpreter(path, images)
    (output,) = interpreter.get_output_details()
    scores: NDArray[np.float32] = interpreter.get_tensor(output["index"])
    return scores


def pixels(batch: int, size: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(-1, 1, (batch, size, size, 3)).astype(np.float32)


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / lengths)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("shared_cache")
def test_int8_says_what_fp32_says(name: str, form: ModelFormat) -> None:
    known = CATALOGUE[name]
    run = onnx_scores if form == "onnx" else tflite_scores
    images = pixels(4, known.resolution)
    expected = run(BuiltinProvider().artefact(name, "fp32", (form,)).path, images)
    for batch in (1, 4):
        scores = run(int8(name, form), images[:batch])
        assert scores.dtype == np.float32
        assert scores.shape == (batch, known.classes)
        assert cosines(scores, expected[:batch]).min() > 0.99
    # Random images look much alike to a network; what tells them apart is the harder test.
    assert cosines(scores - scores.mean(axis=0), expected - expected.mean(axis=0)).min() > 0.85


def resnet_form(form: ModelFormat) -> Form:
    known = CATALOGUE["resnet50-v1.5"].preprocessing
    layout: Layout = "NCHW" if form == "onnx" else "NHWC"
    return to_form(replace(known, resolution=SIDE, layout=layout), CLASSES)


def resnet_images() -> NDArray[np.float32]:
    """Random pixels less ResNet50's means, (4, side, side, 3)."""
    return np.concatenate(list(RANDOM_PIXELS.samples(resnet_form("tflite")))[:4])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("shared_cache")
def test_int8_of_a_residual_network_says_what_fp32_says(form: ModelFormat) -> None:
    run = onnx_scores if form == "onnx" else tflite_scores
    graph, images = narrow(), resnet_images()
    quantised, _ = builtin.build_int8(graph, form, resnet_form(form), RANDOM_PIXELS)
    expected = run(builtin.build_fp32(graph, form)[0], images)
    assert cosines(run(quantised, images), expected).min() > 0.98


@pytest.mark.usefixtures("shared_cache")
def test_pools_and_paddings_of_a_residual_network_run_in_int8(tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    graph = narrow()
    path, _ = builtin.build_int8(graph, "onnx", resnet_form("onnx"), RANDOM_PIXELS)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    optimised = onnx.load(tmp_path / "optimised.onnx")
    found = collections.Counter(node.op_type for node in optimised.graph.node)
    assert found["QLinearConv"] == sum(isinstance(layer, Conv) for layer in graph.layers)
    assert found["QuantizeLinear"] == found["DequantizeLinear"] == 1
    assert found["MaxPool"] + found["NhwcMaxPool"] == 1
    path, _ = builtin.build_int8(graph, "tflite", resnet_form("tflite"), RANDOM_PIXELS)
    interpreter = tflite_interpreter(path, resnet_images())
    operators = interpreter._get_ops_details()
    tensors = {one["index"]: one for one in interpreter.get_tensor_details()}
    names = collections.Counter(one["op_name"] for one in operators)
    assert (names["QUANTIZE"], names["DEQUANTIZE"], names["DELEGATE"]) == (1, 1, 1)
    assert (names["PAD"], names["MAX_POOL_2D"]) == (4, 1)
    kept = [one for one in operators if one["op_name"] in ("PAD", "MAX_POOL_2D", "ADD")]
    assert {tensors[one["outputs"][0]]["dtype"] for one in kept} == {np.int8}


def test_mlperf_s_reference_is_quantised_with_both_outputs(tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    (tmp_path / "fp32.onnx").write_bytes(reference_onnx(narrow()))
    samples = list(RANDOM_PIXELS.samples(resnet_form("onnx")))
    data = quantise.quantise(tmp_path / "fp32.onnx", "onnx", samples)
    (tmp_path / "int8.onnx").write_bytes(data)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    answers = []
    for name in ("fp32.onnx", "int8.onnx"):
        session = onnxruntime.InferenceSession(
            str(tmp_path / name), options, providers=["CPUExecutionProvider"]
        )
        assert [one.name for one in session.get_outputs()] == ["ArgMax:0", "softmax_tensor:0"]
        answers.append(session.run(None, {"input": np.concatenate(samples[:4])}))
    (labels, scores), (found, ours) = answers
    np.testing.assert_array_equal(labels, scores.argmax(axis=1))
    assert ours.shape == scores.shape == (4, CLASSES)
    np.testing.assert_array_equal(found, ours.argmax(axis=1))
    nodes = onnx.load_from_string(data).graph.node
    # Probabilities are not rounded to 8 bits.
    (last,) = (node.op_type for node in nodes if "softmax_tensor:0" in node.output)
    assert last == "Softmax"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("shared_cache")
def test_the_scores_are_those_of_the_exact_computation(name: str) -> None:
    path, images = int8(name, "onnx"), pixels(4, CATALOGUE[name].resolution)
    difference = onnx_scores(path, images) - onnx_scores(path, images, exact=True)
    # Fused operators round once where the exact computation rounds twice: by a step now and then.
    assert np.sqrt((difference**2).mean()) < score_step(path)


def score_step(path: Path) -> float:
    """The step of the scores of an int8 file."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    constants = {one.name: one for one in model.graph.initializer}
    (last,) = (node for node in model.graph.node if node.output[0] == model.graph.output[0].name)
    return float(numpy_helper.to_array(constants[last.input[1]]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("shared_cache")
def test_no_pair_of_products_saturates(name: str) -> None:
    seen = 0
    for kernel, depthwise in [*onnx_kernels(int8(name, "onnx")), *tflite_kernels(name)]:
        assert np.abs(kernel).max() <= 127
        seen += 1
        if not depthwise:
            assert most_of_a_pair(kernel) <= 128
    assert seen == 2 * sum(isinstance(one, Conv | Dense) for one in CATALOGUE[name].graph().layers)


def most_of_a_pair(kernel: NDArray[np.int32]) -> int:
    """The largest sum of two weights that may meet; (outputs, places, inputs) they are."""
    outputs, places, inputs = kernel.shape
    if places == 1:
        even = kernel.reshape(outputs, inputs)[:, : inputs // 2 * 2]
        return int(np.abs(even.reshape(outputs, -1, 2).sum(axis=2)).max())
    ordered = np.sort(kernel.reshape(outputs, -1), axis=1)
    return int(max(ordered[:, -2:].sum(axis=1).max(), -ordered[:, :2].sum(axis=1).min()))


def test_pairs_of_weights_are_found() -> None:
    kernel = np.array([[[1, -100, 90, 90]], [[100, 3, 100, 4]]], np.int32)
    assert most_of_a_pair(kernel) == 180
    assert most_of_a_pair(kernel.reshape(2, 4, 1)) == 200
    assert most_of_a_pair(-kernel.reshape(2, 4, 1)) == 200


def onnx_kernels(path: Path) -> Iterator[tuple[NDArray[np.int32], bool]]:
    """The int8 weights of each layer, and whether it is depthwise."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    constants = {one.name: one for one in model.graph.initializer}
    origins = {node.output[0]: node for node in model.graph.node}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            kernel = numpy_helper.to_array(constants[origins[node.input[1]].input[0]])
            groups = next((one.i for one in node.attribute if one.name == "group"), 1)
            outputs, inputs = kernel.shape[:2]
            places = kernel.reshape(outputs, inputs, -1).transpose(0, 2, 1)
            yield places.astype(np.int32), groups > 1


def tflite_kernels(name: str) -> Iterator[tuple[NDArray[np.int32], bool]]:
    interpreter = tflite_interpreter(int8(name, "tflite"), pixels(1, CATALOGUE[name].resolution))
    for operator in interpreter._get_ops_details():
        if operator["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            kernel = interpreter.get_tensor(operator["inputs"][1]).astype(np.int32)
            outputs, inputs = kernel.shape[0], kernel.shape[-1]
            yield kernel.reshape(outputs, -1, inputs), operator["op_name"].startswith("DEPTH")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("shared_cache")
def test_onnxruntime_runs_every_convolution_in_int8(name: str, tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(
        str(int8(name, "onnx")), options, providers=["CPUExecutionProvider"]
    )
    optimised = onnx.load(tmp_path / "optimised.onnx")
    found = collections.Counter(node.op_type for node in optimised.graph.node)
    layers = CATALOGUE[name].graph().layers
    assert found["QLinearConv"] == sum(isinstance(layer, Conv) for layer in layers)
    assert found["QGemm"] == 1
    assert not {"Conv", "Gemm", "Add", "Mul", "GlobalAveragePool", "Clip", "Relu"} & set(found)


@pytest.mark.parametrize("name", [SMALLEST, "mobilenet-v3-small"])
@pytest.mark.usefixtures("shared_cache")
def test_the_onnx_file_is_plain(name: str) -> None:
    import onnx

    model = onnx.load(int8(name, "onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, [(o.domain, o.version) for o in model.opset_import]) == (
        8,
        [("", 15)],
    )
    (source,), (output,) = model.graph.input, model.graph.output
    for value, shape in (
        (source, ["batch", 3, CATALOGUE[name].resolution, CATALOGUE[name].resolution]),
        (output, ["batch", 1001]),
    ):
        kind = value.type.tensor_type
        assert kind.elem_type == onnx.TensorProto.FLOAT
        assert [one.dim_param or one.dim_value for one in kind.shape.dim] == shape
    constants = {one.name: one for one in model.graph.initializer}
    assert set(constants) <= {used for node in model.graph.node for used in node.input}
    origins = {node.output[0]: node for node in model.graph.node}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            assert constants[node.input[2]].data_type == onnx.TensorProto.UINT8
        if node.op_type == "Conv":
            kernel, scale, _ = (constants[one] for one in origins[node.input[1]].input)
            assert kernel.data_type == onnx.TensorProto.INT8
            assert list(scale.dims) == [kernel.dims[0]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("shared_cache")
def test_litert_runs_every_operator_in_int8(name: str) -> None:
    interpreter = tflite_interpreter(int8(name, "tflite"), pixels(1, CATALOGUE[name].resolution))
    operators = interpreter._get_ops_details()
    tensors = {one["index"]: one for one in interpreter.get_tensor_details()}
    for operator in operators:
        if operator["op_name"] in ("QUANTIZE", "DEQUANTIZE", "DELEGATE"):
            continue
        for index in operator["outputs"]:
            assert tensors[index]["dtype"] == np.int8
        if operator["op_name"].endswith("CONV_2D"):
            _, kernel, bias = (tensors[index] for index in operator["inputs"])
            assert (kernel["dtype"], bias["dtype"]) == (np.int8, np.int32)
            weights, biases = (one["quantization_parameters"] for one in (kernel, bias))
            outputs = kernel["shape"][weights["quantized_dimension"]]
            assert len(weights["scales"]) == len(biases["scales"]) == outputs
            assert outputs == bias["shape"][0]
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["input"], "outputs": ["logits"]}
    }
    names = collections.Counter(one["op_name"] for one in operators)
    assert names["QUANTIZE"] == names["DEQUANTIZE"] == 1
    # XNNPACK runs the rest, but has no hard swish in int8: each one is left between two parts.
    assert names["DELEGATE"] == 1 + names["HARD_SWISH"]


@pytest.mark.parametrize("name", [SMALLEST, "mobilenet-v3-small"])
@pytest.mark.usefixtures("shared_cache")
def test_the_tflite_file_has_the_usual_form(name: str) -> None:
    from ai_edge_litert import schema_py_generated as schema

    data = int8(name, "tflite").read_bytes()
    assert data[4:8] == b"TFL3"
    model = schema.Model.GetRootAs(data, 0)
    start = np.frombuffer(data, np.uint8).ctypes.data
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    assert not any(one.Offset() or one.Size() for one in buffers)
    filled = [one.DataAsNumpy() for one in buffers if one.DataLength()]
    assert sum(one.size for one in filled) > 0.8 * len(data)
    assert not any((one.ctypes.data - start) % 16 for one in filled)
    codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
    assert all(one.DeprecatedBuiltinCode() == min(one.BuiltinCode(), 127) for one in codes)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("shared_cache")
def test_the_artefact_says_what_it_was_calibrated_with(form: ModelFormat) -> None:
    found, known = BuiltinProvider().artefact(SMALLEST, "int8", (form,)), CATALOGUE[SMALLEST]
    assert found.weights == "untrained (builtin), int8 calibrated on random pixels"
    assert found.format == form
    assert preprocessing_of(found).layout == ("NCHW" if form == "onnx" else "NHWC")
    assert preprocessing_of(found).dtype == "float32"
    assert found.published == known.published["int8"]
    fp32 = BuiltinProvider().artefact(SMALLEST, "fp32", (form,)).path.stat().st_size
    assert found.path.stat().st_size < 0.35 * fp32


@pytest.mark.usefixtures("shared_cache")
def test_an_int8_without_a_published_figure_is_built_as_well() -> None:
    assert BuiltinProvider().artefact(SELECTION[3], "int8", ("tflite",)).published is None


@pytest.mark.parametrize("form", FORMATS)
def test_two_processes_build_one_file_without_loading_a_runtime(
    form: ModelFormat, own_cache: Path, tmp_path: Path
) -> None:
    code = BUILD.format(model=SMALLEST, form=form)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "onnxruntime.py").write_text("raise SystemExit('not this one')")
    processes = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path / "here",
        )
        for _ in range(2)
    ]
    answers = [json.loads(process.communicate()[0]) for process in processes]
    assert answers[0] == answers[1] == [str(int8(SMALLEST, form)), []]
    found = list((own_cache / "models" / "builtin").glob(f"*.int8.*.{form}"))
    assert [str(path) for path in found] == answers[0][:1]
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["onnxruntime.py"]


def forbidden(*_arguments: object) -> bytes:
    raise AssertionError


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("shared_cache")
def test_a_file_is_built_once(form: ModelFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    before = BuiltinProvider().artefact(SMALLEST, "int8", (form,))
    monkeypatch.setattr(quantise, "quantise", forbidden)
    assert BuiltinProvider().artefact(SMALLEST, "int8", (form,)) == before


@pytest.mark.usefixtures("own_cache")
def test_a_damaged_file_is_built_again() -> None:
    path = int8(SMALLEST, "tflite")
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    again = int8(SMALLEST, "tflite")
    assert len(again.read_bytes()) == len(data)


def fake(calls: list[ModelFormat]) -> Any:
    def quantise(_model: Path, form: ModelFormat, *_others: object) -> bytes:
        calls.append(form)
        return f"{len(calls)}".encode()

    return quantise


def faintly(form: Form) -> list[Any]:
    """What the samples of another calibration depend on."""
    return ["faint", *RANDOM_PIXELS.identity(form)]


@pytest.mark.usefixtures("own_cache")
def test_the_name_holds_all_that_the_content_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[ModelFormat] = []
    monkeypatch.setattr(quantise, "quantise", fake(calls))
    graph, known = CATALOGUE[SMALLEST].graph(), to_form(CATALOGUE[SMALLEST].preprocessing)
    other = Calibration("other", faintly, RANDOM_PIXELS.samples)
    paths = [
        builtin.build_int8(graph, "tflite", known, RANDOM_PIXELS)[0],
        builtin.build_int8(graph, "onnx", known, RANDOM_PIXELS)[0],
        builtin.build_int8(graph, "tflite", known, other)[0],
        builtin.build_int8(graph, "tflite", {**known, "scale": (1.0,) * 3}, RANDOM_PIXELS)[0],
    ]
    monkeypatch.setattr(quantise, "library", lambda _: "a later version")
    paths.append(builtin.build_int8(graph, "tflite", known, RANDOM_PIXELS)[0])
    monkeypatch.setattr(builtin, "BUILDER_VERSION", builtin.BUILDER_VERSION + 1)
    paths.append(builtin.build_int8(graph, "tflite", known, RANDOM_PIXELS)[0])
    assert len(set(paths)) == len(calls) == 6
    monkeypatch.setattr(quantise, "quantise", forbidden)
    assert builtin.build_int8(graph, "tflite", known, RANDOM_PIXELS)[0] == paths[-1]


def ranges(path: Path) -> tuple[float, float]:
    """Scale of the input and of the scores of a TFLite file."""
    interpreter = tflite_interpreter(path, pixels(1, 128))
    details = {one["index"]: one for one in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()
    first = next(one for one in operators if one["op_name"] == "QUANTIZE")["outputs"][0]
    last = next(one for one in operators if one["op_name"] == "DEQUANTIZE")["inputs"][0]
    return details[first]["quantization"][0], details[last]["quantization"][0]


@pytest.mark.usefixtures("shared_cache")
def test_the_samples_set_the_ranges() -> None:
    def faint(form: Form) -> Iterator[NDArray[np.float32]]:
        for sample in RANDOM_PIXELS.samples(form):
            yield sample / np.float32(16)

    provider = BuiltinProvider(Calibration("faint pixels", faintly, faint))
    found = provider.artefact(SMALLEST, "int8", ("tflite",))
    assert found.weights == "untrained (builtin), int8 calibrated on faint pixels"
    ours, usual = ranges(found.path), ranges(int8(SMALLEST, "tflite"))
    assert ours[0] == pytest.approx(usual[0] / 16, rel=0.01)
    assert ours[1] != usual[1]


def test_random_pixels_are_the_same_in_both_layouts() -> None:
    known = CATALOGUE[SMALLEST].preprocessing
    last, firsts = (
        list(RANDOM_PIXELS.samples(to_form(known))),
        list(RANDOM_PIXELS.samples(to_form(replace(known, layout="NCHW")))),
    )
    assert len(last) == len(firsts) == 16
    for one, other in zip(last, firsts, strict=True):
        assert one.dtype == other.dtype == np.float32
        assert one.shape == (1, 128, 128, 3)
        np.testing.assert_array_equal(one, other.transpose(0, 2, 3, 1))
        assert (one.min(), one.max()) == (-1, 1)
        assert abs(one.mean()) < 0.02
    assert not np.array_equal(last[0], last[1])
    # These values are part of what a file's name stands for.
    assert (last[0].flat[:4] * 127.5 + 127.5).tolist() == [95, 130, 194, 217]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("own_cache")
def test_without_the_library_the_remedy_is_told(
    form: ModelFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "onnxruntime" if form == "onnx" else "ai_edge_quantizer"
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name == module else name)
    problem = str(BuiltinProvider().obstacle(SMALLEST, "int8", (form,)))
    assert module.replace("_", "-") in problem
    assert "pip install 'mlperf-dse[quantise]'" in problem
    assert BuiltinProvider().obstacle(SMALLEST, "int8", FORMATS) is None
    assert BuiltinProvider().obstacle(SMALLEST, "fp32", (form,)) is None
    with pytest.raises(UnavailableError, match=r"mlperf-dse\[quantise\]"):
        BuiltinProvider().artefact(SMALLEST, "int8", (form,))


@pytest.mark.usefixtures("own_cache")
def test_a_library_of_another_name_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(UnavailableError, match="need onnx and onnxruntime"):
        BuiltinProvider().artefact(SMALLEST, "int8", ("onnx",))


@pytest.mark.parametrize("form", FORMATS)
def test_what_can_t_be_quantised_is_an_error_in_one_line(
    form: ModelFormat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    model = tmp_path / "broken"
    model.write_bytes(b"no model")
    sample = np.zeros((1, 8, 8, 3), np.float32)
    for samples in ([sample], []):
        with pytest.raises(DseError, match=r"^broken can't be quantised: .") as caught:
            quantise.quantise(model, form, samples)
        assert str(caught.value).isprintable()
    assert "there are no calibration samples" in str(caught.value)
    assert not list((tmp_path / "temporary").iterdir())


def test_a_temporary_folder_that_is_not_there_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(DseError, match=r"^x\.onnx can't be quantised: .*gone.*No such file"):
        quantise.quantise(tmp_path / "x.onnx", "onnx", [])


@pytest.mark.parametrize("form", FORMATS)
def test_weights_that_hold_nan_are_named(form: ModelFormat, tmp_path: Path) -> None:
    dense = np.ones((small_models.FEATURES, small_models.CLASSES), np.float32)
    dense[3, 1] = np.nan
    write = small_models.tflite_bytes if form == "tflite" else small_models.onnx_bytes
    path = tmp_path / f"spoiled.{form}"
    path.write_bytes(write(dense=dense))
    shape = (1, 8, 8, 3) if form == "tflite" else (1, 3, 8, 8)
    with pytest.raises(ModelError) as caught:
        quantise.quantise(path, form, [(np.ones(shape, np.float32),)])
    reason = f"spoiled.{form} can't be quantised: its weights 'dense' hold NaN"
    assert str(caught.value) == reason

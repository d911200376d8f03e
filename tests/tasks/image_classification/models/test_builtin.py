from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.core import requirements
from dse.core.errors import RequestError, UnavailableError
from dse.tasks.image_classification.models import builtin
from dse.tasks.image_classification.models._architectures import efficientnet_lite, mobilenet_v1
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models._weights import make_untrained
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from tests.image_models import classes_of, preprocessing_of
from tests.resnets import narrow

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from dse.core.configuration import ModelFormat
    from dse.models.provider import Artefact
    from dse.tasks.image_classification.models.graph import Graph


SMALLEST = "mobilenet-v1-0.25-128"
SELECTION = (
    SMALLEST,
    "mobilenet-v1-0.75-192",
    "mobilenet-v2-0.35-160",
    "mobilenet-v2-1.0-224",
    "mobilenet-v3-large",
    "mobilenet-v3-small",
    "mobilenet-v3-small-minimalistic",
    "efficientnet-lite0",
    "efficientnet-lite2",
)
BUILD = (
    "from dse.tasks.image_classification.models.builtin import BuiltinProvider;"
    f"print(BuiltinProvider().artefact('{SMALLEST}', 'fp32', ('onnx',)).path)"
)


def artefact(name: str) -> Artefact:
    return BuiltinProvider().artefact(name, "fp32", ("onnx",))


def session(model: bytes | Path, *, optimised: bool = True) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def pixels(batch: int, resolution: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(0)
    return generator.uniform(-1, 1, (batch, 3, resolution, resolution)).astype(np.float32)


def has_denormals(array: NDArray[np.generic]) -> bool:
    tiny = np.finfo(np.float32).tiny
    return bool(np.any((array != 0) & (np.abs(array) < tiny)))


@pytest.mark.parametrize("name", SELECTION)
def test_onnxruntime_runs_it(name: str, shared_cache: Path) -> None:
    known, found = CATALOGUE[name], artefact(name)
    assert found.path.is_relative_to(shared_cache / "models" / "builtin")
    loaded = session(found.path)
    assert [(i.name, i.shape) for i in loaded.get_inputs()] == [
        ("input", ["batch", 3, known.resolution, known.resolution])
    ]
    assert [(o.name, o.shape) for o in loaded.get_outputs()] == [
        ("logits", ["batch", known.classes])
    ]
    images = pixels(3, known.resolution)
    (scores,) = loaded.run(None, {"input": images})
    assert scores.shape == (3, known.classes)
    assert np.isfinite(scores).all()
    assert 0.01 < scores.std() < 100
    (first,) = loaded.run(None, {"input": images[:1]})
    np.testing.assert_allclose(first[0], scores[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long if number % 4 else [])
        for number, name in enumerate(name for name in CATALOGUE if name not in SELECTION)
    ],
)
def test_onnxruntime_runs_the_others_at_batch_1(name: str) -> None:
    known = CATALOGUE[name]
    loaded = session(onnx_bytes(known.graph()))
    (scores,) = loaded.run(None, {"input": pixels(1, known.resolution)})
    assert scores.shape == (1, known.classes)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", SELECTION)
@pytest.mark.usefixtures("shared_cache")
def test_the_file_is_plain_onnx(name: str) -> None:
    import onnx

    model = onnx.load(artefact(name).path)
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, [(o.domain, o.version) for o in model.opset_import]) == (
        8,
        [("", 15)],
    )
    allowed = {"Conv", "Clip", "Relu", "HardSigmoid", "Mul", "Add", "GlobalAveragePool"}
    assert {node.op_type for node in model.graph.node} <= allowed | {"Flatten", "Gemm"}
    names = [node.name for node in model.graph.node]
    assert len(names) == len(set(names))
    outputs = {v.name for v in model.graph.output}
    assert outputs == {"logits"}


SMALL = ("mobilenet-v2-0.35-128", "mobilenet-v3-small", "mobilenet-v3-large")


@pytest.mark.parametrize(
    "graph",
    [*(CATALOGUE[name].graph() for name in (SMALLEST, *SMALL)), narrow(64)],
    ids=lambda graph: graph.name,
)
def test_no_activation_is_denormal_or_vanishes(graph: Graph) -> None:
    import onnx

    model = onnx.load_from_string(onnx_bytes(graph))
    tensors = [o for node in model.graph.node for o in node.output if o != "logits"]
    model.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in tensors)
    loaded = session(model.SerializeToString(), optimised=False)
    for value in loaded.run(None, {"input": pixels(1, graph.input.size)}):
        assert np.isfinite(value).all()
        assert not has_denormals(value)
        assert 1e-2 < np.sqrt(np.mean(value**2)) < 1e2


def test_no_weight_is_denormal_or_zero() -> None:
    for name in SELECTION:
        for layer, weights in make_untrained(CATALOGUE[name].graph()):
            assert weights.kernel.dtype == weights.bias.dtype == np.float32
            assert weights.kernel.shape == layer.weight_shape
            assert weights.bias.shape == layer.weight_shape[:1]
            assert np.abs(weights.kernel).min() > 1e-12
            assert np.abs(weights.bias).min() > 1e-12
            assert np.abs(weights.kernel).max() < 10


@pytest.mark.usefixtures("shared_cache")
def test_padding_is_tensorflow_s() -> None:
    # With SAME padding of an even size, stride 2 and a 3 x 3 filter, nothing is put before the
    # image: the first pixel's filter is centred on the second row and column.
    import onnx

    model = onnx.load(artefact(SMALLEST).path)
    pads = onnx.helper.get_attribute_value(
        next(a for a in model.graph.node[0].attribute if a.name == "pads")
    )
    assert list(pads) == [0, 0, 1, 1]


@pytest.mark.usefixtures("own_cache")
def test_other_widths_and_resolutions_are_built_too() -> None:
    for graph in (
        mobilenet_v1("narrow", 0.1, 33),
        efficientnet_lite("shallow", 0.3, 0.5, 50, 10),
    ):
        path, _ = builtin.build_fp32(graph)
        (scores,) = session(path).run(None, {"input": pixels(2, graph.input.size)})
        assert scores.shape == (2, graph.output.channels)


def test_the_bytes_are_always_the_same(own_cache: Path, tmp_path: Path) -> None:
    ours = artefact(SMALLEST)
    environment = {**os.environ, "DSE_CACHE_DIR": str(tmp_path / "other")}
    done = subprocess.run(
        [sys.executable, "-c", BUILD], env=environment, capture_output=True, text=True, check=True
    )
    theirs = tmp_path / "other" / ours.path.relative_to(own_cache)
    assert done.stdout.strip() == str(theirs)
    assert theirs.read_bytes() == ours.path.read_bytes()


@pytest.mark.usefixtures("shared_cache")
def test_the_bytes_belong_to_the_builder_s_version() -> None:
    # When this fails, the builder writes other bytes than before: raise BUILDER_VERSION with it.
    assert builtin.BUILDER_VERSION == 1
    assert artefact(SMALLEST).sha256 == (
        "bb89ff8295544af55da6da91660fa71728eca28ca4ef525e85b5a532d465c9dd"
    )


def test_two_processes_may_build_at_once(own_cache: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", BUILD], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    paths = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert paths == {str(artefact(SMALLEST).path)}
    assert len(list((own_cache / "models" / "builtin").iterdir())) == 1


@pytest.mark.usefixtures("own_cache")
def test_a_truncated_file_is_built_again() -> None:
    before = artefact(SMALLEST)
    data = before.path.read_bytes()
    before.path.write_bytes(data[:-100])
    assert artefact(SMALLEST) == before
    assert before.path.read_bytes() == data


@pytest.mark.usefixtures("own_cache")
def test_a_file_is_built_once() -> None:
    before = artefact(SMALLEST)
    stamp = before.path.stat().st_mtime_ns
    assert artefact(SMALLEST) == before
    assert before.path.stat().st_mtime_ns == stamp
    assert before.sha256 == hashlib.sha256(before.path.read_bytes()).hexdigest()


@pytest.mark.usefixtures("own_cache")
def test_another_builder_leaves_old_files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = artefact(SMALLEST)
    monkeypatch.setattr(builtin, "BUILDER_VERSION", builtin.BUILDER_VERSION + 1)
    assert artefact(SMALLEST).path != before.path


@pytest.mark.usefixtures("shared_cache")
def test_the_artefact_speaks_for_itself() -> None:
    found, known = artefact(SMALLEST), CATALOGUE[SMALLEST]
    assert found.format == "onnx"
    assert preprocessing_of(found).layout == "NCHW"
    assert preprocessing_of(found).mean == known.preprocessing.mean
    assert found.weights == "untrained (builtin)"
    assert found.published == known.published["fp32"]
    assert classes_of(found) == 1001


def test_obstacles(own_cache: Path) -> None:
    provider = BuiltinProvider()
    assert provider.obstacle(SMALLEST, "fp32", ("tflite", "onnx")) is None
    assert provider.obstacle(SMALLEST, "int8", ("onnx",)) is None
    assert provider.obstacle(SMALLEST, "int8", ("tflite",)) is None
    assert provider.obstacle(SMALLEST, "bf16", ("onnx",)) == "builtin builds no bf16 yet"
    assert provider.obstacle(SMALLEST, "fp32", ("tflite",)) is None
    assert provider.obstacle(SMALLEST, "fp32", ()) == "builtin builds no other format yet"
    assert not own_cache.exists()
    with pytest.raises(RequestError, match="builds no bf16 yet"):
        provider.artefact(SMALLEST, "bf16", ("onnx",))


@pytest.mark.parametrize(
    ("form", "module", "extra"),
    [("onnx", "onnx", "builtin"), ("tflite", "ai_edge_litert", "litert")],
)
@pytest.mark.usefixtures("own_cache")
def test_without_a_writer_only_what_is_cached_can_be_had(
    monkeypatch: pytest.MonkeyPatch, form: ModelFormat, module: str, extra: str
) -> None:
    provider, other = BuiltinProvider(), "mobilenet-v1-0.5-128"
    before = provider.artefact(SMALLEST, "fp32", (form,))
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name == module else name)
    assert provider.artefact(SMALLEST, "fp32", (form,)) == before
    assert f"pip install 'mlperf-dse[{extra}]'" in str(provider.obstacle(other, "fp32", (form,)))
    with pytest.raises(UnavailableError, match=rf"mlperf-dse\[{extra}\]"):
        provider.artefact(other, "fp32", (form,))
    both: tuple[ModelFormat, ModelFormat] = (form, "tflite" if form == "onnx" else "onnx")
    assert provider.obstacle(other, "fp32", both) is None
    assert provider.artefact(other, "fp32", both).format == both[1]


def test_importing_the_provider_loads_nothing_heavy() -> None:
    heavy = ("numpy", "onnx", "onnxruntime", "ai_edge_litert", "ai_edge_quantizer", "pandas")
    code = (
        "import sys, dse.tasks.image_classification.models.builtin, dse.models.folder;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

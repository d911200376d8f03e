"""An ONNX file as a function of TensorFlow, and what is particular to its process."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper

from dse.core.alignment import aligned
from dse.core.backend import LoadError, LoadRequest, Scores, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.launcher import launch_command
from dse.core.registry import backend
from dse.core.worker_environment import worker_environment
from tests import any_models, resnets
from tests.any_models import model, value
from tests.backends.remote import FOLDERS, Connection, RemoteRuntime
from tests.small_models import SIDE, onnx_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto

    from dse.core.backend import Model, Runtime
    from dse.core.configuration import KnobValue

pytestmark = pytest.mark.long
SAMPLES = (2, 3, SIDE, SIDE)


def request(
    path: Path, size: int = 2, threads: int = 1, instances: int = 1, /, **knobs: KnobValue
) -> LoadRequest:
    values = tuple(knobs.items())
    configuration = Configuration("m", "fp32", "tensorflow", threads, size, values, instances)
    return LoadRequest(configuration, path, {}, scores=Scores())


def batch(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(len(shape)).standard_normal(shape, np.float32)


def predicted(loaded: Model, samples: NDArray[np.float32]) -> NDArray[Any]:
    found: NDArray[Any] = loaded.predict(loaded.bind(samples))
    return found


def small(folder: Path) -> Path:
    path = folder / "small.onnx"
    path.write_bytes(onnx_bytes())
    return path


def written(folder: Path, made: ModelProto) -> Path:
    path = folder / "made.onnx"
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture
def runtime(runtimes: Callable[[str], Runtime]) -> Runtime:
    return runtimes("tensorflow")


@pytest.fixture
def fresh(pythons: Callable[[str], str]) -> Iterator[Runtime]:
    """One in a process of its own, in which nothing is decided yet."""
    connection = Connection(pythons("tensorflow"), "tensorflow")
    yield RemoteRuntime("tensorflow", connection)  # type: ignore[misc]
    connection.close()


def told(python: str, module: str, *words: str) -> Any:
    """What a module of tests says in TensorFlow's environment."""
    ended = subprocess.run(
        launch_command(python, module, *words, folders=FOLDERS),
        capture_output=True,
        text=True,
        env=worker_environment(python),
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.timeout(600)
def test_its_operators_compute_what_onnx_expects(pythons: Callable[[str], str]) -> None:
    found = told(pythons("tensorflow"), "tests.backends.tf_cases")
    wrong = {name: why for name, why in found.items() if why and not why.startswith("refused")}
    assert wrong == {}
    assert sum(not why for why in found.values()) > 900
    # What is refused is named: an operator, a type or what a size depends on.
    assert all(len(why) > len("refused: ...") for why in found.values() if why)


def test_its_version_is_known_before_kernels_are_chosen(fresh: Runtime, tmp_path: Path) -> None:
    """To import it would be to choose: asked first, it would have oneDNN."""
    assert fresh.version()[0].isdigit()
    fresh.load(request(small(tmp_path), onednn=False)).close()
    with pytest.raises(UnsupportedError, match="oneDNN is on or off for a whole process"):
        fresh.load(request(small(tmp_path), onednn=True))


def test_threads_hold_for_the_process(fresh: Runtime, tmp_path: Path) -> None:
    fresh.load(request(small(tmp_path), 2, 2)).close()
    with pytest.raises(UnsupportedError, match="1 threads: this process has begun with another"):
        fresh.load(request(small(tmp_path), 2, 1))
    with pytest.raises(UnsupportedError, match="2 instances of 2 threads: TensorFlow has one pool"):
        fresh.load(request(small(tmp_path), 2, 2, 2))


def test_an_unknown_operator_is_named(runtime: Runtime, tmp_path: Path) -> None:
    made = model(
        [helper.make_node("NonZero", ["numbers"], ["places"])],
        [value("numbers", ("batch", 3))],
        [value("places", (2, "found"), "INT64")],
        {},
    )
    with pytest.raises(UnsupportedError, match="operator NonZero is not supported"):
        runtime.load(request(written(tmp_path, made)))


def test_a_size_that_an_input_decides_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["numbers"], ["whole"], to=7),
        helper.make_node("Squeeze", ["whole"], ["sizes"]),
        helper.make_node("ConstantOfShape", ["sizes"], ["zeros"]),
    ]
    made = model(nodes, [value("numbers", ("batch", 2))], [value("zeros", ("a", "b"))], {})
    with pytest.raises(UnsupportedError, match="depends on the numbers of an input"):
        runtime.load(request(written(tmp_path, made), 1))


WAYS: tuple[dict[str, KnobValue], ...] = ({}, {"onednn": False}, {"jit_compile": True})


def test_the_mlperf_form_of_resnet_is_what_it_was(runtime: Runtime, tmp_path: Path) -> None:
    """Normalisations go into convolutions, sums into dense layers."""
    import onnxruntime

    path = tmp_path / "reference.onnx"
    path.write_bytes(resnets.reference_onnx(resnets.narrow()))
    samples = batch(2, 3, resnets.SIDE, resnets.SIDE)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = session.run(["softmax_tensor:0"], {session.get_inputs()[0].name: samples})[0]
    for knobs in WAYS:
        loaded = runtime.load(request(path, **knobs))
        np.testing.assert_allclose(predicted(loaded, samples), expected, atol=1e-4)
        loaded.close()


@pytest.mark.parametrize(
    "attributes",
    [
        {"pads": [0, 0, 1, 1], "strides": [2, 2]},  # as TensorFlow pads an even size
        {"pads": [1, 1, 1, 1], "strides": [2, 2]},  # as PyTorch does
        {"pads": [2, 1, 0, 3]},
        {"pads": [2, 2, 2, 2], "dilations": [2, 2]},
        {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
        {"strides": [1, 2]},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_paddings_and_groups_are_those_of_the_file(
    runtime: Runtime, tmp_path: Path, groups: int, attributes: dict[str, Any]
) -> None:
    import onnxruntime

    random = np.random.default_rng(groups)
    made = model(
        [
            helper.make_node(
                "Conv", ["images", "weight", "bias"], ["features"], group=groups, **attributes
            ),
            helper.make_node("Clip", ["features", "low", "high"], ["clipped"]),
            helper.make_node("AveragePool", ["clipped"], ["scores"], kernel_shape=[2, 2]),
        ],
        [value("images", ("batch", 6, 10, 10))],
        [value("scores", ("batch", 12, "height", "width"))],
        {
            "weight": random.standard_normal((12, 6 // groups, 3, 3), np.float32),
            "bias": random.standard_normal(12, np.float32),
            "low": np.array(0, np.float32),
            "high": np.array(6, np.float32),
        },
    )
    path, samples = written(tmp_path, made), batch(2, 6, 10, 10)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"images": samples})[0]
    for knobs in WAYS:
        loaded = runtime.load(request(path, **knobs))
        np.testing.assert_allclose(predicted(loaded, samples), expected, atol=1e-4)
        loaded.close()


def test_lower_precision_is_near(runtime: Runtime, tmp_path: Path) -> None:
    """A CPU without instructions for bfloat16 computes the same, slowly."""
    samples, found = batch(*SAMPLES), []
    for precision in ("f32", "bf16"):
        loaded = runtime.load(request(small(tmp_path), inference_precision=precision))
        found.append(predicted(loaded, samples).copy())
        loaded.close()
    assert found[1].dtype == np.float32
    apart = np.abs(found[0] - found[1])
    assert 0 < apart.max() < 0.05 * np.abs(found[0]).max()
    for knobs in WAYS[1:]:
        with pytest.raises(UnsupportedError, match=r"bf16 is oneDNN's: it takes onednn=true"):
            runtime.load(request(small(tmp_path), inference_precision="bf16", **knobs))


def test_a_size_that_is_open_is_that_of_the_batch(runtime: Runtime, tmp_path: Path) -> None:
    path = written(tmp_path, any_models.any_size())
    loaded = runtime.load(request(path))
    wide, square = batch(2, 3, 8, 12), batch(2, 3, 8, 8)
    for samples in (wide, square, wide):
        scores = predicted(loaded, samples)
        assert scores.shape == (2, any_models.CLASSES)
        alone = runtime.load(request(path))
        np.testing.assert_allclose(scores, predicted(alone, samples), rtol=1e-5)
        alone.close()
    loaded.close()


def test_a_saved_model_is_none_of_its_formats(runtime: Runtime, tmp_path: Path) -> None:
    """Its graph could read and write files."""
    assert backend("tensorflow").formats == ("onnx",)
    path = tmp_path / "saved_model.pb"
    path.write_bytes(b"\x08\x01\x12 a graph")
    with pytest.raises(LoadError):
        runtime.load(request(path))


def test_memory_that_begins_anywhere_is_predicted(pythons: Callable[[str], str]) -> None:
    """Given it as a tensor, an operator would end the process."""
    found = told(pythons("tensorflow"), "tests.backends.tf_memory")
    assert found == {"aligned": True, "shifted": True, "read-only": True}


def test_instances_predict_at_a_time(fresh: Runtime, tmp_path: Path) -> None:
    """Two functions of the same process do not mix."""
    path, samples = small(tmp_path), aligned(SAMPLES, "float32")
    samples[...] = batch(*SAMPLES)
    loaded = [fresh.load(request(path, 2, 1, 2)) for _ in range(2)]
    one, other = (each.bind(array) for each, array in zip(loaded, (samples, -samples), strict=True))
    first, second = loaded[0].predict(one).copy(), loaded[1].predict(other).copy()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(loaded[0].predict(one), first)
    np.testing.assert_array_equal(loaded[1].predict(other), second)

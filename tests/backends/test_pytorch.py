"""An ONNX file as a graph of PyTorch's functions, and what is particular to compiling it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper

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
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto

    from dse.core.backend import Model, Runtime
    from dse.core.configuration import KnobValue

pytestmark = pytest.mark.long
SAMPLES = (2, 3, SIDE, SIDE)


def request(path: Path, size: int = 2, /, **knobs: KnobValue) -> LoadRequest:
    configuration = Configuration("m", "fp32", "pytorch", 1, size, tuple(knobs.items()))
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
    return runtimes("pytorch")


def told(python: str, module: str, *words: str) -> Any:
    """What a module of tests says in PyTorch's environment."""
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
    found = told(pythons("pytorch"), "tests.backends.torch_cases")
    wrong = {name: why for name, why in found.items() if why and not why.startswith("refused")}
    assert wrong == {}
    assert sum(not why for why in found.values()) > 500
    # What is refused is named: an operator, a type or what a size depends on.
    assert all(len(why) > len("refused: ...") for why in found.values() if why)


def test_threads_and_mode_hold_in_each_calling_thread(
    pythons: Callable[[str], str], tmp_path: Path
) -> None:
    found = told(pythons("pytorch"), "tests.backends.torch_threads", str(small(tmp_path)), "2")
    (one, *state), other = found["answers"]
    assert state == [2, True] == other[1:]
    np.testing.assert_array_equal(one, other[0])
    assert found["interop"] == 1


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


def test_the_mlperf_form_of_resnet_is_what_it_was(runtime: Runtime, tmp_path: Path) -> None:
    """Normalisations go into convolutions, sums into dense layers."""
    import onnxruntime

    path = tmp_path / "reference.onnx"
    path.write_bytes(resnets.reference_onnx(resnets.narrow()))
    samples = batch(2, 3, resnets.SIDE, resnets.SIDE)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = session.run(["softmax_tensor:0"], {session.get_inputs()[0].name: samples})[0]
    ways: tuple[dict[str, KnobValue], ...] = ({}, {"channels_last": False}, {"compile": True})
    for knobs in ways:
        loaded = runtime.load(request(path, **knobs))
        np.testing.assert_allclose(predicted(loaded, samples), expected, atol=1e-4)
        loaded.close()


@pytest.mark.parametrize("compiled", [False, True])
def test_lower_precision_is_near(runtime: Runtime, tmp_path: Path, compiled: bool) -> None:
    """A CPU without instructions for bfloat16 computes the same, slowly."""
    samples, found = batch(*SAMPLES), []
    for precision in ("f32", "bf16"):
        knobs: dict[str, KnobValue] = {"inference_precision": precision, "compile": compiled}
        loaded = runtime.load(request(small(tmp_path), 2, **knobs))
        found.append(predicted(loaded, samples).copy())
        loaded.close()
    assert found[1].dtype == np.float32
    apart = np.abs(found[0] - found[1])
    assert 0 < apart.max() < 0.05 * np.abs(found[0]).max()


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


def test_an_exported_program_is_no_model(runtime: Runtime, tmp_path: Path) -> None:
    """To load one is to unpickle what it holds."""
    assert backend("pytorch").formats == ("onnx",)
    path = tmp_path / "program.pt2"
    path.write_bytes(b"PK\x03\x04 an archive")
    with pytest.raises(LoadError):
        runtime.load(request(path))


class TestCompiling:
    def connected(
        self, python: str, folder: Path, monkeypatch: pytest.MonkeyPatch, path: str | None = None
    ) -> Connection:
        monkeypatch.setenv("DSE_CACHE_DIR", str(folder / "cache"))
        monkeypatch.setenv("TMPDIR", str(folder / "temporary"))
        (folder / "temporary").mkdir()
        if path is not None:
            monkeypatch.setenv("PATH", path)
        return Connection(python, "pytorch")

    def test_what_is_compiled_lies_in_the_users_cache(
        self, pythons: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = self.connected(pythons("pytorch"), tmp_path, monkeypatch)
        runtime = RemoteRuntime("pytorch", connection)
        loaded = runtime.load(request(small(tmp_path), compile=True))
        assert loaded.predict(loaded.bind(batch(*SAMPLES))).shape == (2, 10)
        connection.close()
        (folder,) = (tmp_path / "cache" / "inductor").iterdir()
        assert folder.stat().st_mode & 0o077 == 0
        assert any(path.is_file() for path in folder.rglob("*"))
        assert not list((tmp_path / "temporary").glob("torchinductor*"))

    def test_without_a_compiler_it_says_so(
        self, pythons: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        python = pythons("pytorch")
        connection = self.connected(python, tmp_path, monkeypatch, path="/nowhere")
        runtime = RemoteRuntime("pytorch", connection)
        with pytest.raises(
            UnsupportedError, match=r"needs a C\+\+ compiler, and there is no g\+\+"
        ):
            runtime.load(request(small(tmp_path), compile=True))
        loaded = runtime.load(request(small(tmp_path)))
        assert loaded.predict(loaded.bind(batch(*SAMPLES))).shape == (2, 10)
        connection.close()

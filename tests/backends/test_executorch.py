"""What ExecuTorch's exporter makes of a file, where it is kept, and how it is run."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper

from dse.core.backend import LoadError, LoadRequest, Scores, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.launcher import launch_command
from dse.core.worker_environment import worker_environment
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.question_answering._builtin import build_int8
from tests import any_models
from tests.any_models import model, value
from tests.backends.remote import FOLDERS, Connection, RemoteRuntime
from tests.small_models import SIDE, onnx_bytes
from tests.tasks.question_answering.encoders import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Model, Runtime
    from dse.core.configuration import KnobValue

INT8_MODELS = ("mobilenet-v1-0.25-128", "mobilenet-v2-0.35-128")
"""The second skips blocks: what one layer gives, two read."""


def request(path: Path, size: int = 2, /, **more: Any) -> LoadRequest:
    precision, instances = more.pop("precision", "fp32"), more.pop("instances", 1)
    knobs: tuple[tuple[str, KnobValue], ...] = tuple(more.items())
    configuration = Configuration("m", precision, "executorch", 1, size, knobs, instances)
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


@pytest.fixture
def runtime(runtimes: Callable[[str], Runtime]) -> Runtime:
    return runtimes("executorch")


@pytest.mark.long
def test_each_model_computes_in_a_pool_of_its_size(
    pythons: Callable[[str], str], runtime: Runtime, tmp_path: Path
) -> None:
    path, python = small(tmp_path), pythons("executorch")
    runtime.load(request(path)).close()  # exported into the cache of the tests
    words = launch_command(python, "tests.backends.executorch_threads", str(path), folders=FOLDERS)
    ended = subprocess.run(words, capture_output=True, text=True, env=worker_environment(python))
    assert ended.returncode == 0, ended.stderr
    answers = json.loads(ended.stdout)
    assert [count for _, count, _ in answers] == [1, 2, 2, 1, 2]
    assert [threads for _, _, threads in answers] == [0, 1, 1, 0, 1]  # beside the one that calls
    for scores, *_ in answers:
        np.testing.assert_allclose(scores, answers[0][0], rtol=1e-4)


@pytest.mark.long
def test_instances_that_would_wait_for_each_other_are_refused(
    runtime: Runtime, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match=r"^2 instances: .* one would wait for the other$"):
        runtime.load(request(small(tmp_path), instances=2))


@pytest.mark.long
def test_an_unknown_operator_is_named(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "made.onnx"
    made = model(
        [helper.make_node("NonZero", ["numbers"], ["places"])],
        [value("numbers", ("batch", 3))],
        [value("places", (2, "found"), "INT64")],
        {},
    )
    path.write_bytes(made.SerializeToString())
    with pytest.raises(UnsupportedError, match="operator NonZero is not supported"):
        runtime.load(request(path))


@pytest.mark.long
def test_a_size_that_is_open_is_that_of_the_batch(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "open.onnx"
    path.write_bytes(any_models.any_size().SerializeToString())
    loaded = runtime.load(request(path))
    wide, square = loaded.bind(batch(2, 3, 8, 12)), loaded.bind(batch(2, 3, 8, 8))
    first = loaded.predict(wide).copy()
    assert first.shape == (2, any_models.CLASSES)
    assert not np.array_equal(loaded.predict(square), first)
    np.testing.assert_array_equal(loaded.predict(wide), first)
    loaded.close()


@pytest.mark.long
def test_a_program_is_no_model(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "program.pte"
    path.write_bytes(b"\x1c\0\0\0ET12" + bytes(64))
    with pytest.raises(LoadError):
        runtime.load(request(path))


@pytest.mark.long
class TestInt8:
    @pytest.mark.parametrize("name", INT8_MODELS)
    def test_scores_are_those_of_onnx_runtime(
        self, runtime: Runtime, shared_cache: Path, name: str
    ) -> None:
        """Weights are integers in the program, and so is all between the layers."""
        import onnxruntime

        assert shared_cache.is_dir()
        path = BuiltinProvider().artefact(name, "int8", ("onnx",)).path
        samples = batch(2, 3, 128, 128)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        expected = session.run(None, {session.get_inputs()[0].name: samples})[0]
        loaded = runtime.load(request(path, precision="int8"))
        scores = predicted(loaded, samples)
        loaded.close()
        apart = np.sqrt(((scores - expected) ** 2).mean())
        assert apart < 0.02 * expected.std()

    def test_a_file_whose_products_are_not_quantised_is_refused(
        self, runtime: Runtime, shared_cache: Path
    ) -> None:
        assert shared_cache.is_dir()
        path, _ = build_int8("small", SMALL)
        wanted = request(path, 1, precision="int8")
        given = LoadRequest(wanted.configuration, path, {}, SMALL.form.signature)
        with pytest.raises(UnsupportedError, match="can't multiply integers unless the products"):
            runtime.load(given)

    def test_it_needs_xnnpack(self, runtime: Runtime, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedError, match="int8 needs XNNPACK"):
            runtime.load(request(small(tmp_path), precision="int8", xnnpack=False))


def test_a_program_is_named_after_all_modules_that_make_it() -> None:
    programs = importlib.import_module("dse.backends._executorch_programs")
    sources = {file.stem: file for file in programs._sources()}
    left, seen = ["_executorch_converter"], set()
    while left:
        name = left.pop()
        seen.add(name)
        assert name in sources
        for node in ast.walk(ast.parse(sources[name].read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                found = [node.module] if node.module else [one.name for one in node.names]
                left += set(found) - seen


@pytest.mark.long
def test_a_program_is_exported_once(
    pythons: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE_DIR", str(tmp_path / "cache"))
    path, samples = small(tmp_path), batch(2, 3, SIDE, SIDE)
    found = []
    for _ in range(2):
        connection = Connection(pythons("executorch"), "executorch")
        loaded = RemoteRuntime("executorch", connection).load(request(path))
        scores = predicted(loaded, samples).copy()
        connection.close()
        [program] = (tmp_path / "cache" / "conversions").glob("*/*/*")
        found.append((scores.tolist(), program.stat().st_ino))
        path.touch()  # its content is what counts
    assert found[0] == found[1]
    assert program.parent.stat().st_mode & 0o077 == 0
    assert program.parent.parent.stat().st_mode & 0o077 == 0

"""What MNN's converter and sessions do that other runtimes do not."""

from __future__ import annotations

import gc
import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper

from dse.core.backend import LoadRequest, Preparing, Runtime, Scores, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.metrics import LOAD_TIME
from dse.core.registry import backend
from dse.formats.dimensions import Choices, resolve_inputs
from dse.formats.interface import TensorInfo
from dse.formats.reading import describe
from dse.measure.runs import take
from tests.any_models import model, value
from tests.measure.specs import spec
from tests.small_models import CLASSES, SIDE, onnx_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnx import ModelProto


def runtime() -> Runtime:
    found = backend("mnn")
    assert isinstance(found, Runtime)
    return found


def request(path: Path, threads: int = 1, **more: Any) -> LoadRequest:
    configuration = Configuration("m", "fp32", "mnn", threads, 1, **more)
    return LoadRequest(configuration, path, {}, scores=Scores())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.onnx"
    path.write_bytes(onnx_bytes(sums=False))
    return path


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The converters that are started from now on."""
    started = []
    usual: Callable[..., Any] = subprocess.run

    def run(command: Any, **options: Any) -> Any:
        if any("_mnn_converter" in word for word in command):
            started.append(command)
        return usual(command, **options)

    monkeypatch.setattr(subprocess, "run", run)
    return started


def test_a_file_is_converted_once(
    small: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not own_cache.exists()
    started = counted(monkeypatch)
    found = runtime()
    assert isinstance(found, Preparing)
    found.prepare(request(small))
    assert len(started) == 1
    for threads in (1, 2):
        found.load(request(small, threads)).close()
    assert len(started) == 1
    small.write_bytes(onnx_bytes(sums=False, heads=2))
    found.load(request(small)).close()
    assert len(started) == 2
    again = small.with_name("again.onnx")
    again.write_bytes(small.read_bytes())
    found.load(request(again)).close()
    assert len(started) == 2


def test_a_conversion_that_is_gone_is_made_again(small: Path, own_cache: Path) -> None:
    found = runtime()
    for _ in range(2):
        found.load(request(small)).close()
        [made] = (own_cache / "conversions").glob("*/*/model.mnn")
        shutil.rmtree(made.parent)


def test_what_a_file_became_meanwhile_is_not_kept_as_what_it_was(
    small: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual: Callable[..., Any] = subprocess.run
    before = small.read_bytes()

    def run(command: Any, **options: Any) -> Any:
        small.write_bytes(onnx_bytes(sums=False, heads=2))
        return usual(command, **options)

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", run)
        runtime().load(request(small)).close()
    assert not list((own_cache / "conversions").glob("*/*"))
    small.write_bytes(before)
    runtime().load(request(small)).close()
    assert len(list((own_cache / "conversions").glob("*/*"))) == 1


def test_no_load_takes_the_time_of_a_conversion(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    found = runtime()
    assert isinstance(found, Preparing)
    for name, usual in (("prepare", found.prepare), ("load", found.load)):

        def noted(_: Runtime, one: LoadRequest, name: str = name, usual: Any = usual) -> Any:
            order.append(name)
            return usual(one)

        monkeypatch.setattr(type(found), name, noted)
    list(take(found, spec(tmp_path, LOAD_TIME.name, backend="mnn", model_file=small)))
    assert order[:2] == ["prepare", "load"]


DESCRIPTORS = Path("/proc/self/fd")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a file has a name")
def test_without_a_cache_a_conversion_leaves_nothing_behind(
    small: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE_DIR", str(small))  # no folder
    before = len(list(DESCRIPTORS.iterdir()))
    for heads in (1, 2) * 8:
        small.write_bytes(onnx_bytes(sums=False, heads=heads))
        loaded = runtime().load(request(small))
        batch = np.zeros((1, 3, SIDE, SIDE), np.float32)
        assert loaded.predict(loaded.bind(batch)).shape[1] in (CLASSES, 7)
        loaded.close()
        assert not list(scratch.iterdir())
    gc.collect()
    assert len(list(DESCRIPTORS.iterdir())) <= before + 8


def unknown() -> ModelProto:
    """An operator that no library knows."""
    nodes = [helper.make_node("Sum", ["numbers"], ["same"])]
    return model(nodes, [value("numbers", (1, 4))], [value("same", (1, 4))], {})


def test_a_converter_that_crashes_is_a_refusal(
    tmp_path: Path, own_cache: Path, scratch: Path
) -> None:
    path = tmp_path / "unknown.onnx"
    path.write_bytes(unknown().SerializeToString())
    for _ in range(2):
        with pytest.raises(UnsupportedError) as caught:
            runtime().load(request(path))
        assert str(caught.value) == (
            "MNN's converter can't convert the file: Not support 1 input for Sum op "
            "(ended by SIGSEGV)"
        )
    assert not list(scratch.iterdir())
    assert not list(own_cache.glob("*/*/*"))


def test_several_instances_of_several_threads_are_refused(small: Path) -> None:
    with pytest.raises(UnsupportedError, match="one pool of threads for the whole process"):
        runtime().load(request(small, threads=2, instances=2))
    for threads, instances in ((1, 2), (2, 1)):
        runtime().load(request(small, threads, instances=instances)).close()


def test_a_fixed_size_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "fixed.onnx"
    path.write_bytes(onnx_bytes(fixed_batch=True))
    configuration = Configuration("m", "fp32", "mnn", 1, 4)
    with pytest.raises(UnsupportedError, match="'input' is float32 1x3x8x8, not 4x3x8x8"):
        runtime().load(LoadRequest(configuration, path, {}, scores=Scores()))


def wide() -> ModelProto:
    nodes = [
        helper.make_node("Cast", ["ids"], ["numbers"], to=1),
        helper.make_node("Mul", ["numbers", "two"], ["twice"]),
    ]
    two = {"two": np.array(2, np.float32)}
    return model(nodes, [value("ids", (1, 4), "INT64")], [value("twice", (1, 4))], two)


def test_a_part_of_another_size_is_refused(tmp_path: Path) -> None:
    """MNN's parts of an odd number are as large as the smallest one."""
    nodes = [helper.make_node("Split", ["numbers"], ["most", "rest"], axis=1, num_outputs=2)]
    outputs = [value("most", ("batch", 3)), value("rest", ("batch", 2))]
    made = model(nodes, [value("numbers", ("batch", 5))], outputs, {}, opset=18)
    path = tmp_path / "parts.onnx"
    path.write_bytes(made.SerializeToString())
    with pytest.raises(UnsupportedError, match=r"'most' is 1x2 in MNN, and float32 .x3"):
        runtime().load(request(path))


def test_wide_integers_are_narrowed_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "wide.onnx"
    path.write_bytes(wide().SerializeToString())
    signature = resolve_inputs(describe(path).inputs, Choices({})).signature
    loaded = runtime().load(LoadRequest(request(path).configuration, path, {}, signature))
    ids = np.array([[1, -2, 3, 1 << 20]])
    bound = loaded.bind((ids,))
    np.testing.assert_array_equal(loaded.predict(bound), 2.0 * ids)
    with pytest.raises(ValueError, match=r"int32 .* in the place of int64"):
        loaded.bind((ids.astype(np.int32),))
    loaded.close()


def test_numbers_that_the_bindings_do_not_show_are_a_refusal() -> None:
    class Nothing:
        """As an int8 input is."""

        def getNumpyData(self) -> None:  # noqa: N802  # MNN's name
            return None

    class Tensor:
        """As the quantised scores of a MobileNet are."""

        def getNumpyData(self) -> None:  # noqa: N802  # MNN's name
            raise SystemError("returned a result with an exception set")

    memory = importlib.import_module("dse.backends.mnn")._memory
    for shown in (Tensor(), Nothing()):
        with pytest.raises(UnsupportedError, match="MNN shows no array of uint8 1x4 for 'scores'"):
            memory(shown, TensorInfo("scores", "uint8", (1, 4)))


def test_without_winograd_the_sums_are_others(tmp_path: Path) -> None:
    weights = {"filters": np.random.default_rng(1).normal(size=(64, 64, 3, 3)).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["images", "filters"], ["scores"])]
    given, found = [value("images", (1, 64, 32, 32))], [value("scores", (1, 64, 30, 30))]
    path = tmp_path / "convolution.onnx"
    path.write_bytes(model(nodes, given, found, weights).SerializeToString())
    images = np.random.default_rng(2).normal(size=(1, 64, 32, 32)).astype(np.float32)
    scores: dict[str, Any] = {}
    for tiles in ("any", "small", "none"):
        loaded = runtime().load(request(path, knobs=(("winograd", tiles),)))
        scores[tiles] = loaded.predict(loaded.bind(images)).copy()
        loaded.close()
    for tiles in ("small", "none"):
        off = np.abs(scores[tiles] - scores["any"]).max()
        assert off < 1e-2 * scores["any"].std()
    assert not np.array_equal(scores["any"], scores["none"])


def test_the_converter_calls_nobody() -> None:
    """The package's own program reports to a server as it starts."""
    code = (
        "import sys, dse.backends._mnn_converter, _tools\n"
        "sys.exit(any(name in sys.modules for name in ('MNN', 'aliyun', 'urllib.request')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0

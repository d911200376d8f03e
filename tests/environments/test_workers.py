"""Workers in the environment of the old runtimes, of which this process has neither."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.core.launcher import launch_command
from dse.core.measurement import FailureKind
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.core.worker_environment import worker_environment
from dse.environments.availability import runtime_availabilities
from dse.measure.runner import Limits, run_worker
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.preprocessing import Layout, Preprocessing
from tests.measure.specs import ALL, PATIENCE_S, STEADY, spec
from tests.small_models import SIDE, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.measure.spec import Spec

MODELS: dict[str, tuple[str, Callable[..., bytes], Layout]] = {
    "deepsparse": ("small.onnx", onnx_bytes, "NCHW"),
    "tflite-runtime": ("small.tflite", tflite_bytes, "NHWC"),
}
GIGABYTE = 1 << 30
FOLDERS = {
    "tests": str(Path(__file__).parents[1]),
    "tests.environments": str(Path(__file__).parent),
}


@pytest.fixture
def pythons(environments: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("DSE_CACHE_DIR", str(environments))
    found = runtime_availabilities(MODELS)
    return {name: availability.python or "" for name, availability in found.items()}


def wanted(name: str, folder: Path, *, fixed_batch: bool = False) -> Spec:
    file, write, layout = MODELS[name]
    (folder / file).write_bytes(write(fixed_batch=fixed_batch))
    return spec(
        folder,
        *ALL,
        backend=name,
        batch_size=4,
        model_file=folder / file,
        preprocessing=Preprocessing(SIDE, layout=layout),
        labels=[0, 1, 2, 3, 4, 5, 6, 7],
        fidelity=STEADY,
    )


def test_this_process_has_neither() -> None:
    assert importlib.util.find_spec("deepsparse") is None
    assert importlib.util.find_spec("tflite_runtime") is None


@pytest.mark.parametrize("name", MODELS)
def test_everything_is_taken(name: str, pythons: dict[str, str], tmp_path: Path) -> None:
    outcome = run_worker(
        wanted(name, tmp_path), Limits(PATIENCE_S, 2 * GIGABYTE), interpreter=pythons[name]
    )
    assert outcome.failure is None, outcome.failure
    assert {ACCURACY.name, LATENCY.name, THROUGHPUT.name} <= set(outcome.values)
    assert all(value >= 0 for value in outcome.values.values())


@pytest.mark.parametrize("name", MODELS)
def test_a_refusal_is_a_failure(name: str, pythons: dict[str, str], tmp_path: Path) -> None:
    outcome = run_worker(
        wanted(name, tmp_path, fixed_batch=True), Limits(PATIENCE_S, 0), interpreter=pythons[name]
    )
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.UNSUPPORTED
    assert "eshape" in outcome.failure.message.replace("RESHAPE", "reshape")


def test_the_worker_loads_little(pythons: dict[str, str], tmp_path: Path) -> None:
    python = pythons["tflite-runtime"]
    file, names = tmp_path / "spec.json", tmp_path / "names"
    told = wanted("tflite-runtime", tmp_path)
    told.folder.mkdir()
    file.write_text(told.to_json())
    words = launch_command(
        python, "tests.environments.loaded", str(names), str(file), folders=FOLDERS
    )
    ended = subprocess.run(words, capture_output=True, text=True, env=worker_environment(python))
    assert ended.returncode == 0, ended.stderr
    assert {name for name in names.read_text().split() if not name.startswith("_")} == {
        *("dse", "mlperf_loadgen", "tflite_runtime", "tests"),
        *("numpy", "cython_runtime"),  # numpy.random's
    }

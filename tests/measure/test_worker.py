"""The worker by hand, as a command: its answer, its exit code, what it imports."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.measurement import Measurement, Source
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.preprocessing import Preprocessing
from tests.measure.specs import ALL, PATIENCE_S, QUICK, STEADY, spec
from tests.small_models import SIDE, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from dse.core.configuration import KnobValue
    from dse.measure.spec import Spec

BANNED = {
    *("optuna", "sqlalchemy", "pandas", "pydantic", "yaml", "rich", "click", "matplotlib"),
    "openvino.tools",  # the converter, whose import takes as long as that of the runtime
}
RUNTIME_MODULES = {"onnxruntime": "onnxruntime", "litert": "ai_edge_litert"}
DELAYED: dict[str, KnobValue] = {"delay_ms": 1.0}


def work(wanted: Spec, *words: str, python: tuple[str, ...] = ()) -> CompletedProcess[str]:
    wanted.folder.mkdir(parents=True, exist_ok=True)
    file = wanted.folder.parent / "spec.json"
    file.write_text(wanted.to_json())
    return subprocess.run(
        [sys.executable, *python, "-m", "dse.measure.worker", str(file), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def answers(stdout: str) -> list[tuple[str, Any]]:
    messages = [json.loads(line) for line in stdout.splitlines()]
    return [(message["kind"], message["body"]) for message in messages]


def measured(stdout: str) -> dict[str, Measurement]:
    """The measurements of an answer that ends with ``done``."""
    *bodies, end = answers(stdout)
    assert end == ("done", {})
    assert {kind for kind, _ in bodies} == {"measurement"}
    found = [Measurement.from_dict(body) for _, body in bodies]
    return {measurement.metric: measurement for measurement in found}


def failure(ended: CompletedProcess[str]) -> tuple[str, str]:
    """Kind and message of the one answer of a worker that took nothing."""
    assert ended.returncode == 1
    [(kind, body)] = answers(ended.stdout)
    assert kind == "failure"
    assert set(body) == {"kind", "message"}
    return body["kind"], body["message"]


def test_null_takes_everything_in_order(tmp_path: Path) -> None:
    wanted = spec(tmp_path, *ALL, batch_size=2, knobs=DELAYED, labels=[0, 1, 0, 7, 0])
    ended = work(wanted)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = measured(ended.stdout)
    assert list(found) == list(ALL)
    assert found[ACCURACY.name].value == 60
    assert found[LATENCY.name].value > 0
    assert found[THROUGHPUT.name].value > 0
    for metric, measurement in found.items():
        assert measurement.key == f"key of {metric}"
        assert (measurement.run, measurement.fidelity) == ("0-1", "probe")
        assert measurement.source is Source.MEASURED
        assert measurement.seconds > 0


def test_the_logs_land_below_the_run_folder_or_where_one_says(tmp_path: Path) -> None:
    wanted = spec(tmp_path, LATENCY.name, knobs=DELAYED)
    assert work(wanted).returncode == 0
    assert (wanted.folder / "single_stream/mlperf_log_detail.txt").exists()
    before = sorted(wanted.folder.rglob("*"))
    elsewhere = tmp_path / "elsewhere"
    assert work(wanted, "--folder", str(elsewhere)).returncode == 0
    assert (elsewhere / "single_stream/mlperf_log_detail.txt").exists()
    assert sorted(wanted.folder.rglob("*")) == before


def test_what_a_runtime_refuses_is_unsupported(tmp_path: Path) -> None:
    ended = work(spec(tmp_path, LATENCY.name, knobs={"fault": "refuse"}))
    assert failure(ended) == ("unsupported", "refused, as asked for")
    assert "Traceback" in ended.stderr
    assert "UnsupportedError: refused, as asked for" in ended.stderr


@pytest.mark.parametrize("backend", RUNTIME_MODULES)
def test_a_model_that_is_no_model(backend: str, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"this is no model" * 99)
    kind, message = failure(work(spec(tmp_path, LATENCY.name, backend=backend, model_file=model)))
    assert kind == "load"
    assert message


def test_accuracy_without_labels_is_unsupported(tmp_path: Path) -> None:
    kind, message = failure(work(spec(tmp_path, ACCURACY.name)))
    assert (kind, message) == ("unsupported", "the quality of answers needs a data set")


def test_a_log_that_was_cut_short_is_an_invalid_run(tmp_path: Path) -> None:
    """No file may grow beyond a kilobyte, as on a full disk: LoadGen itself does not notice."""
    wanted = spec(tmp_path, LATENCY.name, knobs=DELAYED)
    wanted.folder.mkdir()
    file = tmp_path / "spec.json"
    file.write_text(wanted.to_json())
    ended = subprocess.run(
        ["bash", "-c", f"ulimit -f 1 && exec '{sys.executable}' -m dse.measure.worker '{file}'"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    kind, message = failure(ended)
    assert kind == "invalid_run"
    assert "mlperf_log_detail.txt" in message


def test_what_was_taken_is_answered_before_the_failure(tmp_path: Path) -> None:
    ended = work(spec(tmp_path, *ALL, knobs={"fault": "raise"}, labels=[0, 0, 1, 0]))
    assert ended.returncode == 1
    first, last = answers(ended.stdout)
    assert (first[0], first[1]["value"]) == ("measurement", 75)
    assert last == (
        "failure",
        {"kind": "crash", "message": "RuntimeError: raised, as asked for"},
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is not enforced elsewhere")
def test_the_memory_limit_of_the_spec_holds(tmp_path: Path) -> None:
    wanted = spec(tmp_path, LATENCY.name, knobs={"fault": "eat_memory"})
    kind, message = failure(work(replace(wanted, memory_limit_bytes=1 << 29)))
    assert kind == "out_of_memory"
    assert message


def test_a_broken_data_set_is_an_error_with_a_traceback(tmp_path: Path) -> None:
    wanted = spec(tmp_path, ACCURACY.name, labels=[0, 1])
    (tmp_path / "pixels.npy").write_bytes(b"cut short")
    ended = work(wanted)
    assert ended.returncode == 1
    answer = json.loads(ended.stdout)
    assert (answer["kind"], answer["body"]["kind"]) == ("failure", "crash")
    assert "failed in inputs: DseError: " in answer["body"]["message"]
    assert "not a cache of images" in answer["body"]["message"]
    assert "Traceback" in ended.stderr


def test_a_missing_runtime_is_unsupported(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('there is no onnxruntime here')")
    wanted = spec(tmp_path, LATENCY.name, backend="onnxruntime", model_file=tmp_path / "m.onnx")
    wanted.folder.mkdir()
    file = tmp_path / "spec.json"
    file.write_text(wanted.to_json())
    ended = subprocess.run(
        [sys.executable, "-m", "dse.measure.worker", str(file)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=tmp_path,  # where the module above is found first
    )
    assert failure(ended) == ("unsupported", "there is no onnxruntime here")


def imported(stderr: str) -> set[str]:
    """The modules that ``-X importtime`` lists, and the packages that they lie in."""
    lines = [line for line in stderr.splitlines() if line.startswith("import time:")]
    modules = {line.rpartition("|")[2].strip() for line in lines}
    return modules | {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("backend", ["null", *RUNTIME_MODULES, "openvino"])
def test_it_imports_no_more_than_it_needs(backend: str, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(onnx_bytes())
    (tmp_path / "m.tflite").write_bytes(tflite_bytes())
    wanted = spec(
        tmp_path,
        LATENCY.name,
        backend=backend,
        knobs=DELAYED if backend == "null" else None,
        model_file=tmp_path / ("m.tflite" if backend == "litert" else "m.onnx"),
        preprocessing=Preprocessing(SIDE, layout="NHWC" if backend == "litert" else "NCHW"),
        fidelity=STEADY if backend in RUNTIME_MODULES else QUICK,
    )
    ended = work(wanted, python=("-X", "importtime"))
    assert ended.returncode == 0
    modules = imported(ended.stderr)
    assert "dse" in modules
    assert modules.isdisjoint(BANNED)
    others = {module for name, module in RUNTIME_MODULES.items() if name != backend}
    assert modules.isdisjoint(others)

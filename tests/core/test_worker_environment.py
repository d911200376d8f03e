"""Few of the shell's variables reach what measures, and others on purpose only."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest

from dse.core.backend import LoadRequest
from dse.core.configuration import Configuration
from dse.core.launcher import launch_command
from dse.core.metrics import LATENCY
from dse.core.registry import BACKENDS
from dse.core.worker_environment import (
    LIBRARIES,
    NEEDED_VARIABLES,
    NO_HOME,
    OWN_PYTHON,
    QUIET,
    add_libraries,
    describe_differences,
    describe_way_back,
    format_variables,
    ignored_variables,
    user_variables,
    why_refused,
    worker_environment,
)
from dse.environments.availability import runtime_availabilities
from dse.measure.runner import Limits, run_worker
from dse.models.quantise import quantise
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.preprocessing import Preprocessing
from tests.backends.remote import Connection, RemoteRuntime
from tests.measure.specs import QUICK, spec, wrapper
from tests.small_models import SIDE, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

LIMITS = Limits(60.0, 0)
STEER = {
    "ONEDNN_VERBOSE": "1",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "OMP_NUM_THREADS": "7",
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
    "KMP_BLOCKTIME": "0",
    "MKL_NUM_THREADS": "7",
    "OPENBLAS_CORETYPE": "Prescott",
    "NM_BIND_THREADS_TO_CORES": "1",
    "ORT_LOAD_CONFIG_FROM_MODEL": "1",
    "MLAS_NCHWC_FILTERSET_BALANCE": "0",
    "OV_CPU_DISABLE": "avx512",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "MALLOC_ARENA_MAX": "1",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
    "LD_PRELOAD": "/nowhere/libtcmalloc.so",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
    "PYTHONMALLOC": "debug",
}
SILENT = {"PYTHONPATH": "/nowhere", "PYTHONUNBUFFERED": "1", "CUDA_VISIBLE_DEVICES": "0"}
"""What reaches no worker either, and nobody is told of."""


@pytest.fixture
def steered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (STEER | SILENT).items():
        monkeypatch.setenv(name, value)


def names_of(noted: str) -> set[str]:
    return {line.partition("=")[0] for line in noted.splitlines()}


@pytest.mark.usefixtures("steered")
def test_a_worker_starts_with_a_short_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_NUMERIC", "de_DE.UTF-8")
    monkeypatch.delenv("TZ", raising=False)
    python = wrapper(tmp_path)
    wanted = spec(tmp_path, LATENCY.name, knobs={"delay_ms": 0.1})
    assert run_worker(wanted, LIMITS, interpreter=str(python.path)).failure is None
    names = names_of(python.environment) - {"PWD", "OLDPWD", "SHLVL", "_"}  # which the shell adds
    assert names <= {*NEEDED_VARIABLES, *QUIET, *LIBRARIES, "LC_NUMERIC"}
    assert {"PATH", "LC_NUMERIC", *QUIET} <= names
    assert not names & {*STEER, *SILENT, "TZ"}


@pytest.mark.usefixtures("steered")
def test_what_is_given_reaches_the_worker_and_stands_in_its_spec(tmp_path: Path) -> None:
    python = wrapper(tmp_path)
    given = {"ONEDNN_MAX_CPU_ISA": "AVX2", "KMP_AFFINITY": "compact"}
    wanted = replace(
        spec(tmp_path, LATENCY.name, knobs={"delay_ms": 0.1}), environment=add_libraries(given)
    )
    assert run_worker(wanted, LIMITS, interpreter=str(python.path)).failure is None
    lines = python.environment.splitlines()
    assert {"ONEDNN_MAX_CPU_ISA=AVX2", "KMP_AFFINITY=compact"} <= set(lines)
    assert not names_of(python.environment) & (set(STEER) - set(given))
    stored = json.loads((wanted.folder / "spec.json").read_text())
    assert given.items() <= stored["environment"].items()


def test_an_empty_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in worker_environment(sys.executable):
        monkeypatch.delenv(name, raising=False)
    made = worker_environment(sys.executable)
    assert made.pop("HOME").startswith("/")  # which some runtimes need
    assert made == QUIET
    wanted = spec(tmp_path, LATENCY.name, knobs={"delay_ms": 0.1})
    assert run_worker(wanted, LIMITS).failure is None


def test_each_python_is_led_to_its_own_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OWN_PYTHON:
        monkeypatch.setenv(name, "x")
    assert set(OWN_PYTHON) <= set(worker_environment(sys.executable))
    assert set(OWN_PYTHON).isdisjoint(worker_environment("/opt/python"))


def test_where_shared_libraries_lie_is_passed_on_recorded_and_no_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in LIBRARIES:
        monkeypatch.delenv(name, raising=False)
    assert add_libraries({}) == {}
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    recorded = add_libraries({"KMP_BLOCKTIME": "0"})
    assert recorded == {"KMP_BLOCKTIME": "0", "LD_LIBRARY_PATH": "/opt/lib"}
    assert user_variables(recorded) == {"KMP_BLOCKTIME": "0"}
    assert worker_environment("/opt/python")["LD_LIBRARY_PATH"] == "/opt/lib"
    # A validation has what the study was measured with, whatever the shell says by now.
    assert (
        worker_environment("/opt/python", {"LD_LIBRARY_PATH": "/old"})["LD_LIBRARY_PATH"] == "/old"
    )
    assert "LD_LIBRARY_PATH" not in worker_environment("/opt/python", {})
    assert add_libraries({"LD_LIBRARY_PATH": "/mine"}) == {"LD_LIBRARY_PATH": "/mine"}


@pytest.mark.usefixtures("steered")
def test_what_steers_and_is_left_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    named = ignored_variables({"MALLOC_ARENA_MAX": "1"})
    assert set(STEER) - {"MALLOC_ARENA_MAX"} <= set(named)
    assert list(named) == sorted(named)
    assert set(named).isdisjoint({*SILENT, *QUIET, *NEEDED_VARIABLES, "MALLOC_ARENA_MAX"})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ONEDNN_MAX_CPU_ISA", "SSE41", None),
        ("_RJEM_MALLOC_CONF", "narenas:1", None),
        ("LD_LIBRARY_PATH", "/opt/lib", None),
        ("EMPTY", "", None),
        ("", "x", "is not the name of a variable; write NAME=VALUE"),
        ("1X", "x", "is not the name of a variable"),
        ("A B", "x", "is not the name of a variable"),
        ("X", "a\nb", "has characters that can't be shown"),
        ("X", "\udcff", "has characters that can't be shown"),
        ("PYTHONPATH", "/x", "would change the worker itself"),
        ("DSE_CACHE_DIR", "/x", "would change the worker itself"),
        ("HOME", "/x", "reaches the measurement as the shell has it"),
        ("LC_ALL", "C", "reaches the measurement as the shell has it"),
        ("CI", "false", "CI is always true"),
        ("OMP_NUM_THREADS", "2", "would contradict the configuration"),
        ("NUMEXPR_MAX_THREADS", "2", "would contradict the configuration"),
        ("ORT_LOAD_CONFIG_FROM_MODEL", "1", "would let the model decide threads"),
        ("TF_ENABLE_ONEDNN_OPTS", "0", "is what tensorflow's knob 'onednn' sets"),
        ("LD_PRELOAD", "/nowhere/x.so", "'/nowhere/x.so' is not the absolute path of a file"),
        ("LD_PRELOAD", "libtcmalloc.so", "'libtcmalloc.so' is not the absolute path of a file"),
        ("LD_PRELOAD", "", "'' is not the absolute path of a file"),
    ],
)
def test_what_can_be_given(name: str, value: str, reason: str | None) -> None:
    found = why_refused(name, value)
    assert found is None if reason is None else reason in str(found)
    assert "\n" not in str(found)


def test_a_library_that_is_there_can_be_preloaded(tmp_path: Path) -> None:
    for name in ("a.so", "b.so"):
        (tmp_path / name).touch()
    assert why_refused("LD_PRELOAD", f"{tmp_path}/a.so:{tmp_path}/b.so") is None
    assert why_refused("LD_PRELOAD", f"{tmp_path}/a.so {tmp_path}/b.so") is None
    assert "c.so" in str(why_refused("LD_PRELOAD", f"{tmp_path}/a.so:{tmp_path}/c.so"))


def test_differences_are_named_with_both_values() -> None:
    assert describe_differences({}, {}) == []
    assert describe_differences({"A": "1", "B": "2"}, {"B": "2", "A": "1"}) == []
    assert describe_differences({"A": "1", "B": "2"}, {"B": "3", "C": ""}) == [
        "A was '1' and is not set",
        "B was '2' and is '3'",
        "C was not set and is ''",
    ]
    # What an earlier version did not record: nothing could be set, and the rest nobody knows.
    assert describe_differences(None, {"LD_LIBRARY_PATH": "/opt/lib"}) == []
    assert describe_differences(None, {"A": "1"}) == ["A was not set and is '1'"]


def test_the_way_back_names_what_to_type() -> None:
    assert describe_way_back({"A": "1", "B": "x y"}, {"A": "1"}) == "give --env 'B=x y'"
    assert describe_way_back({"A": "1"}, {"A": "2", "C": ""}) == "give --env A=1 and do without C"
    assert describe_way_back(None, {"A": "1"}) == "do without A"


def test_variables_are_written_as_a_shell_takes_them() -> None:
    assert format_variables({"A": "1", "B": "x y"}) == "A=1 'B=x y'"


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_without_a_home_folder_runtimes_can_be_imported(
    home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless(number: int) -> NoReturn:
        raise KeyError(number)

    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    known = pwd.getpwuid(os.getuid()).pw_dir
    assert worker_environment(sys.executable)["HOME"] == known
    monkeypatch.setattr(pwd, "getpwuid", nameless)
    assert worker_environment(sys.executable)["HOME"] == NO_HOME
    if home is None:
        assert runtime_availabilities(["openvino"])["openvino"].error is None


MODELS: dict[str, tuple[str, Callable[[], bytes], Preprocessing]] = {
    "onnxruntime": ("small.onnx", onnx_bytes, Preprocessing(SIDE, layout="NCHW")),
    "openvino": ("small.onnx", onnx_bytes, Preprocessing(SIDE, layout="NCHW")),
    "litert": ("small.tflite", tflite_bytes, Preprocessing(SIDE)),
    "deepsparse": ("small.onnx", onnx_bytes, Preprocessing(SIDE, layout="NCHW")),
    "tflite-runtime": ("small.tflite", tflite_bytes, Preprocessing(SIDE)),
}
LATER = {"tflite-runtime": pytest.mark.long}


@pytest.mark.parametrize("name", [pytest.param(n, marks=LATER.get(n, ())) for n in MODELS])
def test_runtimes_leave_nothing_in_the_home_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if BACKENDS[name].python:
        monkeypatch.setenv("DSE_CACHE_DIR", str(request.getfixturevalue("environments")))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for variable in (*QUIET, "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    found = runtime_availabilities([name])[name]
    assert found.python is not None, found.error
    file, write, preprocessing = MODELS[name]
    (tmp_path / file).write_bytes(write())
    wanted = spec(
        tmp_path,
        LATENCY.name,
        backend=name,
        model_file=tmp_path / file,
        preprocessing=preprocessing,
        fidelity=QUICK,
    )
    outcome = run_worker(wanted, LIMITS, interpreter=found.python)
    assert outcome.failure is None, outcome.failure
    assert list(home.rglob("*")) == []


def test_making_a_model_leaves_nothing_there_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for variable in (*QUIET, "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "small.onnx").write_bytes(onnx_bytes())
    samples = np.random.default_rng(0).random((4, 1, 3, SIDE, SIDE), np.float32)
    quantise(tmp_path / "small.onnx", "onnx", iter(samples))
    assert list(home.rglob("*")) == []


def scores(file: Path) -> NDArray[np.generic]:
    """OpenVINO's answers to three different inputs, in a process that starts as a worker does."""
    connection = Connection(sys.executable, "openvino")
    try:
        runtime = RemoteRuntime("openvino", connection)
        batches = np.random.default_rng(0).random((3, 1, 3, 128, 128), np.float32)
        configuration = Configuration("m", "fp32", "openvino", 1, 1)
        model = runtime.load(LoadRequest(configuration, file, {}))
        found = np.concatenate([model.predict(model.bind(batch)) for batch in batches])
        model.close()
    finally:
        connection.close()
    return found


@pytest.mark.usefixtures("shared_cache")
def test_verbose_onednn_does_not_keep_openvino_from_computing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = BuiltinProvider().artefact("mobilenet-v1-0.25-128", "fp32", ("onnx",)).path
    monkeypatch.delenv("ONEDNN_VERBOSE", raising=False)
    before = scores(file)
    monkeypatch.setenv("ONEDNN_VERBOSE", "1")
    assert np.array_equal(scores(file), before)
    assert np.isfinite(before.astype(np.float64)).all()
    assert not np.array_equal(before[0], before[1])


COUNT = """
import os, sys
from pathlib import Path
from dse.core.backend import LoadRequest
from dse.core.registry import backend
from dse.core.configuration import Configuration
def main():
    import onnxruntime
    os.environ.update(word.split("=") for word in sys.argv[2:])
    before = len(os.listdir("/proc/self/task"))
    configuration = Configuration("m", "fp32", "onnxruntime", int(sys.argv[1]), 1)
    model = backend("onnxruntime").load(LoadRequest(configuration, Path("own.onnx"), {}))
    print(1 + len(os.listdir("/proc/self/task")) - before)
    return 0
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("inside", [False, True], ids=["in the shell", "in the worker"])
def test_metadata_of_a_model_decide_no_threads(
    threads: int, inside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx

    model = onnx.load_from_string(onnx_bytes())
    text = json.dumps({"session_options": {"intra_op_num_threads": 4}})
    model.metadata_props.add(key="ort_config", value=text)
    onnx.save(model, str(tmp_path / "own.onnx"))
    folder = tmp_path / "sample"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "count.py").write_text(COUNT)
    monkeypatch.setenv("ORT_LOAD_CONFIG_FROM_MODEL", "1")
    words = launch_command(
        sys.executable,
        "sample.count",
        str(threads),
        *(["ORT_LOAD_CONFIG_FROM_MODEL=1"] if inside else []),
        folders={"sample": str(folder)},
    )
    ended = subprocess.run(
        words,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=worker_environment(sys.executable),
        check=True,
    )
    assert int(ended.stdout) == threads

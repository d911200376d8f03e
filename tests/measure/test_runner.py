"""Every way in which a worker can end becomes an outcome, and nothing of it is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError, RequestError
from dse.core.measurement import FailureKind, Outcome
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.measure.runner import (
    Limits,
    run_worker,
)
from dse.measure.spec import SPEC_FILE, STDERR_FILE, Spec
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.preprocessing import Preprocessing
from tests.measure.specs import (
    ALL,
    PATIENCE_S,
    STEADY,
    Wrapper,
    has_begun,
    is_left,
    runs,
    spec,
    wait_for,
    wrapper,
)
from tests.small_models import SIDE, onnx_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import KnobValue
    from dse.core.measurement import Measurement

LIMITS = Limits(timeout_s=PATIENCE_S, memory_bytes=0)
DELAYED: dict[str, KnobValue] = {"delay_ms": 1.0}
GIGABYTE = 1 << 30
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="a guarantee of Linux alone")


def measured(outcome: Outcome) -> list[str]:
    return [measurement.metric for measurement in outcome.measurements]


def failure(outcome: Outcome) -> tuple[FailureKind, str]:
    assert outcome.failure is not None
    return outcome.failure.kind, outcome.failure.message


@pytest.fixture
def python(tmp_path: Path) -> Wrapper:
    return wrapper(tmp_path)


def test_everything_is_taken(tmp_path: Path, python: Wrapper) -> None:
    wanted = spec(tmp_path, *ALL, batch_size=2, knobs=DELAYED, labels=[0, 1, 0, 7])
    kept: list[Measurement] = []
    outcome = run_worker(wanted, LIMITS, interpreter=str(python.path), keep=kept.append)
    assert outcome.failure is None
    assert measured(outcome) == list(ALL)
    assert outcome.values[ACCURACY.name] == 50
    assert tuple(kept) == outcome.measurements
    told = Spec.from_json((wanted.folder / SPEC_FILE).read_text())
    assert told == replace(wanted, interpreter=str(python.path))
    assert (wanted.folder / STDERR_FILE).read_bytes() == b""
    assert not is_left(python.pid)


FAULTS: dict[str, tuple[Limits, FailureKind, str, str]] = {
    "refuse": (LIMITS, FailureKind.UNSUPPORTED, "refused, as asked for", "UnsupportedError"),
    "raise": (LIMITS, FailureKind.CRASH, "RuntimeError: raised, as asked for", "Traceback"),
    "segfault": (
        LIMITS,
        FailureKind.CRASH,
        "the worker was ended by SIGSEGV",
        "Fatal Python error: Segmentation fault",
    ),
    "hang": (Limits(5, 0), FailureKind.TIMEOUT, "no answer within 5 s", ""),
    "eat_memory": (
        Limits(PATIENCE_S, GIGABYTE // 2),
        FailureKind.OUT_OF_MEMORY,
        "MemoryError",
        "MemoryError",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_one_failure(fault: str, tmp_path: Path, python: Wrapper) -> None:
    limits, kind, message, said = FAULTS[fault]
    if fault == "eat_memory" and sys.platform != "linux":
        pytest.skip("the limit is not enforced elsewhere")
    kept: list[Measurement] = []
    wanted = spec(tmp_path, *ALL, knobs={"fault": fault}, labels=[0, 0, 3, 0])
    outcome = run_worker(wanted, limits, interpreter=str(python.path), keep=kept.append)
    assert failure(outcome) == (kind, message)
    assert outcome.failure is not None
    assert said in outcome.failure.stderr_tail
    # The fault strikes in the latency run, after the accuracy was taken.
    expected = [] if fault == "refuse" else [ACCURACY.name]
    assert measured(outcome) == [m.metric for m in kept] == expected
    assert not is_left(python.pid)


def test_a_fault_in_the_second_timed_run_keeps_the_first(tmp_path: Path, python: Wrapper) -> None:
    # The throughput of a slow model takes four predictions, so that the fault is still to come.
    knobs: dict[str, KnobValue] = {"fault": "segfault", "delay_ms": 30.0}
    wanted = spec(tmp_path, THROUGHPUT.name, LATENCY.name, knobs=knobs)
    outcome = run_worker(wanted, LIMITS, interpreter=str(python.path))
    assert measured(outcome) == [THROUGHPUT.name]
    assert failure(outcome)[0] is FailureKind.CRASH


def test_a_batch_that_is_refused_keeps_the_latency(tmp_path: Path) -> None:
    model = tmp_path / "fixed.onnx"
    model.write_bytes(onnx_bytes(fixed_batch=True))
    wanted = spec(
        tmp_path,
        LATENCY.name,
        THROUGHPUT.name,
        backend="onnxruntime",
        batch_size=4,
        model_file=model,
        preprocessing=Preprocessing(SIDE, layout="NCHW"),
        fidelity=STEADY,
    )
    outcome = run_worker(wanted, LIMITS)
    assert measured(outcome) == [LATENCY.name]
    kind, message = failure(outcome)
    assert kind is FailureKind.UNSUPPORTED
    assert "invalid dimensions" in message


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()])
def test_a_measurement_is_kept_at_once_and_an_error_in_it_ends_the_worker(
    error: BaseException, tmp_path: Path, python: Wrapper
) -> None:
    running = []

    def keep(_: Measurement) -> None:
        running.append(runs(python.pid))
        raise error

    wanted = spec(tmp_path, *ALL, knobs={"fault": "hang"}, labels=[0, 1])
    with pytest.raises(type(error)) as caught:
        run_worker(wanted, LIMITS, interpreter=str(python.path), keep=keep)
    assert caught.value is error
    assert running == [True]
    assert not is_left(python.pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_a_worker_that_is_killed_is_a_crash_with_the_signals_name(
    number: signal.Signals, tmp_path: Path, python: Wrapper
) -> None:
    wanted = spec(tmp_path, *ALL, knobs={"fault": "hang"}, labels=[0, 1])

    def kill() -> None:
        wait_for(lambda: has_begun(wanted.folder / "single_stream"))
        os.kill(python.pid, number)

    killer = threading.Thread(target=kill)
    killer.start()
    outcome = run_worker(wanted, LIMITS, interpreter=str(python.path))
    killer.join()
    kind, message = failure(outcome)
    assert kind is FailureKind.CRASH
    assert message == f"the worker was ended by {number.name}"
    assert measured(outcome) == [ACCURACY.name]
    assert not is_left(python.pid)


def test_what_the_worker_has_started_ends_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "helper"
    python = wrapper(tmp_path, f"sleep 600 & echo $! > {pid}")
    outcome = run_worker(
        spec(tmp_path, LATENCY.name, knobs=DELAYED), LIMITS, interpreter=str(python.path)
    )
    assert outcome.failure is None
    helper = int(pid.read_text())
    wait_for(lambda: not runs(helper))


@pytest.mark.parametrize("name", ["missing", "folder", "plain"])
def test_an_interpreter_that_cannot_be_started(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").write_text("not executable")
    wanted = spec(tmp_path, LATENCY.name)
    with pytest.raises(DseError, match="can't be started") as caught:
        run_worker(wanted, LIMITS, interpreter=str(tmp_path / name))
    assert not isinstance(caught.value, RequestError)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file is in the way")
    with pytest.raises(DseError, match=r"run folder .* can't be used") as caught:
        run_worker(spec(tmp_path, LATENCY.name), LIMITS)
    assert not isinstance(caught.value, RequestError)


@pytest.mark.parametrize("taken", [SPEC_FILE, STDERR_FILE])
def test_a_file_of_the_run_folder_that_cannot_be_written(taken: str, tmp_path: Path) -> None:
    wanted = spec(tmp_path, LATENCY.name)
    (wanted.folder / taken).mkdir(parents=True)
    with pytest.raises(DseError, match=r"run folder .* can't be used"):
        run_worker(wanted, LIMITS)


def test_what_lies_in_the_working_directory_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("numpy", "mlperf_loadgen", "dse"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('the wrong one')")
    monkeypatch.chdir(tmp_path)
    outcome = run_worker(spec(tmp_path, LATENCY.name, knobs=DELAYED), LIMITS)
    assert outcome.failure is None


class WokenError(Exception):
    """What the handler of a signal raises."""


@on_linux
def test_a_signal_that_does_not_interrupt_the_wait_ends_it(tmp_path: Path) -> None:
    """As one that comes between the last look at signals and the wait: the system call goes on.

    Here another thread takes the signal, so that the wait is never interrupted; the handler runs
    in the main thread, once that wakes.
    """
    wanted = spec(tmp_path, LATENCY.name, knobs={"fault": "hang"})
    handled, seen = threading.Event(), []

    def handle(*_: object) -> None:
        handled.set()
        raise WokenError

    def take_signal() -> None:
        wait_for(lambda: has_begun(wanted.folder))  # nothing is answered from now on
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        seen.append(handled.wait(PATIENCE_S / 4))

    before = signal.signal(signal.SIGUSR1, handle)
    taker = threading.Thread(target=take_signal)
    taker.start()
    try:
        with pytest.raises(WokenError):
            run_worker(wanted, Limits(PATIENCE_S / 2, 0))
    finally:
        taker.join()
        signal.signal(signal.SIGUSR1, before)
    assert seen == [True]


PARENT = """
import sys
from pathlib import Path
from dse.measure.runner import Limits, run_worker
from dse.measure.spec import SPEC_FILE, Spec
spec = Spec.from_json(Path(sys.argv[1]).read_text())
run_worker(spec, Limits(600, 0), interpreter=sys.argv[2])
"""


@on_linux
@pytest.mark.parametrize("moment", ["at the start", "in the run"])
def test_a_worker_ends_with_its_parent(moment: str, tmp_path: Path, python: Wrapper) -> None:
    wanted = spec(tmp_path, LATENCY.name, knobs={"fault": "hang"})
    file = tmp_path / "spec.json"
    file.write_text(wanted.to_json())
    command = [sys.executable, "-c", PARENT, str(file), str(python.path)]
    with subprocess.Popen(command) as parent:
        try:
            worker = python.pid
            assert runs(worker)
            if moment == "in the run":
                wait_for(lambda: has_begun(wanted.folder))
        finally:
            parent.kill()
    wait_for(lambda: not runs(worker))

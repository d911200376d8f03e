"""Specs of short runs, and interpreters that tell what the runner did with them."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dse.core.configuration import Configuration
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.machine.process_identity import start_ticks
from dse.measure.spec import Fidelity, MetricRequest, ModelFiles, Spec, TaskSpec
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from dse.tasks.image_classification.task import ImageClassification
from dse.tasks.task import InputFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dse.core.configuration import KnobValue

QUICK = Fidelity(
    name="probe",
    min_duration_ms=20,
    min_query_count=64,  # fewer are INVALID
    performance_samples=8,
    warm_up_calls=5,
    warm_up_ms=0,
)
STEADY = replace(QUICK, warm_up_calls=200)
"""For models that take microseconds: their first calls say little of the later ones."""
PATIENCE_S = 60.0
"""Far beyond what anything waited for takes."""


def spec(
    folder: Path,
    *metrics: str,
    backend: str = "null",
    batch_size: int = 1,
    threads: int = 1,
    knobs: Mapping[str, KnobValue] | None = None,
    model_file: Path | None = None,
    preprocessing: Preprocessing | None = None,
    classes: int | None = None,
    labels: Sequence[int] = (),
    settings: Mapping[str, Path] | None = None,
    fidelity: Fidelity = QUICK,
) -> Spec:
    """A spec for runs in ``folder / "run"``; with labels, for noise that bears them."""
    preprocessing = preprocessing or Preprocessing(8)
    files: dict[str, Path] = {}
    if labels:
        files = {name: folder / f"{name}.npy" for name in ("pixels", "labels")}
        side = preprocessing.resolution
        shape = (len(labels), side, side, 3)
        np.save(files["pixels"], np.random.default_rng(1).integers(0, 256, shape, np.uint8))
        np.save(files["labels"], np.array(labels, np.int64))
    return Spec(
        run="0-1",
        folder=folder / "run",
        configuration=Configuration(
            "m", "fp32", backend, threads, batch_size, tuple((knobs or {}).items())
        ),
        model=ModelFiles(model_file),
        task=TaskSpec(
            ImageClassification.worker,
            to_form(preprocessing, classes),
            InputFiles(files, noun="images" if files else ""),
            rules=ImageClassification.rules,
        ),
        requests=tuple(MetricRequest(metric, f"key of {metric}") for metric in metrics),
        fidelity=fidelity,
        settings=settings or {},
    )


def patient(wanted: Spec) -> Spec:
    """With a Server bound that a busy machine keeps: a test must not depend on how fast it is."""
    assert wanted.task.rules is not None
    rules = replace(wanted.task.rules, server_bound_ms=2000.0)
    return replace(wanted, task=replace(wanted.task, rules=rules))


ALL = (ACCURACY.name, LATENCY.name, THROUGHPUT.name)


@dataclass(frozen=True, slots=True)
class Wrapper:
    """An interpreter that notes its process number and environment, and is Python from then on."""

    path: Path
    notes: Path

    @property
    def pid(self) -> int:
        """The worker's process number, as soon as it has one."""
        wait_for(lambda: self._pid.exists() and self._pid.read_text().endswith("\n"))
        return int(self._pid.read_text())

    @property
    def _pid(self) -> Path:
        return self.notes / "pid"

    @property
    def environment(self) -> str:
        return (self.notes / "environment").read_text()


def wrapper(folder: Path, before: str = "") -> Wrapper:
    """A wrapper; ``before`` are shell commands that it runs first."""
    notes = folder / "notes"
    notes.mkdir()
    lines = [
        "#!/bin/sh",
        f"echo $$ > {shlex.quote(str(notes / 'pid'))}",
        f"env > {shlex.quote(str(notes / 'environment'))}",
        before,
        f'exec {shlex.quote(sys.executable)} "$@"',
    ]
    return Wrapper(_script(folder / "python", "\n".join(lines)), notes)


def scripted(folder: Path, code: str) -> Path:
    """An interpreter that runs ``code``, which has ``answer(bytes)``, and measures nothing."""
    head = f"#!{sys.executable}\nimport os, sys, time\n"
    answer = "def answer(data): os.write(int(sys.argv[sys.argv.index('--answer-fd') + 1]), data)\n"
    return _script(folder / "scripted", head + answer + code)


def _script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited for in vain"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    if Path("/proc/self/stat").exists():
        try:
            return start_ticks(Path(f"/proc/{pid}/stat").read_text(errors="replace")) is not None
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_left(pid: int) -> bool:
    """Whether anything of a worker is left: a process, or a child that no one has waited for."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return runs(pid)
    return True


def has_begun(folder: Path) -> bool:
    """Whether LoadGen runs below a run folder."""
    return any(folder.rglob("mlperf_log_detail.txt"))

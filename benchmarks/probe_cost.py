"""What the time of a probe goes to, from the call of the runner to the end of the process.

    python -m benchmarks.probe_cost [--json] [--processes N] [--fidelity NAME]
                                    [--metric NAME ...] [BACKEND ...]

Takes the same probe in N processes of each runtime, in turn, and prints the median milliseconds of
each stage. Runner and worker are the true ones; `benchmarks.staged_worker` enters the stamps, all
of them outside the measured loop. The model is an untrained builtin one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import staged_worker
from dse.core import launcher
from dse.core.configuration import Configuration
from dse.core.metrics import DEFAULT_TIMED, METRICS
from dse.core.registry import backend
from dse.environments.availability import runtime_availabilities
from dse.measure.runner import Limits, run_worker
from dse.measure.spec import RUN_LENGTHS, MetricRequest, ModelFiles, Spec, TaskSpec
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from dse.tasks.registry import DEFAULT, task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.measurement import FidelityName

RUNTIMES = ("onnxruntime", "litert", "openvino", "null")
MODEL = "mobilenet-v1-0.25-128"
LIMITS = Limits(timeout_s=120.0, memory_bytes=0)
TOTAL = "total"


def main() -> int:
    options = _options()
    usable = {}
    for name, found in runtime_availabilities(options.backends).items():
        if found.python is None or found.error is not None:
            sys.stderr.write(f"{name} is left out: {found.error}\n")
        else:
            usable[name] = found.python
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in usable}
    with TemporaryDirectory(prefix="dse-probe-cost-") as folder:
        for number in range(options.processes + 1):
            for name, python in usable.items():
                run = Path(folder, f"{name}-{number}")
                spec = probe_spec(name, run, metrics=options.metric, fidelity=options.fidelity)
                stages = _stages(spec, python)
                if number:  # the first one fills the caches of the system
                    taken[name].append(stages)
    medians = {name: _medians(stages) for name, stages in taken.items()}
    sys.stdout.write(json.dumps(medians, indent=1) + "\n" if options.json else _table(medians))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--processes", type=int, default=9, help="of each runtime; default 9")
    parser.add_argument("--fidelity", choices=list(RUN_LENGTHS), default="probe")
    parser.add_argument("--metric", nargs="+", choices=list(METRICS), default=list(DEFAULT_TIMED))
    parser.add_argument("backends", nargs="*", default=RUNTIMES, metavar="BACKEND")
    found = parser.parse_args()
    if found.processes < 1:
        parser.error("--processes: at least 1")
    return found


def probe_spec(
    name: str,
    folder: Path,
    *,
    model: str = MODEL,
    threads: int = 1,
    batch_size: int = 1,
    metrics: Sequence[str] = DEFAULT_TIMED,
    fidelity: FidelityName = "probe",
) -> Spec:
    """A probe of an untrained builtin model on a backend."""
    given = task(DEFAULT)
    formats = backend(name).formats  # none of a backend that reads no model
    artefact = given.provider(None).artefact(model, "fp32", formats or ("onnx",))
    form = artefact.form if formats else to_form(Preprocessing(128), None)
    knobs = () if formats else (("delay_ms", 0.5),)
    return Spec(
        run="probe",
        folder=folder,
        configuration=Configuration(model, "fp32", name, threads, batch_size, knobs),
        model=ModelFiles(artefact.path if formats else None),
        task=TaskSpec(given.worker, form, rules=given.rules),
        requests=tuple(MetricRequest(metric, "probe") for metric in metrics),
        fidelity=RUN_LENGTHS[fidelity],
    )


def _stages(spec: Spec, python: str) -> dict[str, float]:
    """The seconds of each stage of one probe.

    Raises:
        SystemExit: the probe failed.
    """
    launched_s = 0.0
    launch_command = launcher.launch_command

    def staged(*arguments: Any, **named: Any) -> list[str]:
        nonlocal launched_s
        words = launch_command(*arguments, **named)
        words[words.index(launcher.__file__)] = staged_worker.__file__
        launched_s = time.monotonic()
        return words

    launcher.launch_command = staged
    began_s = time.monotonic()
    try:
        outcome = run_worker(spec, LIMITS, interpreter=python)
    finally:
        launcher.launch_command = launch_command
    ended_s = time.monotonic()
    if outcome.failure is not None:
        sys.exit(f"{spec.configuration}: {outcome.failure.message}")
    told = json.loads((spec.folder / staged_worker.STAGES_FILE).read_text(encoding="utf-8"))
    return {
        "run folder and spec": launched_s - began_s,
        "start of the process": told["began_s"] - launched_s,
        **told["seconds"],
        "end of the process": ended_s - told["ended_s"],
        TOTAL: ended_s - began_s,
    }


def _medians(stages: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median milliseconds of each stage over the processes."""
    return {
        name: round(1e3 * statistics.median(each.get(name, 0.0) for each in stages), 1)
        for name in stages[0]
    }


def _table(medians: dict[str, dict[str, float]]) -> str:
    names = list(dict.fromkeys(name for of_one in medians.values() for name in of_one))
    names.sort(key=lambda name: name == TOTAL)
    lines = [f"{'median ms':28}" + "".join(f"{name:>13}" for name in medians)]
    for name in names:
        values = (of_one.get(name, 0.0) for of_one in medians.values())
        lines.append(f"{name:28}" + "".join(f"{value:13.1f}" for value in values))
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())

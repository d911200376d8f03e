"""Each runtime through the whole harness, over the same runtime called straight.

    python -m benchmarks.runtimes [--json] [--pairs N] [--backend NAME ...]

For every runtime that is usable here, in its own Python, on untrained builtin models in fp32:

- SingleStream's median latency on one thread, over that of the bare call: EfficientNet-Lite0 as a
  ratio, the smallest model as a difference;
- Offline's samples per second with batches of 8, over a bare loop with the same batches that lie
  ready in memory; with one instance of one thread, and with one for each CPU;
- the samples per second of an accuracy run on all CPUs, over those of the bare batched calls.

Exit code 1 if a median is beyond its limit.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bare import BARE
from benchmarks.pairs import arguments, report, summary
from dse.core.launcher import launch_command
from dse.core.registry import backend
from dse.core.worker_environment import worker_environment
from dse.environments.availability import runtime_availabilities
from dse.machine.affinity import available_cpus
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from tests.image_models import preprocessing_of

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
FOLDERS = {name: str(ROOT / name) for name in ("tests", "benchmarks")}
LARGE, SMALL = "efficientnet-lite0", "mobilenet-v1-0.25-128"
BATCH_SIZE = 8
ACCURACY_BATCH = 16


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared, and how far ours may fall behind."""

    title: str
    model: str
    what: str
    options: dict[str, int]
    unit: str
    limit: float
    compare: Callable[[float, float], float]


def ratio(ours: float, bare: float) -> float:
    return ours / bare


def inverse(ours: float, bare: float) -> float:
    return bare / ours


COMPARISONS = (
    Comparison("SingleStream p50, Lite0", LARGE, "latency", {}, "x", 1.02, ratio),
    Comparison("SingleStream p50, smallest", SMALL, "latency", {}, "us", 3.0, lambda a, b: a - b),
    Comparison(
        "Offline, bare over ours, Lite0",
        LARGE,
        "rate",
        {"batch_size": BATCH_SIZE, "instances": 1},
        "x",
        1 / 0.98,
        inverse,
    ),
    Comparison(
        f"Offline, bare over ours, Lite0, {len(available_cpus())} instances",
        LARGE,
        "rate",
        {"batch_size": BATCH_SIZE, "instances": len(available_cpus())},
        "x",
        1 / 0.98,
        inverse,
    ),
    Comparison(
        "accuracy run, bare over ours, Lite0",
        LARGE,
        "accuracy",
        {"batch_size": ACCURACY_BATCH},
        "x",
        1 / 0.9,
        inverse,
    ),
)


def main() -> int:
    options = arguments(__doc__ or "", backends=tuple(BARE))
    results = []
    for name, found in runtime_availabilities(options.backend).items():
        if found.python is None or found.error is not None:
            sys.stderr.write(f"{name} is left out: {found.error}\n")
            continue
        for comparison in COMPARISONS:
            pairs = measured(name, found.python, comparison, options.pairs)
            if pairs is None:
                sys.stderr.write(f"{name}: {comparison.title}: refused\n")
                continue
            title = f"{name}: {comparison.title}"
            results.append(
                summary(title, comparison.unit, comparison.limit, pairs, comparison.compare)
            )
            sys.stderr.write(f"{results[-1]}\n")
    return report(results, as_json=options.json)


def measured(
    name: str, python: str, comparison: Comparison, pairs: int
) -> tuple[tuple[float, float], ...] | None:
    """The pairs of figures; None if the runtime refuses so many instances."""
    artefact = BuiltinProvider().artefact(comparison.model, "fp32", backend(name).formats)
    wanted: dict[str, Any] = {
        "backend": name,
        "file": str(artefact.path),
        "preprocessing": asdict(preprocessing_of(artefact)),
        "what": comparison.what,
        "options": comparison.options,
        "pairs": pairs,
    }
    words = launch_command(python, "benchmarks.beside", json.dumps(wanted), folders=FOLDERS)
    done = subprocess.run(
        words, env=worker_environment(python), stdout=subprocess.PIPE, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return None if found["pairs"] is None else tuple((ours, bare) for ours, bare in found["pairs"])


if __name__ == "__main__":
    sys.exit(main())

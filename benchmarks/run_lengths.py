"""How long the runs of a round should be: the noise of ratios by the length of the runs.

    python -m benchmarks.run_lengths [--json] [--rounds N]

Takes probes of several configurations round by round, in random order and each in a process of its
own, and notes every call. The beginning of a run tells what a shorter one would have said. For each
length it prints the standard deviation of the logarithm of a ratio within a round (median over the
pairs), what deciding between two configurations costs in time, relative to whole probes, and the
largest bias against the whole run over the configurations, with its standard error.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.called_worker import CALLS_FILE
from benchmarks.probe_cost import probe_spec
from dse.core.launcher import launch_command
from dse.core.metrics import DEFAULT_TIMED
from dse.core.worker_environment import worker_environment
from dse.environments.availability import runtime_availabilities
from dse.measure.runs import MIN_QUERIES, OFFLINE_BATCHES
from dse.measure.spec import SPEC_FILE, STDERR_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Calls = NDArray[np.int64]
    """(n, 2): beginning and end of each call, in nanoseconds."""

FOLDERS = {"benchmarks": str(Path(__file__).parent)}
SMALL, LARGE = "mobilenet-v1-0.25-128", "mobilenet-v2-1.0-224"
POINTS = (
    ("onnxruntime", SMALL, 8),
    ("onnxruntime", LARGE, 8),
    ("litert", SMALL, 1),
    ("litert", LARGE, 4),
    ("openvino", SMALL, 8),
)
"""Backend, model and batch size; one thread each."""
LENGTHS_S = (0.1, 0.2, 0.3, 0.5, math.inf)
STARTS_S = 0.3
"""What a run costs beside its queries: the start of its process, the load and the warm-up."""


def p90_ms(calls: Calls, length_s: float) -> tuple[float, float]:
    """The p90 latency of a SingleStream run that ends after a time, and how long it was."""
    count = max(MIN_QUERIES, int((calls[:, 0] - calls[0, 0] < 1e9 * length_s).sum()))
    latencies = np.sort(np.diff(calls[:count], axis=1)[:, 0])
    took_s = (calls[:count][-1, 1] - calls[0, 0]) / 1e9
    return float(latencies[int(0.9 * len(latencies))]) / 1e6, took_s


def rate(calls: Calls, length_s: float) -> tuple[float, float]:
    """The calls per second of an Offline run that ends after a time, and how long it was."""
    ends_s = (calls[:, 1] - calls[0, 0]) / 1e9
    count = min(len(calls), max(OFFLINE_BATCHES, int((ends_s <= length_s).sum())))
    return count / float(ends_s[count - 1]), float(ends_s[count - 1])


FIGURES: dict[str, Callable[[Calls, float], tuple[float, float]]] = dict(
    zip(DEFAULT_TIMED, (p90_ms, rate), strict=True)
)


@dataclass(frozen=True, slots=True)
class Length:
    """What runs of a length tell.

    Attributes:
        metric: that they take.
        length_s: of the runs, infinite for whole probes.
        seconds: that they took, the median.
        ratio_sd: standard deviation of the logarithm of a ratio within a round.
        cost: squared, times the seconds of a run and its start, over that of whole probes.
        bias: mean logarithm of the value over that of the whole run, where it is largest.
        bias_error: the standard error of that.
    """

    metric: str
    length_s: float
    seconds: float
    ratio_sd: float
    cost: float
    bias: float
    bias_error: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--rounds", type=int, default=20, help="at least 3; default 20")
    options = parser.parse_args()
    if options.rounds < 3:
        parser.error("--rounds: at least 3")
    found = runtime_availabilities({backend for backend, *_ in POINTS})
    pythons = {name: one.python for name, one in found.items() if one.python and not one.error}
    points = [point for point in POINTS if point[0] in pythons]
    if len(points) < 2:
        sys.exit("two configurations at least are needed: install onnxruntime")
    rounds = [_round(points, pythons, seed) for seed in range(options.rounds)]
    lengths = [one for metric in FIGURES for one in _lengths(metric, rounds)]
    if options.json:
        sys.stdout.write(json.dumps([asdict(one) for one in lengths], indent=1) + "\n")
    else:
        sys.stdout.write(_table(lengths))
    return 0


def _round(
    points: Sequence[tuple[str, str, int]], pythons: Mapping[str, str], seed: int
) -> list[dict[str, Calls]]:
    """The calls of each point by metric."""
    order = list(enumerate(points))
    random.Random(seed).shuffle(order)  # noqa: S311
    taken = {number: _calls(*point, pythons[point[0]]) for number, point in order}
    return [taken[number] for number in range(len(points))]


def _calls(backend: str, model: str, batch_size: int, python: str) -> dict[str, Calls]:
    with TemporaryDirectory(prefix="dse-run-lengths-") as folder:
        spec = probe_spec(backend, Path(folder), model=model, batch_size=batch_size)
        file = spec.folder / SPEC_FILE
        file.write_text(spec.to_json(), encoding="utf-8")
        words = launch_command(
            python, "benchmarks.called_worker", str(file), backend=backend, folders=FOLDERS
        )
        with (spec.folder / STDERR_FILE).open("wb") as stderr:
            subprocess.run(
                words, check=True, env=worker_environment(python), stdout=stderr, stderr=stderr
            )
        with np.load(spec.folder / CALLS_FILE) as runs:
            single, *offline = (runs[name] for name in runs)
    # A run that was too short was taken again: the last one counts.
    return dict(zip(FIGURES, (single, offline[-1]), strict=True))


def _lengths(metric: str, rounds: Sequence[Sequence[Mapping[str, Calls]]]) -> list[Length]:
    """What each length tells of a metric, from rounds of points."""
    figures = {
        length_s: np.array([[FIGURES[metric](p[metric], length_s) for p in r] for r in rounds])
        for length_s in LENGTHS_S
    }
    logs = {length_s: np.log(figure[..., 0]) for length_s, figure in figures.items()}
    found: list[Length] = []
    for length_s in reversed(LENGTHS_S):
        pairs = combinations(logs[length_s].T, 2)
        sd = statistics.median(float(np.std(one - other, ddof=1)) for one, other in pairs)
        seconds = float(np.median(figures[length_s][..., 1]))
        off = logs[length_s] - logs[math.inf]
        errors = off.std(axis=0, ddof=1) / math.sqrt(len(rounds))
        worst = int(np.abs(off.mean(axis=0)).argmax())
        cost = sd**2 * (seconds + STARTS_S)
        whole = found[0].ratio_sd ** 2 * (found[0].seconds + STARTS_S) if found else cost
        bias, error = float(off.mean(axis=0)[worst]), float(errors[worst])
        found.append(Length(metric, length_s, seconds, sd, cost / whole, bias, error))
    return found


def _table(lengths: Sequence[Length]) -> str:
    lines = [f"{'':26}{'run':>7}{'took s':>8}{'sd of ratio':>13}{'cost':>7}{'largest bias':>19}"]
    for one in lengths:
        name = "probe" if math.isinf(one.length_s) else f"{one.length_s:g} s"
        bias = f"{100 * one.bias:+.1f} +- {100 * one.bias_error:.1f} %"
        lines.append(
            f"{one.metric:26}{name:>7}{one.seconds:8.2f}{100 * one.ratio_sd:11.1f} %"
            f"{one.cost:7.2f}{bias:>19}"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())

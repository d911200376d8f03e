"""What something costs a measurement beside it, by rounds of brief runs in random order.

In each round one configuration is measured once in each of several ways, each time in a process of
its own. The ratio of two ways is a geometric mean over all rounds, with a 95 % confidence interval
of Student's t. Of two ways that do not differ, the ratio says what the method can tell.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.probe_cost import LIMITS, probe_spec
from dse.core.intervals import student_t
from dse.environments.availability import runtime_availabilities
from dse.machine.affinity import available_cpus
from dse.measure.runner import run_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    Way = Callable[[], AbstractContextManager[object]]
    """What holds during a run."""

FIGURES = ("latency_p90_ms", "throughput_samples_per_s")
MIN_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Ratio:
    """What the rounds say of two ways.

    Attributes:
        backend: that was measured.
        figure: the metric.
        name: which ways.
        ratio: the geometric mean over the rounds.
        low: the lower end of its interval.
        high: the upper end.
        rounds: how many.
    """

    backend: str
    figure: str
    name: str
    ratio: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, backend: str, figure: str, name: str, logs: Sequence[float]) -> Ratio:
        """From the logarithm of each round's ratio."""
        mean = statistics.fmean(logs)
        half = student_t(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
        low, high = math.exp(mean - half), math.exp(mean + half)
        return cls(backend, figure, name, math.exp(mean), low, high, len(logs))

    def __str__(self) -> str:
        low, high = (100 * (each - 1) for each in (self.low, self.high))
        return (
            f"{self.backend:12} {self.figure:26} {self.name:30} {100 * (self.ratio - 1):+.2f} %"
            f"  [{low:+.2f}, {high:+.2f}]"
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured.

    Attributes:
        backend: its name.
        python: the interpreter that has it.
        threads: of a run.
        folder: where the runs are kept.
    """

    backend: str
    python: str
    threads: int
    folder: Path

    def figures(self, run: str) -> dict[str, float]:
        """The figures of a brief run.

        Args:
            run: the name of its folder.

        Raises:
            SystemExit: it failed.
        """
        place = self.folder / run
        spec = probe_spec(
            self.backend, place, threads=self.threads, metrics=FIGURES, fidelity="brief"
        )
        outcome = run_worker(spec, LIMITS, interpreter=self.python)
        if outcome.failure is not None:
            sys.exit(f"{spec.configuration}: {outcome.failure.message}")
        return {each.metric: each.value for each in outcome.measurements if each.metric in FIGURES}


def parser(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """The options ``json``, ``rounds`` and ``threads``, and the names of backends.

    Args:
        description: of the benchmark.
        rounds: how many there are where nobody says it.
    """
    found = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    words = f"of three runs; default {rounds}"
    found.add_argument("--rounds", type=_rounds, default=rounds, help=words)
    cpus = len(available_cpus())
    found.add_argument("--threads", type=int, default=cpus, help="of a run; default: all CPUs")
    found.add_argument("backends", nargs="*", default=["onnxruntime"], metavar="BACKEND")
    return found


def _rounds(text: str) -> int:
    number = int(text)
    if number < MIN_ROUNDS:
        raise argparse.ArgumentTypeError(f"at least {MIN_ROUNDS}")
    return number


def usable(backends: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The backends that can be used here, each with its Python; tells of the others."""
    for backend, available in runtime_availabilities(backends).items():
        if available.python is None or available.error is not None:
            sys.stderr.write(f"{backend} is left out: {available.error}\n")
        else:
            yield backend, available.python


def contrasts(
    subject: Subject,
    ways: Mapping[str, Way],
    ratios: Mapping[str, tuple[str, str]],
    rounds: int,
) -> list[Ratio]:
    """The ratios of ways to measure a subject.

    Args:
        subject: what is measured.
        ways: by their names.
        ratios: the ways that are compared, by the name of their ratio.
        rounds: how many; one more comes first, which fills the caches of the system.
    """
    order = random.Random(0)  # noqa: S311
    logs: dict[tuple[str, str], list[float]] = {(f, n): [] for f in FIGURES for n in ratios}
    for number in range(rounds + 1):
        names = [*ways]
        order.shuffle(names)
        found: dict[str, Mapping[str, float]] = {}
        for name in names:
            run = f"{subject.backend}-{number}-{name.replace(' ', '-')}"
            with ways[name]():
                found[name] = subject.figures(run)
        for (figure, name), values in logs.items() if number else ():
            one, other = ratios[name]
            values.append(math.log(found[one][figure] / found[other][figure]))
    return [Ratio.of(subject.backend, f, name, values) for (f, name), values in logs.items()]

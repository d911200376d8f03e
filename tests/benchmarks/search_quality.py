"""How much of the frontier the samplers find in how few steps, on a recorded grid.

    python -m tests.benchmarks.search_quality TABLE [--seeds N] [--sampler NAME]...

TABLE is one of the replay backend that holds every configuration. Printed is the share of the
whole table's hypervolume that is found after 5, 10, 20 and 30 % of the configurations, the mean
over the seeds and in brackets its standard error. Latency and throughput are taken in logarithms,
each objective is scaled to 0 to 1 over the table (1 is worst), the reference point is 1.1.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import moocore

from dse.explore.pool import Pool
from dse.explore.samplers import SAMPLERS, make_sampler
from dse.space import SearchSpace
from dse.space.enumeration import Parameter
from dse.space.plan import Plan
from dse.study.record import Record
from dse.types import (
    ACCURACY,
    DEFAULT_OBJECTIVES,
    METRICS,
    Configuration,
    Failure,
    FailureKind,
    Measurement,
    Outcome,
    Source,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHARES = (0.05, 0.1, 0.2, 0.3)
REFERENCE = 1.1
Table = dict[Configuration, Outcome]


def read(path: Path) -> Table:
    """The outcome of each row."""
    with path.open(newline="", encoding="utf-8") as stream:
        return dict(map(_row, csv.DictReader(stream)))


def _row(row: Mapping[str, str]) -> tuple[Configuration, Outcome]:
    names = ("model", "precision", "threads", "batch_size")
    configuration = Configuration.from_dict(
        {**{name: row[name] for name in names}, "backend": "replay", "runtime": row["backend"]}
    )
    if row["failure"]:
        return configuration, Outcome(failure=Failure(FailureKind.UNSUPPORTED, row["failure"]))
    values = ((name, float(row[name])) for name in DEFAULT_OBJECTIVES)
    return configuration, Outcome(
        tuple(Measurement(name, value, "recorded", Source.REPLAYED) for name, value in values)
    )


def plan_of(table: Table) -> Plan:
    """A plan of just the rows of a table."""
    flat = [configuration.as_dict() for configuration in table]
    names = {name: "replay.runtime" if name == "runtime" else name for name in flat[0]}
    parameters = (
        Parameter(names[name], tuple(dict.fromkeys(row[name] for row in flat))) for name in names
    )
    return Plan(tuple(table), tuple(parameters), ())


class Scale:
    """Turns outcomes into shares of the whole table's hypervolume."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        losses = [_losses(outcome) for outcome in outcomes if outcome.failure is None]
        self._low = [min(column) for column in zip(*losses, strict=True)]
        self._high = [max(column) for column in zip(*losses, strict=True)]
        self._whole = 1.0
        self._whole = self.share(losses)

    def share(self, losses: Sequence[Sequence[float]]) -> float:
        """Hypervolume of some points, over that of all."""
        if not losses:
            return 0.0
        scaled = [
            [(x - a) / (b - a) for x, a, b in zip(point, self._low, self._high, strict=True)]
            for point in losses
        ]
        return float(moocore.hypervolume(scaled, ref=[REFERENCE] * len(self._low))) / self._whole


def _losses(outcome: Outcome) -> list[float]:
    found = []
    for name in DEFAULT_OBJECTIVES:
        value = outcome.values[name] if name == ACCURACY.name else math.log(outcome.values[name])
        found.append(-value if METRICS[name].direction == "maximize" else value)
    return found


def found(table: Table, sampler: str, seed: int) -> list[float]:
    """The share that a sampler has found after each of `SHARES`."""
    space = SearchSpace.from_dict(
        {"models": ["any"], "backends": {"replay": {"table": "table.csv", "runtime": ["any"]}}}
    )
    pool, scale = Pool(plan_of(table), ()), Scale(table.values())
    chooser = make_sampler(sampler, pool, space, seed)
    losses: list[list[float]] = []
    shares: list[float] = []
    for number in range(1, round(max(SHARES) * len(table)) + 1):
        configuration = chooser.propose()
        pool.take(configuration)
        outcome = table[configuration]
        chooser.learn(Record(number, configuration, outcome))
        if outcome.failure is None:
            losses.append(_losses(outcome))
        if number in {round(share * len(table)) for share in SHARES}:
            shares.append(scale.share(losses))
    return shares


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("--seeds", type=int, default=10, help="how many; at least 2")
    parser.add_argument("--sampler", action="append", choices=list(SAMPLERS))
    options = parser.parse_args()
    table = read(options.table)
    sys.stdout.write("".join(["sampler", *(f"{share:>14.0%}" for share in SHARES), "\n"]))
    for sampler in options.sampler or SAMPLERS:
        runs = [found(table, sampler, seed) for seed in range(options.seeds)]
        cells = (
            f"{fmean(column):.3f} ({stdev(column) / math.sqrt(len(column)):.3f})"
            for column in zip(*runs, strict=True)
        )
        sys.stdout.write("".join([f"{sampler:7}", *(f"{cell:>14}" for cell in cells), "\n"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

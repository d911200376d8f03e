"""Lets samplers search tables, in processes side by side, and notes what they have found when."""

from __future__ import annotations

import math
import os
import time
from bisect import bisect_right
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

import moocore

from benchmarks.laboratory.cost import Stopwatch
from benchmarks.laboratory.encoding import losses
from benchmarks.laboratory.peers import PEERS, Task
from benchmarks.laboratory.renaming import show
from dse.core.errors import DseError
from dse.exploration._pool import Pool
from dse.exploration._samplers import SAMPLERS, make_sampler
from dse.search.searcher import REFERENCE_POINT
from dse.study.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.laboratory.renaming import Shown
    from benchmarks.laboratory.tables import Table, Values
    from dse.core.measurement import Outcome
    from dse.exploration._samplers import Sampler

NAMES = (*SAMPLERS, *PEERS)
SLACK = 0.05
"""A share that lacks less than this of a whole row stands for that row."""
# More threads would only get in the way of the other processes, and might change last digits.
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


@dataclass(frozen=True, slots=True)
class Entry:
    """A search to make.

    Attributes:
        table: what is searched.
        sampler: a name in `NAMES`.
        seed: of everything random.
        rows: how many rows are measured, at least.
        seconds: how long it measures, at least, unless the table ends before.
        sources: what is known from other systems.
        known: which of them these are: ``others``, or ``unseen`` for those of other processors.
        told: what tells of the models, see `benchmarks.laboratory.renaming.show`.
    """

    table: Table
    sampler: str
    seed: int
    rows: int
    seconds: float = 0.0
    sources: Sequence[Values] = ()
    known: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What a search found.

    Attributes:
        entry: the search.
        shares: of the table's hypervolume, after each row.
        seconds: of modelled measuring, after each row.
        thinking: CPU seconds of the sampler, for each row.
    """

    entry: Entry
    shares: tuple[float, ...]
    seconds: tuple[float, ...]
    thinking: tuple[float, ...] = ()

    def after(self, rows: int) -> float:
        """The share after this number of rows."""
        return self.shares[rows - 1] if rows else 0.0

    def within(self, seconds: float) -> float:
        """The share of what was measured within this time."""
        return self.after(bisect_right(self.seconds, seconds))


class Scale:
    """Turns outcomes into shares of a table's hypervolume.

    Latency and throughput count in logarithms, each objective is scaled to 0 (best) to 1 over the
    table, and the reference point is 1.1 in each.
    """

    def __init__(self, table: Table) -> None:
        self._objectives = table.objectives
        losses = [self.losses(o) for o in table.outcomes.values() if o.failure is None]
        columns = list(zip(*losses, strict=True))
        self._low = [min(column) for column in columns]
        # An objective that is the same throughout has no width: all of it is best.
        self._width = [(max(column) - min(column)) or 1.0 for column in columns]
        self._whole = 1.0
        self._whole = self.share(losses)

    def losses(self, outcome: Outcome) -> list[float]:
        """A number for each objective, the lower the better."""
        return losses(self._objectives, outcome)

    def share(self, losses: Sequence[Sequence[float]]) -> float:
        """Hypervolume of some points, over that of all."""
        if not losses:
            return 0.0
        reference = [REFERENCE_POINT] * len(self._low)
        return float(moocore.hypervolume(self.scaled(losses), ref=reference)) / self._whole

    def scaled(self, losses: Iterable[Sequence[float]]) -> list[list[float]]:
        """Points in the box from 0 (best of the table) to 1."""
        return [
            [(x - low) / width for x, low, width in zip(point, self._low, self._width, strict=True)]
            for point in losses
        ]


def rows_of(share: float, total: int) -> int:
    """The rows that a share of a table stands for: whole ones, at least one.

    5 % of 472 rows are 23; 0.1975 of 81 are 16.
    """
    return max(1, math.floor(share * total + SLACK))


def whole_s(table: Table) -> float:
    """The modelled seconds of measuring every row."""
    stopwatch = Stopwatch()
    for outcome in table.outcomes.values():
        stopwatch.add(outcome)
    return stopwatch.elapsed_s


def _trace(entry: Entry) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Searches a table: the shares, the seconds and the thinking of a run."""
    shown = show(entry.told, entry.table, entry.sources)
    table = shown.table
    scale, pool, stopwatch = Scale(table), Pool(table.plan(), ()), Stopwatch()
    sampler = _sampler(entry, pool, shown)
    points: list[list[float]] = []
    shares: list[float] = []
    seconds: list[float] = []
    thinking: list[float] = []
    while len(pool) and (len(shares) < entry.rows or stopwatch.elapsed_s < entry.seconds):
        begin = time.process_time()
        configuration = sampler.propose()
        pool.take(configuration)
        outcome = table.outcomes[configuration]
        sampler.learn(Record(len(shares), configuration, outcome))
        thinking.append(time.process_time() - begin)
        if outcome.failure is None:
            points.append(scale.losses(outcome))
        shares.append(scale.share(points))
        seconds.append(stopwatch.add(outcome))
    return tuple(shares), tuple(seconds), tuple(thinking)


def contest(entries: Sequence[Entry], processes: int) -> Iterator[Run]:
    """Makes searches side by side; yields them in their order.

    Raises:
        DseError: a process was killed.
    """
    # Fresh processes: what one has imported or drawn is no part of another.
    context = get_context("spawn")
    try:
        with _one_thread(), ProcessPoolExecutor(processes, mp_context=context) as executor:
            for entry, trace in zip(entries, executor.map(_trace, entries), strict=True):
                yield Run(entry, *trace)
    except BrokenProcessPool as error:
        raise DseError("a process of the laboratory was killed; is there enough memory?") from error


def _sampler(entry: Entry, pool: Pool, shown: Shown) -> Sampler:
    space = shown.table.space()
    if peer := PEERS.get(entry.sampler):
        return peer.make(Task(pool, space, entry.seed, entry.rows, shown.models))
    table, seed = shown.table, entry.seed
    return make_sampler(
        entry.sampler, pool, space, seed, shown.sources, shown.models, table.samples
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Has processes that are started now calculate in one thread."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

"""The exploring loop: ask, measure, keep, until nothing is left or it is time to stop."""

from __future__ import annotations

import gc
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from dse.core.measurement import TRANSIENT_FAILURES
from dse.core.wording import ENOUGH
from dse.exploration._claimer import Claimer
from dse.exploration._pool import Pool
from dse.exploration._samplers import make_sampler
from dse.exploration._settler import Settler
from dse.exploration.planner import StepPlanner
from dse.exploration.stopping import StoppingRule
from dse.machine.measuring_lock import WAITING, measuring_lock
from dse.study.record import Purpose

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from dse.exploration._samplers import Source
    from dse.exploration.measurer import Measurer
    from dse.exploration.planner import Step
    from dse.exploration.stopping import Interrupts
    from dse.machine.measuring_lock import Turn
    from dse.space.plan import Plan
    from dse.study.record import Record
    from dse.study.settling import Settling
    from dse.study.study import Study
    from dse.tasks.prior import ModelPrior

SEEDS = 2**32
"""Stock samplers take no larger seed."""
PAUSE_S = 1.0
"""Interval at which an exploration looks for results that it waits for."""


class StopReason(StrEnum):
    """Why an exploration ended."""

    COMPLETE = "every configuration has its outcome"
    TRIALS = "the number of trials is reached"
    TIMEOUT = "the time is up"
    INTERRUPTED = "interrupted"
    ENOUGH = ENOUGH
    SUPERSEDED = "another process explores the study in another space now"


@dataclass(frozen=True, slots=True)
class Budget:
    """How far to go.

    Attributes:
        trials: largest number of configurations; None for all.
        seconds: begin nothing after this time; None for no limit. What is in hand is finished: a
            configuration, from the making of its files to its last run, or a round.
    """

    trials: int | None = None
    seconds: float | None = None


class ExploreObserver(Protocol):
    """Is told how an exploration goes; called between runs only, never beside one."""

    def began(self, step: Step) -> None:
        """Something is about to be measured."""
        ...

    def waits(self, why: str) -> None:
        """Another process has to come first."""
        ...

    def estimated(self, found: float) -> None:
        """The share of the whole frontier's hypervolume that is most likely found by now."""
        ...

    def ended(self, step: Step, record: Record, seconds: float) -> None:
        """The trial has ended; the record and the duration in seconds are passed.

        Where the trial failed, the record has the failure, also if the configuration has values of
        earlier trials.
        """
        ...

    def settling(self, state: Settling) -> None:
        """A round has ended; how far the frontier is decided is passed."""
        ...


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration did.

    Attributes:
        end: why it ended.
        steps: how many trials it made, by purpose.
        settling: how far the frontier is decided.
    """

    end: StopReason
    steps: Mapping[Purpose, int]
    settling: Settling


@dataclass(frozen=True, slots=True)
class Search:
    """How to choose.

    Attributes:
        sampler: a name in `dse.exploration._samplers.SAMPLERS`.
        seed: of everything random.
        retry_failed: whether a configuration with a transient failure comes up again.
        settle_s: the longest time for what is measured again, in seconds; None for as long as the
            study was explored, 0 to measure everything once.
        stop_gain: the rest is left out where it is expected to add less than this share to the
            hypervolume; 0 for never.
        sources: what is known of other systems.
        models: what is known of models by their files.
        samples: of the data set; 0 where qualities are published.
        only: keys of the configurations that may be explored; None for all of the plan. Rounds
            and the anchor take any.
    """

    sampler: str
    seed: int
    retry_failed: bool = False
    settle_s: float | None = None
    stop_gain: float = 0.0
    sources: Sequence[Source] = ()
    models: Mapping[str, ModelPrior] = field(default_factory=dict)
    samples: int = 0
    only: Container[str] | None = None


def explore(
    study: Study,
    plan: Plan,
    measurer: Measurer,
    search: Search,
    budget: Budget,
    interrupts: Interrupts,
    observer: ExploreObserver,
) -> Explored:
    """Measures configurations of the plan until one of the reasons of `StopReason` holds.

    When there is none left to measure, or the budget has no more trials, what is undecided on the
    frontier is measured in rounds. Other processes may explore the same study meanwhile: nothing is
    measured by two of them, nor at the same time on one machine.

    Raises:
        DseError: an input or the study can't be used; what was measured is stored.
    """
    exploration = _Exploration(study, plan, measurer, search, budget, interrupts, observer)
    # Of a large study millions of objects stay: no step has to look for garbage among them.
    gc.freeze()
    try:
        return exploration.run()
    finally:
        gc.unfreeze()


class _Exploration:
    """See `explore`, which has the same arguments."""

    def __init__(
        self,
        study: Study,
        plan: Plan,
        measurer: Measurer,
        search: Search,
        budget: Budget,
        interrupts: Interrupts,
        observer: ExploreObserver,
    ) -> None:
        done = (k for k, r in study.records.items() if not (search.retry_failed and _transient(r)))
        self._pool = Pool(plan, done, search.only)
        # The seed moves on with the trials: a resumed study does not repeat its first proposals.
        seed = (search.seed + study.trials_begun) % SEEDS
        sampler = make_sampler(
            search.sampler,
            self._pool,
            study.space,
            seed,
            search.sources,
            search.models,
            search.samples,
        )
        for record in sorted(study.records.values(), key=lambda r: r.id):
            sampler.learn(record)
        again = search.settle_s != 0
        self._agenda = StepPlanner(study.results, self._pool, sampler, again=again)
        self._settler = Settler(study, self._agenda, search.settle_s, seed)
        self._claimer = Claimer(study, self._pool, sampler, measurer)
        self._enough = StoppingRule(sampler, search.stop_gain, observer.estimated)
        self._study, self._measurer = study, measurer
        self._budget, self._interrupts, self._observer = budget, interrupts, observer
        self._unready: Step | None = None
        self._made: set[str] = set()  # keys of configurations whose files were made, to no avail
        self._claimed = False
        self._begun = time.monotonic()
        self._steps = Counter[Purpose]()

    def run(self) -> Explored:
        if self._stop() is None and self._complete():
            return Explored(StopReason.COMPLETE, self._steps, self._settler.state())
        while True:
            end = self._stop() if self._unready is None else self._interruption()
            if end is None:
                with measuring_lock(self._stops, lambda: self._observer.waits(WAITING)) as come:
                    end = self._advance(come) if come else self._stop()
            if end is not None:
                return Explored(end, self._steps, self._settler.state())
            if self._unready is not None:
                # Before the claim and beside other processes: it may take minutes.
                self._measurer.prepare(self._unready.configuration)
                self._made.add(self._unready.configuration.key)

    def _complete(self) -> bool:
        """Whether nothing is left to measure by what was stored when the study was opened.

        Then no turn has to be waited for: a study that was complete stays so, whatever others add.
        """
        repeating = self._settler.budget_s > 0
        return self._agenda.idle(repeating=repeating) and self._settler.idle

    def _interruption(self) -> StopReason | None:
        return StopReason.INTERRUPTED if self._interrupts.wanted else None

    def _stop(self) -> StopReason | None:
        """Why no further configuration is begun, or None; one with its files made still is."""
        if self._interrupts.wanted:
            return StopReason.INTERRUPTED
        return StopReason.TIMEOUT if self._left_s() <= 0 else None

    def _left_s(self) -> float:
        """How long something may still be begun, in seconds."""
        if self._budget.seconds is None:
            return math.inf
        return self._budget.seconds - (time.monotonic() - self._begun)

    def _stops(self) -> bool:
        return self._stop() is not None

    def _advance(self, turn: Turn) -> StopReason | None:
        """Takes one step or round, or waits for other processes; returns why to end, or None."""
        # A claim has looked for another space: each look is a round trip.
        self._claimer.learn(self._study.sync(space=not self._claimed))
        self._claimed = False
        if self._study.superseded:
            return StopReason.SUPERSEDED
        claims = self._claimer.claims()
        if claims or self._pool.reserved:
            overlaps = self._measurer.overlaps
            self._pool.reserve(lambda c: any(overlaps(c, each.configuration) for each in claims))
        trials = self._budget.trials
        exploring = trials is None or self._steps[Purpose.EXPLORE] < trials
        enough = exploring and self._enough.should_stop(len(self._study.records))
        exploring = exploring and not enough
        made, self._unready = self._unready, None
        step = self._choose(made, exploring=exploring)
        if made not in (None, step) and (end := self._stop()) is not None:
            return end  # making files took as long as that, for nothing
        if step is None and not (exploring and self._pool.reserved):
            return self._settle(turn, enough=enough)
        if step is None or self._claimer.contested(step, claims):
            self._observer.waits("another process measures what is left; waiting for its results")
            self._pause()
        elif self._has_files(step):
            return self._take(step, turn)
        return None

    def _has_files(self, step: Step) -> bool:
        """Whether a step's files need not be made, or just were; else they will be.

        Nothing is made over and over.
        """
        key = step.configuration.key
        if key in self._made or self._measurer.ready(step.configuration):
            return True
        self._unready = step
        return False

    def _choose(self, made: Step | None, *, exploring: bool) -> Step | None:
        """The step whose files were just made, if it is still due, or else another one."""
        if made is not None:
            unexplored = exploring and made.configuration in self._pool
            if made.purpose is Purpose.ANCHOR or (made.purpose is Purpose.EXPLORE and unexplored):
                return made
        return self._agenda.next(exploring=exploring, repeating=self._settler.budget_s > 0)

    def _settle(self, turn: Turn, *, enough: bool) -> StopReason | None:
        """Measures a round under this one turn; returns why to end, or None.

        One that is interrupted, or in the middle of which others measured, stays incomplete: it
        has no ratios. Unlike a configuration, none is begun late because files had to be made.
        """
        if (end := self._stop()) is not None:
            return end
        steps = self._settler.next_round(self._left_s())
        if not steps:
            return self._done(enough=enough)
        if not all(map(self._has_files, steps)):
            return None
        self._settler.begin_round(steps)
        given_up = turn.given_up
        for step in steps:
            end = self._interruption() or self._take(step, turn, given_up)
            if end is not None or self._study.superseded or turn.given_up != given_up:
                return end
        self._observer.settling(self._settler.end_round())
        return None

    def _done(self, *, enough: bool) -> StopReason:
        if not self._pool.left:
            return StopReason.COMPLETE
        return StopReason.ENOUGH if enough else StopReason.TRIALS

    def _take(self, step: Step, turn: Turn, given_up: int | None = None) -> StopReason | None:
        """Claims a step and measures it, if no other process was faster.

        Args:
            step: what to measure.
            turn: this process's.
            given_up: how often the turn may have been given up; None for any number.
        """
        self._claimed = True
        trial = self._claimer.begin(step)
        if trial is None:
            return None
        # Where the storage was waited for, the time may be up, or others may have measured.
        if not turn or given_up not in (None, turn.given_up):
            self._claimer.withdraw(trial)
            return self._stop()
        self._observer.began(step)
        record, seconds = self._claimer.measure(step, trial)
        self._made.discard(step.configuration.key)
        self._steps[step.purpose] += 1
        self._settler.note(step, seconds)
        self._observer.ended(step, record, seconds)
        return None

    def _pause(self) -> None:
        end = time.monotonic() + PAUSE_S
        while time.monotonic() < end and not self._stops():
            time.sleep(PAUSE_S / 20)


def _transient(record: Record) -> bool:
    failure = record.outcome.failure
    return failure is not None and failure.kind in TRANSIENT_FAILURES

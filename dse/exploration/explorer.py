"""The exploring loop: ask, measure, keep, until nothing is left or it is time to stop."""

from __future__ import annotations

import gc
import logging
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from dse.core.errors import RequestError
from dse.core.measurement import TRANSIENT_FAILURES
from dse.core.metrics import METRICS
from dse.exploration._pool import Pool
from dse.exploration._samplers import make_sampler
from dse.exploration.planner import StepPlanner
from dse.exploration.stopping import StoppingRule
from dse.machine.measuring_lock import WAITING, measuring_lock
from dse.study.record import Purpose, machine_of
from dse.study.revisions import distributions
from dse.study.store import TrialDraft

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dse.core.measurement import Measurement, Outcome
    from dse.exploration._samplers import Source
    from dse.exploration.measurer import Keep, Measurer
    from dse.exploration.planner import Step
    from dse.exploration.stopping import Interrupts
    from dse.machine.measuring_lock import Turn
    from dse.space.plan import Plan
    from dse.study.record import Record
    from dse.study.store import Trial
    from dse.study.study import Study
    from dse.study.trial_updates import Claim

LOG = logging.getLogger(__name__)
SEEDS = 2**32
"""Stock samplers take no larger seed."""
MIN_REPEATING_S = 60.0
"""An exploration repeats for so long at least, and no longer than it has explored."""
LEASE_MARGIN_S = 60.0
"""The time between two runs of a trial, for making inputs and files and for starting workers."""
PAUSE_S = 1.0
"""Interval at which an exploration looks for results that it waits for."""


class StopReason(StrEnum):
    """Why an exploration ended."""

    COMPLETE = "every configuration has its outcome"
    TRIALS = "the number of trials is reached"
    TIMEOUT = "the time is up"
    INTERRUPTED = "interrupted"
    ENOUGH = "what is left is not expected to add to the frontier"
    SUPERSEDED = "another process explores the study in another space now"


@dataclass(frozen=True, slots=True)
class Budget:
    """How far to go.

    Attributes:
        trials: largest number of configurations; None for all.
        seconds: begin nothing after this time; None for no limit.
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
        """The trial has ended; the record and the duration in seconds are passed."""
        ...

    def settling(self, undecided: int, left_s: float) -> None:
        """A round has ended.

        Args:
            undecided: the number of points on the frontier whose place is not certain.
            left_s: an estimate of the time until all are decided or the time to settle is spent,
                in seconds; infinite where nothing tells it yet.
        """
        ...


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration did.

    Attributes:
        end: why it ended.
        steps: how many trials it made, by purpose.
    """

    end: StopReason
    steps: Mapping[Purpose, int]


@dataclass(frozen=True, slots=True)
class Search:
    """How to choose.

    Attributes:
        sampler: a name in `dse.exploration._samplers.SAMPLERS`.
        seed: of everything random.
        retry_failed: whether a configuration with a transient failure comes up again.
        settle_s: the longest time for rounds, in seconds; None for as long as the study was
            explored, 0 to measure everything once.
        stop_gain: the rest is left out where it is expected to add less than this share to the
            hypervolume; 0 for never.
        sources: what is known of other systems.
    """

    sampler: str
    seed: int
    retry_failed: bool = False
    settle_s: float | None = None
    stop_gain: float = 0.0
    sources: Sequence[Source] = ()


def explore(
    study: Study,
    plan: Plan,
    measurer: Measurer,
    search: Search,
    budget: Budget,
    interrupts: Interrupts,
    observer: ExploreObserver,
) -> Explored:
    """Measures configurations of the plan until one of the reasons of `End` holds.

    When there is none left to measure, or the budget has no more trials, what may be on the
    frontier is measured again. Other processes may explore the same study meanwhile: nothing is
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
        self._pool = Pool(plan, done)
        # The seed moves on with the trials: a resumed study does not repeat its first proposals.
        seed = (search.seed + study.trials_begun) % SEEDS
        self._sampler = make_sampler(search.sampler, self._pool, study.space, seed, search.sources)
        for record in sorted(study.records.values(), key=lambda r: r.id):
            self._sampler.learn(record)
        repetitions = 0 if search.settle_s == 0 else 3
        self._agenda = StepPlanner(study.results, self._pool, self._sampler, repetitions)
        self._enough = StoppingRule(self._sampler, search.stop_gain, observer.estimated)
        self._choices = distributions(plan)
        self._study, self._measurer = study, measurer
        self._budget, self._interrupts, self._observer = budget, interrupts, observer
        self._unready: Step | None = None
        self._claimed = False
        self._deviations: set[tuple[str, str]] = set()  # those that were told
        self._begun = time.monotonic()
        self._steps = Counter[Purpose]()
        self._explored_s = self._repeated_s = 0.0

    def run(self) -> Explored:
        while True:
            end = self._stop() if self._unready is None else self._interruption()
            if end is None:
                with measuring_lock(self._stops, lambda: self._observer.waits(WAITING)) as come:
                    end = self._advance(come) if come else self._stop()
            if end is not None:
                return Explored(end, self._steps)
            if self._unready is not None:
                # Before the claim and beside other processes: it may take minutes.
                self._measurer.prepare(self._unready.configuration)

    def _interruption(self) -> StopReason | None:
        return StopReason.INTERRUPTED if self._interrupts.wanted else None

    def _stop(self) -> StopReason | None:
        """Why no further configuration is begun, or None; one with its files made still is."""
        if self._interrupts.wanted:
            return StopReason.INTERRUPTED
        spent = time.monotonic() - self._begun
        if self._budget.seconds is not None and spent >= self._budget.seconds:
            return StopReason.TIMEOUT
        return None

    def _stops(self) -> bool:
        return self._stop() is not None

    def _advance(self, turn: Turn) -> StopReason | None:
        """Takes one step, or waits for other processes; returns why to end, or None."""
        # A claim has looked for another space: each look is a round trip.
        self._learn(self._study.sync(space=not self._claimed))
        self._claimed = False
        if self._study.superseded:
            return StopReason.SUPERSEDED
        claims = self._claims()
        if claims or self._pool.reserved:
            overlaps = self._measurer.overlaps
            self._pool.reserve(lambda c: any(overlaps(c, each.configuration) for each in claims))
        trials = self._budget.trials
        exploring = trials is None or self._steps[Purpose.EXPLORE] < trials
        enough = exploring and self._enough.should_stop(len(self._study.records))
        exploring = exploring and not enough
        made, self._unready = self._unready, None
        step = self._choose(made, exploring=exploring)
        if step is None and not (exploring and self._pool.reserved):
            return self._done(enough=enough)
        if step is None or self._contested(step, claims):
            self._observer.waits("another process measures what is left; waiting for its results")
            self._pause()
        elif not self._has_files(step, made):
            self._unready = step
        elif (trial := self._begin(step)) is not None:
            if not turn:  # the storage was waited for, and the time is up
                self._study.withdraw(trial)
                return self._stop()
            self._observer.began(step)
            self._measure(step, trial)
        return None

    def _has_files(self, step: Step, made: Step | None) -> bool:
        """Whether a step's files need not be made, or just were: nothing is made over and over."""
        just_made = made is not None and made.configuration == step.configuration
        return just_made or self._measurer.ready(step.configuration)

    def _choose(self, made: Step | None, *, exploring: bool) -> Step | None:
        """The step whose files were just made, if it is still due, or else another one."""
        if made is not None:
            unexplored = exploring and made.configuration in self._pool
            if made.purpose is Purpose.ANCHOR or (made.purpose is Purpose.EXPLORE and unexplored):
                return made
        return self._agenda.next(exploring=exploring, repeating=self._repeats())

    def _done(self, *, enough: bool) -> StopReason:
        if not self._pool.left:
            return StopReason.COMPLETE
        return StopReason.ENOUGH if enough else StopReason.TRIALS

    def _repeats(self) -> bool:
        """Whether there is time to repeat: on a noisy machine almost everything asks for it."""
        return self._repeated_s < max(MIN_REPEATING_S, self._explored_s)

    def _learn(self, records: Iterable[Record]) -> None:
        """Takes in what other processes have found out."""
        for record in records:
            if record.configuration in self._pool:
                self._pool.take(record.configuration)
                self._sampler.learn(record)

    def _claims(self) -> list[Claim]:
        return [c for c in self._study.claims() if c.purpose in (Purpose.EXPLORE, Purpose.REPEAT)]

    def _contested(self, step: Step, claims: Iterable[Claim]) -> bool:
        """Whether others measure something of a step; each machine has an anchor of its own."""
        found = (self._measurer.overlaps(step.configuration, c.configuration) for c in claims)
        return step.purpose is not Purpose.ANCHOR and any(found)

    def _begin(self, step: Step) -> Trial | None:
        """Claims a step; None where another process was faster."""

        def free(records: list[Record]) -> bool:
            self._learn(records)
            taken = step.purpose is Purpose.EXPLORE and step.configuration not in self._pool
            return not (taken or self._study.superseded or self._contested(step, self._claims()))

        lease_s = self._measurer.max_silence_s + LEASE_MARGIN_S
        draft = TrialDraft(step.configuration, self._choices, step.purpose, lease_s)
        self._claimed = True
        return self._study.claim(draft, free)

    def _measure(self, step: Step, trial: Trial) -> None:
        study, configuration = self._study, step.configuration
        started = time.monotonic()

        def keep(measurement: Measurement) -> None:
            study.keep(trial, measurement)

        try:
            outcome = self._outcome(step, study.run_name(trial), keep)
        except RequestError:
            study.withdraw(trial)  # an input can't be used: give up the claim
            raise
        record = study.finish(trial, outcome)
        self._warn_of_deviation(machine_of(trial.owner))
        if step.purpose is Purpose.EXPLORE:
            self._pool.take(configuration)
            self._sampler.learn(record)
        seconds = time.monotonic() - started
        self._steps[step.purpose] += 1
        if step.purpose is Purpose.EXPLORE:
            self._explored_s += seconds
        elif step.purpose is Purpose.REPEAT:
            self._repeated_s += seconds
        self._observer.ended(step, record, seconds)

    def _warn_of_deviation(self, machine: str) -> None:
        """Says once that this machine is faster or slower than the study's first one."""
        for place, change in self._study.results.measured.deviations().items():
            if place[1] == machine and place not in self._deviations:
                self._deviations.add(place)
                LOG.warning(
                    "this machine looks like the study's first one, but %s of the anchor is "
                    "%.2g times as much here: what is measured here counts only where nothing "
                    "else is known",
                    METRICS[place[0]].title,
                    1 + change,
                )

    def _outcome(self, step: Step, run: str, keep: Keep) -> Outcome:
        measurer, configuration = self._measurer, step.configuration
        if step.metrics:
            return measurer.repeat(configuration, step.metrics, step.fidelity, run, keep)
        return measurer.measure(configuration, run, keep)

    def _pause(self) -> None:
        end = time.monotonic() + PAUSE_S
        while time.monotonic() < end and not self._stops():
            time.sleep(PAUSE_S / 20)


def _transient(record: Record) -> bool:
    failure = record.outcome.failure
    return failure is not None and failure.kind in TRANSIENT_FAILURES

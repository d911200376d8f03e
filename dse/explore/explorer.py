"""The exploring loop: ask, measure, keep, until nothing is left or it is time to stop."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from dse.explore.agenda import Agenda
from dse.explore.pool import Pool
from dse.explore.samplers import make_sampler
from dse.study.generations import distributions
from dse.study.record import Purpose
from dse.types import TRANSIENT_FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.distributions import CategoricalDistribution

    from dse.explore.agenda import Step
    from dse.explore.interrupts import Interrupts
    from dse.explore.measurer import Measurer
    from dse.space.plan import Plan
    from dse.study.record import Record
    from dse.study.study import Study
    from dse.types import Measurement


SEEDS = 2**32
"""Stock samplers take no larger seed."""


class End(StrEnum):
    """Why an exploration ended."""

    COMPLETE = "every configuration has its outcome"
    TRIALS = "the number of trials is reached"
    TIMEOUT = "the time is up"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Budget:
    """How far to go.

    Attributes:
        trials: at most so many configurations; None for all.
        seconds: begin nothing after this time; None for no limit.
    """

    trials: int | None = None
    seconds: float | None = None


class Observer(Protocol):
    """Is told how an exploration goes; called between runs only, never beside one."""

    def began(self, step: Step) -> None:
        """Something is about to be measured."""
        ...

    def ended(self, step: Step, record: Record, seconds: float) -> None:
        """It is, and this is what is known of its configuration now; it took so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration did.

    Attributes:
        end: why it ended.
        steps: how many trials it made, by purpose.
    """

    end: End
    steps: Mapping[Purpose, int]


@dataclass(frozen=True, slots=True)
class Search:
    """How to choose.

    Attributes:
        sampler: a name in `dse.explore.samplers.SAMPLERS`.
        seed: of everything random.
        retry_failed: whether a configuration with a transient failure comes up again.
        repetitions: how often what may be on the frontier is measured again; 0 for never.
    """

    sampler: str
    seed: int
    retry_failed: bool = False
    repetitions: int = 3


def explore(
    study: Study,
    plan: Plan,
    measurer: Measurer,
    search: Search,
    budget: Budget,
    interrupts: Interrupts,
    observer: Observer,
) -> Explored:
    """Measures configurations of the plan until one of the reasons of `End` holds.

    When there is none left to measure, or the budget has no more trials, what may be on the
    frontier is measured again.

    Raises:
        DseError: an input or the study can't be used; what was measured is stored.
    """
    done = (key for key, r in study.records.items() if not (search.retry_failed and _transient(r)))
    pool = Pool(plan, done)
    # The seed moves on with the trials: a resumed study does not repeat its first proposals.
    seed = (search.seed + study.trials_begun) % SEEDS
    sampler = make_sampler(search.sampler, pool, study.space, seed)
    for record in sorted(study.records.values(), key=lambda r: r.id):
        sampler.learn(record)
    agenda = Agenda(study.results, pool, sampler, search.repetitions)
    choices = distributions(plan)
    begun, steps = time.monotonic(), Counter[Purpose]()
    while True:
        exploring = budget.trials is None or steps[Purpose.EXPLORE] < budget.trials
        if interrupts.wanted:
            return Explored(End.INTERRUPTED, steps)
        if budget.seconds is not None and time.monotonic() - begun >= budget.seconds:
            return Explored(End.TIMEOUT, steps)
        step = agenda.next(exploring=exploring)
        if step is None:
            return Explored(End.TRIALS if len(pool) else End.COMPLETE, steps)
        observer.began(step)
        started = time.monotonic()
        record = _measure(study, step, choices, measurer)
        if step.purpose is Purpose.EXPLORE:
            pool.take(step.configuration)
            sampler.learn(record)
        steps[step.purpose] += 1
        observer.ended(step, record, time.monotonic() - started)


def _transient(record: Record) -> bool:
    failure = record.outcome.failure
    return failure is not None and failure.kind in TRANSIENT_FAILURES


def _measure(
    study: Study, step: Step, choices: Mapping[str, CategoricalDistribution], measurer: Measurer
) -> Record:
    trial = study.begin(step.configuration, choices, step.purpose)

    def keep(measurement: Measurement) -> None:
        study.keep(trial, measurement)

    run = study.run_name(trial)
    if step.metrics:
        outcome = measurer.repeat(step.configuration, step.metrics, step.fidelity, run, keep)
    else:
        outcome = measurer.measure(step.configuration, run, keep)
    return study.finish(trial, outcome)

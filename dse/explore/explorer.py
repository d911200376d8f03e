"""The exploring loop: ask, measure, keep, until nothing is left or it is time to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from dse.explore.pool import Pool
from dse.explore.samplers import make_sampler
from dse.study.generations import distributions
from dse.types import TRANSIENT_FAILURES

if TYPE_CHECKING:
    import optuna

    from dse.explore.interrupts import Interrupts
    from dse.explore.measurer import Measurer
    from dse.space.plan import Plan
    from dse.study.record import Record
    from dse.study.study import Study
    from dse.types import Configuration, Measurement


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

    def began(self, configuration: Configuration) -> None:
        """A configuration is about to be measured."""
        ...

    def ended(self, record: Record, seconds: float) -> None:
        """A configuration has its outcome, after so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Search:
    """How to choose.

    Attributes:
        sampler: a name in `dse.explore.samplers.SAMPLERS`.
        seed: of everything random.
        retry_failed: whether a configuration with a transient failure comes up again.
    """

    sampler: str
    seed: int
    retry_failed: bool = False


def explore(
    study: Study,
    plan: Plan,
    measurer: Measurer,
    search: Search,
    budget: Budget,
    interrupts: Interrupts,
    observer: Observer,
) -> End:
    """Measures configurations of the plan until one of the reasons of `End` holds.

    Raises:
        DseError: an input or the study can't be used; what was measured is stored.
    """
    done = (key for key, r in study.records.items() if not (search.retry_failed and _transient(r)))
    pool = Pool(plan, done)
    # The seed moves on with the trials: a resumed study does not repeat its first proposals.
    sampler = make_sampler(search.sampler, pool, (search.seed + study.trials_begun) % SEEDS)
    choices = distributions(plan)
    begun, trials = time.monotonic(), 0
    while len(pool):
        if interrupts.wanted:
            return End.INTERRUPTED
        if budget.trials is not None and trials >= budget.trials:
            return End.TRIALS
        if budget.seconds is not None and time.monotonic() - begun >= budget.seconds:
            return End.TIMEOUT
        trial, values = study.begin(sampler, choices)
        configuration = plan.configuration(values)
        pool.take(configuration)
        observer.began(configuration)
        started = time.monotonic()
        record = _measure(study, trial, configuration, measurer)
        observer.ended(record, time.monotonic() - started)
        trials += 1
    return End.COMPLETE


def _transient(record: Record) -> bool:
    failure = record.outcome.failure
    return failure is not None and failure.kind in TRANSIENT_FAILURES


def _measure(
    study: Study, trial: optuna.Trial, configuration: Configuration, measurer: Measurer
) -> Record:
    def keep(measurement: Measurement) -> None:
        study.keep(trial, measurement)

    run = f"{study.optuna_study.study_name.partition('#')[2] or '1'}-{trial.number:06d}"
    return study.finish(trial, configuration, measurer.measure(configuration, run, keep))

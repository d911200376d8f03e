"""Claims steps, so that nothing is measured twice, and measures them."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.metrics import METRICS
from dse.study.record import Purpose, machine_of
from dse.study.revisions import distributions
from dse.study.store import TrialDraft

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dse.core.measurement import Measurement, Outcome
    from dse.exploration._pool import Pool
    from dse.exploration._samplers import Sampler
    from dse.exploration.measurer import Keep, Measurer
    from dse.exploration.planner import Step
    from dse.study.record import Record
    from dse.study.store import Trial
    from dse.study.study import Study
    from dse.study.trial_updates import Claim

LOG = logging.getLogger(__name__)
LEASE_MARGIN_S = 60.0
"""The time between two runs of a trial, for making inputs and files and for starting workers."""


class Claimer:
    """Begins the trials of an exploration and ends them.

    Args:
        study: has the trials, of this process and of others.
        pool: loses what has an outcome.
        sampler: learns each outcome.
        measurer: measures.
    """

    def __init__(self, study: Study, pool: Pool, sampler: Sampler, measurer: Measurer) -> None:
        self._study, self._pool, self._sampler = study, pool, sampler
        self._measurer = measurer
        self._choices = distributions(pool.plan)
        self._deviations: set[tuple[str, str]] = set()  # those that were told

    def learn(self, records: Iterable[Record]) -> None:
        """Takes in what other processes have found out."""
        for record in records:
            if record.configuration in self._pool:
                self._pool.take(record.configuration)
                self._sampler.learn(record)

    def claims(self) -> list[Claim]:
        """What others measure that this process need not."""
        return [c for c in self._study.claims() if c.purpose in (Purpose.EXPLORE, Purpose.REPEAT)]

    def contested(self, step: Step, claims: Iterable[Claim]) -> bool:
        """Whether others measure something of a step.

        Each machine has rounds and an anchor of its own.
        """
        found = (self._measurer.overlaps(step.configuration, c.configuration) for c in claims)
        return step.purpose not in (Purpose.ANCHOR, Purpose.ROUND) and any(found)

    def begin(self, step: Step) -> Trial | None:
        """Claims a step; None where another process was faster."""

        def free(records: list[Record]) -> bool:
            self.learn(records)
            taken = step.purpose is Purpose.EXPLORE and step.configuration not in self._pool
            return not (taken or self._study.superseded or self.contested(step, self.claims()))

        lease_s = self._measurer.max_silence_s + LEASE_MARGIN_S
        draft = TrialDraft(step.configuration, self._choices, step.purpose, lease_s, step.round)
        return self._study.claim(draft, free)

    def withdraw(self, trial: Trial) -> None:
        """Gives up a claim of which nothing was measured."""
        self._study.withdraw(trial)

    def measure(self, step: Step, trial: Trial) -> tuple[Record, float]:
        """Measures a claimed step and ends its trial.

        Returns:
            What is known of the configuration by now, or why it failed this time; and how long
            it took, in seconds.

        Raises:
            DseError: an input or the study can't be used; what was measured is stored.
        """
        study, started = self._study, time.monotonic()

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
            self._pool.take(step.configuration)
            self._sampler.learn(record)
        if outcome.failure is not None:
            record = replace(record, outcome=outcome)
        return record, time.monotonic() - started

    def _outcome(self, step: Step, run: str, keep: Keep) -> Outcome:
        measurer, configuration = self._measurer, step.configuration
        if not step.metrics:
            return measurer.measure(configuration, run, keep)
        alone = step.purpose is Purpose.ROUND
        return measurer.repeat(configuration, step.metrics, step.fidelity, run, keep, alone=alone)

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

"""Takes the runs of a schedule, one worker process and one trial each."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Protocol

from dse import __version__
from dse.core.details import OfficialDetails
from dse.core.errors import RequestError
from dse.core.measurement import TRANSIENT_FAILURES, Failure, FailureKind, Outcome
from dse.loadgen.compliance import verify
from dse.loadgen.logs import LogError, read_detail
from dse.loadgen.verdict import next_target
from dse.machine.measuring_lock import WAITING, measuring_lock
from dse.measure.runner import Limits, run_worker
from dse.study.record import Purpose
from dse.validate._targets import generated_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.measurement import Measurement
    from dse.exploration.prepare import Prepared
    from dse.exploration.resolver import ResolvedConfiguration, Resolver
    from dse.exploration.stopping import Interrupts
    from dse.measure.spec import Fidelity, Official
    from dse.study.record import Record
    from dse.study.study import Study
    from dse.tasks.benchmark import Benchmark
    from dse.validate.schedule import Schedule, ScheduledRun, Scheduler

MAX_TRIES = 3
"""Number of attempts of a run that ends INVALID, each with a corrected target."""
MAX_ATTEMPTS = 2
"""Number of attempts of a run that fails with a transient failure."""
PATIENT = 3.0
"""Factor of the expected duration after which, and after `GRACE_S` more, a run is stopped."""
GRACE_S = 300.0


class ValidationEnd(StrEnum):
    """Why a validation ended."""

    COMPLETE = "every run is done"
    INTERRUPTED = "interrupted"
    UNVERIFIED = "ended, as a compliance run does not pass"


class ValidationObserver(Protocol):
    """Is told how a validation goes; called between runs only, never beside one."""

    def waits(self, why: str) -> None:
        """Another process has to come first."""
        ...

    def began(self, run: ScheduledRun) -> None:
        """A run is about to start."""
        ...

    def invalid(self, run: ScheduledRun, reason: str, target: float) -> None:
        """It was INVALID, and is tried again with another target."""
        ...

    def ended(self, run: ScheduledRun, outcome: Outcome, seconds: float) -> None:
        """The run has ended; its duration in seconds includes all attempts."""
        ...


@dataclass(frozen=True, slots=True)
class Validated:
    """What a validation did.

    Attributes:
        end: why it ended.
        taken: the points with what their runs gave, in the order of the runs.
        failed: how many runs gave nothing.
    """

    end: ValidationEnd
    taken: Sequence[tuple[Record, Measurement]]
    failed: int


class Validator:
    """Takes runs.

    Args:
        study: keeps what they give.
        prepared: models, data set and runtimes.
        subjects: tells what a worker is told.
        fidelity: of the runs.
        memory_bytes: what a worker may allocate; 0 for no limit.
        observer: is told.
        benchmark: that the runs are of, in its division.
    """

    def __init__(
        self,
        study: Study,
        prepared: Prepared,
        subjects: Resolver,
        fidelity: Fidelity,
        memory_bytes: int,
        observer: ValidationObserver,
        benchmark: Benchmark,
    ) -> None:
        self._study = study
        self._prepared = prepared
        self._subjects = subjects
        self._fidelity = fidelity
        self._memory_bytes = memory_bytes
        self._observer = observer
        self._benchmark = benchmark

    def validate(
        self, schedule: Schedule, scheduler: Scheduler, interrupts: Interrupts
    ) -> Validated:
        """Takes the runs of a schedule, but for those that another process has taken meanwhile.

        Ends with the first compliance run that does not pass: then no submission can be made.

        Raises:
            DseError: an input or the study can't be used; what was measured is stored.
        """
        taken: list[tuple[Record, Measurement]] = []
        failed = 0
        waits = partial(self._observer.waits, WAITING)
        for run in schedule.runs:
            with measuring_lock(lambda: interrupts.wanted, waits) as come:
                if come and not interrupts.wanted:
                    self._study.sync()
                if not come or interrupts.wanted:
                    return Validated(ValidationEnd.INTERRUPTED, taken, failed)
                if scheduler.done(run):
                    continue
                started = time.monotonic()
                self._observer.began(run)
                outcome = self._take(run, scheduler)
            taken += ((run.record, each) for each in outcome.measurements)
            failed += outcome.failure is not None
            self._observer.ended(run, outcome, time.monotonic() - started)
            if run.official.test and outcome.failure is not None:
                return Validated(ValidationEnd.UNVERIFIED, taken, failed)
        return Validated(ValidationEnd.COMPLETE, taken, failed)

    def _take(self, run: ScheduledRun, scheduler: Scheduler) -> Outcome:
        found = [scheduler.find(each, self._study.results) for each in run.beside]
        known = [measurement for measurement in found if measurement is not None]
        if len(known) < len(found):
            message = "there is no performance run or no accuracy run to hold it against"
            return Outcome(failure=Failure(FailureKind.INVALID_RUN, message))
        if known:  # what user.conf told LoadGen there was right
            target = OfficialDetails.of(known[0].details).target or run.official.target
            run = replace(run, official=replace(run.official, target=target))
        configuration = run.record.configuration
        choices = self._study.choices_of(run.record)
        lease_s = MAX_TRIES * _max_seconds(run)
        trial = self._study.begin(configuration, choices, Purpose.VALIDATE, lease_s)
        try:
            outcome = self._tried(run, self._study.run_name(trial))
            if known and outcome.failure is None:
                outcome = self._verified(run, outcome, known, scheduler)
        except RequestError:
            self._study.withdraw(trial)  # an input can't be used: give up the claim
            raise
        for measurement in outcome.measurements:
            self._study.keep(trial, measurement)
        self._study.finish(trial, outcome)
        return outcome

    def _verified(
        self,
        run: ScheduledRun,
        outcome: Outcome,
        beside: Sequence[Measurement],
        scheduler: Scheduler,
    ) -> Outcome:
        """The outcome of a compliance run, or that it does not pass.

        Args:
            run: the run.
            outcome: that it was taken.
            beside: what it is held against.
            scheduler: tells where the logs are.
        """
        (taken,) = outcome.measurements
        officials = [*(each.official for each in run.beside), run.official]
        performance, accuracy, found = map(scheduler.logs, [*beside, taken], officials)
        test, scenario = run.official.test, run.official.scenario
        task, rules = self._benchmark.task, self._benchmark.rules
        try:
            verification = verify(
                test,
                scenario,
                (performance, accuracy, found),
                rules,
                lambda responses: task.score(responses, accuracy.parent),
            )
            problems = verification.problems(short=self._fidelity.name != "valid")
        except (LogError, OSError, ValueError) as error:
            problems = [str(error)]
        if not problems:
            return outcome
        message = f"{test} does not pass: {'; '.join(problems)}"
        key, name = run.task.key, taken.run
        return Outcome(failure=Failure(FailureKind.INVALID_RUN, message, key=key, run=name))

    def _tried(self, run: ScheduledRun, name: str) -> Outcome:
        """Runs workers until a run came out well, or has failed for good."""
        subject = self._subjects.resolve(run.record.configuration)
        official = run.official
        for attempt in range(1, MAX_TRIES + 1):
            outcome = self._run(run, official, subject, f"{name}-{attempt}")
            if outcome.failure is None:
                return outcome
            failure = replace(outcome.failure, attempts=attempt)
            if failure.kind is FailureKind.INVALID_RUN:
                better = self._corrected(run, official, failure)
                if better is None or attempt == MAX_TRIES:
                    break
                self._observer.invalid(run, failure.message, better.target)
                official = better
            elif failure.kind not in TRANSIENT_FAILURES or attempt >= MAX_ATTEMPTS:
                break
        return Outcome(failure=failure)

    def _run(
        self, run: ScheduledRun, official: Official, subject: ResolvedConfiguration, name: str
    ) -> Outcome:
        plain = self._subjects.spec(subject, name, (run.task,), self._fidelity.name)
        spec = replace(plain, official=official)
        limits = Limits(_max_seconds(run), self._memory_bytes)
        python = self._prepared.offers.interpreters[subject.configuration.backend]
        outcome = run_worker(spec, limits, interpreter=python)
        failure = outcome.failure
        if failure is None:
            found = map(subject.complete, outcome.measurements)
            return Outcome(tuple(_evident(m, subject) for m in found))
        return Outcome(failure=replace(failure, key=run.task.key, run=name))

    def _corrected(
        self, run: ScheduledRun, official: Official, failure: Failure
    ) -> Official | None:
        """What to try after an INVALID run; None where there is nothing to correct."""
        if official.accuracy:
            return None
        folder = self._study.folder.runs / failure.run / official.mode
        try:
            target = next_target(read_detail(folder), official.scenario, official.target)
        except LogError:
            return None  # the failure says already what is wrong with it
        rules = self._benchmark.rules
        due = generated_bytes(official.scenario, target, self._fidelity, rules)
        if due > run.most_query_bytes:
            return None
        return replace(official, target=target)


def _max_seconds(run: ScheduledRun) -> float:
    """After what time an attempt of a run is ended."""
    return PATIENT * run.expected_s + GRACE_S


def _evident(measurement: Measurement, subject: ResolvedConfiguration) -> Measurement:
    """With what a submission tells of it.

    Raises:
        RequestError: the file that the worker has loaded is another one by now.
    """
    artefact = subject.artefact
    loaded = OfficialDetails.of(measurement.details).model_sha256
    if artefact is not None and loaded != artefact.sha256:
        raise RequestError(
            "the file has changed while it was measured",
            file=artefact.path,
            remedy="put the old one back and validate again",
        )
    details = {"dse": __version__, **subject.origin, **measurement.details}
    return replace(measurement, details=details)

"""Has a configuration measured: remembers what is known, and runs a worker for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.backend import Recording
from dse.core.errors import ModelError
from dse.core.measurement import (
    TRANSIENT_FAILURES,
    Failure,
    FailureKind,
    Measurement,
    Outcome,
    Source,
)
from dse.core.metrics import ACCURACY, COSTS, METRICS, MODEL_SIZE
from dse.explore.costs import piggybacked_metrics
from dse.explore.disturbances import Disturbances
from dse.explore.keys import overlap
from dse.explore.resolver import Resolver
from dse.measure.recall import recall
from dse.measure.runner import run_worker
from dse.measure.spec import MetricRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dse.core.configuration import Configuration
    from dse.core.measurement import FidelityName
    from dse.explore.resolver import MeasurementContext, ResolvedConfiguration
    from dse.measure.runner import Limits
    from dse.measure.spec import Spec
    from dse.study.study import Study

Keep = Callable[[Measurement], None]
MAX_REPETITIONS = 2
"""How often a disturbed measurement is taken again."""
MAX_ATTEMPTS = 2
"""A transient failure is tried again once."""
ACCURACY_SECONDS_PER_IMAGE = 0.5
"""An accuracy run may take this much longer than other runs, per image of the data set."""


class Measurer:
    """Turns configurations into outcomes.

    Args:
        bench: what stays the same.
        study: remembers measurements and permanent failures, and is asked for them.
    """

    def __init__(self, bench: MeasurementContext, study: Study) -> None:
        self._bench = bench
        self._study = study
        self._subjects = Resolver(bench, study)
        self._disturbances = Disturbances(bench.say, repeating=bench.again)

    def overlaps(self, one: Configuration, other: Configuration) -> bool:
        """Whether two configurations may have a measurement in common."""
        return overlap(one, other, accuracy=self._bench.dataset is not None)

    def measure(self, configuration: Configuration, run: str, keep: Keep) -> Outcome:
        """The outcome of a configuration: what is known is remembered, the rest is probed.

        Args:
            configuration: what to measure.
            run: name of its run folder.
            keep: called with each new measurement as soon as it is taken.

        Raises:
            RequestError: a model file, an image or a table can't be used.
            DseError: the cache or the run folder can't be written.
        """
        subject = self._subject(configuration)
        if isinstance(subject, Failure):
            return Outcome(failure=subject)
        tasks = self._tasks(subject, self._bench.metrics)
        outcome = self._remembered(subject, tasks, keep)
        missing = [task for task in tasks if outcome.measurement(task.metric) is None]
        failures = self._study.results.failures
        for task in missing:
            if outcome.failure is None and task.key in failures:
                failure = replace(failures[task.key], attempts=0)
                outcome = Outcome(outcome.measurements, failure)
        known, extra = self._recorded(subject, missing, keep)
        outcome = Outcome(outcome.measurements + known, outcome.failure)
        if missing and outcome.failure is None:
            taken = self._take_quietly(subject, run, (*missing, *extra), "probe", keep)
            outcome = Outcome(outcome.measurements + taken.measurements, taken.failure)
        order = list(dict.fromkeys([*self._bench.metrics, *METRICS]))
        measurements = sorted(outcome.measurements, key=lambda m: order.index(m.metric))
        return Outcome(tuple(measurements), outcome.failure)

    def repeat(
        self,
        configuration: Configuration,
        metrics: Iterable[str],
        fidelity: FidelityName,
        run: str,
        keep: Keep,
    ) -> Outcome:
        """Measures something again.

        Args:
            configuration: what to measure.
            metrics: what of it.
            fidelity: how long.
            run: name of its run folder.
            keep: called with each new measurement as soon as it is taken.

        Raises:
            RequestError, DseError: see `measure`.
        """
        subject = self._subject(configuration)
        if isinstance(subject, Failure):
            return Outcome(failure=subject)
        tasks = self._tasks(subject, metrics)
        more = piggybacked_metrics([task.metric for task in tasks], again=True)
        extra = self._tasks(subject, more, extra=True)
        return self._take_quietly(subject, run, (*tasks, *extra), fidelity, keep)

    def _subject(self, configuration: Configuration) -> ResolvedConfiguration | Failure:
        try:
            return self._subjects.resolve(configuration)
        except ModelError as error:
            return Failure(FailureKind.LOAD, str(error))

    def _tasks(
        self, subject: ResolvedConfiguration, metrics: Iterable[str], *, extra: bool = False
    ) -> tuple[MetricRequest, ...]:
        return tuple(
            MetricRequest(metric, self._subjects.key(metric, subject), extra) for metric in metrics
        )

    def _recorded(
        self, subject: ResolvedConfiguration, missing: Collection[MetricRequest], keep: Keep
    ) -> tuple[tuple[Measurement, ...], tuple[MetricRequest, ...]]:
        """What is known beside what was asked for, and what is taken with what is missing."""
        if subject.recorded:
            return (), ()
        names = [metric.name for metric in COSTS if metric.name not in self._bench.metrics]
        tasks = self._tasks(subject, names, extra=True)
        known = self._memo(subject, tasks, keep)
        more = (
            piggybacked_metrics([task.metric for task in missing], again=False) if missing else ()
        )
        lacking = set(more) - {m.metric for m in known}
        return known, tuple(task for task in tasks if task.metric in lacking)

    def _memo(
        self, subject: ResolvedConfiguration, tasks: Iterable[MetricRequest], keep: Keep
    ) -> tuple[Measurement, ...]:
        """What was measured before, and the size of the model file, which needs no run."""
        found = []
        for task in tasks:
            known = self._study.results.measured.latest(task.key)
            if known is None and task.metric == MODEL_SIZE.name and subject.artefact:
                size_mib = subject.artefact.size_bytes / (1 << 20)
                known = Measurement(task.metric, size_mib, task.key, Source.MEASURED)
                keep(known)
            found += [known] if known is not None else []
        return tuple(found)

    def _remembered(
        self, subject: ResolvedConfiguration, tasks: Collection[MetricRequest], keep: Keep
    ) -> Outcome:
        """What needs no run: see `_memo`, and the published accuracy."""
        known = self._memo(subject, tasks, keep)
        wants_accuracy = any(task.metric == ACCURACY.name for task in tasks)
        if not wants_accuracy or self._bench.dataset is not None or subject.recorded:
            return Outcome(known)
        configuration = subject.configuration
        figure = self._bench.offers.published(configuration.model, configuration.precision)
        if figure is None:
            reason = f"no accuracy of {configuration.model} {configuration.precision} is published"
            return Outcome(known, Failure(FailureKind.UNSUPPORTED, reason, attempts=0))
        published = Measurement(
            metric=ACCURACY.name,
            value=figure.percent,
            key="published",
            source=Source.PUBLISHED,
            details={"source": figure.source},
        )
        return Outcome((*known, published))

    def _take_quietly(
        self,
        subject: ResolvedConfiguration,
        run: str,
        tasks: tuple[MetricRequest, ...],
        fidelity: FidelityName,
        keep: Keep,
    ) -> Outcome:
        """Takes everything, and once more what was disturbed, unless that is always in vain."""
        outcome = self._take(subject, run, tasks, fidelity, keep)
        for number in range(1, MAX_REPETITIONS + 1):
            again = _again(tasks, outcome)
            if not again or outcome.failure or not self._disturbances.worth_repeating():
                break
            more = self._take(subject, f"{run}r{number}", again, fidelity, keep)
            kept = [m for m in outcome.measurements if more.measurement(m.metric) is None]
            outcome = Outcome((*kept, *more.measurements), more.failure)
        reasons = [m.details["disturbed"] for m in outcome.measurements if "disturbed" in m.details]
        self._disturbances.note(str(reasons[0]) if reasons else "")
        return outcome

    def _take(
        self,
        subject: ResolvedConfiguration,
        run: str,
        tasks: tuple[MetricRequest, ...],
        fidelity: FidelityName,
        keep: Keep,
    ) -> Outcome:
        """Runs workers until everything is taken or has failed for good."""

        def told(measurement: Measurement) -> None:
            keep(subject.complete(measurement))

        taken: tuple[Measurement, ...] = ()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            left = tuple(t for t in tasks if t.metric not in {m.metric for m in taken})
            spec = self._subjects.spec(subject, f"{run}-{attempt}", left, fidelity)
            outcome = self._answer(subject, spec, told)
            taken += tuple(map(subject.complete, outcome.measurements))
            if outcome.failure is None:
                return Outcome(taken)
            done = {m.metric for m in taken}
            failed_at = next((t.key for t in left if not t.extra and t.metric not in done), "")
            started = "" if subject.recorded else spec.run
            failure = replace(outcome.failure, attempts=attempt, key=failed_at, run=started)
            if failure.kind not in TRANSIENT_FAILURES:
                break
        return Outcome(taken, failure)

    def _answer(self, subject: ResolvedConfiguration, spec: Spec, keep: Keep) -> Outcome:
        """The outcome of a spec: out of a recording, or else of a worker process."""
        if isinstance(subject.backend, Recording):
            return recall(subject.backend, spec, keep)
        python = self._bench.offers.interpreters[subject.configuration.backend]
        return run_worker(spec, self._limits(spec.tasks), interpreter=python, keep=keep)

    def _limits(self, tasks: tuple[MetricRequest, ...]) -> Limits:
        limits, dataset = self._bench.limits, self._bench.dataset
        if dataset is None or all(task.metric != ACCURACY.name for task in tasks):
            return limits
        longer = ACCURACY_SECONDS_PER_IMAGE * len(dataset)
        return replace(limits, timeout_s=limits.timeout_s + longer)


def _again(tasks: Iterable[MetricRequest], outcome: Outcome) -> tuple[MetricRequest, ...]:
    """What was disturbed, and what its runs give anyway; nothing else has a run of its own."""
    disturbed = {m.metric for m in outcome.measurements if "disturbed" in m.details}
    needed = [task.metric for task in tasks if task.metric in disturbed and not task.extra]
    taken = {*needed, *piggybacked_metrics(needed, again=True)} & disturbed
    return tuple(task for task in tasks if task.metric in taken)

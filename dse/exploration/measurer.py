"""Measures configurations: what is known is remembered, and a worker is run for the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
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
from dse.core.metrics import COSTS, METRICS, MODEL_SIZE, is_quality
from dse.exploration._costs import piggybacked_metrics
from dse.exploration._keys import overlap
from dse.exploration.resolver import Resolver
from dse.measure.recall import recall
from dse.measure.runner import run_worker
from dse.measure.spec import MetricRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dse.core.configuration import Configuration
    from dse.core.measurement import FidelityName
    from dse.exploration.resolver import MeasurementContext, ResolvedConfiguration
    from dse.measure.runner import Limits
    from dse.measure.spec import Spec
    from dse.study.study import Study

LOG = logging.getLogger(__name__)
Keep = Callable[[Measurement], None]
MAX_REPETITIONS = 2
"""The number of times that a disturbed measurement is taken again."""
MAX_ATTEMPTS = 2
"""The number of attempts after transient failures."""
MAX_IN_VAIN = 3
"""After this many disturbed measurements in a row a machine counts as never quiet."""


class Measurer:
    """Turns configurations into outcomes.

    Args:
        context: what stays the same.
        study: remembers measurements and permanent failures, and is asked for them.
    """

    def __init__(self, context: MeasurementContext, study: Study) -> None:
        self._context = context
        self._study = study
        self._resolver = Resolver(context, study)
        self._disturbances = Disturbances(repeating=context.again)

    @property
    def max_silence_s(self) -> float:
        """The longest time without a measurement while there may yet be one, in seconds."""
        return MAX_ATTEMPTS * self._max_run_s

    @property
    def _max_run_s(self) -> float:
        """The time after which any run is ended, in seconds; an accuracy run may take longest."""
        dataset = self._context.dataset
        longer = 0.0 if dataset is None else self._context.task.max_sample_s * len(dataset)
        return self._context.limits.timeout_s + longer

    def overlaps(self, one: Configuration, other: Configuration) -> bool:
        """Whether two configurations may have a measurement in common."""
        return overlap(one, other, quality=self._context.dataset is not None)

    def ready(self, configuration: Configuration) -> bool:
        """Whether all files that measuring a configuration takes are there. Cheap."""
        return self._resolver.ready(configuration)

    def prepare(self, configuration: Configuration) -> None:
        """Makes the files that measuring a configuration takes, which may take minutes.

        A model file that can't be made becomes a failure in `measure`.

        Raises:
            RequestError: a model file or a sample can't be used.
            DseError: the cache can't be written.
        """
        with suppress(ModelError):
            self._resolver.ensure_artefact(configuration)

    def measure(self, configuration: Configuration, run: str, keep: Keep) -> Outcome:
        """The outcome of a configuration: what is known is remembered, the rest is probed.

        Args:
            configuration: what to measure.
            run: name of its run folder.
            keep: called with each new measurement as soon as it is taken.

        Raises:
            RequestError: a model file, a sample or a table can't be used.
            DseError: the cache or the run folder can't be written.
        """
        resolved = self._resolve(configuration)
        if isinstance(resolved, Failure):
            return Outcome(failure=resolved)
        metrics = self._context.metrics
        needed = self._requests(resolved, metrics)
        costs = () if resolved.recorded else self._requests(resolved, _others(metrics), extra=True)
        known = self._known(resolved, (*needed, *costs), keep)
        missing = [request for request in needed if request.metric not in known]
        failure = self._known_failure(resolved, missing)
        if missing and failure is None:
            beside = piggybacked_metrics([request.metric for request in missing], again=False)
            extra = [c for c in costs if c.metric in beside and c.metric not in known]
            taken = self._take_quietly(resolved, run, (*missing, *extra), "probe", keep)
            known |= {m.metric: m for m in taken.measurements}
            failure = taken.failure
        order = list(dict.fromkeys([*metrics, *METRICS]))
        return Outcome(tuple(known[name] for name in order if name in known), failure)

    def repeat(
        self,
        configuration: Configuration,
        metrics: Iterable[str],
        fidelity: FidelityName,
        run: str,
        keep: Keep,
        *,
        alone: bool = False,
    ) -> Outcome:
        """Measures something again.

        Args:
            configuration: what to measure.
            metrics: what of it.
            fidelity: how long.
            run: name of its run folder.
            keep: called with each new measurement as soon as it is taken.
            alone: whether to take just that: no costs, and nothing a second time where it was
                disturbed.

        Raises:
            RequestError, DseError: see `measure`.
        """
        resolved = self._resolve(configuration)
        if isinstance(resolved, Failure):
            return Outcome(failure=resolved)
        requests = self._requests(resolved, metrics)
        if alone:
            return self._take(resolved, run, requests, fidelity, keep)
        more = piggybacked_metrics([request.metric for request in requests], again=True)
        extra = self._requests(resolved, more, extra=True)
        return self._take_quietly(resolved, run, (*requests, *extra), fidelity, keep)

    def _resolve(self, configuration: Configuration) -> ResolvedConfiguration | Failure:
        try:
            resolved = self._resolver.resolve(configuration)
        except ModelError as error:
            return Failure(FailureKind.LOAD, str(error))
        self._resolver.check(resolved)
        self._resolver.check_unchanged(resolved)
        return resolved

    def _requests(
        self, resolved: ResolvedConfiguration, metrics: Iterable[str], *, extra: bool = False
    ) -> tuple[MetricRequest, ...]:
        return tuple(
            MetricRequest(metric, self._resolver.key(metric, resolved), extra) for metric in metrics
        )

    def _known(
        self, resolved: ResolvedConfiguration, requests: Iterable[MetricRequest], keep: Keep
    ) -> dict[str, Measurement]:
        """What needs no run, by metric: what was measured before, the model's size, published."""
        remembered, missing = self._study.remembered(request.key for request in requests)
        known = {measurement.metric: measurement for measurement in remembered}
        for request in requests:
            if request.key not in missing:
                continue
            if request.metric == MODEL_SIZE.name and resolved.artefact:
                size_mib = resolved.artefact.size_bytes / (1 << 20)
                size = Measurement(request.metric, size_mib, request.key, Source.MEASURED)
                keep(size)
                known[size.metric] = size
            elif is_quality(request.metric) and (
                found := self._published(resolved, request.metric)
            ):
                known[found.metric] = found
        return known

    def _published(self, resolved: ResolvedConfiguration, metric: str) -> Measurement | None:
        """The published quality, where none is measured."""
        if self._context.dataset is not None or resolved.recorded:
            return None
        configuration = resolved.configuration
        figure = self._context.offers.published(configuration.model, configuration.precision)
        if figure is None:
            return None
        return Measurement(
            metric=metric,
            value=figure.value,
            key="published",
            source=Source.PUBLISHED,
            details={"source": figure.source},
        )

    def _known_failure(
        self, resolved: ResolvedConfiguration, missing: Collection[MetricRequest]
    ) -> Failure | None:
        """Why what is missing can't be taken: it is not published, or has failed for good."""
        measured = self._context.dataset is not None or resolved.recorded
        if not measured and any(is_quality(request.metric) for request in missing):
            configuration = resolved.configuration
            what = f"{configuration.model} {configuration.precision}"
            reason = f"nothing is published of how good the answers of {what} are"
            return Failure(FailureKind.UNSUPPORTED, reason, attempts=0)
        failure = self._study.permanent_failure(request.key for request in missing)
        return None if failure is None else replace(failure, attempts=0)

    def _take_quietly(
        self,
        resolved: ResolvedConfiguration,
        run: str,
        tasks: tuple[MetricRequest, ...],
        fidelity: FidelityName,
        keep: Keep,
    ) -> Outcome:
        """Takes everything, and repeats what was disturbed, as long as repeating helps."""
        outcome = self._take(resolved, run, tasks, fidelity, keep)
        for number in range(1, MAX_REPETITIONS + 1):
            again = _again(tasks, outcome)
            if not again or outcome.failure or not self._disturbances.worth_repeating():
                break
            more = self._take(resolved, f"{run}r{number}", again, fidelity, keep)
            kept = [m for m in outcome.measurements if more.measurement(m.metric) is None]
            outcome = Outcome((*kept, *more.measurements), more.failure)
        reasons = [m.disturbed for m in outcome.measurements if m.disturbed]
        self._disturbances.note(reasons[0] if reasons else "")
        return outcome

    def _take(
        self,
        resolved: ResolvedConfiguration,
        run: str,
        tasks: tuple[MetricRequest, ...],
        fidelity: FidelityName,
        keep: Keep,
    ) -> Outcome:
        """Runs workers until everything is taken or has failed for good.

        What was taken of a file that was replaced meanwhile is not kept.
        """

        def told(measurement: Measurement) -> None:
            self._resolver.check_unchanged(resolved)
            keep(resolved.complete(measurement))

        taken: tuple[Measurement, ...] = ()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            left = tuple(t for t in tasks if t.metric not in {m.metric for m in taken})
            spec = self._resolver.spec(resolved, f"{run}-{attempt}", left, fidelity)
            outcome = self._answer(resolved, spec, told)
            taken += tuple(map(resolved.complete, outcome.measurements))
            if outcome.failure is None:
                return Outcome(taken)
            done = {m.metric for m in taken}
            failed_at = next((t.key for t in left if not t.extra and t.metric not in done), "")
            started = "" if resolved.recorded else spec.run
            failure = replace(outcome.failure, attempts=attempt, key=failed_at, run=started)
            if failure.kind not in TRANSIENT_FAILURES:
                break
        return Outcome(taken, failure)

    def _answer(self, resolved: ResolvedConfiguration, spec: Spec, keep: Keep) -> Outcome:
        """The outcome of a spec: out of a recording, or else of a worker process."""
        if isinstance(resolved.backend, Recording):
            return recall(resolved.backend, spec, keep)
        python = self._context.offers.interpreters[resolved.configuration.backend]
        return run_worker(spec, self._limits(spec.requests), interpreter=python, keep=keep)

    def _limits(self, tasks: tuple[MetricRequest, ...]) -> Limits:
        limits = self._context.limits
        if all(not is_quality(task.metric) for task in tasks):
            return limits
        return replace(limits, timeout_s=self._max_run_s)


def _others(metrics: Collection[str]) -> list[str]:
    """The costs that are recorded though they are not among these metrics."""
    return [metric.name for metric in COSTS if metric.name not in metrics]


def _again(tasks: Iterable[MetricRequest], outcome: Outcome) -> tuple[MetricRequest, ...]:
    """What was disturbed, with what the same runs give anyway."""
    disturbed = {m.metric for m in outcome.measurements if m.disturbed}
    needed = [task.metric for task in tasks if task.metric in disturbed and not task.extra]
    taken = {*needed, *piggybacked_metrics(needed, again=True)} & disturbed
    return tuple(task for task in tasks if task.metric in taken)


class Disturbances:
    """Whether repeating what was disturbed is worth its time.

    On a machine that is never quiet, each measurement would take three times as long, to no use.
    There nothing is repeated until a measurement comes out undisturbed.

    Args:
        repeating: whether disturbed measurements are repeated at all.
    """

    def __init__(self, *, repeating: bool) -> None:
        self._repeating = repeating
        self._in_vain = 0

    def worth_repeating(self) -> bool:
        """Whether a disturbed measurement is to be taken again."""
        return self._repeating and self._in_vain < MAX_IN_VAIN

    def note(self, reason: str) -> None:
        """Takes in what disturbed a measurement in the end; empty if nothing did."""
        self._in_vain = self._in_vain + 1 if reason else 0
        if self._repeating and self._in_vain == MAX_IN_VAIN:
            LOG.warning(
                "this machine is not quiet (%s): disturbed measurements are marked, and not "
                "repeated for now; see `dse system --check`",
                reason,
            )

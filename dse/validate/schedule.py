"""Which runs a validation consists of, what each needs, and what can't be run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.core.details import OfficialDetails
from dse.core.errors import ModelError
from dse.core.measurement import Source
from dse.core.metrics import METRICS_OF, PEAK_MEMORY
from dse.loadgen.logs import DETAIL
from dse.measure.spec import REHEARSED_SAMPLES, MetricRequest, Official
from dse.validate import _targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from dse.core.measurement import Measurement
    from dse.core.metrics import Scenario
    from dse.core.signature import Form
    from dse.exploration.prepare import Prepared
    from dse.exploration.resolver import ResolvedConfiguration, Resolver
    from dse.measure.spec import Fidelity
    from dse.study.record import Record
    from dse.study.results import StudyResults
    from dse.tasks.benchmark import Benchmark

QUERY_SHARE = 0.5
"""Share of the memory for queries that LoadGen generates in advance; the rest is for the model."""
UNBOUNDED = 1 << 62
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """One run to take.

    Attributes:
        record: the point that it is of.
        official: what it is.
        task: metric and key.
        most_query_bytes: what LoadGen's queries may take.
        expected_s: how long it takes, in seconds.
        beside: the performance run and the accuracy run that a compliance run is held against.
    """

    record: Record
    official: Official
    task: MetricRequest
    most_query_bytes: int
    expected_s: float
    beside: tuple[ScheduledRun, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A run that can't be taken, and why."""

    record: Record
    scenario: Scenario
    reason: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """What to do.

    Attributes:
        runs: in their order.
        refused: what can't be run.
        valid: how many runs more there would be, had they not been taken already.
    """

    runs: Sequence[ScheduledRun]
    refused: Sequence[Refused]
    valid: int

    @property
    def expected_s(self) -> float:
        """How long all runs take, in seconds."""
        return sum(run.expected_s for run in self.runs)


class _RefusedError(Exception):
    """The reason why a scenario of a point can't be run."""


class Scheduler:
    """Plans the runs of points.

    Args:
        prepared: models, data set and runtimes.
        resolver: tells keys and model files.
        results: of the study.
        fidelity: of the runs.
        memory_bytes: what a worker may allocate in all; 0 where that is not known.
        runs: the folder of the study's runs.
        benchmark: that the runs are of, in its division.
    """

    def __init__(
        self,
        prepared: Prepared,
        resolver: Resolver,
        results: StudyResults,
        fidelity: Fidelity,
        memory_bytes: int,
        runs: Path,
        benchmark: Benchmark,
    ) -> None:
        self._prepared = prepared
        self._resolver = resolver
        self._results = results
        self._fidelity = fidelity
        self._memory_bytes = memory_bytes
        self._runs_folder = runs
        self._benchmark = benchmark

    def schedule(self, records: Iterable[Record], scenarios: Sequence[Scenario]) -> Schedule:
        """The runs of these points in these scenarios, point by point.

        What several points have in common is run once, and what is valid already not again.
        """
        runs: dict[tuple[str, Scenario, str], ScheduledRun] = {}
        refused = []
        for record in records:
            for scenario in scenarios:
                try:
                    for run in self._runs(record, scenario):
                        official = run.official
                        key = official.timed_key, official.scenario, official.mode
                        runs.setdefault(key, run)
                except _RefusedError as error:
                    refused.append(Refused(record, scenario, str(error)))
        left = [run for run in runs.values() if not self.done(run)]
        return Schedule(left, refused, len(runs) - len(left))

    def done(self, run: ScheduledRun) -> bool:
        """Whether a run has been taken, and can stand for the point in a submission.

        A rehearsal never does, nor does a run whose logs are gone, or with other samples.
        """
        return self._fidelity.name == "valid" and self.find(run, self._results) is not None

    def find(self, run: ScheduledRun, results: StudyResults) -> Measurement | None:
        """The last measurement of such a run, at the fidelity of the runs, whose logs are there.

        Args:
            run: what is looked for.
            results: of the study.
        """
        official, dataset = run.official, self._prepared.dataset
        wanted = (
            *(official.scenario.value, official.mode, official.timed_key),
            dataset.fingerprint if dataset else "",
        )

        def same(details: OfficialDetails) -> bool:
            found = details.scenario, details.mode, details.timed_key, details.dataset
            return found == wanted and (bool(details.closed) or not official.closed)

        fidelity = self._fidelity.name
        if official.test and fidelity == "valid":
            fidelity = "compliance"
        for each in reversed(results.measured.all(run.task.key, fidelity)):
            logs = self.logs(each, official)
            if same(OfficialDetails.of(each.details)) and (logs / DETAIL).is_file():
                return each
        return None

    def logs(self, measurement: Measurement, official: Official) -> Path:
        """The folder of the logs of a run that was taken."""
        return self._runs_folder / measurement.run / official.mode

    def _runs(self, record: Record, scenario: Scenario) -> Iterator[ScheduledRun]:
        resolved = self._resolve(record)
        measurement = self._measured(record, scenario)
        room = self._room(record, resolved.form)
        rules, tests = self._benchmark.rules, self._benchmark.tests
        fitting = _targets.target_of(scenario, measurement, self._fidelity, rules, room)
        target = fitting or _targets.cheapest_target(scenario, measurement)
        timed_s = _targets.expected_s(scenario, measurement, target, self._fidelity, rules)
        task = MetricRequest(measurement.metric, self._resolver.key(measurement.metric, resolved))
        official = Official(scenario, False, target, task.key, self._benchmark.closed)
        timed = ScheduledRun(record, official, task, room, timed_s)
        if fitting is None and not self.done(timed):
            raise _RefusedError(self._too_many(scenario, target, room))
        yield timed
        dataset, quality = self._prepared.dataset, self._prepared.task.quality
        if dataset is None or quality is None:
            return
        samples = len(dataset)
        if self._fidelity.name == "rehearsal":
            samples = min(samples, REHEARSED_SAMPLES)
        expected_s = _targets.expected_accuracy_s(scenario, measurement, target, samples)
        name = quality.metric.name
        scored = MetricRequest(name, self._resolver.key(name, resolved))
        answers = replace(official, accuracy=True, closed=False)
        accurate = ScheduledRun(record, answers, scored, room, expected_s)
        yield accurate
        beside = (timed, accurate)
        for test in tests:
            yield replace(timed, official=replace(official, test=test), beside=beside)

    def _resolve(self, record: Record) -> ResolvedConfiguration:
        configuration = record.configuration
        # Not asked for models: the study was measured with the same ones.
        if configuration.backend not in self._prepared.offers.runtimes:
            raise _RefusedError(f"{configuration.backend} can't be used here")
        try:
            self._resolver.ensure_artefact(configuration)
        except ModelError as error:
            raise _RefusedError(str(error)) from error
        resolved = self._resolver.resolve(configuration)
        self._resolver.check(resolved)
        return resolved

    def _measured(self, record: Record, scenario: Scenario) -> Measurement:
        measurement = record.outcome.measurement(METRICS_OF[scenario])
        if measurement is None:
            raise _RefusedError(f"{METRICS_OF[scenario]} was never measured")
        if measurement.source is not Source.MEASURED:
            raise _RefusedError("its values were recorded elsewhere: there is nothing to run")
        return measurement

    def _room(self, record: Record, form: Form) -> int:
        """What LoadGen's queries may take, beside the samples and the model that stay loaded."""
        if not self._memory_bytes:
            return UNBOUNDED
        rules = self._benchmark.rules
        samples = rules.performance_samples * self._prepared.task.sample_bytes(form)
        loaded = _loaded_bytes(record)
        room = min(int(QUERY_SHARE * self._memory_bytes), self._memory_bytes - samples - loaded)
        if room <= 0:
            beside = f"; runtime and model take {loaded // _MIB} MiB" if loaded else ""
            raise _RefusedError(
                f"{samples // _MIB} MiB of samples stay loaded, and "
                f"{self._memory_bytes // _MIB} MiB of memory can be used"
                f"{self._prepared.memory_words}{beside}"
            )
        return room

    def _too_many(self, scenario: Scenario, target: float, room: int) -> str:
        rules = self._benchmark.rules
        needed = _targets.generated_bytes(scenario, target, self._fidelity, rules)
        return (
            f"LoadGen generates its queries in advance: at least {needed // _MIB} MiB of them, "
            f"and {room // _MIB} MiB of memory can be used for that{self._prepared.memory_words}"
        )


def _loaded_bytes(record: Record) -> int:
    """What a worker had resident with its model loaded, where that was measured; else 0."""
    return int(record.outcome.values.get(PEAK_MEMORY.name, 0.0) * _MIB)

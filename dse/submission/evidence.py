"""The runs that stand for a point in a scenario, as the study and their raw logs tell them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.core.details import OfficialDetails
from dse.core.metrics import METRICS_OF, Scenario
from dse.loadgen.compliance import verify
from dse.loadgen.logs import DetailLog, LogError, read_detail
from dse.measure.spec import SPEC_FILE, USER_CONF, Spec
from dse.submission._logs import SUMMARY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dse.core.measurement import FidelityName, Measurement
    from dse.loadgen.compliance import Verification
    from dse.study.record import Record
    from dse.study.study import Study
    from dse.tasks.benchmark import Benchmark

INFERRED: Mapping[Scenario, Sequence[Scenario]] = {
    Scenario.MULTI_STREAM: (Scenario.SINGLE_STREAM,),
    Scenario.OFFLINE: (Scenario.MULTI_STREAM, Scenario.SINGLE_STREAM),
}
"""The scenarios whose runs may stand for another one, for edge systems, the closest first.

Source: MLPerf inference rules, "Scenarios", and the submission checker's ``inferred_check``.
"""
_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError),
    *(RecursionError, OverflowError),
)
"""Errors that a damaged spec may raise."""


@dataclass(frozen=True, slots=True)
class SubmittedRun:
    """One run: what the study keeps of it, and what its folder holds.

    Attributes:
        measurement: what came out of it.
        folder: the run's own; holds the spec and user.conf.
        log: LoadGen's detail log; None where it can't be read.
        spec: what the worker was told; None where it can't be read.
        user_conf: its text, empty where it can't be read.
        summary: the text of LoadGen's summary, empty where it can't be read.
        damage: why something can't be read, a line for each.
    """

    measurement: Measurement
    folder: Path
    log: DetailLog | None
    spec: Spec | None
    user_conf: str
    summary: str
    damage: tuple[str, ...] = ()

    @property
    def logs(self) -> Path:
        """The folder of LoadGen's logs."""
        return self.folder / (self.noted.mode or "")

    @property
    def noted(self) -> OfficialDetails:
        """What was stored with the measurement."""
        return OfficialDetails.of(self.measurement.details)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A point in a scenario, with the runs that stand for it.

    Attributes:
        record: the point.
        scenario: where the result belongs.
        ran: the scenario of the runs; another one where the result is inferred.
        performance: the timed run, if there is one.
        accuracy: the accuracy run of the same configuration, if there is one.
        compliance: its compliance runs, by the name of the test, as far as there are any.
    """

    record: Record
    scenario: Scenario
    ran: Scenario
    performance: SubmittedRun | None
    accuracy: SubmittedRun | None
    compliance: Mapping[str, SubmittedRun] = field(default_factory=dict)

    @property
    def inferred(self) -> bool:
        """Whether runs of another scenario stand for this one."""
        return self.ran is not self.scenario

    def verify(self, test: str, benchmark: Benchmark) -> Verification:
        """Holds a compliance run against the other two, all of which must be there.

        Raises:
            LogError, OSError, ValueError: see `dse.loadgen.compliance.verify`.
        """
        performance, accuracy = self.performance, self.accuracy
        if performance is None or accuracy is None:
            raise ValueError("there is nothing to hold it against")
        return verify(
            test,
            self.ran,
            (performance.logs, accuracy.logs, self.compliance[test].logs),
            benchmark.rules,
            lambda responses: benchmark.task.score(responses, accuracy.folder),
        )


def gather(
    study: Study,
    record: Record,
    scenarios: Sequence[Scenario],
    fidelities: Sequence[FidelityName],
    *,
    infer: bool,
    benchmark: Benchmark,
) -> list[Evidence]:
    """The results of a point, whether or not they are complete.

    Args:
        study: holds the runs.
        record: the point.
        scenarios: those that were asked for.
        fidelities: that count, the preferred first.
        infer: whether to add the scenarios that others may stand for, where these have no run.
        benchmark: that the runs are of, in its division.
    """
    find = _Finder(study, record, fidelities, benchmark)
    found = {scenario: find.result(scenario, scenario) for scenario in scenarios}
    for wanted, others in INFERRED.items() if infer else ():
        if wanted in found and found[wanted].performance is not None:
            continue  # measured ones win
        known = (s for s in others if s in found and not found[s].inferred)
        source = next((s for s in known if found[s].performance is not None), None)
        if source is not None:
            found[wanted] = find.result(wanted, source)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds the runs of a point; see `gather`."""

    study: Study
    record: Record
    fidelities: Sequence[FidelityName]
    benchmark: Benchmark

    def result(self, scenario: Scenario, ran: Scenario) -> Evidence:
        """The runs of a scenario that stand for the same or another one."""
        timed = self.record.outcome.measurement(METRICS_OF[ran])
        accuracy = self.record.outcome.quality
        tests = {test: self._run(timed, test, ran, timed) for test in self.benchmark.tests}
        return Evidence(
            self.record,
            scenario,
            ran,
            self._run(timed, "performance", ran, timed),
            self._run(accuracy, "accuracy", ran, timed),
            {test: run for test, run in tests.items() if run is not None},
        )

    def _run(
        self,
        measurement: Measurement | None,
        mode: str,
        scenario: Scenario,
        timed: Measurement | None,
    ) -> SubmittedRun | None:
        """The last run of that kind that is whole, at the first fidelity there is."""
        if measurement is None or timed is None:
            return None
        wanted = mode, scenario.value, timed.key
        closed = self.benchmark.closed and mode != "accuracy"
        damaged = None
        for fidelity in self.fidelities:
            tested = mode in self.benchmark.tests and fidelity == "valid"
            stored = "compliance" if tested else fidelity
            for taken in reversed(self.study.results.measured.all(measurement.key, stored)):
                noted = OfficialDetails.of(taken.details)
                found = noted.mode, noted.scenario, noted.timed_key
                if found == wanted and (noted.closed or not closed):
                    run = read_run(taken, self.study.folder.runs / taken.run)
                    if not run.damage:
                        return run
                    damaged = damaged or run
        return damaged


def read_run(measurement: Measurement, folder: Path) -> SubmittedRun:
    """Reads what a run's folder holds; what can't be read is told, not raised."""
    damage: list[str] = []
    log, spec, user_conf, summary = None, None, "", ""
    logs = folder / (OfficialDetails.of(measurement.details).mode or "")
    try:
        log = read_detail(logs)
    except LogError as error:
        damage.append(str(error))
    try:
        summary = (logs / SUMMARY).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        damage.append(f"{logs / SUMMARY}: {error}")
    try:
        spec = Spec.from_json((folder / SPEC_FILE).read_text(encoding="utf-8"))
        user_conf = (folder / USER_CONF).read_text(encoding="ascii")
    except _UNREADABLE as error:
        damage.append(f"{folder}: {error}")
    return SubmittedRun(measurement, folder, log, spec, user_conf, summary, tuple(damage))

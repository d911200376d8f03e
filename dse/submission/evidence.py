"""The runs that stand for a point in a scenario, as the study and their raw logs tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.details import OfficialDetails
from dse.core.metrics import METRICS_OF, Scenario
from dse.loadgen.logs import DetailLog, LogError, read_detail
from dse.measure.spec import SPEC_FILE, USER_CONF, Spec
from dse.submission._logs import SUMMARY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dse.core.measurement import FidelityName, Measurement
    from dse.study.record import Record
    from dse.study.study import Study

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
    """

    record: Record
    scenario: Scenario
    ran: Scenario
    performance: SubmittedRun | None
    accuracy: SubmittedRun | None

    @property
    def inferred(self) -> bool:
        """Whether runs of another scenario stand for this one."""
        return self.ran is not self.scenario


def gather(
    study: Study,
    record: Record,
    scenarios: Sequence[Scenario],
    fidelities: Sequence[FidelityName],
    *,
    infer: bool,
) -> list[Evidence]:
    """The results of a point, whether or not they are complete.

    Args:
        study: holds the runs.
        record: the point.
        scenarios: those that were asked for.
        fidelities: that count, the preferred first.
        infer: whether to add the scenarios that others may stand for, where these have no run.
    """
    found = {
        scenario: _result(study, record, scenario, scenario, fidelities) for scenario in scenarios
    }
    for wanted, others in INFERRED.items() if infer else ():
        if wanted in found and found[wanted].performance is not None:
            continue  # measured ones win
        known = (s for s in others if s in found and not found[s].inferred)
        source = next((s for s in known if found[s].performance is not None), None)
        if source is not None:
            found[wanted] = _result(study, record, wanted, source, fidelities)
    return list(found.values())


def _result(
    study: Study,
    record: Record,
    scenario: Scenario,
    ran: Scenario,
    fidelities: Sequence[FidelityName],
) -> Evidence:
    timed = record.outcome.measurement(METRICS_OF[ran])
    accuracy = record.outcome.quality
    performance = _run(study, timed, "performance", ran, fidelities, timed)
    return Evidence(
        record,
        scenario,
        ran,
        performance,
        _run(study, accuracy, "accuracy", ran, fidelities, timed),
    )


def _run(
    study: Study,
    measurement: Measurement | None,
    mode: str,
    scenario: Scenario,
    fidelities: Sequence[FidelityName],
    timed: Measurement | None,
) -> SubmittedRun | None:
    """The last run of that kind that is whole, at the first fidelity there is."""
    if measurement is None or timed is None:
        return None
    wanted = mode, scenario.value, timed.key
    damaged = None
    for fidelity in fidelities:
        for taken in reversed(study.results.measured.all(measurement.key, fidelity)):
            noted = OfficialDetails.of(taken.details)
            if (noted.mode, noted.scenario, noted.timed_key) == wanted:
                run = read_run(taken, study.folder.runs / taken.run)
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

"""How far a study is from a submission: its points, their runs, and its system's description."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.metrics import SCENARIOS
from dse.core.wording import format_count
from dse.report.standing import split_frontier, standing_on
from dse.report.text import heading, number, short_settings
from dse.report.view import View
from dse.serve.submitting._choice import Choice
from dse.study.folder import STUDIES
from dse.submission.description import Declared, described_fields, read_declared
from dse.submission.evidence import gather
from dse.submission.rules import foreseeable
from dse.tasks.benchmark import CLOSED, CLOSED_CATEGORY, Benchmark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from dse.core.measurement import FidelityName
    from dse.core.metrics import Scenario
    from dse.machine.system import System
    from dse.serve.site import Site
    from dse.study.record import Record
    from dse.study.study import Study
    from dse.submission.description import DescribedField
    from dse.submission.evidence import Evidence
    from dse.submission.rules import Breach

SYSTEM_FILE = "system.yaml"
ORG = "ORG"
"""Stands for the submitter as long as nobody has said who that is."""
OTHER = "not on the frontier"
"""The standing of points that were named all the same."""


class Runs(StrEnum):
    """What there is of the runs that a submission of a point takes."""

    VALID = "valid"
    PART = "valid in part"
    REHEARSED = "rehearsed"
    TRIED = "rehearsed in part"
    NONE = "not run"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A point that may be submitted.

    Attributes:
        id: of the point.
        model: with its precision.
        runtime: with its settings in short.
        values: as they are shown, in the order of `Survey.headings`.
        standing: in a word; `OTHER` for one that no frontier has.
        leads: whether it is validated where nobody names points.
        decided: whether that is certain.
        runs: what there is of its runs.
        breaches: the rules that it breaks however it is run.
    """

    id: int
    model: str
    runtime: str
    values: tuple[str, ...]
    standing: str
    leads: bool
    decided: bool
    runs: Runs
    breaches: tuple[Breach, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """A study on its way to a submission.

    Attributes:
        study: its name.
        configurations: how many it has.
        division: of the submission.
        scenarios: that the division asks for, or that are objectives.
        headings: of the values of points.
        candidates: the points that contend and those that were named; those that lead come first.
        system: that the study was measured on.
        told: what the user says of it.
        fields: its description.
        problem: why what the user says can't be read; empty where it can.
    """

    study: str
    configurations: int
    division: str
    scenarios: tuple[str, ...]
    headings: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    system: System
    told: Declared
    fields: tuple[DescribedField, ...]
    problem: str

    @property
    def leaders(self) -> tuple[Candidate, ...]:
        """The points that lead."""
        return tuple(each for each in self.candidates if each.leads)

    @property
    def valid(self) -> tuple[Candidate, ...]:
        """The leading points of which all runs are valid."""
        return tuple(each for each in self.leaders if each.runs is Runs.VALID)

    @property
    def breaches_of_all(self) -> tuple[Breach, ...]:
        """The rules that every point breaks however it is run."""
        found = self.candidates[0].breaches if self.candidates else ()
        return tuple(each for each in found if all(each in one.breaches for one in self.candidates))

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that nothing tells, those on the models among them."""
        missing = [each.name for each in self.fields if each.missing]
        of_models = ("retraining", "equivalence") if self.division == CLOSED else ("retraining",)
        return (*missing, *(name for name in of_models if name not in self.told.values))

    @property
    def points_words(self) -> str:
        """How many of the points are valid."""
        return f"{len(self.valid)} of {format_count(len(self.leaders), 'point')} valid"

    @property
    def system_words(self) -> str:
        """How much of the description is missing."""
        if self.problem:
            return f"{SYSTEM_FILE} can't be read"
        if not self.missing:
            return "complete"
        return f"{format_count(len(self.missing), 'field')} missing"


def system_file(study: str) -> Path:
    """What the user says of the system of a study, from the working folder."""
    return STUDIES / study / SYSTEM_FILE


def look(site: Site, name: str, choice: Choice) -> tuple[Survey, str]:
    """Looks how far a study of a site is from a submission.

    Args:
        site: whose library has it.
        name: of the study.
        choice: the points and the division.

    Returns:
        How far it is, and why that is of the open division although another one was asked for.

    Raises:
        NotFoundError: there is no such study.
        RequestError: MLPerf has no benchmark of its task.
    """
    with site.library.open(name) as study:
        try:
            return survey(study, choice), ""
        except RequestError as error:
            if choice == Choice():
                raise
            return survey(study, Choice()), str(error)


def survey(study: Study, choice: Choice) -> Survey:
    """Looks how far a study is from a submission.

    Args:
        study: opened.
        choice: the points and the division.

    Raises:
        RequestError: MLPerf has no benchmark of its task in that division, or a condition asks for
            what the study does not have.
    """
    division, named = choice.division, choice.points
    benchmark = Benchmark.of(study.about.task, division)
    view = View(study, choice.asked.derivation())
    leading, behind = split_frontier(view.frontier)
    contending = {record.id for record in (*leading, *behind)}
    measured = (r for r in study.records.values() if r.outcome.failure is None)
    others = [r for r in measured if r.id in named and r.id not in contending]
    scenarios = _scenarios(study, benchmark)
    # The one that is the most certain first, as `dse validate` has it.
    leading.sort(key=lambda record: (not view.frontier.certain(record), record.id))
    judge = _Judge(view, scenarios, benchmark)
    candidates = [
        *(judge.candidate(r, standing_on(view.frontier, r).value, leads=True) for r in leading),
        *(judge.candidate(r, standing_on(view.frontier, r).value) for r in behind),
        *(judge.candidate(r, OTHER) for r in others),
    ]
    told, problem = _told(study.folder.name)
    return Survey(
        study=study.folder.name,
        configurations=len(study.records),
        division=division,
        scenarios=tuple(each.value for each in scenarios),
        headings=tuple(map(heading, study.about.metrics)),
        candidates=tuple(candidates),
        system=study.system,
        told=told,
        fields=tuple(described_fields(study.system, told, ORG, CLOSED_CATEGORY)),
        problem=problem,
    )


def _told(study: str) -> tuple[Declared, str]:
    """What the user says of the system, and why that can't be read."""
    file = system_file(study)
    try:
        return read_declared(file if file.exists() or file.is_symlink() else None), ""
    except RequestError as error:
        return Declared(file=file), str(error)


def _scenarios(study: Study, benchmark: Benchmark) -> list[Scenario]:
    """Those that results are exported in: of the study, or all of the closed division."""
    able = benchmark.rules.scenarios.get(CLOSED_CATEGORY, ())
    if benchmark.closed:
        return list(able)
    found = (SCENARIOS[name] for name in study.about.metrics if name in SCENARIOS)
    return [scenario for scenario in found if scenario in able]


@dataclass(frozen=True, slots=True)
class _Judge:
    """Looks at the runs of points of a study; see `survey`."""

    view: View
    scenarios: Sequence[Scenario]
    benchmark: Benchmark

    def candidate(self, record: Record, standing: str, *, leads: bool = False) -> Candidate:
        own, about = record.configuration, self.view.study.about
        return Candidate(
            id=record.id,
            model=f"{own.model} {own.precision}",
            runtime=f"{own.backend} {short_settings(own)}",
            values=tuple(_shown(record, metric) for metric in about.metrics),
            standing=standing,
            leads=leads,
            decided=leads and self.view.frontier.certain(record),
            runs=self._runs(record),
            breaches=tuple(foreseeable(record, about.models, self.benchmark)),
        )

    def _runs(self, record: Record) -> Runs:
        valid = [self._complete(each) for each in self._gathered(record, ("valid",))]
        if valid and all(valid):
            return Runs.VALID
        if any(valid):
            return Runs.PART
        tried = [*self._gathered(record, ("rehearsal",))]
        if tried and all(map(self._complete, tried)):
            return Runs.REHEARSED
        begun = any(each.performance or each.accuracy for each in tried)
        return Runs.TRIED if begun else Runs.NONE

    def _gathered(self, record: Record, fidelities: Sequence[FidelityName]) -> Iterable[Evidence]:
        wanted, benchmark = self.scenarios, self.benchmark
        return gather(self.view.study, record, wanted, fidelities, infer=False, benchmark=benchmark)

    def _complete(self, result: Evidence) -> bool:
        """Whether a result has all its runs, and their logs."""
        runs = [result.performance, result.accuracy, *result.compliance.values()]
        tested = set(self.benchmark.tests) <= set(result.compliance)
        return tested and all(run is not None and not run.damage for run in runs)


def _shown(record: Record, metric: str) -> str:
    measurement = record.outcome.measurement(metric)
    return "" if measurement is None else number(metric, measurement.value)

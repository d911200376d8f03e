"""One invocation of ``dse validate``: from what was asked for to the values of its runs."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.text import Text

from dse.commands._dry_runs import refuse_json, validation, without_json
from dse.commands._points import choose_points, division_words, format_ids
from dse.commands._validate_text import (
    Progress,
    schedule_lines,
    schedule_table,
    unfit_lines,
    values_table,
)
from dse.commands.console import console, print_lines
from dse.commands.interrupts import INTERRUPTED, interrupts
from dse.commands.log import messages
from dse.commands.next_step import command, print_next, repeat
from dse.core.errors import RequestError
from dse.core.metrics import LATENCY, METRICS_OF, SCENARIOS, Scenario
from dse.core.wording import format_count
from dse.core.worker_environment import add_libraries
from dse.exploration.prepare import prepare
from dse.exploration.resolver import Resolver
from dse.measure.runner import Limits
from dse.measure.spec import RUN_LENGTHS
from dse.report.standing import split_frontier
from dse.report.text import environment_lines, settings_legend
from dse.report.view import View
from dse.study.folder import existing_folder
from dse.study.inputs import complete_inputs
from dse.study.results import StudyResults
from dse.study.storage import RETRY_POLICY
from dse.study.study import Study
from dse.submission.rules import foreseeable
from dse.tasks.benchmark import CLOSED_CATEGORY, Benchmark
from dse.validate.schedule import Scheduler
from dse.validate.validator import ValidationEnd, Validator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from dse.derived.derivation import Derivation
    from dse.exploration.prepare import Prepared
    from dse.study.record import Record
    from dse.submission.rules import Breach
    from dse.validate.schedule import Schedule
    from dse.validate.validator import Validated

    Unfit = Mapping[int, Sequence[Breach]]


@dataclass(frozen=True, slots=True)
class ValidateRequest:
    """What was asked for; the fields are the options of ``dse validate``, and all its words."""

    study: str
    storage: str | None
    dataset: Path | None
    models: Path | None
    points: tuple[int, ...]
    decided: bool
    derivation: Derivation
    division: str
    scenarios: tuple[str, ...]
    memory_limit: int | None
    again: bool
    dry_run: bool
    rehearsal: bool
    anyway: bool
    as_json: bool
    words: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether runs are asked for that a submission is to be made of."""
        return not (self.rehearsal or self.anyway)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a request comes down to.

    Attributes:
        request: what was asked for.
        records: the points.
        left_out: ids of points that others seem ahead of.
        unfit: those of which no submission can be made, by id, with the reasons.
        schedule: the runs.
    """

    request: ValidateRequest
    records: Sequence[Record]
    left_out: Sequence[int]
    unfit: Unfit
    schedule: Schedule


def run(request: ValidateRequest) -> int:
    """Validates; the values go to stdout and everything else to stderr.

    Returns:
        The exit code: 0, 1 if a run has failed or can't be taken, or, in a dry run, would be
        refused, or 130 if interrupted.

    Raises:
        RequestError: something can't be validated, or no submission can be made of it.
        DseError: the work failed; what was measured is stored.
    """
    err = messages()
    refuse_json(as_json=request.as_json, dry_run=request.dry_run)
    request = replace(request, words=without_json(request.words))
    opened = Study.load if request.dry_run else Study.resume
    study = opened(existing_folder(request.study), request.storage)
    # Without one LoadGen has no rules to run by.
    benchmark = Benchmark.of(study.about.task, request.division)
    records, left_out = _points(study, request, err)
    scenarios = _scenarios(study, request.scenarios, benchmark)
    unfit = _refuse_unfit(request, study, records, benchmark, err)
    prepared = _prepare(study, request, err)
    fidelity = RUN_LENGTHS["rehearsal" if request.rehearsal else "valid"]
    known = StudyResults() if request.again else study.results  # as if there were none
    memory = request.memory_limit or prepared.memory_bytes
    limits, progressed = Limits(0.0, memory), partial(_tell_prepared, err)
    context = prepared.context(study, limits, progressed, again=False)
    subjects = Resolver(context, study)
    scheduler = Scheduler(prepared, subjects, known, fidelity, memory, study.folder.runs, benchmark)
    schedule = scheduler.schedule(records, scenarios)
    work = _Work(request, records, left_out, unfit, schedule)
    _announce(work, console() if request.dry_run else err)
    if request.dry_run or not work.schedule.runs:
        print_next(_next_of_none(work))
        return 1 if work.schedule.refused or (unfit and request.counts) else 0
    progress = Progress(err, work.schedule, study.results.notes)
    validator = Validator(study, prepared, subjects, fidelity, memory, progress, benchmark)
    with interrupts(progress.say, progress.still) as asked:
        study.retry_policy = replace(RETRY_POLICY, stopped=lambda: asked.wanted)
        validated = validator.validate(work.schedule, scheduler, asked)
    return _conclude(work, validated, err)


def _points(study: Study, request: ValidateRequest, err: Console) -> tuple[list[Record], list[int]]:
    """The points to validate: those named, or those that lead the frontier, certain ones first.

    A run takes ten minutes: none is spent unasked on points that others seem ahead of, whose ids
    are the second value.
    """
    view = View(study, request.derivation)
    found = choose_points(view, request.points, decided=request.decided)
    print_lines(view.tally.lines(request.derivation), err)
    if request.points:
        return found, []
    behind = {record.id for record in split_frontier(view.frontier)[1]}
    if left_out := [record.id for record in found if record.id in behind]:
        count = format_count(len(left_out), "point")
        print_lines([f"left out: {count} that others seem ahead of; --points names them"], err)
    found = [record for record in found if record.id not in behind]
    return sorted(found, key=lambda r: (not view.frontier.certain(r), r.id)), left_out


def _prepare(study: Study, request: ValidateRequest, err: Console) -> Prepared:
    """Models, data set and runtimes, which have to be those of the study."""
    environment = study.about.environment
    if environment is None:
        environment = add_libraries({})
    inputs = complete_inputs(study.folder, request.models, request.dataset)
    print_lines(inputs.lines, err)
    with err.status(Text(f"reading {inputs.dataset}")) if inputs.dataset else nullcontext():
        prepared = prepare(study.space, inputs.models, inputs.dataset, environment)
    _refuse_others(study, prepared)
    print_lines([*environment_lines(environment), *prepared.dataset_lines], err)
    return prepared


def _refuse_unfit(
    request: ValidateRequest,
    study: Study,
    records: Sequence[Record],
    benchmark: Benchmark,
    err: Console,
) -> Unfit:
    """The points of which no submission can be made, however they are run; tells why.

    Raises:
        RequestError: valid runs of them are asked for, and nobody has said "anyway".
    """
    found = {each.id: foreseeable(each, study.about.models, benchmark) for each in records}
    unfit = {id_: broken for id_, broken in found.items() if broken}
    if not unfit:
        return unfit
    print_lines(unfit_lines(unfit), err, "yellow")
    remedies = list(dict.fromkeys(breach.remedy for broken in unfit.values() for breach in broken))
    if fit := [id_ for id_ in found if id_ not in unfit]:
        remedies = [f"--points {format_ids(fit)} leaves them out"]
    if request.counts and not request.dry_run:
        raise RequestError(
            f"`dse export` would refuse {len(unfit)} of {format_count(len(records), 'point')}",
            remedy=f"{'; '.join(remedies)}, or --anyway runs them all the same",
        )
    print_lines((f"  remedy: {remedy}" for remedy in remedies), err, "yellow")
    return unfit


def _refuse_others(study: Study, prepared: Prepared) -> None:
    """Refuses to validate with something else than was explored."""
    now = prepared.about(study.about.planned, study.about.excluded)
    try:
        study.about.continued(now, study.folder.name)
    except RequestError as error:
        remedy = "validate where it was explored, with the same runtimes and --dataset"
        raise RequestError(error.problem, remedy=remedy) from error
    if now.models != study.about.models:
        raise RequestError(
            f"study '{study.folder.name}' has its models from the provider "
            f"'{study.about.models}', not '{now.models}'",
            remedy="give the --models that it was explored with",
        )


def _scenarios(study: Study, names: Sequence[str], benchmark: Benchmark) -> list[Scenario]:
    """The scenarios to run: those named, those of the closed division, or of the objectives."""
    wanted = [Scenario(name) for name in dict.fromkeys(names)]
    if benchmark.closed and not wanted:
        wanted = [*benchmark.rules.scenarios[CLOSED_CATEGORY]]
    for scenario in wanted:
        if METRICS_OF[scenario] not in study.about.metrics:
            raise RequestError(
                f"study '{study.folder.name}' has not measured {METRICS_OF[scenario]}",
                field="--scenario" if names else "--division",
                remedy="add it to its objectives and explore again",
            )
    objectives = [SCENARIOS[name] for name in study.space.objectives if name in SCENARIOS]
    if not wanted and not objectives:
        raise RequestError(
            f"study '{study.folder.name}' has no objective that LoadGen measures",
            remedy=f"add {LATENCY.name}, say, and explore again",
        )
    return wanted or objectives


def _tell_prepared(err: Console, done: int, total: int, what: str) -> None:
    if done == total:
        print_lines([f"prepared {total} {what}"], err)


def _announce(work: _Work, on: Console) -> None:
    schedule = work.schedule
    if work.request.as_json:
        found = validation(work.records, work.left_out, work.unfit, schedule)
        click.echo(json.dumps(found))
        return
    if schedule.runs:
        on.print(schedule_table(schedule))
        print_lines([settings_legend(run.record for run in schedule.runs)], on, "dim")
    print_lines(schedule_lines(schedule), on)


def _conclude(work: _Work, validated: Validated, err: Console) -> int:
    request, refused = work.request, work.schedule.refused
    if validated.taken:
        console().print(values_table(validated.taken))
        print_lines([settings_legend(record for record, _ in validated.taken)], console(), "dim")
    what = "rehearsed" if request.rehearsal else "valid"
    done = f"{validated.end.value}: {len(validated.taken)} {what}"
    lines = [f"{done}, {validated.failed} failed, {len(refused)} that can't be run"]
    if request.rehearsal:
        lines.append("a rehearsal counts for nothing: leave --rehearsal out for valid runs")
    print_lines(lines, err)
    print_next(_next(work, validated))
    if validated.end is ValidationEnd.INTERRUPTED:
        return INTERRUPTED
    return 1 if validated.failed or refused else 0


def _next(work: _Work, validated: Validated) -> str | None:
    """What comes after runs."""
    request = work.request
    if validated.failed or validated.end is ValidationEnd.INTERRUPTED:
        return repeat("validate", request.words, request.storage, without=["--again"])
    if request.rehearsal and (request.anyway or not work.unfit):
        return repeat("validate", request.words, request.storage, without=["--rehearsal"])
    return _export(work)


def _next_of_none(work: _Work) -> str | None:
    """What comes after a dry run, or where there is nothing to run."""
    request = work.request
    if request.dry_run and work.schedule.runs:
        if work.unfit and request.counts:
            return None
        more = [] if request.rehearsal else ["--rehearsal"]
        return repeat("validate", request.words, request.storage, *more, without=["--dry-run"])
    return None if work.schedule.refused else _export(work)


def _export(work: _Work) -> str | None:
    """How to export what was run, where any of it can be exported at all."""
    request = work.request
    if not all(breach.short for broken in work.unfit.values() for breach in broken):
        return None
    chosen = request.points or request.decided or request.derivation.selects
    options = [
        *("--submitter", "ORG", "--output", "submission"),
        *(["--points", format_ids(each.id for each in work.records)] if chosen else []),
        *division_words(request.division),
        *(["--preview"] if work.unfit else []),
        "--dry-run",
    ]
    return command("export", request.study, request.storage, *options)

"""One invocation of ``dse validate``: from what was asked for to the values of its runs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.text import Text

from dse.commands._validate_text import Progress, schedule_lines, schedule_table, values_table
from dse.commands.console import console, print_lines
from dse.commands.interrupts import INTERRUPTED, interrupts
from dse.commands.log import messages
from dse.core.errors import RequestError
from dse.core.metrics import METRICS_OF, SCENARIOS, Scenario
from dse.core.worker_environment import add_libraries
from dse.exploration.prepare import prepare
from dse.exploration.resolver import MeasurementContext, Resolver
from dse.measure.runner import Limits
from dse.measure.spec import RUN_LENGTHS
from dse.report.text import environment_lines
from dse.study.folder import existing_folder
from dse.study.frontier import select_records
from dse.study.results import StudyResults
from dse.study.storage import RETRY_POLICY
from dse.study.study import Study
from dse.tasks.benchmark import Benchmark
from dse.validate.schedule import Scheduler
from dse.validate.validator import ValidationEnd, Validator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from dse.exploration.prepare import Prepared
    from dse.study.record import Record
    from dse.validate.schedule import Schedule
    from dse.validate.validator import Validated


@dataclass(frozen=True, slots=True)
class ValidateRequest:
    """What was asked for; the fields are the options of ``dse validate``."""

    study: str
    storage: str | None
    dataset: Path | None
    models: Path | None
    points: tuple[int, ...]
    scenarios: tuple[str, ...]
    memory_limit: int | None
    again: bool
    dry_run: bool
    rehearsal: bool


def run(request: ValidateRequest) -> int:
    """Validates; the values go to stdout and everything else to stderr.

    Returns:
        The exit code: 0, 1 if a run has failed or can't be taken, or 130 if interrupted.

    Raises:
        DseError: the request or the work failed; what was measured is stored.
    """
    err = messages()
    opened = Study.load if request.dry_run else Study.resume
    study = opened(existing_folder(request.study), request.storage)
    Benchmark.of(study.about.task)  # without one LoadGen has no rules to run by
    environment = study.about.environment
    if environment is None:
        environment = add_libraries({})
    with err.status(Text(f"reading {request.dataset}")) if request.dataset else nullcontext():
        prepared = prepare(study.space, request.models, request.dataset, environment)
    _refuse_others(study, prepared)
    if unrecorded := study.about.unrecorded(study.folder.name):
        print_lines([unrecorded], err, "yellow")
    records = _points(study, request.points)
    scenarios = _scenarios(study, request.scenarios)
    fidelity = RUN_LENGTHS["rehearsal" if request.rehearsal else "valid"]
    known = StudyResults() if request.again else study.results  # as if there were none
    memory = request.memory_limit or prepared.memory_bytes
    subjects = Resolver(_bench(study, prepared, memory, err), study)
    scheduler = Scheduler(prepared, subjects, known, fidelity, memory, study.folder.runs)
    schedule = scheduler.schedule(records, scenarios)
    print_lines([*environment_lines(environment), *prepared.dataset_lines], err)
    print_lines(_unfit_lines(prepared), err, "yellow")
    _announce(schedule, console() if request.dry_run else err)
    if request.dry_run or not schedule.runs:
        return 1 if schedule.refused else 0
    progress = Progress(err, schedule, study.results.notes)
    validator = Validator(study, prepared, subjects, fidelity, memory, progress)
    with interrupts(progress.say, progress.still) as asked:
        study.retry_policy = replace(RETRY_POLICY, stopped=lambda: asked.wanted)
        validated = validator.validate(schedule, scheduler, asked)
    return _conclude(request, schedule, validated, err)


def _unfit_lines(prepared: Prepared) -> list[str]:
    """Why no submission can be made of these runs, whatever they give."""
    if prepared.provider.trained and prepared.dataset is not None:
        return []
    why = "--dataset is missing, so no accuracy is measured"
    if not prepared.provider.trained:
        why = "the builtin models have untrained weights; explore your own with --models"
    return [f"`dse export` will refuse these runs: {why}"]


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


def _points(study: Study, ids: Sequence[int]) -> list[Record]:
    """The records to validate: those named, or the frontier, what is certain first."""
    found = select_records(study, ids, "--point")
    frontier = study.results.frontier
    return found if ids else sorted(found, key=lambda r: (not frontier.certain(r), r.id))


def _scenarios(study: Study, names: Sequence[str]) -> list[Scenario]:
    """The scenarios to run: those named, or those of the objectives."""
    wanted = [Scenario(name) for name in dict.fromkeys(names)]
    for scenario in wanted:
        if METRICS_OF[scenario] not in study.about.metrics:
            raise RequestError(
                f"study '{study.folder.name}' has not measured {METRICS_OF[scenario]}, "
                f"which tells LoadGen what to expect of {scenario.value}",
                field="--scenario",
                remedy="add it to the objectives of its search space and explore again",
            )
    objectives = [SCENARIOS[name] for name in study.space.objectives if name in SCENARIOS]
    if not wanted and not objectives:
        raise RequestError(
            f"study '{study.folder.name}' has no objective that is taken in a scenario of LoadGen",
            remedy=f"add one of {', '.join(SCENARIOS)} to its search space and explore again",
        )
    return wanted or objectives


def _bench(study: Study, prepared: Prepared, memory_bytes: int, err: Console) -> MeasurementContext:
    def progress(done: int, total: int, what: str) -> None:
        if done == total:
            print_lines([f"prepared {total} {what}"], err)

    return MeasurementContext(
        task=prepared.task,
        provider=prepared.provider,
        offers=prepared.offers,
        dataset=prepared.dataset,
        metrics=prepared.metrics,
        settings={},  # only recordings have any, and these can't be validated
        limits=Limits(0.0, memory_bytes),
        system=study.system,
        again=False,
        progress=progress,
        environment=prepared.environment,
    )


def _announce(schedule: Schedule, on: Console) -> None:
    if schedule.runs:
        on.print(schedule_table(schedule))
    print_lines(schedule_lines(schedule), on)


def _conclude(
    request: ValidateRequest, schedule: Schedule, validated: Validated, err: Console
) -> int:
    if validated.measurements:
        console().print(values_table(validated.measurements))
    what = "rehearsed" if request.rehearsal else "valid"
    done = f"{validated.end.value}: {len(validated.measurements)} {what}"
    lines = [f"{done}, {validated.failed} failed, {len(schedule.refused)} that can't be run"]
    if request.rehearsal:
        lines.append("a rehearsal counts for nothing: leave --rehearsal out for valid runs")
    print_lines(lines, err)
    if validated.end is ValidationEnd.INTERRUPTED:
        return INTERRUPTED
    return 1 if validated.failed or schedule.refused else 0

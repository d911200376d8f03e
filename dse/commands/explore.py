"""One invocation of ``dse explore``: from what was asked for to the frontier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.commands.explore_display import Display
from dse.core.errors import RequestError
from dse.core.worker_environment import add_libraries
from dse.explore.explorer import Budget, Explored, Search, StopReason, explore
from dse.explore.interrupts import interrupts
from dse.explore.measurer import Measurer
from dse.explore.prepare import prepare, settings_of
from dse.explore.resolver import MeasurementContext
from dse.explore.samplers import BORROWER
from dse.explore.warm_start import load_warm_starts
from dse.measure.runner import Limits
from dse.report.health import health
from dse.report.pictures import print_picture
from dse.report.text import (
    BY_OPTION,
    borrowed_lines,
    environment_lines,
    excluded_lines,
    frontier_table,
    marks,
)
from dse.report.text import console as make_console
from dse.space import find_space
from dse.space.plan import exclusion_lines as reasons
from dse.space.plan import resolve
from dse.space.reading import read_space
from dse.study.folder import StudyFolder, study_folder
from dse.study.record import Purpose
from dse.study.storage import RETRY_POLICY
from dse.study.study import Study
from dse.tasks.image_classification.judging import normalisations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from dse.explore.prepare import Prepared
    from dse.explore.warm_start import WarmStart
    from dse.machine.system import System
    from dse.space.plan import Plan

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class ExploreRequest:
    """What was asked for; the fields are the options of ``dse explore``."""

    space: str
    study: str | None
    dataset: Path | None
    models: Path | None
    storage: str | None
    n_trials: int | None
    timeout: float | None
    sampler: str
    seed: int
    run_timeout: float
    memory_limit: int | None
    repeats: int
    retry_failed: bool
    per_cpu: bool
    stop_gain: float
    warm_start: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


def run(request: ExploreRequest) -> int:
    """Explores; prints the frontier on stdout and everything else on stderr.

    Returns:
        The exit code: 0, 1 if everything tried has failed, or 130 if interrupted.

    Raises:
        DseError: the request or the work failed; what was measured is stored.
    """
    console = make_console(stderr=True)
    space_file = find_space(request.space)
    space = read_space(space_file)
    environment = add_libraries(dict(request.environment))
    prepared = prepare(space, request.models, request.dataset, environment, console)
    plan = _plan(prepared)
    borrowed = _borrowed(request, plan, prepared)
    settings = settings_of(space, (backend.name for backend in space.backends))
    folder = study_folder(request.study or space_file.stem)
    if request.per_cpu:
        folder = _folder_of_cpu(folder, prepared.system, console)
    about = replace(
        prepared.about(len(plan.configurations), reasons(plan.excluded)),
        borrowed=tuple(each.as_dict() for each in borrowed),
    )
    study = Study.create(folder, space, plan, about, request.storage)
    _announce(prepared, plan, study, console)
    budget = Budget(request.n_trials, request.timeout)
    with Display(console, study, budget) as display, interrupts(display.say) as asked:
        study.retry_policy = replace(RETRY_POLICY, stopped=lambda: asked.wanted)
        bench = _bench(study, prepared, settings, request, display)
        search = Search(
            sampler=request.sampler,
            seed=request.seed,
            retry_failed=request.retry_failed,
            repetitions=request.repeats,
            stop_gain=request.stop_gain / 100,
            sources=[each.values for each in borrowed],
        )
        measurer = Measurer(bench, study)
        explored = explore(study, plan, measurer, search, budget, asked, display)
    _conclude(study, explored, console)
    if explored.end is StopReason.INTERRUPTED:
        return INTERRUPTED
    measured = any(r.outcome.failure is None for r in study.records.values())
    return 0 if measured else 1


def _folder_of_cpu(folder: StudyFolder, system: System, console: Console) -> StudyFolder:
    """The folder of this CPU's study; says where an earlier version kept one that may be its."""
    own, earlier = (
        StudyFolder(folder.path.with_name(f"{folder.name}@{fingerprint}"))
        for fingerprint in (system.fingerprint, system.earlier_fingerprint)
    )
    if earlier.begun and not own.begun:
        console.print(
            f"an earlier version made the study '{earlier.name}' of this CPU or of one that looked "
            f"the same; to go on with it: --study {earlier.name}, without --per-cpu",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    return own


def _plan(prepared: Prepared) -> Plan:
    system = prepared.system
    cpus = system.available_cpus
    physical = min(system.physical_cores or cpus, cpus)
    return resolve(prepared.space, prepared.offers, cpus, physical, system.instruction_sets)


def _borrowed(request: ExploreRequest, plan: Plan, prepared: Prepared) -> tuple[WarmStart, ...]:
    if request.warm_start and request.sampler != BORROWER:
        raise RequestError(
            f"the sampler {request.sampler} learns nothing from other systems",
            field="--warm-start",
            remedy=f"leave it out, or choose --sampler {BORROWER}",
        )
    return load_warm_starts(request.warm_start, plan.configurations, prepared.metrics)


def _bench(
    study: Study,
    prepared: Prepared,
    settings: Mapping[str, Mapping[str, Path]],
    request: ExploreRequest,
    display: Display,
) -> MeasurementContext:
    return MeasurementContext(
        provider=prepared.provider,
        offers=prepared.offers,
        dataset=prepared.dataset,
        metrics=prepared.metrics,
        settings=settings,
        limits=Limits(request.run_timeout, request.memory_limit or prepared.memory_bytes),
        system=study.system,
        again=request.repeats > 0,
        progress=display.images,
        say=display.say,
        environment=prepared.environment,
    )


def _announce(prepared: Prepared, plan: Plan, study: Study, console: Console) -> None:
    system = prepared.system
    console.print(f"CPU: {system.title}, {system.available_words}", markup=False, soft_wrap=True)
    runtimes = ", ".join(f"{n} {v}" for n, v in prepared.offers.runtimes.items())
    console.print(f"runtimes: {runtimes}")
    for line in (*environment_lines(prepared.environment, BY_OPTION), *prepared.images):
        console.print(line, markup=False, soft_wrap=True, highlight=False)
    unrecorded = study.about.unrecorded(study.folder.name)
    for line in (
        *([unrecorded] if unrecorded else []),
        *excluded_lines(plan.excluded),
        *borrowed_lines(study.about.borrowed),
        *normalisations(plan.configurations, prepared.provider),
    ):
        console.print(line, style="yellow", markup=False)
    done, planned = len(study.records), study.about.planned
    if done:
        console.print(f"resuming '{study.folder.name}': {done} of {planned} configurations done")
    else:
        console.print(f"study '{study.folder.name}': {planned} configurations")


def _conclude(study: Study, explored: Explored, console: Console) -> None:
    from dse.report import summary

    repeated = explored.steps[Purpose.REPEAT] + explored.steps[Purpose.ANCHOR]
    again = f", {repeated} repeated" if repeated else ""
    numbers = summary.counts(study)
    counts = numbers["configurations"]
    console.print(
        f"{explored.end.value}: {explored.steps[Purpose.EXPLORE]} done now{again}; "
        f"{counts['measured']} measured, "
        f"{counts['failed']} failed, {counts['remaining']} remaining; "
        f"{numbers['measurements_taken']} measurements taken",
        highlight=False,
    )
    points = study.frontier()
    if points:
        out = make_console()
        out.print(frontier_table(points, study.about.metrics, marks(study.results)))
        for note in summary.notes(study):
            out.print(note, style="dim", markup=False)
    for line in health(study):
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"study: {study.folder.path}", markup=False, soft_wrap=True)
    print_picture(study, console)

"""One invocation of ``dse explore``: from what was asked for to the frontier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse import registry
from dse.errors import RequestError
from dse.explore.calibrating import with_derived
from dse.explore.display import Display
from dse.explore.explorer import Budget, End, Explored, Search, explore
from dse.explore.interrupts import interrupts
from dse.explore.measurer import Bench, Measurer
from dse.explore.offers import Offers
from dse.measure.runner import Limits
from dse.report.pictures import print_picture
from dse.report.text import console as make_console
from dse.report.text import excluded_lines, frontier_table
from dse.space import SearchSpace, find_space
from dse.space.plan import resolve
from dse.space.values import Where
from dse.study.about import NO_ACCURACY, PUBLISHED, About
from dse.study.folder import StudyFolder, study_folder
from dse.study.record import Purpose
from dse.study.study import Study
from dse.system import detect
from dse.types import ACCURACY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from dse.models.provider import Provider
    from dse.space.plan import Plan
    from dse.system import System
    from dse.tasks.dataset import Dataset

MEMORY_SHARE = 0.9
"""Of the memory that is free at the start; the rest is for the system and this process."""
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Request:
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


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Everything the request names, opened and checked."""

    space: SearchSpace
    provider: Provider
    dataset: Dataset | None
    offers: Offers
    plan: Plan
    settings: Mapping[str, Mapping[str, Path]]
    system: System
    folder: StudyFolder


def run(request: Request) -> int:
    """Explores; prints the frontier on stdout and everything else on stderr.

    Returns:
        The exit code: 0, 1 if everything tried has failed, or 130 if interrupted.

    Raises:
        DseError: the request or the work failed; what was measured is stored.
    """
    console = make_console(stderr=True)
    prepared = _prepare(request, console)
    with prepared.folder.alone():
        return _explore(request, prepared, console)


def _explore(request: Request, prepared: _Prepared, console: Console) -> int:
    study = Study.create(
        prepared.folder, prepared.space, prepared.plan, _about(prepared), request.storage
    )
    _announce(prepared, study, console)
    budget = Budget(request.n_trials, request.timeout)
    with Display(console, study, budget) as display, interrupts(display.say) as asked:
        bench = _bench(prepared, request, display)
        search = Search(request.sampler, request.seed, request.retry_failed, request.repeats)
        measurer = Measurer(bench, study)
        explored = explore(study, prepared.plan, measurer, search, budget, asked, display)
    _conclude(study, explored, console)
    if explored.end is End.INTERRUPTED:
        return INTERRUPTED
    measured = any(r.outcome.failure is None for r in study.records.values())
    return 0 if measured else 1


def _prepare(request: Request, console: Console) -> _Prepared:
    space_file = find_space(request.space)
    space = SearchSpace.from_file(space_file)
    provider = _provider(request.models)
    metrics = _metrics(space)
    dataset = _dataset(request, provider, metrics, console)
    provider = with_derived(provider, dataset)
    offers = Offers(provider, space, needs_published=ACCURACY.name in metrics and dataset is None)
    offers.check()
    system = detect()
    physical = min(system.physical_cores or system.available_cpus, system.available_cpus)
    plan = resolve(space, offers, system.available_cpus, physical)
    folder = study_folder(request.study or space_file.stem)
    if request.per_cpu:
        folder = StudyFolder(folder.path.with_name(f"{folder.name}@{system.fingerprint}"))
    settings = {b.name: _settings(space, b.name) for b in space.backends}
    return _Prepared(space, provider, dataset, offers, plan, settings, system, folder)


def _provider(models: Path | None) -> Provider:
    if models is None:
        from dse.models.builtin import Builtin

        return Builtin()
    from dse.models.files import Files

    return Files(models)


def _dataset(
    request: Request, provider: Provider, metrics: tuple[str, ...], console: Console
) -> Dataset | None:
    if request.dataset is None:
        return None
    if not provider.trained:
        raise RequestError(
            "--dataset measures accuracy, but the builtin models have untrained weights",
            remedy="give trained models with --models, or leave --dataset out",
        )
    if ACCURACY.name not in metrics:
        raise RequestError(
            "--dataset measures accuracy, which the search space neither optimises nor constrains",
            remedy=f"add {ACCURACY.name} to its objectives, or leave --dataset out",
        )
    from dse.tasks.dataset import open_dataset

    with console.status(f"reading {request.dataset}"):
        return open_dataset(request.dataset)


def _metrics(space: SearchSpace) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*space.objectives, *(c.metric for c in space.constraints)]))


def _about(prepared: _Prepared) -> About:
    from dse.space.plan import summary

    return About(
        system=prepared.system.as_dict(),
        space=prepared.space.as_dict(),
        planned=len(prepared.plan.configurations),
        excluded=summary(prepared.plan.excluded),
        accuracy=_accuracy(prepared),
        models=prepared.provider.name,
        runtimes=prepared.offers.runtimes,
    )


def _accuracy(prepared: _Prepared) -> str:
    """Where accuracies come from, as `About` has it."""
    if prepared.dataset is not None:
        return prepared.dataset.fingerprint
    return PUBLISHED if ACCURACY.name in _metrics(prepared.space) else NO_ACCURACY


def _bench(prepared: _Prepared, request: Request, display: Display) -> Bench:
    memory = request.memory_limit or int(MEMORY_SHARE * _free_memory_bytes(prepared.system))
    return Bench(
        provider=prepared.provider,
        offers=prepared.offers,
        dataset=prepared.dataset,
        metrics=_metrics(prepared.space),
        settings=prepared.settings,
        limits=Limits(request.run_timeout, memory),
        fingerprint=prepared.system.fingerprint,
        progress=display.images,
    )


def _settings(space: SearchSpace, backend: str) -> dict[str, Path]:
    origin, where = space.origin or Path(), Where(space.file)
    given = space.settings(backend)
    for name in registry.backend(backend).settings:
        if name not in given:
            problem = f"the backend {backend} needs a file as '{name}'"
            remedy = f"write {backend}: {{{name}: FILE}}"
            raise where.refuse(problem, "backends", backend, remedy=remedy)
    paths = {name: (origin / str(value)).absolute() for name, value in given.items()}
    for name, path in paths.items():
        if not path.is_file():
            raise where.refuse(f"{path} is not a file", "backends", backend, name)
    return paths


def _free_memory_bytes(system: System) -> int:
    """What can be allocated without swapping; 0 where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return system.memory_bytes or 0
    available = (line for line in lines if line.startswith("MemAvailable:"))
    return next((int(line.split()[1]) * 1024 for line in available), system.memory_bytes or 0)


def _announce(prepared: _Prepared, study: Study, console: Console) -> None:
    system = prepared.system
    console.print(f"CPU: {system.cpu}, {system.available_cpus} available")
    runtimes = ", ".join(f"{n} {v}" for n, v in prepared.offers.runtimes.items())
    console.print(f"runtimes: {runtimes}")
    for line in excluded_lines(prepared.plan.excluded):
        console.print(line, style="yellow", markup=False)
    done, planned = len(study.records), study.about.planned
    if done:
        console.print(f"resuming '{study.folder.name}': {done} of {planned} configurations done")
    else:
        console.print(f"study '{study.folder.name}': {planned} configurations")


def _conclude(study: Study, explored: Explored, console: Console) -> None:
    from dse.report import summary

    repeated = explored.steps[Purpose.REPEAT] + explored.steps[Purpose.ANCHOR]
    again = f" and {repeated} repeated" if repeated else ""

    numbers = summary.status(study)
    counts = numbers["configurations"]
    console.print(
        f"{explored.end.value}: {explored.steps[Purpose.EXPLORE]}{again} now; "
        f"{counts['measured']} measured, "
        f"{counts['failed']} failed, {counts['remaining']} remaining; "
        f"{numbers['measurements_taken']} measurements taken",
        highlight=False,
    )
    points = study.frontier()
    if points:
        out = make_console()
        out.print(frontier_table(points, study.space.objectives, study.results.certain))
        for note in summary.notes(study):
            out.print(note, style="dim", markup=False)
    console.print(f"study: {study.folder.path}", markup=False, soft_wrap=True)
    print_picture(study, console)

"""What ``dse explore --dry-run`` shows: how much there is to measure, and how long that takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dse.commands.console import console, print_lines
from dse.core import registry
from dse.core.backend import Recording
from dse.core.metrics import METRICS, SCENARIOS
from dse.core.quantisation import method_knobs
from dse.core.wording import WIDTH, format_count, format_duration
from dse.exploration.prepare import wants_quality
from dse.exploration.session import plan_exploration
from dse.measure.spec import RUN_LENGTHS
from dse.report.progress import progress
from dse.report.text import borrowed_lines, environment_lines, excluded_lines
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dse.core.configuration import Configuration
    from dse.exploration.prepare import Prepared
    from dse.exploration.request import ExploreRequest
    from dse.exploration.session import PlannedExploration
    from dse.tasks.task import Task

START_S = 0.3
"""What the start of a worker takes at least. Members of rounds with two runs of 0.2 s, on ONNX
Runtime and two virtual CPUs of a Zen 1, took 0.76 s at least: 0.36 s beside their runs."""


def preview(request: ExploreRequest) -> int:
    """Prints what would be measured; begins nothing and writes nothing.

    Returns:
        The exit code: 0, or 1 where nothing of the space can run here.

    Raises:
        DseError: the request can't be used, as when it was run.
    """
    planned = plan_exploration(request)
    study = Study.load(planned.folder, request.storage) if planned.folder.begun else None
    if study is not None:
        study.about.continued(planned.about, planned.folder.name)
    print_lines(_lines(planned, study), console(), width=WIDTH)
    return 0 if planned.plan.configurations else 1


def _lines(planned: PlannedExploration, study: Study | None) -> Iterator[str]:
    prepared, plan = planned.prepared, planned.plan
    known = set() if study is None else set(study.records)
    left = [one for one in plan.configurations if one.key not in known]
    count = format_count(len(plan.configurations), "configuration")
    done = len(plan.configurations) - len(left)
    state = "new" if study is None else f"{done} done, {len(left)} left"
    yield f"study '{planned.folder.name}': {count}, {state}"
    yield from _times(planned, left, study)
    yield from prepared.system_lines
    yield from environment_lines(prepared.environment)
    yield from planned.inputs.lines
    yield from prepared.dataset_lines
    yield from borrowed_lines(planned.about.borrowed)
    yield from prepared.task.warnings(plan.configurations, prepared.provider)
    yield from excluded_lines(planned.about.excluded)


def _times(
    planned: PlannedExploration, left: list[Configuration], study: Study | None
) -> Iterator[str]:
    """How long it takes to measure all that is left, and what may end it before."""
    request = planned.request
    if left:
        number = min(len(left), request.n_trials or len(left))
        first, *further = _time(number, left, planned.prepared, study)
        yield f"time: {first}"
        yield from (f"      {line}" for line in further)
        if request.timeout is not None:
            limit = format_duration(request.timeout)
            yield f"      nothing begins after {limit} (--timeout); what is in hand is finished"
        if request.stop_gain and request.sampler == "frontier":
            yield (
                "      less if the rest is not expected to add to the frontier "
                f"(--stop-gain {request.stop_gain:g})"
            )
    if request.settle is None:
        yield "then rounds, for at most as long as exploring took (--settle)"
    elif request.settle:
        yield f"then rounds, for at most {format_duration(request.settle)} (--settle)"


def _time(
    number: int, left: list[Configuration], prepared: Prepared, study: Study | None
) -> Iterator[str]:
    """How long some of the configurations that are left take: as those before, or at least."""
    what = format_count(number, "configuration")
    steps = progress(study) if study is not None else []
    if steps and steps[-1].measuring_s:
        each_s = steps[-1].measuring_s / steps[-1].explored
        yield f"about {format_duration(number * each_s)} for {what}, at the pace so far"
        return
    measured = [one for one in left if not isinstance(registry.backend(one.backend), Recording)]
    runs, processes, seconds = _runs(measured, prepared.metrics)
    if not runs:
        yield "a moment; the values are recorded"
        return
    share = number / len(left)
    starts = math.ceil(share * processes)
    least_s = share * seconds + starts * START_S
    yield (
        f"at least {format_duration(math.ceil(least_s))} for {what}: "
        f"{format_count(round(share * runs), 'run')} of a second or more"
    )
    yield f"and {format_count(starts, 'start')} of a worker, {START_S:g} s or more each"
    yield from _not_counted(number, measured, prepared)


def _not_counted(
    number: int, measured: Iterable[Configuration], prepared: Prepared
) -> Iterator[str]:
    """What takes time that nothing tells beforehand; it can be most of all."""
    if prepared.dataset is not None and wants_quality(prepared.task, prepared.metrics):
        most = min(number, _quality_runs(measured, prepared.task))
        runs = format_count(most, "accuracy run")
        yield f"not counted: up to {runs} of {len(prepared.dataset):,} {prepared.task.noun} each,"
        yield "  making model files for runtimes and precisions, slow models and runtimes"
    else:
        yield "not counted: making model files, slow models and runtimes"


def _quality_runs(measured: Iterable[Configuration], task: Task) -> int:
    """How many accuracies there are to measure: one for each file on each runtime as it is set."""
    found = set()
    for one in measured:
        knobs = (*registry.backend(one.backend).knobs, *task.knobs)
        numeric = {knob.name for knob in knobs if knob.numeric}
        own = tuple(each for each in one.knobs if each[0] in numeric)
        method = tuple(method_knobs(one).items())
        found.add((one.model, one.precision, one.backend, one.device, own, method))
    return len(found)


def _runs(left: Sequence[Configuration], metrics: Iterable[str]) -> tuple[int, int, float]:
    """How many timed runs there are to take, by how many workers, and their least seconds.

    A SingleStream run has single samples and one instance, so configurations that differ in these
    alone have it in common. Runs of one configuration share a worker.
    """
    from dataclasses import replace

    length_s = RUN_LENGTHS["probe"].min_duration_ms / 1e3
    runs = workers = 0
    for scenario in {SCENARIOS[name] for name in metrics if name in SCENARIOS}:
        batched = any(METRICS[n].batched for n in metrics if SCENARIOS.get(n) is scenario)
        alike = {one if batched else replace(one, batch_size=1, instances=1) for one in left}
        runs += len(alike)
        workers = max(workers, len(alike))
    return runs, workers, math.ceil(runs * length_s)

"""What ``dse explore --dry-run`` shows: how much there is to measure, and how long that takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dse.commands.console import console, print_lines
from dse.core import registry
from dse.core.backend import Recording
from dse.core.metrics import METRICS, SCENARIOS
from dse.core.wording import format_count, format_duration
from dse.exploration.session import plan_exploration
from dse.measure.spec import RUN_LENGTHS
from dse.report.progress import progress
from dse.report.text import borrowed_lines, environment_lines, excluded_lines
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dse.core.configuration import Configuration
    from dse.exploration.request import ExploreRequest
    from dse.exploration.session import PlannedExploration


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
    print_lines(_lines(planned, study), console())
    return 0 if planned.plan.configurations else 1


def _lines(planned: PlannedExploration, study: Study | None) -> Iterator[str]:
    prepared, plan = planned.prepared, planned.plan
    known = set() if study is None else set(study.records)
    left = [one for one in plan.configurations if one.key not in known]
    count = format_count(len(plan.configurations), "configuration")
    done = len(plan.configurations) - len(left)
    state = "new" if study is None else f"{done} done, {len(left)} left"
    yield f"study '{planned.folder.name}': {count}, {state}"
    yield from _times(planned.request, left, prepared.metrics, study)
    yield from prepared.system_lines
    yield from environment_lines(prepared.environment)
    yield from planned.inputs.lines
    yield from prepared.dataset_lines
    yield from borrowed_lines(planned.about.borrowed)
    yield from prepared.task.warnings(plan.configurations, prepared.provider)
    yield from excluded_lines(planned.about.excluded)


def _times(
    request: ExploreRequest,
    left: list[Configuration],
    metrics: Iterable[str],
    study: Study | None,
) -> Iterator[str]:
    """How long it takes to measure all that is left, and what may end it before."""
    if left:
        number = min(len(left), request.n_trials or len(left))
        yield f"time: {_time(number, left, metrics, study)}"
        if request.timeout is not None:
            yield f"      at most {format_duration(request.timeout)} (--timeout)"
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
    number: int, left: list[Configuration], metrics: Iterable[str], study: Study | None
) -> str:
    """How long some of the configurations that are left take: as those before, or at least."""
    what = format_count(number, "configuration")
    steps = progress(study) if study is not None else []
    if steps and steps[-1].measuring_s:
        each_s = steps[-1].measuring_s / steps[-1].explored
        return f"about {format_duration(number * each_s)} for {what}, at the pace so far"
    runs, seconds = _runs(left, metrics)
    if not runs:
        return "a moment; the values are recorded"
    share = number / len(left)
    return (
        f"at least {format_duration(share * seconds)} for {what}: "
        f"{round(share * runs)} runs of a second or more"
    )


def _runs(left: Iterable[Configuration], metrics: Iterable[str]) -> tuple[int, float]:
    """How many timed runs there are to take, and the seconds that they last at least.

    A SingleStream run has single samples and one instance, so configurations that differ in these
    alone have it in common.
    """
    from dataclasses import replace

    left = [one for one in left if not isinstance(registry.backend(one.backend), Recording)]
    length_s = RUN_LENGTHS["probe"].min_duration_ms / 1e3
    runs = 0
    for scenario in {SCENARIOS[name] for name in metrics if name in SCENARIOS}:
        batched = any(METRICS[n].batched for n in metrics if SCENARIOS.get(n) is scenario)
        alike = {one if batched else replace(one, batch_size=1, instances=1) for one in left}
        runs += len(alike)
    return runs, math.ceil(runs * length_s)

"""What ``dse explore`` shows: what is measured with what, how it goes, and the frontier."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from rich.text import Text

from dse.commands.console import console, print_lines, print_picture
from dse.commands.explore_display import Display
from dse.commands.frontier_text import print_frontier
from dse.commands.interrupts import INTERRUPTED, interrupts
from dse.commands.log import messages
from dse.commands.next_step import print_next, study_word
from dse.core.wording import WIDTH, format_count
from dse.exploration.explorer import StopReason
from dse.exploration.session import open_exploration
from dse.report import summary
from dse.report.health import health
from dse.report.metric_words import metric_option
from dse.report.text import BY_OPTION, borrowed_lines, environment_lines, excluded_lines
from dse.report.view import View
from dse.study.record import Purpose

if TYPE_CHECKING:
    from rich.console import Console

    from dse.exploration.explorer import Explored
    from dse.exploration.request import ExploreRequest
    from dse.exploration.session import Exploration
    from dse.study.study import Study


def run(request: ExploreRequest) -> int:
    """Explores; prints the frontier on stdout and everything else on stderr.

    Returns:
        The exit code: 0, 1 if everything tried has failed, or 130 if interrupted.

    Raises:
        DseError: the request or the work failed; what was measured is stored.
    """
    err = messages()
    reading = err.status(Text(f"reading {request.dataset}")) if request.dataset else nullcontext()
    with reading:
        exploration = open_exploration(request)
    study = exploration.study
    _announce(exploration, err)
    with Display(err, study, exploration.budget) as display, interrupts(display.say) as asked:
        explored = exploration.run(display, asked, display.prepared)
    _conclude(study, explored, err)
    if explored.end is StopReason.INTERRUPTED:
        return INTERRUPTED
    return 1 if exploration.failed else 0


def _announce(exploration: Exploration, err: Console) -> None:
    planned, study = exploration.planned, exploration.study
    prepared = planned.prepared
    print_lines(
        [
            *prepared.system_lines,
            *environment_lines(prepared.environment, BY_OPTION),
            *planned.inputs.lines,
            *prepared.dataset_lines,
        ],
        err,
        width=WIDTH,
    )
    doubts = (
        *excluded_lines(planned.about.excluded),
        *borrowed_lines(study.about.borrowed),
        *prepared.task.warnings(planned.plan.configurations, prepared.provider),
    )
    print_lines(doubts, err, "yellow", width=WIDTH)
    done, count = len(study.records), format_count(study.about.planned, "configuration")
    if done:
        begun = f"resuming '{study.folder.name}': {done} of {count} done"
    else:
        begun = f"study '{study.folder.name}': {count}"
    print_lines([begun], err)


def _conclude(study: Study, explored: Explored, err: Console) -> None:
    repeated = explored.steps[Purpose.REPEAT] + explored.steps[Purpose.ANCHOR]
    rounds = explored.settling.rounds
    again = f", {repeated} repeated" if repeated else ""
    again += f", {format_count(rounds, 'round')}" if rounds else ""
    numbers = summary.counts(study)
    end = (
        f"{explored.end.value}: {explored.steps[Purpose.EXPLORE]} done now{again}; "
        f"{summary.describe_counts(numbers)}; "
        f"{format_count(numbers['measurements_taken'], 'measurement')} taken"
    )
    print_lines([end], err, width=WIDTH)
    points, name = study.frontier(), study_word(study)
    if points:
        print_frontier(View(study), console(), f"dse frontier {name} --all")
    print_lines(health(study), err, width=WIDTH)
    print_lines([f"study: {study.folder.path}"], err)
    print_picture(study, err)
    if points:
        goal = metric_option(study.space.objectives[0])
        print_next(f"dse pick {name} {goal}", f"dse report {name}")

"""``dse pick``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dse.cli.options import (
    ACCURACY,
    LATENCY,
    MEBIBYTES,
    RATE,
    derivation_options,
    json_option,
    storage_option,
    study_argument,
)
from dse.cli.output import write_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.answer.limits import BelowBest, Limit
    from dse.core.metrics import Direction, Metric
    from dse.derived.derivation import Derivation
    from dse.report.view import View


@click.command()
@study_argument
@click.option("--max-latency", type=LATENCY, help="Highest SingleStream p90 latency, e.g. 5ms.")
@click.option(
    "--min-accuracy",
    type=ACCURACY,
    help="Lowest accuracy in percent, e.g. 70, or best-2: two points below the best that keeps the "
    "other limits.",
)
@click.option(
    "--min-throughput", type=RATE, help="Lowest Offline throughput in samples per second, e.g. 200."
)
@click.option(
    "--max-memory", type=MEBIBYTES, help="Most memory that the process may take, e.g. 512MiB."
)
@click.option("--max-size", type=MEBIBYTES, help="Largest model file, e.g. 20MiB.")
@click.option(
    "--sure",
    type=click.FloatRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="Keep each limit with this chance at least, where the noise is known, e.g. 95.",
)
@click.option("--maximize", metavar="METRIC", help="Choose the largest value, e.g. throughput.")
@click.option("--minimize", metavar="METRIC", help="Choose the smallest value, e.g. latency.")
@storage_option
@derivation_options
@json_option
def pick(
    study: str,
    storage: str | None,
    derivation: Derivation,
    *,
    maximize: str | None,
    minimize: str | None,
    sure: float,
    as_json: bool,
    **limits: Any,
) -> int:
    """Pick the one configuration of STUDY that is best within your limits.

    A percentage beside a limit is the chance that the true value keeps to it. Without --maximize or
    --minimize it is the best one in the first objective of the study that has no limit. METRIC is
    accuracy, latency, throughput, memory, size, load-time, cpu-time, energy, the whole name of a
    metric, or one of your own.

    \b
    Examples:
      dse pick quickstart --max-latency 5ms --min-accuracy 70
      dse pick quickstart --max-latency 5ms --sure 95
      dse pick quickstart --min-accuracy best-2 --minimize size
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.answer import summary
    from dse.answer.choice import Answer, choose, missing
    from dse.answer.deployment import deployment
    from dse.answer.text import answer_lines, miss_lines
    from dse.report.view import View
    from dse.study.folder import existing_folder
    from dse.study.study import Study

    view = View(Study.load(existing_folder(study), storage), derivation)
    wanted = _limits(view, limits)
    goal = _goal(view, wanted, maximize, minimize)
    found = choose(view, wanted, goal, sure / 100)
    if isinstance(found, Answer):
        metrics = [goal.name, *(kept.limit.metric for kept in found.limits)]
        deployed = deployment(view.study, found.record, metrics)
        if as_json:
            click.echo(json.dumps(summary.answer(view, found, deployed)))
            return 0
        lines = [
            *answer_lines(view, found, deployed),
            *(["", *deployed.code] if deployed.code else []),
        ]
    elif as_json:
        click.echo(json.dumps(summary.miss(view, found, goal)))
        return 1
    else:
        lacking = missing(view, [goal.name, *(each.metric for each in found.limits)])
        lines = miss_lines(view, found, lacking)
    for line in lines:
        write_line(line)
    return 0 if isinstance(found, Answer) else 1


def _limits(view: View, given: dict[str, Any]) -> list[Limit | BelowBest]:
    """The limits that were asked for."""
    from dse.answer.limits import BelowBest, Limit
    from dse.core.errors import RequestError
    from dse.report.pick_options import SHORT_NAMES

    found: list[Limit | BelowBest] = []
    for option, value in given.items():
        if value is None:
            continue
        way, _, name = option.partition("_")
        metric = view.quality if name == "accuracy" else SHORT_NAMES[name]
        if metric is None:
            raise RequestError(
                f"no answer is right or wrong in the task {view.study.about.task}",
                field="--min-accuracy",
                remedy="leave it out",
            )
        below = isinstance(value, BelowBest)
        found.append(value if below else Limit(metric, value, upper=way == "max"))
    return found


def _goal(
    view: View, limits: Sequence[Limit | BelowBest], maximize: str | None, minimize: str | None
) -> Metric:
    """What the answer is to be best in."""
    from dataclasses import replace

    from dse.answer.limits import Limit, metric_name
    from dse.core.errors import RequestError
    from dse.core.metrics import METRICS
    from dse.derived.definitions import Objective

    if maximize and minimize:
        raise click.UsageError("--maximize and --minimize exclude each other; give one of them")
    if not maximize and not minimize:
        if not limits and not view.derivation.conditions:
            raise RequestError(
                "nothing says what matters",
                remedy="give a limit such as --max-latency 5ms, or --maximize METRIC",
            )
        limited = {each.metric if isinstance(each, Limit) else view.quality for each in limits}
        free = (each for each in view.objectives if each.name not in limited)
        return next(free, view.objectives[0])
    own = [definition.name for definition in view.derivation.definitions]
    name = metric_name(maximize or minimize or "", view.quality, own)
    direction: Direction = "maximize" if maximize else "minimize"
    if name in METRICS:
        return replace(METRICS[name], direction=direction)
    asked = replace(view.derivation, objectives=(Objective.parse(f"{name}:{direction}"),))
    return asked.metrics(())[0]

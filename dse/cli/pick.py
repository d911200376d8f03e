"""``dse pick``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dse.cli.completion import complete_metric
from dse.cli.options import (
    ACCURACY,
    LATENCY,
    MEBIBYTES,
    RATE,
    code_option,
    derivation_options,
    json_option,
    storage_option,
    study_argument,
)
from dse.cli.output import write_line

if TYPE_CHECKING:
    from dse.derived.derivation import Derivation


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
    "--max-memory", type=MEBIBYTES, help="Highest peak memory of the process, e.g. 512MiB."
)
@click.option("--max-size", type=MEBIBYTES, help="Largest model file, e.g. 20MiB.")
@click.option(
    "--sure",
    type=click.FloatRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="Require at least this chance that each limit is kept, if the noise is known, e.g. 95.",
)
@click.option(
    "--maximize",
    metavar="METRIC",
    shell_complete=complete_metric,
    help="Choose the largest value, e.g. throughput.",
)
@click.option(
    "--minimize",
    metavar="METRIC",
    shell_complete=complete_metric,
    help="Choose the smallest value, e.g. latency.",
)
@click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the frontier with the limits and the answer, as .png, .svg or .pdf.",
)
@code_option
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
    picture: Path | None,
    code_file: Path | None,
    as_json: bool,
    **limits: Any,
) -> int:
    """Pick the one configuration of STUDY that is best within your limits.

    A percentage beside a limit is the chance that the true value keeps it. Without --maximize or
    --minimize the goal is the first objective of the study that has no limit. METRIC is accuracy,
    latency, throughput, memory, size, load-time, cpu-time, energy, the full name of a metric, or
    one of your own.

    \b
    Examples:
      dse pick quickstart --max-latency 5ms --min-accuracy 70
      dse pick quickstart --max-latency 5ms --sure 95
      dse pick quickstart --min-accuracy best-2 --minimize size
      dse pick quickstart --max-latency 5ms --picture answer.png
      dse pick quickstart --max-latency 5ms --code deploy.py
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.answer import summary
    from dse.answer.choice import Answer, choose, missing
    from dse.answer.deployment import deployment_of, write_code
    from dse.answer.question import Question
    from dse.answer.text import answer_lines, code_lines, miss_lines
    from dse.commands.next_step import print_next, study_word
    from dse.report.picture import check_name
    from dse.report.pictures import draw_answer
    from dse.report.view import View
    from dse.study.folder import existing_folder
    from dse.study.study import Study

    if picture is not None:
        check_name(picture)
    view = View(Study.load(existing_folder(study), storage), derivation)
    question = Question.of(view, limits, maximize=maximize, minimize=minimize, sure_percent=sure)
    found = choose(view, question)
    if not isinstance(found, Answer):
        if as_json:
            click.echo(json.dumps(summary.miss(view, found, question.goal)))
            return 1
        lacking = missing(view, [question.goal.name, *(each.metric for each in found.limits)])
        for line in miss_lines(view, found, lacking):
            write_line(line)
        return 1
    if picture is not None:
        limits_of = {kept.limit.metric: kept.limit.value for kept in found.limits}
        draw_answer(view, found.record, limits_of, picture)
    deployed = deployment_of(view.study, found)
    if code_file is not None:
        write_code(deployed, code_file)
    if as_json:
        click.echo(json.dumps(summary.answer(view, found, deployed)))
        return 0
    for line in (*answer_lines(view, found, deployed), *code_lines(deployed, code_file)):
        write_line(line)
    print_next(f"dse show {study_word(view.study)} {found.record.id}")
    return 0

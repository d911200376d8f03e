"""What the page needs to tell the command ``dse pick`` that gives its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.core.metrics import METRICS, MODEL_SIZE, PEAK_MEMORY
from dse.core.printable import to_printable
from dse.core.wording import format_command
from dse.report.metric_words import limit_option, short_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dse.report.quantities import ReportedMetric
    from dse.report.view import View


def describe_pick(view: View, shown: Sequence[ReportedMetric]) -> dict[str, Any]:
    """A JSON object of the command, and of how it names metrics and limits.

    ``command`` is for the study as it is shown, ``names`` are the metrics by their short names,
    ``options`` has the option and the unit of each limit that has an option of its own, ``limited``
    the metrics worth limiting, the most important first, and ``lacking`` the ids of the points that
    keep to constraints and conditions, but lack an objective.
    """
    names = [metric.name for metric in shown]
    objectives = [metric.name for metric in view.objectives]
    limited = dict.fromkeys([*objectives, PEAK_MEMORY.name, MODEL_SIZE.name])
    options = {each.name: _limit(each) for each in shown if each.name in METRICS}
    return {
        "command": to_printable(format_command(["pick", *_arguments(view)])),
        "names": {name: short_name(name) for name in names},
        "options": {name: list(option) for name, option in options.items() if option},
        "limited": [name for name in limited if name in names],
        "lacking": [record.id for record in view.records if view.lack(record) is not None],
    }


def _limit(metric: ReportedMetric) -> tuple[str, str] | None:
    """The option of a limit; None where the user calls better what the option forbids."""
    usual = metric.direction == METRICS[metric.name].direction
    return limit_option(metric.name) if usual else None


def _arguments(view: View) -> Iterator[str]:
    """The study, and the options that select its points; a file without the path to it."""
    yield view.study.folder.name
    derivation = view.derivation
    if derivation.facts.document.file is not None:
        yield from ("--facts", derivation.facts.document.file.name)
    for definition in derivation.definitions:
        yield from ("--metric", str(definition))
    for condition in derivation.conditions:
        yield from ("--where", condition.text)

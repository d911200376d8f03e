"""What a reader chooses of a comparison: how systems are sorted, and the study to go on with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.core.metrics import METRICS
from dse.report.metric_words import SHORT_NAMES, metric_option
from dse.study.folder import StudyFolder

if TYPE_CHECKING:
    from dse.compare.comparison import Comparison, SystemOrder


def sort_by(comparison: Comparison, by: str | None) -> SystemOrder | None:
    """Sorts the systems by the criterion that the user means.

    Args:
        comparison: the comparison.
        by: its name or short name; None for the first one.

    Returns:
        The order; None if no system has a value.

    Raises:
        RequestError: no system has a value of the criterion.
    """
    if by is None:
        return comparison.sort()
    known = {each.name: each for each in comparison.criteria}
    criterion = known.get(SHORT_NAMES.get(by, by))
    if criterion is None:
        problem = f"no system has a value of '{by}' to be sorted by"
        raise RequestError(problem, field="--by", remedy=suggest(by, known))
    return comparison.sort(criterion)


def next_command(comparison: Comparison, order: SystemOrder | None) -> str | None:
    """The command that picks the best configuration of the best study.

    Args:
        comparison: the comparison.
        order: what systems are sorted by; None if no system has a value.

    Returns:
        The command; None without a ranked study, or for a request that the command can't repeat.
    """
    asked = comparison.gathered.asked
    if order is None or asked.definitions or asked.conditions:
        return None
    criterion, accuracy = order.criterion, order.accuracy
    if criterion.name not in METRICS or METRICS[criterion.name].direction != criterion.direction:
        return None
    for standing in comparison.ranking(criterion, accuracy).standings:
        if standing.system.measured:
            folder = StudyFolder(Path(standing.system.results.origin))
            limit = f" --min-accuracy {accuracy:g}" if accuracy else ""
            study = shlex.quote(folder.name_or_path)
            return f"dse pick {study}{limit} {metric_option(criterion.name)}"
    return None

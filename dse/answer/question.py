"""What is asked of a study: limits, what is to be best, and how sure that must be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.answer.limits import BelowBest, Limit, metric_name
from dse.core.errors import RequestError
from dse.core.metrics import METRICS
from dse.derived.definitions import Objective
from dse.report.metric_words import ACCURACY, SHORT_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.metrics import Direction, Metric
    from dse.report.view import View

MAX_LIMIT = 1e15
"""Beyond it no measured value lies, whatever the unit."""
MAX, MIN = "max_", "min_"
"""How the names of limits begin, such as ``max_latency``; a short name of a metric follows."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a study.

    Attributes:
        limits: what the answer must keep to.
        goal: what it is to be best in.
        sure: the chance with which it must keep each limit at least, from 0 to 1.
    """

    limits: tuple[Limit | BelowBest, ...]
    goal: Metric
    sure: float = 0.0

    @classmethod
    def of(
        cls,
        view: View,
        limits: Mapping[str, float | BelowBest | None],
        *,
        maximize: str | None = None,
        minimize: str | None = None,
        sure_percent: float = 0.0,
    ) -> Question:
        """Reads what a user gives.

        Args:
            view: the points that count.
            limits: by name, such as ``max_latency`` or ``min_accuracy``, in the metric's unit; None
                for no limit.
            maximize: name of a metric whose largest value is wanted.
            minimize: name of one whose smallest value is wanted. Without both it is the first
                objective of the study that has no limit.
            sure_percent: the chance in percent.

        Raises:
            RequestError: a name is unknown, a number is out of its range, or nothing says what
                matters.
        """
        given = {name: value for name, value in limits.items() if value is not None}
        for name, value in given.items():
            if not isinstance(value, BelowBest):
                _check_number(name, value, MAX_LIMIT)
        _check_number("sure", sure_percent, 100.0)
        for name, metric in (("maximize", maximize), ("minimize", minimize)):
            if not isinstance(metric, str | None):
                raise RequestError(f"expected the name of a metric, not {metric!r}", field=name)
        kept = tuple(_limit(view, name, value) for name, value in given.items())
        return cls(kept, _goal(view, kept, maximize, minimize), sure_percent / 100)


def _check_number(name: str, value: object, most: float) -> None:
    """Python passes on anything; the command line has read what it was given.

    Raises:
        RequestError: the value is not a number from 0 to ``most``.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 0 <= value <= most):  # type: ignore[operator]
        shown = f"--{name.replace('_', '-')}"
        raise RequestError(f"expected a number from 0 to {most:g}, not {value!r}", field=shown)


def _limit(view: View, name: str, value: float | BelowBest) -> Limit | BelowBest:
    short = name.removeprefix(MAX).removeprefix(MIN)
    metric = view.quality if short == ACCURACY else SHORT_NAMES[short]
    if metric is None:
        raise RequestError(
            f"no answer is right or wrong in the task {view.study.about.task}",
            field="--min-accuracy",
            remedy="leave it out",
        )
    if isinstance(value, BelowBest):
        return value
    return Limit(metric, value, upper=name.startswith(MAX))


def _goal(
    view: View, limits: Sequence[Limit | BelowBest], maximize: str | None, minimize: str | None
) -> Metric:
    """What the answer is to be best in."""
    if maximize and minimize:
        raise RequestError(
            "--maximize and --minimize exclude each other", remedy="give one of them"
        )
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

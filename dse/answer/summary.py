"""An answer as JSON objects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dse.answer import deployment
from dse.answer.choice import Miss, choose
from dse.report.summary import describe_metric, point

if TYPE_CHECKING:
    from dse.answer.choice import Answer, RunnerUp
    from dse.answer.deployment import Deployment
    from dse.answer.limits import Limit
    from dse.answer.question import Question
    from dse.core.metrics import Metric
    from dse.report.view import View
    from dse.study.record import Record


def pick_summary(view: View, question: Question) -> dict[str, Any]:
    """The object that ``dse pick --json`` prints."""
    found = choose(view, question)
    if isinstance(found, Miss):
        return miss(view, found, question.goal)
    return answer(view, found, deployment.deployment_of(view.study, found))


def answer(view: View, found: Answer, deployed: Deployment) -> dict[str, Any]:
    """The object for an answer."""
    return {
        **_head(view, found.goal, [kept.limit for kept in found.limits]),
        "count": found.count,
        "answer": {
            **_point(view, found.record),
            "notes": view.notes(found.record),
            "keeps": [
                {**_limit(kept.limit), "chance": _known(kept.chance)} for kept in found.limits
            ],
        },
        "runner_up": _runner_up(view, found.runner_up),
        "deployment": deployment.as_dict(deployed),
    }


def miss(view: View, found: Miss, goal: Metric) -> dict[str, Any]:
    """The same object where no point keeps to all limits."""
    closest = None
    if found.record is not None:
        record = found.record
        misses = {
            each.metric: each.excess(view.value(record, each.metric) or 0.0)
            for each in found.missed
        }
        closest = {**_point(view, record), "misses_by": misses}
    return {
        **_head(view, goal, found.limits),
        "count": 0,
        "answer": None,
        "runner_up": None,
        "closest": closest,
    }


def shown(view: View, record: Record, deployed: Deployment) -> dict[str, Any]:
    """The object that ``dse show --json`` prints."""
    failure = record.outcome.failure
    return {
        "study": view.study.folder.name,
        **_point(view, record),
        "failure": None if failure is None else {"kind": failure.kind, "message": failure.message},
        "notes": view.notes(record),
        "deployment": deployment.as_dict(deployed),
    }


def _head(view: View, goal: Metric, limits: Any) -> dict[str, Any]:
    return {
        "study": view.study.folder.name,
        "goal": describe_metric(goal),
        "limits": [_limit(each) for each in limits],
    }


def _limit(limit: Limit) -> dict[str, Any]:
    return {"metric": limit.metric, "maximum" if limit.upper else "minimum": limit.value}


def _point(view: View, record: Record) -> dict[str, Any]:
    known = tuple(m.metric for m in record.outcome.measurements)
    amounts = view.assessed(record).amounts
    derived = {"derived": {name: each.value for name, each in amounts.items()}} if amounts else {}
    return {**point(record, known), **derived}


def _runner_up(view: View, found: RunnerUp | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        **_point(view, found.record),
        "ratio": _known(found.ratio),
        "rounds": found.rounds,
        "order": found.order,
        "chance_behind": _known(found.chance),
    }


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number

"""What each runtime of a study comes to: how much of it was measured, and where it leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.core.metrics import METRICS
from dse.core.wording import format_count, join_some
from dse.report.standing import leaders
from dse.report.text import heading, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.report.view import View
    from dse.study.record import Record

MAX_NAMED = 10
LEGEND = "each value is the best of the runtime's points on the frontier"


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a runtime comes to.

    Attributes:
        backend: its name.
        measured: how many of its points have values, and keep to constraints and conditions.
        failed: how many of its configurations failed.
        frontier: how many of its points are on the frontier.
        leads: how many of them lead, or are tied with points that do.
        best: the best values of its points on the frontier, by metric.
    """

    backend: str
    measured: int
    failed: int
    frontier: int
    leads: int
    best: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """A JSON object."""
        counts = ("backend", "measured", "failed", "frontier", "leads")
        return {**{name: getattr(self, name) for name in counts}, "best": dict(self.best)}


def runtimes(view: View) -> list[Runtime]:
    """The runtimes of a study: those that lead most come first."""
    failed = [r for r in view.study.records.values() if r.outcome.failure is not None]
    lists = view.records, failed, view.frontier, leaders(view.frontier)
    found = []
    for backend in sorted({r.configuration.backend for records in lists for r in records}):
        own = [[r for r in records if r.configuration.backend == backend] for records in lists]
        measured, failures, frontier, leads = map(len, own)
        best = _best(view, own[2])
        found.append(Runtime(backend, measured, failures, frontier, leads, best))
    return sorted(found, key=lambda each: (-each.leads, -each.frontier, -each.measured))


def _best(view: View, records: Sequence[Record]) -> dict[str, float]:
    found = {}
    for metric in view.objectives:
        values = [view.value(record, metric.name) for record in records]
        known = [value for value in values if value is not None]
        if known:
            found[metric.name] = max(known) if metric.direction == "maximize" else min(known)
    return found


def conclude(view: View, found: Sequence[Runtime]) -> str:
    """Which runtimes lead, in a sentence."""
    ahead = [each for each in found if each.leads]
    behind = [each.backend for each in found if each.measured and not each.leads]
    none = [each.backend for each in found if not each.measured]
    if not ahead:
        lacking = sorted({cause for record in view.records if (cause := view.lack(record))})
        if not lacking:
            return "no runtime leads: nothing is measured and within the constraints yet"
        told = (
            "no point has a value of" if len(lacking) == 1 else "each point has no value of one of"
        )
        return f"no runtime leads: {told} {join_some(lacking, MAX_NAMED)}"
    total = sum(each.leads for each in ahead)
    certain = sum(map(view.frontier.certain, leaders(view.frontier)))
    first, *others = ahead
    shares = [f"{first.backend} has {first.leads}", *(f"{r.backend} {r.leads}" for r in others)]
    lead = "leads" if total == 1 else "lead"
    told = f"{format_count(total, 'point')} {lead}, {certain} for certain: "
    parts = [told + join_some(shares, MAX_NAMED)]
    if behind:
        lead = "leads" if len(behind) == 1 else "lead"
        parts.append(f"{join_some(behind, MAX_NAMED)} {lead} nowhere")
    if none:
        parts.append(f"no point of {join_some(none, MAX_NAMED)} counts")
    return "; ".join(parts)


def hints(view: View) -> list[str]:
    """What a reader must know of the table."""
    left = view.study.about.planned - len(view.study.records)
    few = f"{format_count(left, 'configuration')} not measured: a runtime with few points was tried"
    return [LEGEND, *([f"{few} little"] if left > 0 else [])]


def headings(view: View) -> list[tuple[str, bool]]:
    """The columns of the table, and whether they hold numbers."""
    counts = ("measured", "failed", "frontier", "lead")
    numbers = (*counts, *(_heading(metric.name) for metric in view.objectives))
    return [("runtime", False), *((each, True) for each in numbers)]


def cells(view: View, found: Sequence[Runtime]) -> list[list[str]]:
    """A row for each runtime."""
    names = [metric.name for metric in view.objectives]
    return [
        [
            *(each.backend, *map(str, (each.measured, each.failed, each.frontier, each.leads))),
            *(_number(name, each.best[name]) if name in each.best else "" for name in names),
        ]
        for each in found
    ]


def _heading(metric: str) -> str:
    return heading(metric) if metric in METRICS else metric


def _number(metric: str, value: float) -> str:
    return number(metric, value) if metric in METRICS else f"{value:.4g}"

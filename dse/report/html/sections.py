"""What the page says in words and tables, as the template wants it."""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dse.core.worker_environment import user_variables
from dse.machine.system import System
from dse.report.effects import effects
from dse.report.failures import reasons
from dse.report.summary import counts
from dse.report.text import BEHIND, UNCERTAIN
from dse.study.metadata import NO_ACCURACY, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dse.report.effects import Effect
    from dse.report.quantities import ReportedMetric
    from dse.report.view import View
    from dse.study.study import Study

TIMES = "\N{MULTIPLICATION SIGN}"
HALF, ROOM = 50.0, 44.0
"""Middle of the picture of an effect, and how far it goes to either side."""


def figures(view: View) -> list[tuple[str, str]]:
    """The study in numbers."""
    numbers = counts(view.study)
    done = numbers["configurations"]
    certain = sum(map(view.frontier.certain, view.frontier))
    return [
        ("configurations measured", f"{done['measured']:,}"),
        ("failed", f"{done['failed']:,}"),
        ("remaining", f"{done['remaining']:,}"),
        ("measurements taken", f"{numbers['measurements_taken']:,}"),
        ("on the frontier", f"{len(view.frontier):,}, {certain:,} certain"),
    ]


def told(notes: Iterable[str]) -> list[str]:
    """Notes but for those of marks, in the place of which the page has standings."""
    return [note for note in notes if not note.startswith((f"{UNCERTAIN} ", f"{BEHIND} "))]


def system_lines(study: Study) -> list[tuple[str, str]]:
    """The system that was measured, and with what."""
    about = study.about
    accuracies = {PUBLISHED: "published figures", NO_ACCURACY: "none was asked for"}
    return [
        *System.from_dict(about.system).describe(),
        *((f"version of {name}", version) for name, version in sorted(about.runtimes.items())),
        *((f"variable {name}", value) for name, value in user_variables(about.environment).items()),
        ("accuracy from", accuracies.get(about.accuracy, f"data set {about.accuracy[:12]}")),
    ]


def failure_kinds(study: Study) -> list[dict[str, Any]]:
    """Every kind of failure with its reasons, the most frequent first."""
    return [
        {
            "name": kind.value,
            "count": sum(reason.count for reason in found),
            "reasons": [
                {
                    "count": reason.count,
                    "text": reason.text,
                    "example": f"#{reason.record.id} {reason.record.configuration}",
                }
                for reason in found
            ],
        }
        for kind, found in (
            (kind, list(group)) for kind, group in groupby(reasons(study), key=lambda r: r.kind)
        )
    ]


def basis_rows(view: View, metrics: Sequence[ReportedMetric]) -> list[tuple[str, str, str]]:
    """What the values of each metric rest on, and of how many that holds: title, basis, count."""
    rows = []
    for metric in metrics:
        values = map(metric.of, view.study.records.values())
        counts = Counter(value.basis for value in values if value is not None)
        rows += [(metric.title, basis, f"{count:,}") for basis, count in counts.most_common()]
    return rows


def effect_tables(view: View, metrics: Sequence[ReportedMetric]) -> list[dict[str, Any]]:
    """For each knob that varies a table: its levels, the metrics, and how these change."""
    found = effects(view.study.records.values(), metrics)
    return [_effect_table(list(group), metrics) for _, group in groupby(found, lambda e: e.knob)]


def _effect_table(found: Sequence[Effect], metrics: Sequence[ReportedMetric]) -> dict[str, Any]:
    shown = [metric for metric in metrics if any(e.metric == metric.name for e in found)]
    widths = {m.name: _width(m, (e for e in found if e.metric == m.name)) for m in shown}
    cells = {(e.level, e.metric): e for e in found}
    return {
        "name": found[0].knob.replace("_", " "),
        "reference": _level(found[0].reference),
        "headings": [metric.heading for metric in shown],
        "levels": [
            {
                "name": _level(level),
                "cells": [_cell(cells.get((level, m.name)), m, widths[m.name]) for m in shown],
            }
            for level in dict.fromkeys(effect.level for effect in found)
        ],
    }


def _width(metric: ReportedMetric, found: Iterable[Effect]) -> float:
    """The largest change that is shown of a metric."""
    ends = (_turned(metric, end) for effect in found for end in (effect.low, effect.high))
    return max(map(abs, ends)) or 1.0


def _turned(metric: ReportedMetric, change: float) -> float:
    """A change of which 0 is none."""
    return math.log(change) if metric.relative else change


def _cell(effect: Effect | None, metric: ReportedMetric, width: float) -> dict[str, str] | None:
    if effect is None:
        return None
    low, middle, high = (
        _turned(metric, change) for change in (effect.low, effect.middle, effect.high)
    )
    sign = {"minimize": 1, "maximize": -1, None: 0}[metric.direction]
    verdict = (
        "better"
        if sign * low < 0 > sign * high
        else "worse"
        if sign * low > 0 < sign * high
        else ""
    )
    places = {"low": low, "middle": middle, "high": high}
    return {
        **{name: f"{HALF + ROOM * change / width:.1f}" for name, change in places.items()},
        "verdict": verdict,
        "text": f"{TIMES}{effect.middle:.3g}" if metric.relative else f"{effect.middle:+.3g}",
        "pairs": f"{effect.pairs:,} pair{'s' if effect.pairs > 1 else ''}",
    }


def _level(level: object) -> str:
    return {True: "yes", False: "no"}[level] if isinstance(level, bool) else str(level)

"""The texts and tables of the page, in the form that the template needs."""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dse.core.wording import format_count
from dse.core.worker_environment import user_variables
from dse.report.effects import effects
from dse.report.failures import reasons
from dse.report.summary import counts
from dse.study.metadata import NO_ACCURACY, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dse.report.effects import Effect
    from dse.report.quantities import ReportedMetric
    from dse.report.view import View
    from dse.study.study import Study

TIMES = "\N{MULTIPLICATION SIGN}"
HALF, ROOM = 50.0, 44.0
"""Middle and half width of the drawing of an effect."""


def study_figures(view: View) -> list[tuple[str, str]]:
    """The key figures of the study: title and text."""
    numbers = counts(view.study)
    done = numbers["configurations"]
    certain = sum(map(view.frontier.certain, view.frontier))
    return [
        ("configurations measured", f"{done['measured']:,}"),
        ("failed", f"{done['failed']:,}"),
        ("remaining", f"{done['remaining']:,}"),
        ("measurements taken", f"{numbers['measurements_taken']:,}"),
        ("on the frontier", f"{len(view.frontier):,}"),
        ("decided", f"{certain:,}"),
    ]


def system_lines(study: Study) -> list[tuple[str, str]]:
    """Title and text of the measured system's properties, the runtimes and the variables."""
    about = study.about
    accuracies = {PUBLISHED: "published figures", NO_ACCURACY: "none was asked for"}
    return [
        *study.system.describe(),
        *((f"version of {name}", version) for name, version in sorted(about.runtimes.items())),
        *((f"variable {name}", value) for name, value in user_variables(about.environment).items()),
        ("accuracy from", accuracies.get(about.accuracy, f"data set {about.accuracy[:12]}")),
    ]


def failure_kinds(study: Study) -> list[dict[str, Any]]:
    """Each kind of failure with its reasons, the most frequent first."""
    return [
        {
            "name": kind.value,
            "count": sum(reason.count for reason in found),
            "reasons": [
                {
                    "count": reason.count,
                    "text": reason.text,
                    "remedy": reason.remedy,
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
    """What the values of each metric are based on: title, basis and number of values."""
    rows = []
    for metric in metrics:
        values = map(metric.of, view.study.records.values())
        counts = Counter(value.basis for value in values if value is not None)
        rows += [(metric.title, basis, f"{count:,}") for basis, count in counts.most_common()]
    return rows


def effect_tables(view: View, metrics: Sequence[ReportedMetric]) -> list[dict[str, Any]]:
    """A table for each knob that varies: its levels, the metrics and their changes."""
    found = effects(view.study.records.values(), metrics)
    return [_effect_table(list(group), metrics) for _, group in groupby(found, lambda e: e.knob)]


def _effect_table(found: Sequence[Effect], metrics: Sequence[ReportedMetric]) -> dict[str, Any]:
    shown = [metric for metric in metrics if any(e.metric == metric.name for e in found)]
    widths = {m.name: _width(m, (e for e in found if e.metric == m.name)) for m in shown}
    cells = {(e.level, e.metric): e for e in found}
    return {
        "name": found[0].knob.replace("_", " "),
        "reference": _format_level(found[0].reference),
        "headings": [metric.heading for metric in shown],
        "levels": [
            {
                "name": _format_level(level),
                "cells": [_cell(cells.get((level, m.name)), m, widths[m.name]) for m in shown],
            }
            for level in dict.fromkeys(effect.level for effect in found)
        ],
    }


def _width(metric: ReportedMetric, found: Iterable[Effect]) -> float:
    """The largest change of a metric that is shown."""
    ends = (_centre_on_zero(metric, end) for effect in found for end in (effect.low, effect.high))
    return max(map(abs, ends)) or 1.0


def _centre_on_zero(metric: ReportedMetric, change: float) -> float:
    """A change on a scale where 0 means no change."""
    return math.log(change) if metric.relative else change


def _cell(effect: Effect | None, metric: ReportedMetric, width: float) -> dict[str, str] | None:
    if effect is None:
        return None
    low, middle, high = (
        _centre_on_zero(metric, change) for change in (effect.low, effect.middle, effect.high)
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
        "pairs": format_count(effect.pairs, "pair"),
    }


def _format_level(level: object) -> str:
    return {True: "yes", False: "no"}[level] if isinstance(level, bool) else str(level)

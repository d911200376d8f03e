"""A comparison as a JSON object and a CSV table, whose form is stable, and its notes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from dse.core import plausibility
from dse.core.measurement import Source
from dse.core.metrics import LATENCY, SCENARIOS, THROUGHPUT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dse.compare.agreement import Agreement
    from dse.compare.comparison import Comparison, RankedSystem, Ranking
    from dse.compare.criteria import Criterion
    from dse.compare.systems import ComparedSystem, SystemPoint

AXES = (LATENCY.name, THROUGHPUT.name)
"""Metrics whose frontiers over accuracy are shown."""
MAX_NAMED_SYSTEMS = 6
"""Largest number of systems that a note names."""


def as_object(comparison: Comparison) -> dict[str, Any]:
    """The object that ``dse compare --json`` prints."""
    gathered = comparison.gathered
    return {
        "systems": [_system(system) for system in comparison.systems],
        "accuracies_percent": list(comparison.accuracies),
        "criteria": [_criterion(each) for each in comparison.criteria],
        "rankings": [_ranking(each) for each in comparison.rankings],
        "not_compared": [
            {"criterion": criterion.name, "lacking": lacking}
            for criterion, lacking in comparison.uncompared
        ],
        "agreement": [_agreement(each) for each in comparison.agreements],
        **gathered.tally.as_dict(gathered.derivation),
        "notes": comparison_notes(comparison),
    }


def frontier_entries(system: ComparedSystem) -> list[tuple[SystemPoint, list[str]]]:
    """The configurations on a system's frontiers, each with the metrics of its frontiers.

    The most accurate comes first.
    """
    found: dict[int, tuple[SystemPoint, list[str]]] = {}
    for metric in AXES:
        for entry in system.frontier(metric):
            found.setdefault(id(entry), (entry, []))[1].append(metric)
    return sorted(found.values(), key=lambda each: -each[0].accuracy)


def shown_metrics(quality: str) -> tuple[str, ...]:
    """The metrics whose best configurations are shown: a quality, and `AXES`."""
    return quality, *AXES


def best(system: ComparedSystem, metric: str) -> SystemPoint | None:
    """The configuration with the best value of a metric in `shown_metrics`."""
    entries = [each for each in system.entries if metric in each.row.values]
    sign = 1 if metric == LATENCY.name else -1
    return min(entries, key=lambda each: sign * each.row.values[metric], default=None)


def as_csv(comparison: Comparison) -> str:
    """A table of the frontiers of all systems, with a line for each configuration."""
    objects = [
        {
            "system": system.name,
            "origin": system.results.origin,
            "release": system.results.release,
            "cpu": system.results.cpu,
            "accelerator": system.results.accelerator,
            "cores": system.results.cores,
            "ghz": system.results.ghz,
            "software": system.results.software,
            "label": entry.row.label,
            **entry.row.configuration,
            **_cells(entry, comparison.criteria),
            "images": entry.row.samples,
            "frontier": " ".join(metrics),
            "notes": "; ".join(map(str, entry.row.notes)),
        }
        for system in comparison.systems
        for entry, metrics in frontier_entries(system)
    ]
    columns = dict.fromkeys(name for each in objects for name in each)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(objects)
    return stream.getvalue()


def comparison_notes(comparison: Comparison) -> list[str]:
    """Notes that a reader needs to judge the values."""
    lines = [f"#{s.number} left out: {line}" for s in comparison.systems for line in _gone(s)]
    lines += comparison.gathered.tally.lines(comparison.gathered.asked)
    for criterion, lacking in comparison.uncompared:
        lines.append(
            f"{criterion.name} is not compared: no system has all inputs ({lacking} is missing)"
        )
    entries = [entry for system in comparison.systems for entry in system.entries]
    if any(entry.row.inferred for entry in entries):
        lines.append("i: inferred from a run of another scenario, as MLPerf's rules allow")
    if any(_short(entry) for entry in entries):
        lines.append("p: a probe or another short run, not a valid MLPerf result")
    lines += _doubts(comparison)
    lines += _about_accuracies(comparison)
    if any(system.results.accelerator for system in comparison.systems):
        lines.append("a system with an accelerator may have used it instead of its CPU")
    if unknown := [f"#{s.number}" for s in comparison.systems if _unknown_accelerator(s)]:
        lines.append(f"the source does not say whether an accelerator was used: {_some(unknown)}")
    return lines


def _doubts(comparison: Comparison) -> list[str]:
    """Doubts about accuracies: for each system and reason the number of points."""
    return [
        f"#{system.number}: {line}"
        for system in comparison.systems
        for line in plausibility.lines(("", entry.row.notes) for entry in system.entries)
    ]


def _some(names: list[str]) -> str:
    """The first names of systems, and how many more there are."""
    shown, more = names[:MAX_NAMED_SYSTEMS], len(names) - MAX_NAMED_SYSTEMS
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _unknown_accelerator(system: ComparedSystem) -> bool:
    """Whether others measured it without saying if it has an accelerator."""
    told = "accelerators_per_node" in system.results.description
    return Source.PUBLISHED.value in system.sources and not told


def _about_accuracies(comparison: Comparison) -> list[str]:
    lines, task = [], comparison.gathered.task
    whole = task.rules.accuracy_samples if task.rules is not None else 0
    for system in comparison.systems:
        if min(system.samples, default=whole) < whole:
            counts = ", ".join(f"{count:,}" for count in system.samples)
            lines.append(
                f"#{system.number}: accuracies are from {counts} {task.noun}, less reliable than "
                f"those from all {whole:,}; compare them with care"
            )
    published = Source.PUBLISHED.value
    taken = [s for s in comparison.systems if published in s.accuracy_sources]
    return lines + [
        f"#{system.number}: accuracies are published, not measured on that system"
        for system in taken
        if published not in system.sources
    ]


def _gone(system: ComparedSystem) -> Iterable[str]:
    lines = system.results.left_out
    return lines if len(lines) <= 3 else [lines[0], f"and {len(lines) - 1} more results"]


def _short(entry: SystemPoint) -> bool:
    timed = {m for m, s in entry.row.sources.items() if m in SCENARIOS and s is Source.MEASURED}
    return not timed <= entry.row.valid


def _system(system: ComparedSystem) -> dict[str, Any]:
    results = system.results
    found = {metric: best(system, metric) for metric in shown_metrics(system.quality)}
    return {
        "number": system.number,
        "name": system.name,
        "origin": results.origin,
        "release": results.release,
        "cpu": results.cpu,
        "accelerator": results.accelerator,
        "cores": results.cores,
        "ghz": results.ghz,
        "software": results.software,
        "configurations": len(system.entries),
        "sources": list(system.sources),
        "accuracy_sources": list(system.accuracy_sources),
        "images": list(system.samples),
        "best": {metric: _point(entry) for metric, entry in found.items() if entry},
        "frontier": [
            {**_point(e), "frontier_of": metrics} for e, metrics in frontier_entries(system)
        ],
        "left_out": list(results.left_out),
    }


def _point(entry: SystemPoint) -> dict[str, Any]:
    row = entry.row
    return {
        "label": row.label,
        "configuration": dict(row.configuration),
        "values": dict(row.values),
        "derived": {name: each.value for name, each in entry.assessed.amounts.items()},
        "intervals": {name: list(bounds) for name, bounds in row.intervals.items()},
        "sources": {name: source.value for name, source in row.sources.items()},
        "inferred": sorted(row.inferred),
        "valid": sorted(row.valid),
        "images": row.samples,
        "notes": list(map(str, row.notes)),
    }


def _criterion(criterion: Criterion) -> dict[str, str]:
    return {
        "name": criterion.name,
        "unit": criterion.unit,
        "direction": criterion.direction,
        "title": criterion.title,
    }


def _ranking(ranking: Ranking) -> dict[str, Any]:
    return {
        "criterion": ranking.criterion.name,
        "accuracy_percent": ranking.accuracy,
        "certain": ranking.certain,
        "standings": [_standing(each, ranking.criterion) for each in ranking.standings],
        "absent": [{"system": system.number, "lacking": why} for system, why in ranking.absent],
    }


def _standing(standing: RankedSystem, criterion: Criterion) -> dict[str, Any]:
    entry = standing.entry
    interval = entry.interval(criterion.name)
    return {
        "system": standing.system.number,
        "name": standing.system.name,
        "value": standing.value,
        "interval": list(interval) if interval else None,
        "accuracy_percent": entry.accuracy,
        "images": entry.row.samples,
        "label": entry.row.label,
        "configuration": dict(entry.row.configuration),
        "sources": list(entry.sources(criterion)),
        "inferred": entry.inferred(criterion),
        "validity": entry.validity(criterion),
    }


def _agreement(agreement: Agreement) -> dict[str, Any]:
    return {
        "system": agreement.system.number,
        "variants": len(agreement.differences),
        "images": list(agreement.samples),
        "mean_points": agreement.mean,
        "mean_absolute_points": agreement.mean_absolute,
        "largest_points": agreement.differences[0].points,
        "differences": [
            {
                "model": each.model,
                "precision": each.precision,
                "accuracy_percent": each.value,
                "published_percent": each.published,
                "points": each.points,
                "images": each.samples,
            }
            for each in agreement.differences
        ],
    }


def _cells(entry: SystemPoint, criteria: Iterable[Criterion]) -> dict[str, Any]:
    """The values of a configuration, each with its interval, source and marks."""
    cells: dict[str, Any] = {}
    row = entry.row
    for metric, value in row.values.items():
        cells[metric] = value
        if metric in row.intervals:
            cells[f"{metric}_low"], cells[f"{metric}_high"] = row.intervals[metric]
        cells[f"{metric}_source"] = row.sources[metric].value
        if metric in SCENARIOS:
            cells[f"{metric}_inferred"] = metric in row.inferred
            cells[f"{metric}_validity"] = "valid" if metric in row.valid else "probe"
    for criterion in criteria:
        if criterion.name not in cells:
            cells[criterion.name] = entry.value(criterion.name)
    return cells

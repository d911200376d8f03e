"""A comparison as a JSON object and as a CSV table, whose forms are stable."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from dse.compare.conclusion import conclude
from dse.compare.notes import comparison_notes
from dse.core.metrics import LATENCY, SCENARIOS, THROUGHPUT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dse.compare._agreement import Agreement
    from dse.compare.comparison import Comparison, RankedSystem, Ranking, SystemOrder
    from dse.compare.criteria import Criterion
    from dse.compare.systems import ComparedSystem, SystemPoint

AXES = (LATENCY.name, THROUGHPUT.name)
"""Metrics whose frontiers over accuracy are shown."""


def as_object(comparison: Comparison, order: SystemOrder | None) -> dict[str, Any]:
    """The object that ``dse compare --json`` prints.

    Args:
        comparison: the comparison.
        order: what systems are sorted by; None if no system has a value.
    """
    gathered = comparison.gathered
    return {
        "conclusion": conclude(comparison, order),
        "sorted_by": None if order is None else _order(order),
        "systems": [_system(system) for system in comparison.systems],
        "left_out_systems": [
            {"system": system.number, "evidence": system.hardware.evidence}
            for system in comparison.left_out
        ],
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


def _best(system: ComparedSystem, metric: str) -> SystemPoint | None:
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
            "hardware": system.hardware.kind,
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


def _system(system: ComparedSystem) -> dict[str, Any]:
    results = system.results
    found = {metric: _best(system, metric) for metric in shown_metrics(system.quality)}
    return {
        "number": system.number,
        "name": system.name,
        "origin": results.origin,
        "release": results.release,
        "cpu": results.cpu,
        "accelerator": results.accelerator,
        "hardware": system.hardware.kind,
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


def _order(order: SystemOrder) -> dict[str, Any]:
    return {
        "criterion": order.criterion.name,
        "accuracy_percent": order.accuracy,
        "systems": [system.number for system in order.systems],
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

"""What a report shows of each configuration: metrics, measured or the user's, in one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.details import QualityDetails, RunDetails, TimedDetails
from dse.core.measurement import Source
from dse.core.metrics import METRICS, SCENARIOS, is_quality
from dse.report.frame import known_metrics
from dse.report.text import decimals, heading
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from dse.core.measurement import Measurement
    from dse.core.metrics import Direction
    from dse.derived.definitions import Definition
    from dse.report.view import View
    from dse.study.record import Record


RUNS = {
    "brief": "very short run",
    "probe": "short run",
    "standard": "longer run",
    "rehearsal": "rehearsal of a valid run",
    "compliance": "compliance test of a valid run",
    "valid": "run by MLPerf's rules, not verified by MLCommons Association",
}
"""Descriptions of the fidelities for a reader."""


@dataclass(frozen=True, slots=True)
class ReportedValue:
    """What is known of a configuration in one metric.

    Attributes:
        value: in the metric's unit.
        interval: None where it is not known.
        identity: equal where two configurations have one and the same measurement.
        basis: what it rests on, in words.
    """

    value: float
    interval: tuple[float, float] | None
    identity: Hashable
    basis: str


@dataclass(frozen=True, slots=True)
class ReportedMetric:
    """A metric as a report shows it.

    Attributes:
        name: in tables and filters.
        heading: short, with the unit.
        title: in words, with the unit.
        direction: in which it is better; None where nobody told.
        decimals: to show; None for as many as it has.
        relative: whether changes of it are told as ratios; else as differences.
        of: its value for a record; None where there is none.
    """

    name: str
    heading: str
    title: str
    direction: Direction | None
    decimals: int | None
    relative: bool
    of: Callable[[Record], ReportedValue | None]


def quantities(view: View) -> list[ReportedMetric]:
    """The metrics of a study: its own, those recorded beside them, then those of the user."""
    records = list(view.study.records.values())
    noun = registry.task(view.study.about.task).noun
    ways = {metric.name: metric.direction for metric in view.objectives}
    return [
        *(_measured(name, ways, noun) for name in known_metrics(records, view.metrics)),
        *(_defined(each, ways.get(each.name), view) for each in view.derivation.definitions),
    ]


def _measured(name: str, ways: dict[str, Direction], noun: str) -> ReportedMetric:
    metric = METRICS[name]

    def of(record: Record) -> ReportedValue | None:
        found = record.outcome.measurement(name)
        if found is None:
            return None
        # Published figures have no key of their own.
        identity = found.value if found.source is Source.PUBLISHED else found.key
        return ReportedValue(found.value, found.interval, identity, provenance(found, noun))

    return ReportedMetric(
        name,
        heading(name),
        f"{metric.title} [{metric.unit}]",
        ways.get(name, metric.direction),
        decimals(name),
        relative=metric.timed,
        of=_once(of),
    )


def _defined(definition: Definition, direction: Direction | None, view: View) -> ReportedMetric:
    computed = f"computed: {definition}"

    def of(record: Record) -> ReportedValue | None:
        amount = view.amount(record, definition.name)
        if amount is None:
            return None
        identity = record.id if amount.key is None else amount.key
        return ReportedValue(amount.value, amount.interval, identity, computed)

    title = definition.heading
    return ReportedMetric(
        definition.name, title, title, direction, decimals=None, relative=True, of=_once(of)
    )


def _once(of: Callable[[Record], ReportedValue | None]) -> Callable[[Record], ReportedValue | None]:
    """Remembers values by the ids of records: a report asks for each of them several times."""
    known: dict[int, ReportedValue | None] = {}

    def remembered(record: Record) -> ReportedValue | None:
        if record.id not in known:
            known[record.id] = of(record)
        return known[record.id]

    return remembered


def provenance(measurement: Measurement, noun: str) -> str:
    """What a value rests on, in a line: the same for all values that came about alike.

    Args:
        measurement: the value.
        noun: what a sample of the data set is, in the plural.
    """
    if measurement.source is Source.PUBLISHED:
        source = QualityDetails.of(measurement.details).source
        return f"published, not measured here: {'unknown' if source is None else source}"
    if measurement.source is Source.REPLAYED:
        return "recorded elsewhere, not measured here"
    if is_quality(measurement.metric):
        return _quality(measurement, noun)
    estimated = METRICS[measurement.metric].estimated
    parts = ["estimated" if estimated else "measured"]
    if measurement.metric in SCENARIOS:
        parts += [SCENARIOS[measurement.metric].value, RUNS[measurement.fidelity]]
    if METRICS[measurement.metric].timed:
        count = TimedDetails.of(measurement.details).repetitions or 1
        parts.append(f"median of {count} processes" if count > 1 else "one process")
        parts += filter(None, [RunDetails.of(measurement.details).assigned])
    if measurement.disturbed:
        parts.append("disturbed")
    return ", ".join(parts)


def _quality(measurement: Measurement, noun: str) -> str:
    details = QualityDetails.of(measurement.details)
    samples = f" on {details.total} {noun}" if details.total else ""
    seen = details.calibrated_on
    calibrated = f", {seen} of which calibrated the model" if seen else ""
    return f"measured in LoadGen's accuracy mode{samples}{calibrated}"

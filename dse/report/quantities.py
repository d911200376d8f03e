"""What a report shows of each configuration: metrics, measured or the user's, in one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.report.frame import known_metrics
from dse.report.provenance import provenance
from dse.report.text import decimals, heading
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from dse.core.metrics import Direction
    from dse.derived.definitions import Definition
    from dse.report.view import View
    from dse.study.record import Record


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
        of=of,
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
        definition.name, title, title, direction, decimals=None, relative=True, of=of
    )

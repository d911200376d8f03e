"""What one knob does while all others stay: how values change within pairs of configurations.

Configurations that differ in one field only are compared, so a level that was tried mostly with
fast models does not look fast. Nothing is modelled: where no such pair was measured, nothing is
said.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

from dse.core.configuration import CONFIGURATION_FIELDS, DEVICE, flat_forms

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.report.quantities import ReportedMetric
    from dse.study.record import Record

    Level = KnobValue
    Group = Mapping[Level, Sequence[Record]]


@dataclass(frozen=True, slots=True)
class Effect:
    """How values of a metric change from a knob's usual level to another one.

    Attributes:
        knob: a field of a configuration, or a backend's knob.
        reference: its usual level: the one that most pairs have.
        level: the other one.
        metric: the name of what was compared.
        pairs: how many pairs of configurations differ in nothing else.
        low: first quartile of the change: a ratio where the metric is relative
            (`dse.report.quantities.ReportedMetric`), else a difference in its unit.
        middle: its median.
        high: third quartile. Of one pair all three are its change.
    """

    knob: str
    reference: Level
    level: Level
    metric: str
    pairs: int
    low: float
    middle: float
    high: float


def effects(records: Iterable[Record], metrics: Sequence[ReportedMetric]) -> list[Effect]:
    """The effect of each level of each knob that varies, where there are pairs that tell it.

    Values that are one and the same measurement (a latency does not depend on the batch size) make
    no pair.

    Args:
        records: the failed ones among them are left out.
        metrics: what is compared, in the order wanted.
    """
    measured = [record for record in records if record.outcome.failure is None]
    flat = flat_forms(record.configuration for record in measured)
    names = dict.fromkeys([*CONFIGURATION_FIELDS, *(name for each in flat for name in each)])
    return [
        effect
        for knob in names
        for effect in _of_knob(knob, _groups(knob, measured, flat), metrics)
    ]


def _groups(
    knob: str, records: Sequence[Record], flat: Sequence[Mapping[str, KnobValue]]
) -> list[Group]:
    """Configurations that differ in one knob only, by its level, where it has several."""
    groups: dict[Hashable, dict[Level, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record, own in zip(records, flat, strict=True):
        if knob in own:
            groups[_rest(knob, own)][own[knob]].append(record)
    return [group for group in groups.values() if len(group) > 1]


def _rest(knob: str, own: Mapping[str, KnobValue]) -> Hashable:
    """What has to agree: all else. A backend's own knobs are not to be found with another one."""
    kept = (*CONFIGURATION_FIELDS, DEVICE) if knob == "backend" else own
    return tuple((name, own[name]) for name in kept if name != knob and name in own)


def _of_knob(knob: str, groups: Sequence[Group], metrics: Sequence[ReportedMetric]) -> list[Effect]:
    counts = Counter(level for group in groups for level in group)
    if not counts:
        return []
    levels = sorted(counts, key=_order)
    reference = max(levels, key=lambda level: counts[level])
    others = [level for level in levels if level != reference]
    return [
        effect
        for metric in metrics
        for level in others
        if (effect := _between(groups, knob, (reference, level), metric)) is not None
    ]


def _order(level: Level) -> tuple[bool, float, str]:
    """Numbers by their size, then words."""
    number = isinstance(level, int | float)
    return not number, float(level) if number else 0.0, str(level)


def _between(
    groups: Sequence[Group], knob: str, levels: tuple[Level, Level], metric: ReportedMetric
) -> Effect | None:
    changes = [
        change
        for group in groups
        if (change := _change(group.get(levels[0], ()), group.get(levels[1], ()), metric))
        is not None
    ]
    if not changes:
        return None
    spread = quantiles(changes, method="inclusive") if len(changes) > 1 else changes * 3
    low, middle, high = map(math.exp, spread) if metric.relative else spread
    return Effect(knob, *levels, metric.name, len(changes), low, middle, high)


def _change(
    before: Sequence[Record], after: Sequence[Record], metric: ReportedMetric
) -> float | None:
    """The change within a pair, of the logarithm where it is relative; None where it tells nothing.

    A side has several configurations where another backend's knobs were left out of account.
    """
    sides = [[v for r in side if (v := metric.of(r)) is not None] for side in (before, after)]
    if not all(sides):
        return None
    one, other = ({value.identity for value in side} for side in sides)
    if one & other:
        return None
    start, end = (median(value.value for value in side) for side in sides)
    if not metric.relative:
        return end - start
    return math.log(end / start) if min(start, end) > 0 else None

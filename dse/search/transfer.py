"""What other systems tell of this one: which configurations are fast there, if not how fast.

Centred on its own mean, the logarithm of latency is nearly the same vector on all CPUs, and what is
left of it lies near the span of a few of them. So the mean of the other systems is what to expect,
and this system's deviation from it is a weighted sum of theirs, whose weights are learned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dse.core.metrics import LATENCY, is_quality
from dse.search.additive_gp import Term, term

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.search.features import Floats, Places
    from dse.search.targets import Target

    Source = Mapping[Configuration, Mapping[str, float]]

REMAINS = 0.5
"""What is left of the deviations of configurations that other systems tell of."""
WEIGHT = 1.5
"""Of a deviation: that the system differs from the mean as much as the others do."""


def transfer(
    quantity: Target,
    sources: Sequence[Source],
    places: Mapping[Configuration, int],
    groups: Places,
    expected: Floats,
) -> tuple[Floats, Floats]:
    """What to expect of a quantity, and how the sources deviate from that.

    Args:
        quantity: what is learned.
        sources: by configuration and metric, what was measured on each other system.
        places: of all configurations.
        groups: what shares one value, by place.
        expected: what to expect without sources, by place.

    Returns:
        What to expect, and deviations of shape (configurations, sources): zero where a source
        tells nothing.
    """
    table = np.full((len(sources), int(groups.max()) + 1), np.nan)
    for row, source in enumerate(sources):
        found, values = _told(quantity, source, places, groups)
        table[row, groups[found]] = values - expected[found]
    table = table[~np.isnan(table).all(axis=1)]
    if not len(table):
        return expected, np.zeros((len(groups), 0))
    if not is_quality(quantity.metric):
        table -= np.nanmean(table, axis=1, keepdims=True)
    known = ~np.isnan(table).all(axis=0)
    mean = np.zeros(table.shape[1])
    mean[known] = np.nanmean(table[:, known], axis=0)
    deviations = np.nan_to_num(table - mean, nan=0.0) / np.sqrt(len(table))
    return expected + mean[groups], np.asarray(deviations.T[groups])


def _told(
    quantity: Target, source: Source, places: Mapping[Configuration, int], groups: Places
) -> tuple[Places, Floats]:
    """The places that a source tells of, one for each group, and the quantity there."""
    needed = {quantity.metric} | ({LATENCY.name} if quantity.relation else set())
    found: dict[int, tuple[int, float]] = {}
    for configuration, values in source.items():
        place = places.get(configuration)
        if place is not None and needed <= values.keys():
            found[int(groups[place])] = place, quantity.of(values)
    chosen = np.array([place for place, _ in found.values()], dtype=np.intp)
    return chosen, np.array([value for _, value in found.values()])


def terms(quantity: Target, deviations: Floats) -> tuple[Term, ...]:
    """The terms of a quantity beside what is borrowed.

    Args:
        quantity: what is learned.
        deviations: see `borrow`.
    """
    covered = float((deviations != 0).any(axis=1).mean()) if deviations.size else 0.0
    if not covered:
        return quantity.terms
    left = 1 - covered * (1 - REMAINS)
    own = (
        each if each.fixed else Term(each.respects, each.deviation * left)
        for each in quantity.terms
    )
    return (*own, term("borrowed", WEIGHT))

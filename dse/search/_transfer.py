"""Transfers knowledge from other systems: which configurations are fast, if not how fast.

Centred on its own mean, the logarithm of latency is nearly the same vector on all CPUs, and the
rest lies near the span of a few of them. So the prior mean is the mean of the other systems, and
this system's deviation from it is a weighted sum of theirs, with learned weights. How much of that
is believed depends on this system's own values: see `dse.search._averaged_gp`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dse.core.metrics import LATENCY, is_quality
from dse.search._additive_gp import AdditiveGP, parse_term

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.search._features import Features, Floats, Indices
    from dse.search._targets import Target

    Source = Mapping[Configuration, Mapping[str, float]]

WEIGHT_SD = 1.5
"""Prior standard deviation of the weights; 1 would mean that this system deviates from the mean as
much as the others do."""


def transfer(
    target: Target,
    sources: Sequence[Source],
    indices: Mapping[Configuration, int],
    groups: Indices,
    expected: Floats,
) -> tuple[Floats, Floats]:
    """The prior mean of a target with sources, and the deviations of the sources from it.

    Configurations of one group share a value. ``expected`` is the prior mean without sources.

    Returns:
        Prior means, and deviations of shape (configurations, sources): zero where a source has no
        value.
    """
    table = np.full((len(sources), int(groups.max()) + 1), np.nan)
    for row, source in enumerate(sources):
        found, values = _collect(target, source, indices, groups)
        table[row, groups[found]] = values - expected[found]
    table = table[~np.isnan(table).all(axis=1)]
    if not len(table):
        return expected, np.zeros((len(groups), 0))
    if not is_quality(target.metric):
        table -= np.nanmean(table, axis=1, keepdims=True)
    known = ~np.isnan(table).all(axis=0)
    mean = np.zeros(table.shape[1])
    mean[known] = np.nanmean(table[:, known], axis=0)
    deviations = np.nan_to_num(table - mean, nan=0.0) / np.sqrt(len(table))
    return expected + mean[groups], np.asarray(deviations.T[groups])


def _collect(
    target: Target, source: Source, indices: Mapping[Configuration, int], groups: Indices
) -> tuple[Indices, Floats]:
    """The configurations that a source has measured, one for each group, and their targets."""
    needed = {target.metric} | ({LATENCY.name} if target.relation else set())
    found: dict[int, tuple[int, float]] = {}
    for configuration, values in source.items():
        index = indices.get(configuration)
        if index is not None and needed <= values.keys():
            found[int(groups[index])] = index, target.of(values)
    chosen = np.array([index for index, _ in found.values()], dtype=np.intp)
    return chosen, np.array([value for _, value in found.values()])


def processes(
    target: Target,
    sources: Sequence[Source],
    indices: Mapping[Configuration, int],
    features: Features,
    expected: Floats,
) -> list[AdditiveGP]:
    """The process that knows no sources, and then the one that does, if they tell of the target."""
    found = [AdditiveGP(features, target.terms, expected, target.common)]
    groups = features.codes[target.extent]
    mean, deviations = transfer(target, sources, indices, groups, expected)
    if mean is not expected:
        terms = (*target.terms, *([parse_term("borrowed", WEIGHT_SD)] if deviations.any() else ()))
        # Of a model that another system has measured something is known.
        seen = np.isin(features.codes["model"], features.codes["model"][mean != expected])
        informed = replace(features, borrowed=deviations, unknown=features.unknown * ~seen)
        found.append(AdditiveGP(informed, terms, mean, target.common))
    return found

"""Finds the frontier of all configurations at once.

When something was measured again, every interval changes a little with what is known of the noise,
and the frontier is to be found anew. Of nearly all configurations each metric was probed once:
their intervals are a factor times the value, so arrays will do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.core.pareto import Losses, Point, numbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dse.core.measurement import Measurement
    from dse.study.observations import ObservationStore


def timed(measurement: Measurement) -> bool:
    """Whether a measurement would come out differently when taken again."""
    return measurement.source is Source.MEASURED and METRICS[measurement.metric].timed


def point_of(measurements: Sequence[Measurement]) -> Point:
    """Estimates as the frontier sees them."""
    return Point(
        {m.metric: m.value for m in measurements},
        {m.metric: m.interval for m in measurements if m.interval},
        {m.metric: m.key for m in measurements if m.source is not Source.PUBLISHED},
    )


def batch_frontier(
    subjects: Sequence[Mapping[str, Measurement]],
    measured: ObservationStore,
    objectives: Sequence[str],
) -> list[int]:
    """Indices of those that no other dominates beyond the intervals, in their order.

    Args:
        subjects: the measurements of each configuration, by metric.
        measured: everything that was measured.
        objectives: names of metrics, which every configuration has.
    """
    import numpy as np

    if not subjects:
        return []
    columns = [_column([known[name] for known in subjects], measured) for name in objectives]
    values, low, high, keys = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
    metrics = [METRICS[name] for name in objectives]
    for index, known in enumerate(subjects):
        own = [known[name] for name in objectives]
        if not all(map(measured.probed_once, own)):
            one = Losses.of([point_of([measured.estimate(m) for m in own])], metrics)
            values[index], low[index], high[index] = one.values[0], one.low[0], one.high[0]
    timed = np.array([metric.timed for metric in metrics])
    return Losses(values, low, high, keys, timed).undominated()


def _column(found: list[Measurement], measured: ObservationStore) -> tuple[NDArray[Any], ...]:
    """Values, both bounds and keys of what was probed once, as `Losses` has them."""
    import numpy as np

    metric = METRICS[found[0].metric]
    sign = -1.0 if metric.direction == "maximize" else 1.0
    values = sign * np.array([m.value for m in found])
    reaches = [math.log(measured.interval_factor(m)) if timed(m) else 0.0 for m in found]
    factors = np.exp(sign * np.array(reaches))
    keys = numbered([[None if m.source is Source.PUBLISHED else m.key] for m in found])[:, 0]
    return values, values / factors, values * factors, keys

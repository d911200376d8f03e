"""The Pareto frontier of measured points, and its hypervolume; both from moocore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.types import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.space.space import Constraint


def nondominated(points: Sequence[Mapping[str, float]], objectives: Sequence[str]) -> list[int]:
    """Positions of the points that no other point dominates, in their order.

    Of several points with equal values all are kept.

    Args:
        points: value by metric name, each in its metric's unit; every objective is present.
        objectives: names of metrics; each is compared in its metric's direction.
    """
    if not points:
        return []
    import moocore

    flags = moocore.is_nondominated(
        [[point[name] for name in objectives] for point in points],
        maximise=[METRICS[name].direction == "maximize" for name in objectives],
        keep_weakly=True,
    )
    return [position for position, flag in enumerate(flags) if flag]


def hypervolume(
    points: Sequence[Mapping[str, float]],
    objectives: Sequence[str],
    reference: Mapping[str, float],
) -> float:
    """Volume that the points dominate, up to the reference point, in the objectives' units.

    Args:
        points: value by metric name.
        objectives: names of metrics, the axes of the volume.
        reference: a point that is worse than every point that shall count.
    """
    if not points:
        return 0.0
    import moocore

    return float(
        moocore.hypervolume(
            [[point[name] for name in objectives] for point in points],
            ref=[reference[name] for name in objectives],
            maximise=[METRICS[name].direction == "maximize" for name in objectives],
        )
    )


def violations(point: Mapping[str, float], constraints: Sequence[Constraint]) -> dict[str, float]:
    """By how much each bound is missed; zero or less where it is kept.

    The names are ``<metric>.min`` and ``<metric>.max``, the values in the metric's unit.
    """
    missed = {}
    for bound in constraints:
        if bound.minimum is not None:
            missed[f"{bound.metric}.min"] = bound.minimum - point[bound.metric]
        if bound.maximum is not None:
            missed[f"{bound.metric}.max"] = point[bound.metric] - bound.maximum
    return missed


def feasible(point: Mapping[str, float], constraints: Sequence[Constraint]) -> bool:
    """Whether a point's values keep to all constraints."""
    return all(constraint.met(point[constraint.metric]) for constraint in constraints)

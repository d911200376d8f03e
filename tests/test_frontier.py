"""The laws of dominance, for any subset of the objectives."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dse.frontier import feasible, hypervolume, nondominated, violations
from dse.space.space import Constraint
from dse.types import ACCURACY, DEFAULT_OBJECTIVES, LATENCY, METRICS, THROUGHPUT

Point = dict[str, float]

# Few values, so that points tie and repeat, or many.
VALUES = st.integers(0, 4).map(float) | st.floats(0, 1e6)
NAMES = DEFAULT_OBJECTIVES
POINTS = st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)), max_size=25)
OBJECTIVES = st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=3, unique=True)
BOUNDS = st.none() | VALUES
CONSTRAINTS = st.lists(
    st.builds(Constraint, st.sampled_from(sorted(NAMES)), BOUNDS, BOUNDS),
    max_size=3,
    unique_by=lambda constraint: constraint.metric,
)
REFERENCE = {ACCURACY.name: -1.0, LATENCY.name: 2e6, THROUGHPUT.name: -1.0}
"""Worse than every point."""


def gains(point: Point, objectives: list[str]) -> list[float]:
    """The objectives' values, turned so that more is better."""
    return [
        point[name] if METRICS[name].direction == "maximize" else -point[name]
        for name in objectives
    ]


def dominates(one: Point, other: Point, objectives: list[str]) -> bool:
    mine, theirs = gains(one, objectives), gains(other, objectives)
    return mine != theirs and all(a >= b for a, b in zip(mine, theirs, strict=True))


@given(points=POINTS, objectives=OBJECTIVES)
def test_the_frontier_is_what_no_point_dominates(
    points: list[Point], objectives: list[str]
) -> None:
    found = nondominated(points, objectives)
    assert found == sorted(set(found))
    frontier = [points[i] for i in found]
    for point in frontier:
        assert not any(dominates(other, point, objectives) for other in points)
    for i, point in enumerate(points):
        if i not in found:
            assert any(dominates(other, point, objectives) for other in frontier)


@given(points=POINTS, objectives=OBJECTIVES, data=st.data())
def test_order_does_not_matter(
    points: list[Point], objectives: list[str], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(points))))
    axes = data.draw(st.permutations(objectives))
    found = nondominated([points[i] for i in order], axes)
    assert sorted(order[i] for i in found) == nondominated(points, objectives)


@given(points=POINTS, objectives=OBJECTIVES, data=st.data())
def test_a_strictly_monotone_rescaling_changes_nothing(
    points: list[Point], objectives: list[str], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(objectives))
    steps = sorted({point[name] for point in points})
    count, numbers = len(steps), st.floats(-1e9, 1e9)
    values = data.draw(st.lists(numbers, min_size=count, max_size=count, unique=True))
    scale = dict(zip(steps, sorted(values), strict=True))
    rescaled = [{**point, name: scale[point[name]]} for point in points]
    assert nondominated(rescaled, objectives) == nondominated(points, objectives)


@given(points=POINTS, objectives=OBJECTIVES)
def test_duplicates_are_all_kept(points: list[Point], objectives: list[str]) -> None:
    once = nondominated(points, objectives)
    twice = nondominated([*points, *points], objectives)
    assert twice == [*once, *(i + len(points) for i in once)]


@given(points=POINTS, objectives=OBJECTIVES)
def test_the_frontier_is_its_own_frontier(points: list[Point], objectives: list[str]) -> None:
    frontier = [points[i] for i in nondominated(points, objectives)]
    assert nondominated(frontier, objectives) == list(range(len(frontier)))
    assert bool(frontier) == bool(points)


@given(points=POINTS, extra=POINTS, objectives=OBJECTIVES)
def test_hypervolume_never_shrinks(
    points: list[Point], extra: list[Point], objectives: list[str]
) -> None:
    fewer = hypervolume(points, objectives, REFERENCE)
    more = hypervolume([*points, *extra], objectives, REFERENCE)
    assert more >= fewer * (1 - 1e-9)


@given(points=POINTS, objectives=OBJECTIVES)
def test_hypervolume_is_that_of_the_frontier(points: list[Point], objectives: list[str]) -> None:
    frontier = [points[i] for i in nondominated(points, objectives)]
    volume = hypervolume(points, objectives, REFERENCE)
    assert hypervolume(frontier, objectives, REFERENCE) == pytest.approx(volume, rel=1e-9)


@given(point=st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)), objectives=OBJECTIVES)
@example(point={ACCURACY.name: 9, LATENCY.name: 2e6 - 10, THROUGHPUT.name: 9}, objectives=[])
def test_hypervolume_of_one_point_is_a_box(point: Point, objectives: list[str]) -> None:
    axes = objectives or [ACCURACY.name, LATENCY.name, THROUGHPUT.name]
    sides = [abs(point[name] - REFERENCE[name]) for name in axes]
    box = 1.0
    for side in sides:
        box *= side
    assert hypervolume([point], axes, REFERENCE) == pytest.approx(box, rel=1e-9)


@given(point=st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)), objectives=OBJECTIVES)
def test_what_is_no_better_than_the_reference_has_no_volume(
    point: Point, objectives: list[str]
) -> None:
    name = objectives[0]
    at_the_edge = {**point, name: REFERENCE[name]}
    assert hypervolume([at_the_edge], objectives, REFERENCE) == 0
    beyond = {**point, name: REFERENCE[name] * (2 if METRICS[name].direction == "minimize" else 3)}
    assert hypervolume([beyond], objectives, REFERENCE) == 0


def test_nothing_has_no_frontier_and_no_volume() -> None:
    assert nondominated([], [LATENCY.name]) == []
    assert hypervolume([], [LATENCY.name], REFERENCE) == 0


def test_each_objective_has_its_direction() -> None:
    points = [
        {ACCURACY.name: 70.0, LATENCY.name: 10.0, THROUGHPUT.name: 100.0},
        {ACCURACY.name: 60.0, LATENCY.name: 5.0, THROUGHPUT.name: 100.0},
        {ACCURACY.name: 60.0, LATENCY.name: 12.0, THROUGHPUT.name: 300.0},
        {ACCURACY.name: 60.0, LATENCY.name: 10.0, THROUGHPUT.name: 90.0},
    ]
    assert nondominated(points, list(NAMES)) == [0, 1, 2]
    assert nondominated(points, [ACCURACY.name]) == [0]
    assert nondominated(points, [LATENCY.name]) == [1]
    assert nondominated(points, [THROUGHPUT.name]) == [2]
    assert nondominated(points, [ACCURACY.name, LATENCY.name]) == [0, 1]


@given(
    point=st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)),
    constraints=CONSTRAINTS,
)
def test_a_point_is_feasible_where_nothing_is_violated(
    point: Point, constraints: list[Constraint]
) -> None:
    missed = violations(point, constraints)
    assert feasible(point, constraints) == all(amount <= 0 for amount in missed.values())
    bounds = {f"{c.metric}.min" for c in constraints if c.minimum is not None}
    bounds |= {f"{c.metric}.max" for c in constraints if c.maximum is not None}
    assert set(missed) == bounds


@given(value=VALUES, bound=VALUES)
def test_the_violation_is_what_the_bound_is_missed_by(value: float, bound: float) -> None:
    assume(value != bound)
    point = {LATENCY.name: value}
    most = violations(point, [Constraint(LATENCY.name, maximum=bound)])
    least = violations(point, [Constraint(LATENCY.name, minimum=bound)])
    assert most == {f"{LATENCY.name}.max": value - bound}
    assert least == {f"{LATENCY.name}.min": bound - value}


def test_the_bounds_themselves_are_allowed() -> None:
    both = [Constraint(LATENCY.name, minimum=5, maximum=5)]
    assert feasible({LATENCY.name: 5}, both)
    assert set(violations({LATENCY.name: 5}, both).values()) == {0}
    assert feasible({}, [])

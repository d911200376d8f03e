"""The laws of dominance, for any subset of the objectives, with intervals and without."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dse.core.metrics import LATENCY, METRICS, THROUGHPUT
from dse.core.pareto import (
    REACH,
    Constraint,
    Frontier,
    Losses,
    feasible,
    hypervolume,
    nondominated,
    violations,
)
from dse.core.pareto import Point as Measured
from dse.tasks.image_classification._quality import ACCURACY
from tests.objectives import DEFAULT_OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from dse.core.metrics import Direction
    from dse.core.pareto import Interval

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


# Points that are known up to intervals.


@st.composite
def subjects(draw: st.DrawFn) -> tuple[float, Interval | None]:
    """A value, few of them so that bounds meet, and its interval if it is known."""
    value = float(draw(st.integers(1, 6)))
    below, above = draw(st.sampled_from([0, 0.5, 1])), draw(st.sampled_from([0, 0.5, 1, 3]))
    return value, draw(st.sampled_from([None, (value - below, value + above)]))


@st.composite
def measured_points(draw: st.DrawFn) -> list[Measured]:
    """Points that share some of their measurements: those have the same key."""
    known = {name: draw(st.lists(subjects(), min_size=1, max_size=8)) for name in NAMES}
    places = {name: st.integers(0, len(known[name]) - 1) for name in NAMES}
    chosen = draw(st.lists(st.fixed_dictionaries(places), max_size=12))
    keyed = draw(st.sets(st.sampled_from(NAMES)))
    return [
        Measured(
            {name: known[name][place][0] for name, place in each.items()},
            {n: i for n, place in each.items() if (i := known[n][place][1]) is not None},
            {name: f"{name}-{place}" for name, place in each.items() if name in keyed},
        )
        for each in chosen
    ]


MEASURED = measured_points()


def grown(points: Iterable[tuple[int, Measured]], objectives: Sequence[str]) -> Frontier:
    frontier = Frontier(objectives)
    for name, point in points:
        frontier.add(name, point)
    return frontier


def kept(points: Sequence[Measured], objectives: Sequence[str]) -> set[int]:
    return {int(str(name)) for name in grown(enumerate(points), objectives).names}


def stretched(value: float, end: float) -> float:
    """An end of an interval that is `REACH` times as long."""
    return value * (end / value) ** REACH if end > 0 else value + REACH * (end - value)


def beats(one: Measured, other: Measured, objectives: Sequence[str]) -> bool:
    """Whether one dominates the other even at its worst, where that is at its best."""
    better = False
    for name in objectives:
        if name in one.keys and one.keys[name] == other.keys.get(name):
            continue
        sign = -1 if METRICS[name].direction == "maximize" else 1
        mine, theirs = one.values[name], other.values[name]
        worst, best = mine, theirs
        if METRICS[name].timed:
            worst = stretched(mine, one.intervals.get(name, (mine, mine))[(sign + 1) // 2])
            best = stretched(theirs, other.intervals.get(name, (theirs, theirs))[(1 - sign) // 2])
        if sign * worst > sign * best:
            return False
        better |= sign * worst < sign * best or sign * mine < sign * theirs
    return better


@given(points=MEASURED, objectives=OBJECTIVES, data=st.data())
def test_it_keeps_what_no_point_dominates_beyond_the_intervals_in_any_order(
    points: list[Measured], objectives: list[str], data: st.DataObject
) -> None:
    expected = {
        place
        for place, point in enumerate(points)
        if not any(beats(other, point, objectives) for other in points)
    }
    order = data.draw(st.permutations(list(enumerate(points))))
    frontier = grown(order, objectives)
    assert set(frontier.names) == expected
    assert list(frontier.names) == [name for name, _ in order if name in expected]


@given(points=MEASURED, objectives=OBJECTIVES, data=st.data())
def test_grown_step_by_step_it_is_always_that_of_what_was_added(
    points: list[Measured], objectives: list[str], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(list(enumerate(points))))
    frontier = Frontier(objectives)
    for count, (name, point) in enumerate(order, start=1):
        added = frontier.add(name, point)
        at_once = grown(reversed(order[:count]), objectives)
        assert set(frontier.names) == set(at_once.names)
        assert added is (name in at_once.names)


def sieved(points: Sequence[Measured], objectives: Sequence[str]) -> list[int]:
    """What the arrays tell."""
    return Losses.of(points, [METRICS[name] for name in objectives]).undominated()


@given(points=MEASURED, objectives=OBJECTIVES)
def test_arrays_tell_the_same(points: list[Measured], objectives: list[str]) -> None:
    found = sieved(points, objectives)
    assert found == sorted(kept(points, objectives))
    at_once = Frontier.of(dict(enumerate(points)), [METRICS[name] for name in objectives])
    assert list(at_once.names) == found


@given(points=POINTS, objectives=OBJECTIVES)
def test_an_objective_may_go_the_other_way(points: list[Point], objectives: list[str]) -> None:
    turned: dict[Direction, Direction] = {"maximize": "minimize", "minimize": "maximize"}
    metrics = [replace(METRICS[n], direction=turned[METRICS[n].direction]) for n in objectives]
    mirrored = [{name: -value for name, value in point.items()} for point in points]
    assert nondominated(points, metrics) == nondominated(mirrored, objectives)
    exact: dict[Hashable, Measured] = dict(enumerate(map(Measured.exact, points)))
    assert list(Frontier.of(exact, metrics).names) == nondominated(points, metrics)


@given(points=POINTS, objectives=OBJECTIVES)
def test_of_exact_values_it_is_the_usual_frontier(
    points: list[Point], objectives: list[str]
) -> None:
    exact = [Measured.exact(point) for point in points]
    assert sorted(kept(exact, objectives)) == nondominated(points, objectives)


@given(points=MEASURED, objectives=OBJECTIVES)
def test_what_is_on_the_usual_frontier_is_kept(
    points: list[Measured], objectives: list[str]
) -> None:
    usual = set(nondominated([point.values for point in points], objectives))
    assert usual <= kept(points, objectives)


def widened(point: Measured, factor: float) -> Measured:
    intervals = {
        name: (value - factor * (value - low), value + factor * (high - value))
        for name, (low, high) in point.intervals.items()
        for value in [point.values[name]]
    }
    return replace(point, intervals=intervals)


@given(points=MEASURED, objectives=OBJECTIVES, factor=st.sampled_from([1.0, 1.5, 2.0, 8.0]))
def test_wider_intervals_keep_more(
    points: list[Measured], objectives: list[str], factor: float
) -> None:
    wider = [widened(point, factor) for point in points]
    assert kept(points, objectives) <= kept(wider, objectives)


@given(points=MEASURED, objectives=OBJECTIVES)
def test_dominance_beyond_the_intervals_is_transitive(
    points: list[Measured], objectives: list[str]
) -> None:
    pairs = {
        (i, j)
        for i, one in enumerate(points)
        for j, other in enumerate(points)
        if 1 not in kept([one, other], objectives)
    }
    for i, j in pairs:
        assert (j, i) not in pairs
        for k in range(len(points)):
            assert (j, k) not in pairs or (i, k) in pairs


@given(points=MEASURED.filter(bool), objectives=OBJECTIVES, data=st.data())
def test_one_measurement_is_no_difference_however_wide_its_interval(
    points: list[Measured], objectives: list[str], data: st.DataObject
) -> None:
    point = data.draw(st.sampled_from(points))
    keyed = replace(point, keys={name: f"{name}-own" for name in NAMES})
    twins = [*points, keyed, keyed]
    one, other = len(points), len(points) + 1
    found = kept(twins, objectives)
    assert (one in found) is (other in found)
    assert kept([keyed, keyed], objectives) == {0, 1}


def test_the_same_latency_leaves_the_choice_to_the_throughput() -> None:
    wide = {LATENCY.name: (1.0, 9.0), THROUGHPUT.name: (99.0, 101.0)}
    keys = {LATENCY.name: "one latency"}
    slow = Measured({LATENCY.name: 5.0, THROUGHPUT.name: 100.0}, wide, keys)
    fast = Measured(
        {LATENCY.name: 5.0, THROUGHPUT.name: 110.0},
        {**wide, THROUGHPUT.name: (109.0, 111.0)},
        keys,
    )
    both = [LATENCY.name, THROUGHPUT.name]
    assert kept([slow, fast], both) == {1}
    apart = [slow, replace(fast, keys={})]
    assert kept(apart, both) == {0, 1}


def test_an_accuracy_counts_by_its_value_and_a_latency_by_its_interval() -> None:
    intervals = {ACCURACY.name: (60.0, 80.0), LATENCY.name: (4.0, 6.0)}
    good = Measured({ACCURACY.name: 70.1, LATENCY.name: 4.9}, intervals)
    bad = Measured({ACCURACY.name: 70.0, LATENCY.name: 5.0}, intervals)
    assert kept([good, bad], [ACCURACY.name]) == {0}
    assert kept([good, bad], [LATENCY.name]) == {0, 1}


def test_intervals_that_touch_leave_the_better_value() -> None:
    reach = 1.999 ** (0.5 / REACH)
    low = Measured({LATENCY.name: 2.0}, {LATENCY.name: (2 / reach, 2 * reach)})
    high = Measured({LATENCY.name: 4.0}, {LATENCY.name: (4 / reach, 4 * reach)})
    assert kept([low, high], [LATENCY.name]) == {0}
    assert sieved([low, high], [LATENCY.name]) == [0]
    point = Measured({LATENCY.name: 3.0}, {LATENCY.name: (3.0, 3.0)})
    assert kept([point, point], [LATENCY.name]) == {0, 1}
    assert sieved([point, point], [LATENCY.name]) == [0, 1]

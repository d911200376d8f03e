"""Which points may be on the frontier, and which are left out as most likely dominated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.intervals import student_t
from dse.core.metrics import LATENCY
from dse.study.comparison import stay
from dse.study.contenders import DEGREES, MAX_ERROR, Contenders, _upper_tail, chances
from dse.study.decisions import Decisions
from tests.study.test_decisions import ALL, compare, record, rounds_of

FEW = 6
"""Too few rounds to decide anything among many points."""


def test_a_chance_is_that_of_students_distribution() -> None:
    assert DEGREES == 4
    for confidence in (0.5, 0.8, 0.95, 0.99, 0.999):
        found = _upper_tail(np.array([student_t(DEGREES, confidence), -student_t(4, confidence)]))
        tail = (1 - confidence) / 2
        assert found.tolist() == pytest.approx([tail, 1 - tail], abs=1e-4)


def test_what_is_far_behind_in_all_is_left_out() -> None:
    found = Contenders.of(compare([record(0, 1.0, 100.0), record(1, 4.0, 25.0)]))
    assert (list(found.places), found.left_out) == ([0], 1)
    assert 0 < found.left_out_wrongly < MAX_ERROR


@pytest.mark.parametrize(
    ("latency", "throughput", "accuracy"),
    [(0.9, 25.0, 70.0), (4.0, 101.0, 70.0), (4.0, 25.0, 71.0)],
)
def test_what_may_be_better_somewhere_contends(
    latency: float, throughput: float, accuracy: float
) -> None:
    rival = record(1, latency, throughput, accuracy)
    found = Contenders.of(compare([record(0, 1.0, 100.0), rival]))
    assert (list(found.places), found.left_out, found.left_out_wrongly) == ([0, 1], 0, 0.0)


def test_a_point_without_intervals_contends() -> None:
    """Nothing tells how far its value may be off."""
    points = compare([record(0, 1.0, 100.0), record(1, 4.0, 25.0, reach=math.nan)])
    assert list(Contenders.of(points).places) == [0, 1]


def test_rounds_leave_out_what_they_have_not_decided() -> None:
    """Among many points a decision takes more than it takes to be left out."""
    records = [record(number, 1.0 + number / 20, reach=0.9) for number in range(9)]
    points = compare(records, rounds_of(records, FEW, sd=0.1), [LATENCY.name])
    found = Contenders.of(points)
    assert 0 in found.places
    assert 8 not in found.places
    assert not Decisions(points).better[0, 8, 0]
    assert list(found.places) == [place for place in range(9) if place in set(found.places)]


def test_where_values_and_rounds_disagree_neither_counts() -> None:
    records = [record(0, 1.0, reach=0.05), record(1, 1.4, reach=0.05)]
    assert list(Contenders.of(compare(records, objectives=[LATENCY.name])).places) == [0]
    table = rounds_of(records, FEW, sd=0.01, true={0: 1.4, 1: 1.0})
    points = compare(records, table, [LATENCY.name])
    assert chances(points)[:, :, 0].tolist() == [[0, 1], [1, 0]]
    assert list(Contenders.of(points).places) == [0, 1]


def test_points_that_are_alike_all_contend() -> None:
    """Of exact values, and of one measurement that two points share."""
    exact = [record(number, 1.0, reach=0.0) for number in range(3)]
    assert list(Contenders.of(compare(exact)).places) == [0, 1, 2]
    one = record(0, 1.0)
    assert list(Contenders.of(compare([one, one])).places) == [0, 1]
    assert not chances(compare([one, one])).any()


@given(
    st.lists(
        st.tuples(st.floats(1, 9), st.floats(1, 9), st.floats(60, 80), st.floats(0, 0.9)),
        min_size=1,
        max_size=9,
    )
)
def test_a_point_that_leads_contends(rows: list[tuple[float, float, float, float]]) -> None:
    """Whatever is left out, something that is there is ahead of it."""
    records = [
        record(number, latency, 1 / throughput, accuracy, reach=reach)
        for number, (latency, throughput, accuracy, reach) in enumerate(rows)
    ]
    points = compare(records)
    found, losses = Contenders.of(points), points.losses.values
    assert set(points.losses.exact(losses).undominated()) <= set(found.places)
    assert found.left_out == len(rows) - len(found.places)
    assert found.left_out_wrongly <= MAX_ERROR * found.left_out
    for place in set(range(len(rows))) - set(found.places):
        assert any(np.all(losses[each] <= losses[place]) for each in found.places)


@given(st.integers(1, 6), st.data())
def test_points_drop_out_only_for_one_that_stays(count: int, data: st.DataObject) -> None:
    row = st.lists(st.booleans(), min_size=count, max_size=count)
    ahead = np.array(data.draw(st.lists(row, min_size=count, max_size=count)))
    np.fill_diagonal(ahead, val=False)
    losses = compare([record(n, 1.0 + n) for n in range(count)], objectives=ALL).losses
    kept = stay(ahead, losses)
    assert kept.any()
    for place in np.flatnonzero(~kept):
        assert ahead[kept, place].any()

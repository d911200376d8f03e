"""Which points may be on the frontier, and which are left out as most likely dominated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.metrics import LATENCY
from dse.study.comparison import Comparison, stay
from dse.study.contenders import MAX_ERROR, MIN_ROUNDS, Contenders, errors
from dse.study.decisions import Decisions
from tests.study.test_decisions import ALL, compare, record, rounds_of

FEW = 6
"""Too few rounds to decide anything among many points."""


def places(points: Comparison) -> list[int]:
    return list(Contenders.of(points).places)


def test_values_alone_leave_out_what_is_very_far_behind() -> None:
    """As far as they decide; what is nearer takes rounds."""
    near, far = record(1, 4.0, 25.0, reach=0.5), record(1, 9.0, 11.0, reach=0.1)
    best = record(0, 1.0, 100.0, reach=0.1)
    assert places(compare([best, near])) == [0, 1]
    assert places(compare([best, far])) == [0]


@pytest.mark.parametrize(
    ("latency", "throughput", "accuracy"),
    [(0.9, 25.0, 70.0), (4.0, 101.0, 70.0), (4.0, 25.0, 71.0)],
)
def test_what_may_be_better_somewhere_contends(
    latency: float, throughput: float, accuracy: float
) -> None:
    records = [record(0, 1.0, 100.0, reach=0.01), record(1, latency, throughput, accuracy)]
    found = Contenders.of(compare(records, rounds_of(records, 30, sd=0.01)))
    assert (list(found.places), found.left_out, found.left_out_wrongly) == ([0, 1], 0, 0.0)


def test_rounds_leave_out_what_they_have_not_decided() -> None:
    """Among many points a decision takes more than it takes to be left out."""
    records = [record(number, 1.0 + number / 20, reach=0.9) for number in range(9)]
    points = compare(records, rounds_of(records, FEW, sd=0.1), [LATENCY.name])
    found = Contenders.of(points)
    assert 0 in found.places
    assert 8 not in found.places
    assert not Decisions(points).better[0, 8, 0]
    assert found.left_out == 9 - len(found.places)
    assert 0 < found.left_out_wrongly < MAX_ERROR * 9


def test_a_single_round_leaves_nothing_out() -> None:
    """It may be one odd process, however well the noise is known."""
    records = [record(0, 1.0), record(1, 1.01), record(2, 1.02)]
    quiet = rounds_of(records[1:], 30, sd=0.01)
    for count in (1, MIN_ROUNDS + 2):
        table = rounds_of(records[:2], count, sd=0.01, true={0: 1.0, 1: 1.5})
        for name, each in table._rounds.items():
            quiet._rounds[f"{count} {name}"] = each
        found = places(compare(records[:2], quiet, [LATENCY.name]))
        assert (1 in found) is (count == 1)


def test_where_values_and_rounds_disagree_rounds_count() -> None:
    """A value that leads may be a lucky one."""
    records = [record(0, 1.0, reach=0.5), record(1, 1.4, reach=0.5)]
    table = rounds_of(records, FEW, sd=0.01, true={0: 1.4, 1: 1.0})
    points = compare(records, table, [LATENCY.name])
    assert errors(points)[1, 0] == 1
    assert errors(points)[0, 1] < MAX_ERROR
    assert places(points) == [1]


def test_points_that_are_alike_all_contend() -> None:
    """Of exact values, and of one measurement that two points share."""
    exact = [record(number, 1.0, reach=0.0) for number in range(3)]
    assert places(compare(exact)) == [0, 1, 2]
    one = record(0, 1.0)
    assert places(compare([one, one])) == [0, 1]


def test_nothing_drops_out_for_what_is_not_reliable() -> None:
    """As what may miss a limit itself, or was measured in a drift only."""
    points = compare([record(0, 1.0, 100.0, reach=0.1), record(1, 9.0, 11.0, reach=0.1)])
    assert places(points) == Decisions(points).survivors() == [0]
    points.reliable[0] = False
    assert places(points) == Decisions(points).survivors() == [0, 1]


def test_what_was_left_out_comes_back_with_the_end_of_what_was_ahead() -> None:
    records = [record(0, 1.0, reach=0.1), record(1, 9.0, reach=0.1)]
    points = compare(records, objectives=[LATENCY.name])
    found = Contenders.of(points)
    assert list(found.and_back([0]).places) == [0]
    assert list(found.and_back([]).places) == [0, 1]


@given(
    st.lists(
        st.tuples(st.floats(1, 9), st.floats(1, 9), st.floats(60, 80), st.floats(0, 0.9)),
        min_size=1,
        max_size=9,
    ),
)
def test_a_point_that_leads_contends(rows: list[tuple[float, float, float, float]]) -> None:
    """Whatever values alone leave out, something that is there is ahead of it."""
    records = [
        record(number, latency, 1 / throughput, accuracy, reach=reach)
        for number, (latency, throughput, accuracy, reach) in enumerate(rows)
    ]
    points = compare(records)
    found, losses = Contenders.of(points), points.losses.values
    assert set(points.losses.exact(losses).undominated()) <= set(found.places)
    assert found.left_out == len(rows) - len(found.places)
    assert found.left_out_wrongly <= found.left_out
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

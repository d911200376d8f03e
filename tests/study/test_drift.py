"""Drift: the anchor tells from when to when the machine was not itself."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.study.drift import FLOOR, MIN_ANCHOR_VALUES, Window, deviations, unconfirmed, windows

if TYPE_CHECKING:
    from dse.study.drift import TrialId

QUIET = st.floats(-FLOOR / 2 + 1e-6, FLOOR / 2 - 1e-6)
"""Changes of the logarithm that are no drift, however steady the machine is otherwise."""
USUAL = st.floats(1e-3, 1e6)
JUMPS = st.floats(1, 3) | st.floats(-3, -1)


def placed(values: list[float]) -> list[tuple[TrialId, float]]:
    """Every third trial is one of the anchor."""
    return [((1, 3 * number), value) for number, value in enumerate(values)]


@given(USUAL, st.lists(QUIET, max_size=30))
def test_small_changes_are_no_drift(usual: float, changes: list[float]) -> None:
    assert windows(placed([usual * math.exp(change) for change in changes])) == []


@pytest.mark.parametrize("sd", [0.02, 0.1, 0.4])
def test_noise_alone_is_rarely_taken_for_drift(sd: float) -> None:
    rng = random.Random(0)  # noqa: S311
    runs = [[rng.lognormvariate(0, sd) for _ in range(30)] for _ in range(300)]
    flagged = sum(bool(windows(placed(values))) for values in runs)
    # Four standard deviations, and the noise itself is only estimated from 30 values.
    assert flagged < 0.05 * len(runs)


@given(
    USUAL,
    st.lists(QUIET, min_size=4, max_size=12),
    st.lists(QUIET, min_size=2, max_size=3),
    st.lists(QUIET, min_size=4, max_size=12),
    JUMPS,
)
def test_a_jump_is_found_and_a_return_closes_it(
    usual: float, before: list[float], during: list[float], after: list[float], jump: float
) -> None:
    changes = [*before, *(jump + each for each in during), *after]
    (found,) = windows(placed([usual * math.exp(change) for change in changes]))
    last, first = len(before) - 1, len(before) + len(during)
    assert (found.after, found.before) == ((1, 3 * last), (1, 3 * first))
    assert math.copysign(1, found.change) == math.copysign(1, jump)
    assert math.log1p(found.change) == pytest.approx(jump, abs=2 * FLOOR)
    for number in range(len(changes)):
        for place in ((1, 3 * number - 1), (1, 3 * number), (1, 3 * number + 1)):
            assert found.covers(place) is (3 * last < place[1] < 3 * first)


@given(USUAL, st.lists(QUIET, min_size=5, max_size=20), st.integers(2, 4))
def test_what_has_not_returned_is_still_open(usual: float, quiet: list[float], last: int) -> None:
    changes = [*quiet, *([1.0] * min(last, len(quiet) - 1))]
    (found,) = windows(placed([usual * math.exp(change) for change in changes]))
    assert found.before is None
    assert found.after == (1, 3 * (len(quiet) - 1))
    assert found.covers((1, 10_000))
    assert found.covers((2, 0))


@given(USUAL, st.integers(2, 4), st.lists(QUIET, min_size=5, max_size=20))
def test_one_from_the_start_has_no_beginning(usual: float, first: int, quiet: list[float]) -> None:
    changes = [*([1.0] * min(first, len(quiet) - 1)), *quiet]
    (found,) = windows(placed([usual * math.exp(change) for change in changes]))
    assert found.after is None
    assert found.covers((0, 0))
    assert not found.covers((1, 10_000))


@given(USUAL, st.lists(QUIET, min_size=5, max_size=20), st.data(), JUMPS)
def test_one_odd_value_anywhere_is_no_drift_and_the_last_one_is_to_be_confirmed(
    usual: float, changes: list[float], data: st.DataObject, jump: float
) -> None:
    place = data.draw(st.integers(0, len(changes) - 1))
    changes[place] += jump
    found = placed([usual * math.exp(change) for change in changes])
    assert windows(found) == []
    assert unconfirmed({"here": found}) == ({"here"} if place == len(changes) - 1 else set())


@given(USUAL, st.lists(QUIET, min_size=5, max_size=20), st.lists(JUMPS, min_size=2, max_size=2))
def test_a_second_odd_value_confirms_it(usual: float, quiet: list[float], odd: list[float]) -> None:
    found = placed([usual * math.exp(change) for change in [*quiet, *odd]])
    assert len(windows(found)) == 1
    assert unconfirmed({"here": found}) == set()


@given(st.lists(USUAL, max_size=MIN_ANCHOR_VALUES - 1))
def test_too_few_say_nothing(values: list[float]) -> None:
    assert windows(placed(values)) == []


@given(st.lists(st.floats(0.5, 2), max_size=30))
def test_windows_are_in_order_and_apart(values: list[float]) -> None:
    found = windows(placed(values))
    ends = [end for w in found for end in (w.after or (0, 0), w.before or (9, 9))]
    assert ends == sorted(ends)


def test_a_revision_comes_after_all_of_the_one_before() -> None:
    window = Window((1, 500), (2, 3), 0.5)
    assert window.covers((1, 501))
    assert window.covers((2, 0))
    assert not window.covers((1, 500))
    assert not window.covers((2, 3))
    assert not window.covers((2, 4))


@pytest.mark.parametrize(
    ("first", "other", "change"),
    [
        ([2.0, 2.0], [2.9, 2.9], None),  # of so few values nothing tells the noise
        ([2.0, 2.0], [10.0, 10.0], 4.0),
        ([2.0, 9.0], [10.0, 10.0], None),  # one of each machine may be odd
        ([2.0, 2.0], [10.0, 2.0], None),
        ([2.0], [10.0, 10.0], None),
        ([2.0, 2.02, 1.98], [10.0], None),
        ([2.0, 2.02, 1.98], [2.3, 2.31, 2.29], 0.15),
        ([2.0, 2.02, 1.98], [2.1, 2.12, 2.08], None),
        ([2.0, 3.0, 2.0, 3.0], [4.0, 5.0, 4.0], None),  # as noisy as that
        ([2.0, 2.0, 2.0], [0.4, 0.4, 0.4], -0.8),
        ([2.0], [], None),
    ],
)
def test_machines_are_held_against_the_first(
    first: list[float], other: list[float], change: float | None
) -> None:
    later = [((trial[0] + 1, trial[1]), value) for trial, value in placed(other)]
    expected = {} if change is None else {"other": pytest.approx(change)}
    assert deviations({"other": later, "first": placed(first)}) == expected


def test_the_first_value_of_another_machine_is_to_be_confirmed_where_it_differs() -> None:
    first = placed([2.0, 2.02, 1.98, 2.0])
    assert unconfirmed({"first": first, "other": [((2, 0), 2.4)]}) == {"other"}
    assert unconfirmed({"first": first, "other": [((2, 0), 2.02)]}) == set()
    assert unconfirmed({"first": first, "other": [((2, 0), 2.4), ((2, 1), 2.4)]}) == set()

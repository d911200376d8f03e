"""The pool: what is left of a plan, in its order, each configuration once."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.explore.pool import Pool
from tests.study.studies import planned, small_space

if TYPE_CHECKING:
    from dse.types import Configuration

PLAN = planned(small_space())
DONE = st.sets(st.sampled_from(PLAN.configurations))


def left(pool: Pool) -> list[Configuration]:
    """Takes everything, first by first."""
    found = []
    while len(pool):
        found.append(pool.first())
        pool.take(found[-1])
    return found


@given(DONE)
def test_it_holds_the_plan_without_what_is_done(done: set[Configuration]) -> None:
    pool = Pool(PLAN, (configuration.key for configuration in done))
    assert len(pool) == len(PLAN.configurations) - len(done)
    assert left(pool) == [c for c in PLAN.configurations if c not in done]


@given(DONE, st.integers())
def test_drawing_and_taking_empties_it(done: set[Configuration], seed: int) -> None:
    pool, drawn = Pool(PLAN, (c.key for c in done)), []
    rng = random.Random(seed)  # noqa: S311
    while len(pool):
        drawn.append(pool.draw(rng))
        assert pool.find(pool.values(drawn[-1])) == drawn[-1]
        pool.take(drawn[-1])
        assert pool.find(pool.values(drawn[-1])) is None
    assert len(drawn) == len(set(drawn))
    assert set(drawn) | done == set(PLAN.configurations)


@given(DONE)
def test_what_is_not_in_it_is_not_found_and_can_not_be_taken(done: set[Configuration]) -> None:
    pool = Pool(PLAN, (configuration.key for configuration in done))
    for configuration in PLAN.configurations:
        if configuration in done:
            assert pool.find(pool.values(configuration)) is None
            with pytest.raises(KeyError):
                pool.take(configuration)
        else:
            assert pool.find(pool.values(configuration)) == configuration
    assert len(pool) == len(PLAN.configurations) - len(done)


def test_values_of_inactive_parameters_do_not_count() -> None:
    pool = Pool(PLAN, ())
    plain = next(c for c in PLAN.configurations if c.backend == "replay")
    assert pool.find({**pool.values(plain), "null.delay_ms": 2.5}) == plain


def test_keys_of_other_spaces_are_ignored() -> None:
    assert len(Pool(PLAN, ["0" * 16])) == len(PLAN.configurations)


def test_every_configuration_is_drawn_about_as_often_as_the_others() -> None:
    pool = Pool(PLAN, ())
    rng = random.Random(0)  # noqa: S311
    counts = dict.fromkeys(PLAN.configurations, 0)
    for _ in range(200 * len(counts)):
        counts[pool.draw(rng)] += 1
    assert 150 < min(counts.values()) <= max(counts.values()) < 250

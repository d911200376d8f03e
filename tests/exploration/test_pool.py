"""The pool: what is left of a plan, in its order, each configuration once."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.exploration._pool import Pool
from dse.space.plan import parameter_values
from tests.study.studies import planned, small_space

if TYPE_CHECKING:
    from dse.core.configuration import Configuration, KnobValue

PLAN = planned(small_space())
ANY = st.sampled_from(PLAN.configurations)
SOME = st.sets(ANY)
NOT_ALL = st.sets(ANY, max_size=len(PLAN.configurations) - 1)
VALUES = st.fixed_dictionaries({p.name: st.sampled_from(p.choices) for p in PLAN.parameters})
SEEDS = st.integers(0, 2**32)


def pool_without(done: set[Configuration]) -> Pool:
    return Pool(PLAN, (configuration.key for configuration in done))


def left(pool: Pool) -> list[Configuration]:
    """Takes everything, first by first."""
    found = []
    while len(pool):
        found.append(pool.first())
        pool.take(found[-1])
    return found


def distance(one: dict[str, KnobValue], other: dict[str, KnobValue]) -> int:
    """In how many parameters two configurations differ; one that only one of them has counts."""
    return sum(one.get(name) != other.get(name) for name in {**one, **other})


@given(SOME)
def test_it_holds_the_plan_without_what_is_done(done: set[Configuration]) -> None:
    pool = pool_without(done)
    assert len(pool) == pool.left == len(PLAN.configurations) - len(done)
    assert left(pool) == [c for c in PLAN.configurations if c not in done]


@given(SOME, SOME, SEEDS)
def test_it_may_be_restricted(
    done: set[Configuration], only: set[Configuration], seed: int
) -> None:
    pool = Pool(PLAN, (c.key for c in done), frozenset(c.key for c in only))
    wanted = [c for c in PLAN.configurations if c in only and c not in done]
    assert len(pool) == pool.left == len(wanted)
    assert all(c in pool for c in wanted)
    if wanted:
        assert pool.draw(random.Random(seed)) in wanted  # noqa: S311
        assert pool.nearest(parameter_values(PLAN.configurations[0]), random.Random(seed)) in wanted  # noqa: S311
    assert left(pool) == wanted


@given(SOME, SEEDS)
def test_drawing_and_taking_empties_it(done: set[Configuration], seed: int) -> None:
    pool, drawn = pool_without(done), []
    rng = random.Random(seed)  # noqa: S311
    while len(pool):
        drawn.append(pool.draw(rng))
        assert drawn[-1] in pool
        pool.take(drawn[-1])
        assert drawn[-1] not in pool
    assert len(drawn) == len(set(drawn))
    assert set(drawn) | done == set(PLAN.configurations)


@given(SOME)
def test_what_is_not_in_it_can_not_be_taken(done: set[Configuration]) -> None:
    pool = pool_without(done)
    for configuration in PLAN.configurations:
        assert (configuration in pool) is (configuration not in done)
        if configuration in done:
            with pytest.raises(KeyError):
                pool.take(configuration)
    assert len(pool) == len(PLAN.configurations) - len(done)


@given(NOT_ALL, SEEDS)
def test_what_is_left_is_the_nearest_to_itself(done: set[Configuration], seed: int) -> None:
    pool = pool_without(done)
    for configuration in set(PLAN.configurations) - done:
        found = pool.nearest(parameter_values(configuration), random.Random(seed))  # noqa: S311
        assert found == configuration


@given(NOT_ALL, VALUES, SEEDS)
def test_nothing_left_is_nearer_than_the_nearest(
    done: set[Configuration], values: dict[str, KnobValue], seed: int
) -> None:
    wanted = parameter_values(PLAN.configuration(values))
    found = pool_without(done).nearest(values, random.Random(seed))  # noqa: S311
    assert found not in done
    open_ = [c for c in PLAN.configurations if c not in done]
    nearest = min(distance(parameter_values(c), wanted) for c in open_)
    assert distance(parameter_values(found), wanted) == nearest


@given(VALUES)
def test_each_of_the_nearest_is_found_sometimes(values: dict[str, KnobValue]) -> None:
    gone = PLAN.configuration(values)
    pool, wanted = pool_without({gone}), parameter_values(gone)
    distances = {c: distance(parameter_values(c), wanted) for c in left(pool_without({gone}))}
    rng = random.Random(0)  # noqa: S311
    found = {pool.nearest(values, rng) for _ in range(150)}
    assert found == {c for c, d in distances.items() if d == min(distances.values())}


def test_values_of_inactive_parameters_do_not_count() -> None:
    pool = Pool(PLAN, ())
    plain = next(c for c in PLAN.configurations if c.backend == "replay")
    values = {**parameter_values(plain), "null.delay_ms": 2.5}
    assert pool.nearest(values, random.Random(0)) == plain  # noqa: S311


@given(NOT_ALL, SOME, SOME, VALUES, SEEDS)
def test_what_is_set_aside_is_not_offered_until_it_no_longer_is(
    done: set[Configuration],
    before: set[Configuration],
    aside: set[Configuration],
    values: dict[str, KnobValue],
    seed: int,
) -> None:
    pool = pool_without(done)
    pool.reserve(before.__contains__)
    pool.reserve(aside.__contains__)
    assert pool.reserved == len(aside - done)
    assert pool.left == len(pool) + pool.reserved == len(PLAN.configurations) - len(done)
    rng = random.Random(seed)  # noqa: S311
    if len(pool):
        offered = {pool.first(), pool.draw(rng), pool.nearest(values, rng)}
        assert not offered & (done | aside)
    for configuration in aside - done:
        assert configuration in pool
        pool.take(configuration)
    assert pool.reserved == 0
    pool.reserve(lambda _: False)
    assert left(pool) == [c for c in PLAN.configurations if c not in done | aside]


def test_keys_of_other_spaces_are_ignored() -> None:
    assert len(Pool(PLAN, ["0" * 16])) == len(PLAN.configurations)


def test_every_configuration_is_drawn_about_as_often_as_the_others() -> None:
    pool = Pool(PLAN, ())
    rng = random.Random(0)  # noqa: S311
    counts = dict.fromkeys(PLAN.configurations, 0)
    for _ in range(200 * len(counts)):
        counts[pool.draw(rng)] += 1
    assert 150 < min(counts.values()) <= max(counts.values()) < 250

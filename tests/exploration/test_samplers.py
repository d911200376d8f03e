"""What every sampler must do, whatever it knows: a contract that each of them has to pass."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution
from optuna.trial import create_trial

from dse.core.measurement import FailureKind
from dse.core.pareto import nondominated
from dse.exploration._optuna_samplers import OptunaSampler, _thinned
from dse.exploration._pool import Pool
from dse.exploration._samplers import SAMPLERS, make_sampler
from dse.study.record import Record
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import failed, outcome, planned, small_space

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna.trial import FrozenTrial

    from dse.core.configuration import Configuration
    from dse.space.space import SearchSpace

SPACE = small_space()
EVERYTHING = set(planned(SPACE).configurations)
SMALL = small_space(batch_sizes=1)
IMPOSSIBLE = small_space(constraints={"latency_p90_ms": {"max": 0}})


@pytest.mark.parametrize("name", SAMPLERS)
class TestContract:
    """Explores by hand, each time from what is known: what counts is what is proposed."""

    def explored(
        self,
        known: list[Record],
        name: str,
        space: SearchSpace = SPACE,
        most: int | None = None,
        seed: int = 0,
    ) -> list[Configuration]:
        """Adds to what is known until nothing is left, or so many are added; returns these."""
        pool = Pool(planned(space), (record.configuration.key for record in known))
        sampler = make_sampler(name, pool, space, seed + len(known))
        begun = len(known)
        for record in known:
            sampler.learn(record)
        while len(pool) and (most is None or len(known) < begun + most):
            configuration = sampler.propose()
            pool.take(configuration)
            known.append(Record(len(known), configuration, outcome(configuration)))
            sampler.learn(known[-1])
        return [record.configuration for record in known[begun:]]

    def test_proposes_every_configuration_once(self, name: str) -> None:
        known: list[Record] = []
        proposed = self.explored(known, name)
        assert len(proposed) == len(EVERYTHING)
        assert set(proposed) == EVERYTHING
        assert self.explored(known, name) == []

    def test_a_seed_gives_the_same_proposals(self, name: str) -> None:
        orders = [self.explored([], name, seed=seed, most=11) for seed in (7, 7, 8)]
        assert orders[0] == orders[1]
        assert (orders[0] == orders[2]) is (name == "grid")

    def test_resumes_without_repeating(self, name: str) -> None:
        known: list[Record] = []
        parts = [self.explored(known, name, SMALL, most=most) for most in (1, 4, 0, None)]
        proposed = [configuration for part in parts for configuration in part]
        assert [len(part) for part in parts] == [1, 4, 0, 5]
        assert set(proposed) == set(planned(SMALL).configurations)

    def test_one_configuration(self, name: str) -> None:
        one = small_space(models=["a"], backends=["null"], threads=1, batch_sizes=1)
        assert len(self.explored([], name, one)) == 1

    def test_a_single_objective(self, name: str) -> None:
        space = small_space(objectives=["latency_p90_ms"], batch_sizes=1, models=["a", "b", "c"])
        assert len(self.explored([], name, space)) == 15

    def test_constraints_that_nothing_meets(self, name: str) -> None:
        assert len(self.explored([], name, IMPOSSIBLE, most=12)) == 12

    @pytest.mark.parametrize("kind", [FailureKind.UNSUPPORTED, FailureKind.CRASH])
    def test_where_everything_fails(self, name: str, kind: FailureKind) -> None:
        pool, proposed = Pool(planned(SMALL), ()), []
        sampler = make_sampler(name, pool, SMALL, 0)
        while len(pool):
            proposed.append(sampler.propose())
            pool.take(proposed[-1])
            sampler.learn(Record(len(proposed), proposed[-1], failed(kind)))
        assert len(proposed) == 10
        assert set(proposed) == set(planned(SMALL).configurations)

    def test_what_others_measure_is_not_proposed(self, name: str) -> None:
        pool = Pool(planned(SPACE), ())
        sampler = make_sampler(name, pool, SPACE, 0)
        pool.reserve(lambda c: c.batch_size == 1)
        for number in range(len(pool)):
            configuration = sampler.propose()
            assert configuration.batch_size == 2
            pool.take(configuration)
            sampler.learn(Record(number, configuration, outcome(configuration)))
        assert len(pool) == 0

    def test_a_space_that_grew(self, name: str) -> None:
        known: list[Record] = []
        before = self.explored(known, name, SMALL)
        wide = small_space(models=["a", "c", "b"], batch_sizes=1)
        proposed = self.explored(known, name, wide)
        assert set(proposed) == set(planned(wide).configurations) - set(before)
        assert len(set(proposed)) == len(proposed)


STOCK = ("nsga2", "tpe")
WIDE = small_space(models=[f"m{number}" for number in range(12)])
SHORT = 40
"""The longest a sampler's study gets in these tests."""


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dse.exploration._optuna_samplers.MAX_TRIALS", SHORT)
    monkeypatch.setattr("dse.exploration._optuna_samplers.KEPT", SHORT // 2)


def walk(sampler: OptunaSampler, pool: Pool, *, failing: bool = False) -> Iterator[Configuration]:
    """Proposes, takes and learns until nothing is left."""
    number = 0
    while len(pool):
        configuration = sampler.propose()
        pool.take(configuration)
        found = failed() if failing else outcome(configuration)
        sampler.learn(Record(number, configuration, found))
        number += 1
        yield configuration


def stock(name: str, pool: Pool, seed: int = 0) -> OptunaSampler:
    made = make_sampler(name, pool, WIDE, seed)
    assert isinstance(made, OptunaSampler)
    return made


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", STOCK)
class TestLongStudies:
    """A stock sampler's own study is thinned again and again."""

    @pytest.mark.parametrize("failing", [False, True])
    def test_it_stays_short_and_proposes_everything_once(self, name: str, failing: bool) -> None:
        pool = Pool(planned(WIDE), ())
        sampler, proposed = stock(name, pool), []
        for configuration in walk(sampler, pool, failing=failing):
            proposed.append(configuration)
            study = sampler._study
            assert study is None or len(study.trials) <= SHORT + 1  # one to tell the first tags
            assert len(sampler._history) <= SHORT
        assert len(proposed) == 120
        assert set(proposed) == set(planned(WIDE).configurations)

    def test_a_seed_gives_the_same_proposals(self, name: str) -> None:
        orders = []
        for seed in (5, 5, 6):
            pool = Pool(planned(WIDE), ())
            orders.append(list(walk(stock(name, pool, seed), pool)))
        assert orders[0] == orders[1] != orders[2]

    def test_what_is_learnt_before_the_first_proposal_is_thinned_as_well(self, name: str) -> None:
        plan = planned(WIDE)
        pool = Pool(plan, ())
        sampler = stock(name, pool)
        for number, configuration in enumerate(plan.configurations[:100]):
            pool.take(configuration)
            sampler.learn(Record(number, configuration, outcome(configuration)))
        assert SHORT // 2 <= len(sampler._history) < SHORT
        assert sampler.propose() in pool


def test_nsga2_goes_on_from_what_is_known() -> None:
    """Its parents are the best of what was measured, not a first generation drawn anew."""
    pool = Pool(planned(WIDE), ())
    known = stock("nsga2", pool)
    for number, configuration in enumerate(planned(WIDE).configurations[::2]):
        pool.take(configuration)
        known.learn(Record(number, configuration, outcome(configuration)))
    known.propose()
    assert known._study is not None
    (generation,) = {tag for t in known._study.trials[1:-1] for tag in t.system_attrs.values()}
    assert generation == 0
    assert set(known._study.trials[-1].system_attrs.values()) == {1}


VALUES = st.tuples(*(st.integers(0, 6).map(float) for _ in DEFAULT_OBJECTIVES))


def trial_of(values: tuple[float, ...], missed: float) -> FrozenTrial:
    choice = CategoricalDistribution(("a",))
    return create_trial(
        values=list(values),
        params={"x": "a"},
        distributions={"x": choice},
        constraints={"latency_p90_ms.max": missed},
    )


@given(st.lists(st.tuples(VALUES, st.sampled_from([-1.0, 0.0, 0.5, 2.0])), max_size=120))
def test_thinning_keeps_the_best_and_some_of_the_others(
    points: list[tuple[tuple[float, ...], float]],
) -> None:
    most = 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dse.exploration._optuna_samplers.KEPT", most)
        trials = [trial_of(*point) for point in points]
        kept = _thinned(trials, DEFAULT_OBJECTIVES, random.Random(0))  # noqa: S311
    places = [next(i for i, t in enumerate(trials) if t is each) for each in kept]
    assert places == sorted(set(places))
    assert len(kept) == min(most, len(trials))
    allowed = [i for i, (_, missed) in enumerate(points) if missed <= 0]
    values = [dict(zip(DEFAULT_OBJECTIVES, points[i][0], strict=True)) for i in allowed]
    best = {allowed[i] for i in nondominated(values, DEFAULT_OBJECTIVES)}
    assert len(best & set(places)) >= min(len(best), most // 2)
    if not allowed and points:
        amounts = [missed for _, missed in points]
        nearest = sorted(amounts)[: most // 2]
        assert sorted(amounts[i] for i in places)[: most // 2] == nearest

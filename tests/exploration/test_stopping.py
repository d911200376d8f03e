"""When the rest of a space is left out."""

from __future__ import annotations

import pytest

from dse.core.measurement import Measurement, Outcome, Source
from dse.exploration._pool import Pool
from dse.exploration._samplers import make_sampler
from dse.exploration.stopping import MIN_AGREEING, MIN_OUTCOMES, StoppingRule
from dse.study.record import Record
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import outcome, planned, small_space

SPACE = small_space(models=[f"m{number}" for number in range(8)])
EQUAL = Outcome(tuple(Measurement(n, 5.0, "key", Source.MEASURED) for n in DEFAULT_OBJECTIVES))


def steps(sampler: str, least_gain: float, *, equal: bool) -> tuple[int, list[float]]:
    """How many configurations are measured before it is enough, and what was estimated."""
    pool = Pool(planned(SPACE), ())
    chooser = make_sampler(sampler, pool, SPACE, 0)
    told: list[float] = []
    enough = StoppingRule(chooser, least_gain, told.append)
    count = 0
    while len(pool) and not enough.should_stop(count):
        configuration = chooser.propose()
        pool.take(configuration)
        result = EQUAL if equal else outcome(configuration)
        chooser.learn(Record(count, configuration, result))
        count += 1
    return count, told


def test_the_rest_is_left_out_where_it_promises_nothing() -> None:
    count, told = steps("frontier", 0.05, equal=True)
    assert MIN_OUTCOMES + MIN_AGREEING - 1 <= count < len(planned(SPACE).configurations)
    assert all(share > 1 / 1.05 for share in told[-MIN_AGREEING:])


def test_what_no_model_explains_is_gone_on_with_for_longer() -> None:
    few, _ = steps("frontier", 0.05, equal=True)
    many, told = steps("frontier", 0.05, equal=False)
    assert many > few
    assert all(0 < share <= 1 for share in told)


def test_never_where_no_gain_is_small_enough() -> None:
    assert steps("frontier", 0.0, equal=True) == (len(planned(SPACE).configurations), [])


@pytest.mark.parametrize("name", ["grid", "random", "nsga2", "tpe"])
def test_samplers_that_do_not_know_measure_everything(name: str) -> None:
    assert steps(name, 0.5, equal=True) == (len(planned(SPACE).configurations), [])


def test_a_study_that_had_enough_has_enough_before_its_next_step() -> None:
    measured, _ = steps("frontier", 0.05, equal=True)
    pool = Pool(planned(SPACE), ())
    chooser = make_sampler("frontier", pool, SPACE, 0)
    for number in range(measured):
        configuration = chooser.propose()
        pool.take(configuration)
        chooser.learn(Record(number, configuration, EQUAL))
    told: list[float] = []
    assert StoppingRule(chooser, 0.05, told.append).should_stop(measured)
    assert len(told) == MIN_AGREEING

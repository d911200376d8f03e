"""Metrics of a user, computed from what is known of a point: values, intervals, what is missing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.metrics import LATENCY, MODEL_SIZE, THROUGHPUT
from dse.derived.derivation import Derivation
from dse.derived.point import Inputs, Machine, Value
from dse.tasks.image_classification._quality import ACCURACY

if TYPE_CHECKING:
    from dse.derived.assessor import Evaluator

POSITIVE = st.floats(0.1, 1e4)
FACTORS = st.floats(1.0, 2.0)


def assessor(*metrics: str, where: list[str] | None = None, cores: int | None = 4) -> Evaluator:
    derivation = Derivation.parse(metrics, where or [])
    derivation.check({"streams"})
    return derivation.assessor(Machine.of(cpu="AMD", cores=cores))


def known(**values: float) -> Inputs:
    names = {"latency": LATENCY, "throughput": THROUGHPUT, "accuracy": ACCURACY, "size": MODEL_SIZE}
    return Inputs(
        {"backend": "litert", "threads": 2}, {names[n].name: v for n, v in values.items()}
    )


def bounded(
    throughput: float, latency: float, spread: float, other: float, accuracy: float = 50.0
) -> Inputs:
    """Intervals that are a factor up and down."""
    return Inputs(
        {"threads": 2},
        {THROUGHPUT.name: throughput, LATENCY.name: latency, ACCURACY.name: accuracy},
        {
            THROUGHPUT.name: (throughput / spread, throughput * spread),
            LATENCY.name: (latency / other, latency * other),
        },
        {THROUGHPUT.name: "t", LATENCY.name: "l"},
    )


def only(amount: Value | None) -> Value:
    assert amount is not None
    return amount


def test_a_metric_may_use_those_before_it_facts_and_fields() -> None:
    assess = assessor("a = throughput_samples_per_s / cores", "b = a * threads").assess
    found = assess(known(throughput=100))
    assert {name: each.value for name, each in found.amounts.items()} == {"a": 25.0, "b": 50.0}
    assert found.missing == {}
    assert found.kept


def test_what_is_missing_makes_missing_and_never_0() -> None:
    assess = assessor(
        "a = throughput_samples_per_s / cores",
        "b = a * 2",
        "c = 1 / (threads - 2)",
        "d = streams",
        "e = min(b, c)",
        "f = threads",
        cores=None,
    ).assess
    found = assess(known(throughput=100))
    assert found.missing == {
        **dict.fromkeys("abe", "cores"),
        "c": "division by zero",
        "d": "streams",
    }
    assert {name: each.value for name, each in found.amounts.items()} == {"f": 2.0}


@pytest.mark.parametrize(
    ("where", "kept", "undecided"),
    [
        (["latency_p90_ms < 3"], True, None),
        (["latency_p90_ms < 1"], False, None),
        (["throughput_samples_per_s < 1"], False, "throughput_samples_per_s"),
        (["throughput_samples_per_s < 1 and threads > 2"], False, None),
        (["throughput_samples_per_s < 1", "threads > 2"], False, None),
        (["threads > 2", "throughput_samples_per_s < 1"], False, None),
        (["throughput_samples_per_s < 1 or threads == 2"], True, None),
        (["a > 1"], False, "throughput_samples_per_s"),
        (["a_low > 1"], False, "throughput_samples_per_s"),
        (["b == 4 and b_low == 4 and b_high == 4"], True, None),
        (["latency_p90_ms_low > 1"], False, "latency_p90_ms_low"),
        (["cpu == 'AMD' and cores == 4"], True, None),
        (["ghz > 1"], False, "ghz"),
        (["1 / (threads - 2) > 1"], False, "division by zero"),
    ],
)
def test_conditions_hold_or_not_or_are_not_decided(
    where: list[str], kept: bool, undecided: str | None
) -> None:
    assess = assessor("a = throughput_samples_per_s * 2", "b = threads ** 2", where=where).assess
    found = assess(known(latency=2.0))
    assert (found.kept, found.undecided) == (kept, undecided)


@given(POSITIVE, POSITIVE, FACTORS, FACTORS)
def test_the_interval_of_one_measured_value_is_that_value_at_its_ends(
    throughput: float, latency: float, spread: float, other: float
) -> None:
    point = bounded(throughput, latency, spread, other)
    found = assessor("a = throughput_samples_per_s * 3600 / cores", "b = 1 / a").assess(point)
    for name, ends in (
        ("a", (throughput / spread * 900, throughput * spread * 900)),
        ("b", (1 / (throughput * spread * 900), 1 / (throughput / spread * 900))),
    ):
        amount = only(found.amounts.get(name))
        assert amount.interval == pytest.approx(ends, rel=1e-9)
        assert amount.key is not None


@given(POSITIVE, POSITIVE, FACTORS, FACTORS)
def test_several_intervals_add_up_in_squares(
    throughput: float, latency: float, spread: float, other: float
) -> None:
    point = bounded(throughput, latency, spread, other)
    found = assessor("a = throughput_samples_per_s + latency_p90_ms").assess(point)
    amount = only(found.amounts.get("a"))
    low, high = amount.interval or (math.nan, math.nan)
    value = throughput + latency
    down = math.hypot(throughput - throughput / spread, latency - latency / other)
    up = math.hypot(throughput * spread - throughput, latency * other - latency)
    assert (low, high) == pytest.approx((value - down, value + up), rel=1e-6, abs=1e-9)
    # Never wider than if both were at their worst together.
    assert low >= throughput / spread + latency / other - 1e-6
    assert high <= throughput * spread + latency * other + 1e-6


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("threads * cores", (8.0, 8.0)),  # no measured value: exact
        ("accuracy_percent * 2", (100.0, 100.0)),  # does not vary from run to run: exact
        ("abs(latency_p90_ms - 10)", (0.0, 1.0)),  # both ends are on one side
        ("1 / (latency_p90_ms - 9)", None),  # no value at one end
        ("latency_p90_ms_high * 2", None),  # how certain an end is nobody knows
    ],
)
def test_intervals_of_other_forms(expression: str, expected: tuple[float, float] | None) -> None:
    point = Inputs(
        {"threads": 2},
        {ACCURACY.name: 50.0, LATENCY.name: 10.0},
        {LATENCY.name: (9.0, 11.0)},
    )
    amount = only(assessor(f"a = {expression}").assess(point).amounts.get("a"))
    assert amount.interval == expected


def test_a_timed_value_without_an_interval_gives_none() -> None:
    found = assessor("a = latency_p90_ms * 2", "b = a + accuracy_percent").assess(
        known(latency=2.0, accuracy=3.0)
    )
    assert [each.interval for each in found.amounts.values()] == [None, None]
    assert [each.key for each in found.amounts.values()] == [None, None]


def test_points_that_differ_in_nothing_that_counts_have_one_key() -> None:
    assess = assessor("a = latency_p90_ms * threads").assess
    one, same = bounded(1, 2, 1.5, 1.5), bounded(9, 2, 1.1, 1.5)
    more = Inputs({"threads": 4}, one.values, one.intervals, one.keys)
    again = Inputs(one.configuration, one.values, one.intervals, {**one.keys, LATENCY.name: "x"})
    keys = [only(assess(each).amounts.get("a")).key for each in (one, same, more, again)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_point_is_firm_where_its_intervals_keep_to_the_conditions() -> None:
    point = bounded(100, 10, 1.2, 1.2)
    for where, firm in (
        ([], True),
        (["latency_p90_ms < 13"], True),
        (["latency_p90_ms < 11"], False),
        (["latency_p90_ms > 9"], False),
        (["throughput_samples_per_s / latency_p90_ms > 9"], False),
        (["throughput_samples_per_s / latency_p90_ms > 8"], True),
        (["b > 9"], False),
    ):
        one = assessor("b = throughput_samples_per_s / latency_p90_ms", where=where)
        assert one.assess(point).kept
        assert one.holds_in_interval(point) is firm

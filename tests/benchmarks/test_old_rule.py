"""The rule of before: intervals of values, each on its own."""

from __future__ import annotations

from benchmarks.deciding import old_rule
from benchmarks.deciding.recording import Recording
from tests.benchmarks.recordings import TWINS, taken, twins, values

CLOSE = [(1.0, 1.02), (1.01, 0.99), (0.98, 1.01), (1.0, 1.0), (1.02, 0.98)]
APART = [(1.0, 2.0), (1.01, 2.02), (0.99, 1.97), (1.0, 2.0), (1.02, 2.01)]
ONE, OTHER = map(str, TWINS)


def test_what_lies_apart_is_decided() -> None:
    found = old_rule.points(twins(APART))
    assert old_rule.kept(found) == old_rule.certain(found) == {ONE}
    assert old_rule.surely_better(found, 1) == {(ONE, OTHER)}
    assert old_rule.surely_better(found, 2) == {(ONE, OTHER)}
    assert old_rule.surely_better(found, 0) == set()


def test_what_lies_close_stays_open() -> None:
    found = old_rule.points(twins(CLOSE))
    assert old_rule.kept(found) == {ONE, OTHER}
    assert old_rule.certain(found) == set()
    assert old_rule.surely_better(found, 1) == set()


def test_a_trade_of_quality_for_time_is_certain() -> None:
    made = twins(APART)
    better = taken(TWINS[1], values(2.0), quality=60.0)
    found = old_rule.points(Recording(made.machine, made.space, (*made.trials, better)))
    assert old_rule.certain(found) == {ONE, OTHER}


def test_single_values_decide_nothing() -> None:
    found = old_rule.points(twins(APART[:1]))
    assert old_rule.kept(found) == {ONE, OTHER}
    assert old_rule.certain(found) == set()


def test_what_was_measured_together_does_not_differ() -> None:
    made = twins(CLOSE)
    shared = [taken(c, {}, quality=50.0) for c in TWINS]
    points = old_rule.points(Recording(made.machine, made.space, (*made.trials, *shared)))
    value = points[ONE][1]
    assert not value.surely_less(value)
    assert points[ONE][0] == points[OTHER][0]

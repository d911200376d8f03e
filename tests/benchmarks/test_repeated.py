"""Runs of one exploration are compared by what their decisions say of each other."""

from __future__ import annotations

from benchmarks.deciding.repeated import Agreement, Decided, agreement, judge, text
from tests.benchmarks.recordings import TWINS, noisy, twins

ONE, OTHER = map(str, TWINS)
LATENCY = "latency_p90_ms"
APART = noisy(2.0)


def decided(*order: str, kept: str = "ab", certain: str = "", tied: bool = False) -> Decided:
    ordered = frozenset({(LATENCY, *order)}) if order else frozenset()
    ties = frozenset({(LATENCY, "a", "b")}) if tied else frozenset()
    return Decided(frozenset(kept), frozenset(certain), ordered, ties)  # type: ignore[arg-type]


def test_opposite_orders_are_counted() -> None:
    ab, ba = decided("a", "b"), decided("b", "a")
    assert agreement([ab, ab, ba]) == Agreement(3, 0, 0, ordered=3, opposite=2, tied=0)


def test_an_order_beside_a_tie_is_told_apart_from_an_opposite_one() -> None:
    found = agreement([decided("b", "a"), decided(tied=True)])
    assert found == Agreement(1, 0, 0, ordered=0, opposite=0, tied=1)


def test_a_certain_point_that_the_other_run_lacks_is_counted() -> None:
    found = agreement([decided(kept="ab", certain="b"), decided(kept="a", certain="a")])
    assert (found.changed, found.missing) == (1, 1)
    found = agreement([decided(kept="ab", certain="a"), decided(kept="a", certain="a")])
    assert (found.changed, found.missing) == (1, 0)


def test_a_run_is_judged_by_both_rules() -> None:
    run = judge(twins(APART, (50.0, 60.0)).as_dict())
    assert run.first == run.new.kept == run.new.certain == run.old.kept == {ONE, OTHER}
    assert (LATENCY, ONE, OTHER) in run.old.ordered
    assert run.new.ordered == run.old.ordered
    assert run.settling_s == 2 * 2 * 30
    turned = judge(twins([row[::-1] for row in APART], (60.0, 50.0)).as_dict())
    assert "| opposite orders |  | 2 | 2 |" in text([run, turned])

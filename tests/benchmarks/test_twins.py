"""What is counted of A/A studies: false orders, ties, intervals that hold the truth."""

from __future__ import annotations

from benchmarks.deciding.relations import Verdict
from benchmarks.deciding.twins import count, text
from tests.benchmarks.recordings import noisy, twins

EQUAL, APART = noisy(1.0), noisy(1.2)


def test_ties_and_false_orders_are_counted() -> None:
    found = count([twins(EQUAL).as_dict(), twins(EQUAL).as_dict()])
    assert (found.studies, found.false, found.rounds) == (2, 0, 30)
    assert found.verdicts == {**dict.fromkeys(Verdict, 0), Verdict.TIE: 4}
    assert found.covered == found.intervals > 0

    found = count([twins(EQUAL).as_dict(), twins(APART).as_dict()])
    assert (found.studies, found.false) == (2, 1)
    assert found.verdicts[Verdict.TIE] == 2
    assert "| one twin found better, after any round | 1 of 2 (50 %" in text(found)


def test_intervals_that_miss_the_truth_are_counted() -> None:
    studies = [noisy(1.0, 6)] * 8 + [noisy(1.0, 6, level=2.0)]
    found = count([twins(rows).as_dict() for rows in studies])
    assert (found.intervals, found.covered) == (9 * 2 * 2, 8 * 2 * 2)

"""What a reader is told of points that were left out and of metrics that are missing."""

from __future__ import annotations

from collections import Counter

from dse.derived.coverage import Coverage
from dse.derived.derivation import Derivation
from dse.derived.point import Evaluated

DERIVATION = Derivation.parse(["a [x] = threads", "b = 1 / a"], ["a > 1", "b < 2"], ["a:minimize"])


def point(*, kept: bool = True, undecided: str | None = None, **missing: str) -> Evaluated:
    return Evaluated({}, missing, kept, undecided)


def test_everything_is_counted_by_what_it_lacks() -> None:
    tally = Coverage.of(
        [
            point(),
            point(b="division by zero"),
            point(b="division by zero"),
            point(a="price", b="price"),
            point(kept=False),
            point(kept=False, undecided="watts", b="watts"),
            point(kept=False, undecided="price"),
            point(kept=False, undecided="watts"),
        ],
        Counter({"energy": 1}),
    )
    assert list(tally.lines(DERIVATION)) == [
        "a [x] = threads",
        "b = 1 / a",
        "b is missing for 3 points: division by zero (2), price (1)",
        "a is missing for 1 point: price (1)",
        "only where (a > 1) and (b < 2): 4 of 8 points",
        "3 points left out, for which that can't be decided: watts (2), price (1)",
        "1 point left out that have no value of an objective: energy (1)",
    ]
    assert tally.as_dict(DERIVATION) == {
        "derived": [
            {"name": "a", "unit": "x", "expression": "threads"},
            {"name": "b", "unit": "", "expression": "1 / a"},
        ],
        "missing": {"b": {"division by zero": 2, "price": 1}, "a": {"price": 1}},
        "where": {
            "conditions": ["a > 1", "b < 2"],
            "points": 8,
            "kept": 4,
            "undecided": {"watts": 2, "price": 1},
        },
        "lacking": {"energy": 1},
    }


def test_nothing_is_said_where_nothing_was_asked_for() -> None:
    tally = Coverage.of([point(), point()])
    assert list(tally.lines(Derivation())) == []
    assert tally.as_dict(Derivation()) == {}
    where = Derivation.parse(conditions=["threads > 1"])
    assert list(tally.lines(where)) == ["only where threads > 1: 2 of 2 points"]

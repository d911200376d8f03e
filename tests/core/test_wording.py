"""Numbers and their nouns agree, by one helper."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dse.core.wording import format_count, format_duration, join_some

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("number", "noun", "plural", "text"),
    [
        (0, "point", "", "0 points"),
        (1, "point", "", "1 point"),
        (1200, "sample", "", "1,200 samples"),
        (1.0, "CPU", "", "1 CPU"),
        (1.5, "CPU", "", "1.5 CPUs"),
        (2, "process", "processes", "2 processes"),
    ],
)
def test_the_noun_agrees(number: float, noun: str, plural: str, text: str) -> None:
    assert format_count(number, noun, plural) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (89.0, "89 s"),
        (90.0, "1.5 min"),
        (540.2, "9 min"),
        (599.0, "10 min"),
        (603.4, "10 min"),
        (5400.0, "1.5 h"),
        (40 * 3600.0, "1.7 d"),
        (99 * 86400.0, "99 d"),
    ],
)
def test_a_span_of_time_has_two_figures_of_its_largest_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_nobody_chooses_an_ending_by_hand() -> None:
    endings = {"s", "es"}
    for path in [*ROOT.glob("dse/**/*.py"), *ROOT.glob("backends/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.IfExp):
                chosen = {n.value for n in (node.body, node.orelse) if isinstance(n, ast.Constant)}
                assert not endings & chosen, f"{path}:{node.lineno}: use format_count"


@pytest.mark.parametrize(
    ("count", "text"), [(0, ""), (2, "0, 1"), (3, "0, 1, 2"), (1204, "0, 1, 2 and 1,201 more")]
)
def test_of_many_names_some_are_told(count: int, text: str) -> None:
    assert join_some(range(count), 3) == text

"""Numbers and their nouns agree, by one helper."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dse.core.wording import format_count

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


def test_nobody_chooses_an_ending_by_hand() -> None:
    endings = {"s", "es"}
    for path in [*ROOT.glob("dse/**/*.py"), *ROOT.glob("backends/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.IfExp):
                chosen = {n.value for n in (node.body, node.orelse) if isinstance(n, ast.Constant)}
                assert not endings & chosen, f"{path}:{node.lineno}: use format_count"

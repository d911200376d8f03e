"""What the options say, and how a complaint about them reads."""

from __future__ import annotations

import pytest

from dse.core.errors import RequestError
from dse.core.metrics import LATENCY
from dse.derived.definitions import Definition, Objective


@pytest.mark.parametrize(
    ("text", "name", "unit", "expression"),
    [
        ("a = b", "a", "", "b"),
        ("a=b", "a", "", "b"),
        ("  a  [ms/$]  =  b * 2  ", "a", "ms/$", "b * 2"),
        ("a[%]=b", "a", "%", "b"),
        ("a [] = b", "a", "", "b"),
        ("fast = 1 if b == 2 else 0", "fast", "", "1 if b == 2 else 0"),
        ("a = 1 if b <= 2 else 0", "a", "", "1 if b <= 2 else 0"),
    ],
)
def test_a_definition(text: str, name: str, unit: str, expression: str) -> None:
    made = Definition.parse(text)
    assert (made.name, made.unit, made.expression.text) == (name, unit, expression)
    assert made.heading == (f"{name} [{unit}]" if unit else name)
    assert str(made) == f"{made.heading} = {expression}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "--metric: '' defines no metric; write 'NAME = EXPRESSION'"),
        ("threads * 2", "--metric: 'threads * 2' defines no metric"),
        ("= 2", "--metric: '= 2' defines no metric"),
        ("a == 2", "--metric: 'a == 2' defines no metric"),
        ("a [x = 2", "--metric: 'a [x = 2' defines no metric"),
        ("A = 2", "--metric: 'A' is not a name"),
        ("2a = 2", "--metric: '2a' is not a name"),
        ("a.b = 2", "--metric: 'a.b' is not a name"),
        ("ä = 2", "--metric: 'ä' is not a name"),
        ("min = 2", "--metric: 'min' has a meaning in expressions"),
        ("threads = 2", "--metric: 'threads' is a name of what is measured"),
        ("cores = 2", "--metric: 'cores' is a name of what is measured"),
        ("latency_p90_ms_low = 2", "--metric: 'latency_p90_ms_low' is a name of what is measured"),
        ("x_high = 2", "--metric: 'x_high' is the name of a column of the tables"),
        ("a [" + "x" * 21 + "] = 2", "--metric: the unit of a is not a text of at most 20"),
        ("a [\x1b] = 2", "--metric: the unit of a is not a text of at most 20 characters"),
        ("a =", "--metric: the expression is empty"),
        ("a = b =", "--metric: 'b =' is not an expression"),
    ],
)
def test_what_is_no_definition(text: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        Definition.parse(text)
    assert str(caught.value).startswith(words)


def test_an_objective_has_a_direction() -> None:
    assert Objective.parse("a : maximize") == Objective("a", "maximize")
    assert Objective.parse("latency_p90_ms:maximize") == Objective(LATENCY.name, "maximize")
    assert Objective.parse("latency_p90_ms") == Objective(LATENCY.name, "minimize")
    for text in ("a", "a:", "a:up", "latency_p90_ms:", ":minimize:"):
        with pytest.raises(RequestError, match=f"--objective: '{text}' names no direction; write"):
            Objective.parse(text)

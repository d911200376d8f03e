"""Expressions: Python's arithmetic, three-valued logic, and nothing that does harm."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.derived._expression import Expression, Values
from dse.derived._grammar import MAX_CHARACTERS, MAX_EXPRESSION_DEPTH
from dse.derived._operations import FUNCTIONS, UndefinedError

if TYPE_CHECKING:
    from dse.core.configuration import KnobValue

Environment = Mapping[str, float]
Sample = tuple[str, Callable[[Environment], Any]]
"""The text of an expression, and what Python makes of it."""

NAMES = ("a", "b_c", "d2")
ENVIRONMENTS = st.fixed_dictionaries(
    {name: st.integers(-9, 9) | st.floats(-1e6, 1e6, allow_nan=False) for name in NAMES}
)
NUMBERS = st.integers(0, 99) | st.floats(0, 1e9, allow_nan=False)
OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "abs": abs,
    "sqrt": math.sqrt,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
}
LEAVES: st.SearchStrategy[Sample] = NUMBERS.map(
    lambda number: (repr(number), lambda _: number)
) | st.sampled_from(NAMES).map(lambda name: (name, lambda values: values[name]))


def _larger(inner: st.SearchStrategy[Sample]) -> st.SearchStrategy[Sample]:
    def binary(word: str, left: Sample, right: Sample) -> Sample:
        apply = OPERATORS[word]
        return f"({left[0]} {word} {right[0]})", lambda v: apply(left[1](v), right[1](v))

    def call(name: str, part: Sample) -> Sample:
        apply = PLAIN[name]
        return f"{name}({part[0]})", lambda v: apply(part[1](v))

    def extreme(name: str, parts: list[Sample]) -> Sample:
        apply: Callable[..., Any] = {"min": min, "max": max}[name]
        text = ", ".join(part[0] for part in parts)
        return f"{name}({text})", lambda v: apply(*(part[1](v) for part in parts))

    def chosen(word: str, yes: Sample, left: Sample, right: Sample) -> Sample:
        compare = COMPARISONS[word]
        text = f"({yes[0]} if {left[0]} {word} {right[0]} else {left[0]})"
        return text, lambda v: (yes if compare(left[1](v), right[1](v)) else left)[1](v)

    several = st.lists(inner, min_size=2, max_size=3)
    return (
        st.builds(binary, st.sampled_from(sorted(OPERATORS)), inner, inner)
        | st.builds(call, st.sampled_from(sorted(PLAIN)), inner)
        | st.builds(extreme, st.sampled_from(["min", "max"]), several)
        | st.builds(chosen, st.sampled_from(sorted(COMPARISONS)), inner, inner, inner)
        | inner.map(lambda part: (f"-{part[0]}", lambda v: -part[1](v)))
    )


SAMPLES = st.recursive(LEAVES, _larger, max_leaves=8).filter(lambda s: len(s[0]) < MAX_CHARACTERS)


def number(text: str, **values: KnobValue) -> float:
    return Expression(text, "--metric").number(Values(values))


def holds(text: str, **values: KnobValue) -> bool:
    return Expression(text, "--where").holds(Values(values))


def outcome(expression: Expression, values: Mapping[str, KnobValue]) -> float | str:
    """What it gives, or why it gives nothing."""
    try:
        return expression.number(Values(values))
    except (UndefinedError, RequestError) as error:
        return str(error)


@given(SAMPLES, ENVIRONMENTS)
def test_arithmetic_is_pythons(sample: Sample, values: Environment) -> None:
    text, compute = sample
    expression = Expression(text, "--metric")
    assert set(expression.names) <= set(NAMES)
    try:
        expected = float(compute(values))
    except (ZeroDivisionError, ValueError, OverflowError):
        expected = math.nan
    found = outcome(expression, values)
    # Somewhere on the way it may have been infinite, which Python takes along.
    if math.isfinite(expected) and not str(found).startswith("no finite"):
        assert found == expected
    else:
        assert isinstance(found, str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 ** 10", 1024.0),
        ("2 ** -1", 0.5),
        ("round(2.345, 2)", 2.35),
        ("round(2.6)", 3.0),
        ("round(1234, -2)", 1200.0),
        ("log(8, 2)", 3.0),
        ("1e3 + 1_000", 2000.0),
        (" 1 +\t2 ", 3.0),
        ("x if flag else 0", 5.0),
        ("x if not flag else 0", 0.0),
    ],
)
def test_numbers(text: str, expected: float) -> None:
    assert number(text, x=5, flag=True) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("backend == 'litert' and threads <= 2", True),
        ('backend != "litert"', False),
        ("backend in ('litert', 'onnxruntime')", True),
        ("backend not in ['litert']", False),
        ("'lite' in backend", True),
        ("threads in (1, 2, 4)", True),
        ("1 < threads <= 2", True),
        ("2 < threads < 1", False),
        ("pinned == true", False),
        ("pinned == True or not false", True),
        ("not pinned", True),
    ],
)
def test_conditions(text: str, expected: bool) -> None:
    assert holds(text, backend="litert", threads=2, pinned=False) is expected


THREE = {"yes": True, "no": False, "none": None}


@given(
    st.lists(st.sampled_from(sorted(THREE)), min_size=1, max_size=4),
    st.sampled_from(["and", "or"]),
)
def test_and_or_settle_what_can_be_settled_in_any_order(parts: list[str], word: str) -> None:
    """Kleene's logic: the result is what every way to fill the gaps agrees on."""
    join = all if word == "and" else any
    gaps = [name for name in parts if THREE[name] is None]
    known = [THREE[name] for name in parts if THREE[name] is not None]
    filled = {
        join([*known, *guess]) for guess in itertools.product((True, False), repeat=len(gaps))
    }
    values = Values({"yes": True, "no": False})
    for order in itertools.permutations(parts):
        text = f" {word} ".join(order)
        if len(order) == 1:
            text = f"({text}) {word} {text}"
        if len(filled) == 1:
            assert Expression(text, "--where").holds(values) is filled.copy().pop()
        else:
            with pytest.raises(UndefinedError, match="none"):
                Expression(text, "--where").holds(values)


def test_a_chain_is_settled_by_the_part_that_is_known() -> None:
    assert holds("5 < x < y", x=3) is False
    with pytest.raises(UndefinedError, match="y"):
        holds("1 < x < y", x=3)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("1 / 0", "division by zero"),
        ("1 // x", "division by zero"),
        ("1 % x", "division by zero"),
        ("x ** -1", "division by zero"),
        ("log(x)", "no finite log"),
        ("sqrt(-1)", "no finite sqrt"),
        ("(-8) ** 0.5", "no finite **"),
        ("10 ** 400", "no finite **"),
        ("1e300 * 1e300", "no finite *"),
        ("watts * 2", "watts"),
        ("1 if watts > 2 else 3", "watts"),
        ("gone + 1", "price"),
    ],
)
def test_what_has_no_value_says_why(text: str, cause: str) -> None:
    with pytest.raises(UndefinedError) as caught:
        Expression(text, "--metric").number(Values({"x": 0}, {"gone": "price"}))
    assert caught.value.cause == cause


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("backend > 3", "'>' can't compare text with a number"),
        ("backend < 'x'", "'<' compares numbers, not text"),
        ("threads == '2'", "'==' can't compare a number with text"),
        ("pinned == 1", "'==' can't compare true or false with a number"),
        ("backend + 'x' == 'y'", "'+' takes numbers, not text"),
        ("-backend == 1", "'-' takes numbers, not text"),
        ("pinned * 2 > 1", "'*' takes numbers, not true or false"),
        ("threads and pinned", "'and' takes comparisons, not a number"),
        ("not threads", "'not' takes comparisons, not a number"),
        ("1 > 0 if threads else pinned", "'if' takes comparisons, not a number"),
        ("threads in ('a', 1)", "'in' can't look for a number in text"),
        ("3 in backend", "'in' can't look for a number in text"),
        ("3 in threads", "'in' looks in lists and texts, not in a number"),
        ("round(2.5, 0.5) > 1", "'round' takes a whole number of digits"),
        ("threads", "gives a number, not true or false"),
        ("backend", "gives text, not true or false"),
    ],
)
def test_what_does_not_mix_is_refused(text: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        holds(text, backend="litert", threads=2, pinned=False)
    assert str(caught.value).startswith(f"--where: '{text}': {words}")


def test_a_metric_is_a_number() -> None:
    with pytest.raises(RequestError, match="gives true or false, not a number"):
        number("x > 1", x=2)
    with pytest.raises(RequestError, match="gives text, not a number"):
        number("x", x="2")


HOSTILE = [
    "",
    "   ",
    "\n",
    "\0",
    "x\0",
    "x +",
    "x = 3",
    "x == 3; y",
    "x\ny",
    "import os",
    "lambda: 1",
    "(lambda: 1)()",
    "__import__('os').system('true')",
    "().__class__.__bases__",
    "x.real",
    "'{}'.format(x)",
    "'a'.upper()",
    "f'{x}'",
    "'a' 'b'.x",
    "x[0]",
    "(1, 2)[0]",
    "(1, 2)",
    "[1, 2] == [1, 2]",
    "1 in (1, 2) < 3",
    "[y for y in (1, 2)]",
    "{1: 2}",
    "{1}",
    "(y := 3)",
    "await x",
    "*x",
    "x @ y",
    "x & y",
    "x | y",
    "x ^ y",
    "~x",
    "x << 9999999",
    "x is y",
    "None",
    "...",
    "1j",
    "b'x'",
    "1e999",
    "1" * 41,
    "open('x')",
    "eval('1')",
    "pow(2, 3)",
    "min",
    "min(x)",
    "min(*x)",
    "min(x, **y)",
    "abs(x=1)",
    "abs()",
    "abs(1, 2)",
    "round(1, 2, 3)",
    "x.min(1, 2)",
    "min.x",
    "'\\d' == x",
    "1if x else 2",
    "0x",
    "x" * (MAX_CHARACTERS + 1),
    "-" * 400 + "1",
    "not " * 100 + "x",
    "x" + " + x" * (MAX_EXPRESSION_DEPTH + 1),
    "[" * 250,
    "(" * 250,
    "f'{f'{x}'}'",
    "lambda:" * 70 + "1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_no_expression_may_say_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        Expression(text, "--where")
    assert caught.value.field == "--where"
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9 ** 9",
        "9999999999999999999999999999999999999999 ** 9999999999999999999999999999999999999999",
        "round(1, -999999999999)",
        "round(1, 999999999999)",
        "round(1e300, -(10 ** 18))",
        "1 < (1 < (1 < (1 < x < 2) < 2) < 2) < 2",
        "*".join(["9" * 39] * 12),
        "x" * 400 + " == x",
    ],
)
def test_nothing_takes_long(text: str) -> None:
    """A test that computed the digits of these powers would not end."""
    expression = Expression(text, "--metric")
    found = outcome(expression, {"x": 1})
    assert isinstance(found, str) or math.isfinite(found)


@given(st.text(max_size=40) | st.text("xy01+-*/()<>=. 'andorit[]{}:,_\\\"", max_size=40))
def test_any_text_is_an_expression_or_one_line_of_complaint(text: str) -> None:
    try:
        expression = Expression(text, "--metric")
    except RequestError as error:
        told = str(error)
    else:
        found = outcome(expression, dict.fromkeys(expression.names, 1))
        told = found if isinstance(found, str) else ""
        assert isinstance(found, str) or math.isfinite(found)
    assert "\n" not in told


def test_functions_have_no_other_meaning() -> None:
    for name in FUNCTIONS:
        with pytest.raises(RequestError, match=f"'{name}' is a function"):
            Expression(f"{name} + 1", "--metric")
    with pytest.raises(RequestError, match=r"no function is called 'logg'; did you mean 'log"):
        Expression("logg(2)", "--metric")

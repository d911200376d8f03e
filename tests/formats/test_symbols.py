"""What a file calls its dimensions: placeholders, names and expressions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.formats._symbols import MAX_SIZE, SizeExpression, SymbolError, is_placeholder, parse_size

SIZES = {"H": 224, "W": 225, "n": 5, "past": 0, "batch": 2, "size": 7}


@pytest.mark.parametrize(
    "text",
    ["", "None", "none", "?", "??", "*", "-1", "-2", "unk", "unk__123", "UNK_1", "unknown", "?_3"],
)
def test_placeholders_name_nothing(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text", ["N", "batch", "unk_height", "nonempty", "H-1", "any_size", "seq?", "dyn0", "1"]
)
def test_names_are_not_placeholders(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    "text", ["N", "batch_size", "batch size", "input.1", "dim:0", "batch-size", "/model/Shape_0"]
)
def test_plain_names(text: str) -> None:
    assert parse_size(text) == text


def test_a_hyphen_is_a_difference_where_both_sides_are_dimensions() -> None:
    found = parse_size("batch-size", {"batch", "size"})
    assert isinstance(found, SizeExpression)
    assert found.value({"batch": 9, "size": 2}) == 7


def test_digits_are_a_size() -> None:
    assert parse_size("224") == 224


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("past + 1", 1),
        ("2*n", 10),
        ("floor(H/2)", 112),
        ("floor(W/2)", 112),
        ("ceiling(W/2)", 113),
        ("(W - 1)//2 + 1", 113),
        ("W % 32", 1),
        ("Max(0, n - 6)", 0),
        ("Min(H, W)", 224),
        ("n**2", 25),
        ("-n + H", 219),
        ("H/7", 32),
        ("FloorDiv(W, 2)", 112),
        ("CeilDiv(W, 2)", 113),
        ("Mod(W, 32)", 1),
        ("floor((floor((W - 1)/2))/2) + 1", 57),
    ],
)
def test_expressions_are_computed(text: str, expected: int) -> None:
    found = parse_size(text)
    assert isinstance(found, SizeExpression)
    assert found.value(SIZES) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("W/2", "it comes to 225/2"),
        ("n - 6", "it comes to -1"),
        ("n // past", "it divides by 0"),
        ("H % past", "it divides by 0"),
        ("n ** 2 ** 9", "no rule for the power of 512"),
        ("past ** -1", "it divides by 0"),
        (f"n + {MAX_SIZE}", f"it comes to {MAX_SIZE + 5}"),
        ("(H ** 8) ** 8", "its numbers are too large"),
    ],
)
def test_what_has_no_size(text: str, words: str) -> None:
    found = parse_size(text)
    assert isinstance(found, SizeExpression)
    with pytest.raises(SymbolError) as caught:
        found.value(SIZES)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Piecewise((1, n > 2), (2, True))",
            "n +",
            "__import__('os').getcwd()",
            "exec('1')",
            "()",
        ),
        *("(lambda: 1)()", "[n][0]*1", "n.real + 1", "max(n, key=1)", "floor()", "floor(n, 2)"),
        *("1.5*n", "True + n", "'a' * 3", "n if n else 1 + 1", "max(*n)", f"{'n + ' * 60}n"),
        *("(" * 40 + "n" + ")" * 40 + " +", "-" * 40 + "n", f"n + {1 << 64}", "n\x00+1"),
    ],
)
def test_what_has_no_rule_is_refused(text: str) -> None:
    with pytest.raises(SymbolError, match=r"."):
        parse_size(text)


NAMES = st.sampled_from(["H", "n", "past"])
LEAVES = st.one_of(
    NAMES.map(lambda name: (name, name)),
    st.integers(0, 99).map(lambda number: (str(number), f"Fraction({number})")),
)


def _joined(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    """Pairs of the text that a file has and the one that Python computes exactly."""
    binary = st.builds(
        lambda a, op, b: tuple(f"({x} {op} {y})" for x, y in zip(a, b, strict=True)),
        inner,
        st.sampled_from(["+", "-", "*", "/", "//", "%"]),
        inner,
    )
    unary = inner.map(lambda a: (f"(-{a[0]})", f"(-{a[1]})"))
    called = st.builds(
        lambda name, a: (f"{name}({a[0]})", f"math.{name}({a[1]})"),
        st.sampled_from(["floor", "ceil"]),
        inner,
    )
    compared = st.builds(
        lambda name, a, b: (f"{name.title()}({a[0]}, {b[0]})", f"{name}({a[1]}, {b[1]})"),
        st.sampled_from(["max", "min"]),
        inner,
        inner,
    )
    return st.one_of(binary, unary, called, compared)


@given(
    st.recursive(LEAVES, _joined, max_leaves=8),
    st.fixed_dictionaries({name: st.integers(0, 300) for name in ("H", "n", "past")}),
)
def test_values_are_those_of_python(texts: tuple[str, str], sizes: dict[str, int]) -> None:
    text, python = texts
    found = parse_size(f"({text} + 0)")
    assert isinstance(found, SizeExpression)
    exact: dict[str, Any] = {name: Fraction(size) for name, size in sizes.items()}
    try:
        expected = Fraction(eval(python, {"Fraction": Fraction, "math": math}, exact))  # noqa: S307
    except ZeroDivisionError:
        with pytest.raises(SymbolError, match="divides by 0"):
            found.value(sizes)
        return
    if expected.denominator == 1 and 0 <= expected <= MAX_SIZE:
        assert found.value(sizes) == expected
    else:
        with pytest.raises(SymbolError, match=r"it comes to|too large"):
            found.value(sizes)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_size(text)
        if isinstance(found, SizeExpression):
            found.value(dict.fromkeys(found.names, 3))
    except SymbolError:
        pass

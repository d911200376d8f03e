"""The tables of a comparison, and the names in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.commands._compare_tables import MIN_NAME, short_names

SAME = "aws_a1.2xlarge-tflite_cpp-cpu-"


def test_names_that_fit_stay() -> None:
    assert short_names(["one", "two"], MIN_NAME) == ["one", "two"]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (40, [f"{SAME}armnn_tfl…", f"{SAME}tflite-vm…"]),
        (25, ["aws_a1.2xla…cpu-armnn_tf…", "aws_a1.2xla…cpu-tflite-v…"]),
    ],
)
def test_shortened_names_show_where_they_differ(width: int, expected: list[str]) -> None:
    names = [f"{SAME}armnn_tflite-v22.11-default_config", f"{SAME}tflite-vmaster-default_config"]
    assert short_names(names, width) == expected


def test_names_that_differ_at_their_ends_only() -> None:
    names = [f"{SAME}{SAME}one", f"{SAME}{SAME}two", f"{SAME}{SAME}"]
    shortened = short_names(names, MIN_NAME)
    assert len(set(shortened)) == 3
    assert [name[-3:] for name in shortened[:2]] == ["one", "two"]


@given(
    names=st.lists(st.text("ab-", min_size=1, max_size=60), min_size=2, max_size=2, unique=True),
    width=st.integers(MIN_NAME, 50),
)
def test_two_names_are_never_the_same(names: list[str], width: int) -> None:
    shortened = short_names(names, width)
    assert len(set(shortened)) == 2
    assert max(map(len, shortened)) <= width

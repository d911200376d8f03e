"""The tables of a comparison, and the names in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from dse.commands._compare_tables import (
    MIN_NAME,
    points_table,
    ranks_table,
    short_names,
    systems_table,
)
from dse.compare.comparison import compare
from dse.core.measurement import Source
from dse.core.metrics import LATENCY
from tests.compare.made import gathered, results, row

if TYPE_CHECKING:
    from dse.report.word_table import WordTable

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


def printed(table: WordTable, width: int) -> str:
    plain = Console(width=width, color_system=None)
    with plain.capture() as captured:
        plain.print(table)
    return captured.get()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_tables_fit_and_break_no_word_however_wide_intervals_are(width: int) -> None:
    systems = [
        results(
            f"study {n} of a machine",
            *(
                row(
                    "mobilenet-v3-large-minimalistic",
                    source=Source.MEASURED,
                    intervals={LATENCY.name: (value / 2, 99 * value)},
                    accuracy=accuracy,
                    latency=value,
                )
                for accuracy, value in ((65, 1234.5), (70, 2345.6), (75, 3456.7))
            ),
            cpu="AMD EPYC 9965 192-Core Processor",
            software="litert 2.3.0, onnxruntime 1.32.0, openvino 2026.1.0",
        )
        for n in range(3)
    ]
    comparison = compare(gathered(*systems), [65, 70, 75])
    order = comparison.sort()
    assert order is not None
    assert len(order.accuracies) == 3
    tables = (
        ranks_table(comparison, order, width),
        systems_table(comparison),
        points_table(comparison.systems[0]),
    )
    for table in tables:
        narrow = printed(table, width)
        assert max(map(len, narrow.splitlines())) <= width
        assert sorted(narrow.split()) == sorted(printed(table, 400).split())
    assert "1234.500 ±>999%" in printed(tables[0], 400)

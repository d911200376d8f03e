"""Ratios within rounds: slow noise cancels, outliers and the noise of other loads stay out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.core.measurement import Measurement, Source
from dse.core.metrics import LATENCY
from dse.study._ratios import Ratios
from dse.study.rounds import RoundPlace, RoundTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ONE_CPU, TWO_CPUS = (1, 1), (2, 2)


def take(
    table: RoundTable,
    number: int,
    values: Mapping[str, float],
    *,
    ended: int | None = None,
    disturbed: Sequence[str] = (),
) -> None:
    """A round; all of its trials end unless ``ended`` says how many do."""
    size = len(values)
    for position, (key, value) in enumerate(values.items()):
        place = RoundPlace(f"round {number}", position, size, "here")
        details = {"disturbed": "steal of 9 %"} if key in disturbed else {}
        table.add(
            place, Measurement(LATENCY.name, value, key, Source.MEASURED, "brief", details=details)
        )
        if position < (size if ended is None else ended):
            table.end(place, (1, number))


def ratios(table: RoundTable, *keys: str, **changes: tuple[int, int]) -> Ratios:
    kinds = dict.fromkeys(keys, ONE_CPU) | changes
    return Ratios(table, LATENCY, kinds)


def test_what_is_common_to_a_round_cancels() -> None:
    table, chooser = RoundTable(), np.random.default_rng(2)
    for number in range(30):
        common = math.exp(chooser.normal(0, 0.3))
        take(
            table,
            number,
            {
                "a": common * math.exp(chooser.normal(0, 0.01)),
                "b": 1.1 * common * math.exp(chooser.normal(0, 0.01)),
            },
        )
    known = ratios(table, "a", "b").rivals(("a", "b"))
    assert known.count == 30
    assert math.exp(-known.centre) == pytest.approx(1.1, rel=0.02)
    low, high = known.interval(0.05)
    assert (high - low) / 2 < 0.02


def test_a_round_that_was_cut_off_does_not_count() -> None:
    table = RoundTable()
    take(table, 0, {"a": 1.0, "b": 2.0})
    take(table, 1, {"a": 1.0, "b": 9.0}, ended=1)
    assert ratios(table, "a", "b").rivals(("a", "b")).centre == pytest.approx(-math.log(2))
    assert table.revision == 1


def test_a_disturbed_member_drops_its_own_ratios_only() -> None:
    table = RoundTable()
    for number in range(4):
        take(table, number, {"a": 1.0, "b": 2.0, "c": 4.0})
    take(table, 4, {"a": 1.0, "b": 2.0, "c": 9.0}, disturbed=["c"])
    found = ratios(table, "a", "b", "c")
    assert {pair: found.rivals(pair).count for pair in found.pairs} == {
        ("a", "b"): 5,
        ("a", "c"): 4,
        ("b", "c"): 4,
    }


def test_on_a_machine_that_is_never_quiet_all_rounds_count() -> None:
    table = RoundTable()
    for number in range(4):
        take(table, number, {"a": 1.0, "b": 2.0}, disturbed=["a", "b"] if number else [])
    assert ratios(table, "a", "b").rivals(("a", "b")).count == 4


def test_the_spread_is_that_of_pairs_of_the_same_load() -> None:
    table, chooser = RoundTable(), np.random.default_rng(3)
    for number in range(20):
        quiet = {key: math.exp(chooser.normal(0, 0.01)) for key in "abc"}
        take(table, number, quiet | {key: math.exp(chooser.normal(0, 0.2)) for key in "xyz"})
    found = ratios(table, *"abc", x=TWO_CPUS, y=TWO_CPUS, z=TWO_CPUS)
    assert found.rivals(("a", "b")).series.prior.sd == pytest.approx(0.014, rel=0.3)
    assert found.rivals(("x", "y")).series.prior.sd == pytest.approx(0.28, rel=0.3)


def test_rounds_are_in_the_order_in_which_they_began() -> None:
    """Those of other processes are learnt later, and the order of both is evidence."""
    table = RoundTable()
    for number in (3, 1, 2):
        take(table, number, {"a": 1.0 + number, "b": 1.0})
    assert ratios(table, "a", "b").rivals(("a", "b")).ours == (
        math.log(2),
        math.log(3),
        math.log(4),
    )


def test_what_is_not_asked_for_is_left_out() -> None:
    table = RoundTable()
    take(table, 0, {"a": 1.0, "b": 2.0, "c": 3.0})
    assert set(ratios(table, "a", "b").pairs) == {("a", "b")}
    left_out = Ratios(table, LATENCY, {"a": ONE_CPU, "b": ONE_CPU}, ["here"])
    assert not left_out.pairs

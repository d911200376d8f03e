"""Metrics of the user as columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.derived.derivation import Derivation
from dse.report.user_metrics import cell, figures, to_significant
from dse.report.view import View
from tests.study.studies import filled, small_space

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000"),
        (1.0, "1.000"),
        (-12.3456, "-12.35"),
        (9999.9, "10000"),
        (123456.7, "123457"),
        (0.00012345, "0.0001234"),
        (1e-9, "1e-09"),
        (1.23456e20, "1.235e+20"),
    ],
)
def test_a_value_has_its_significant_digits(value: float, text: str) -> None:
    assert to_significant(value) == text


@given(st.floats(-1e300, 1e300))
def test_what_is_shown_is_the_value(value: float) -> None:
    assert float(to_significant(value)) == pytest.approx(value, rel=6e-4)


def test_columns_have_what_is_known(tmp_path: Path) -> None:
    study = filled(tmp_path / "mine", small_space())
    derivation = Derivation.parse(
        ["a [x] = threads * 2", "b = delay_ms", "c = energy_per_sample_mj"]
    )
    view = View(study, derivation)
    records = list(study.records.values())
    found = figures(view, records)
    assert list(found) == ["a", "b", "c"]
    assert found["a"] == [2.0 * record.configuration.threads for record in records]
    knobs = [dict(record.configuration.knobs).get("delay_ms") for record in records]
    assert [None if math.isnan(each) else each for each in found["b"]] == knobs
    assert all(map(math.isnan, found["c"]))
    one = records[0]
    assert cell(view, one, "a") == to_significant(2.0 * one.configuration.threads)
    assert cell(view, one, "c") == ""
    assert figures(view, []) == {"a": [], "b": [], "c": []}

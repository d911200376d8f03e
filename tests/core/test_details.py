"""The groups of details: each reads any stored object, and writes back what it has read."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.details import (
    CostDetails,
    Details,
    OfficialDetails,
    QualityDetails,
    RunDetails,
    TimedDetails,
)
from dse.core.measurement import Measurement, Source

if TYPE_CHECKING:
    from dse.core.configuration import KnobValue

GROUPS = (RunDetails, TimedDetails, CostDetails, QualityDetails, OfficialDetails)
KEYS = sorted({each.name for group in GROUPS for each in fields(group)})
VALUES = st.text() | st.integers() | st.floats(allow_nan=False) | st.booleans()
STORED = st.dictionaries(st.sampled_from(KEYS) | st.text(), VALUES)


@given(stored=STORED, group=st.sampled_from(GROUPS))
def test_what_is_read_is_written_back(stored: dict[str, KnobValue], group: type[Details]) -> None:
    found = group.of(stored).as_dict()
    assert found == stored
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in stored.items()
    }
    assert json.loads(json.dumps(found)) == stored


@given(stored=STORED, group=st.sampled_from(GROUPS))
def test_an_attribute_is_its_key_and_none_without_it(
    stored: dict[str, KnobValue], group: type[Details]
) -> None:
    found = group.of(stored)
    names = {each.name for each in fields(group)} - {"further"}
    assert {name: getattr(found, name) for name in names} == {n: stored.get(n) for n in names}
    assert found.further == {name: v for name, v in stored.items() if name not in names}


@given(stored=STORED, total=st.integers(0))
def test_a_changed_attribute_changes_its_key_alone(
    stored: dict[str, KnobValue], total: int
) -> None:
    changed = replace(QualityDetails.of(stored), total=total).as_dict()
    assert changed == {**stored, "total": total}
    without = replace(QualityDetails.of(stored), total=None).as_dict()
    assert without == {name: value for name, value in stored.items() if name != "total"}


@given(stored=STORED, more=STORED, group=st.sampled_from(GROUPS))
def test_what_is_put_beside_wins(
    stored: dict[str, KnobValue], more: dict[str, KnobValue], group: type[Details]
) -> None:
    assert group.of(stored).beside(more) == group.of({**stored, **more})


@pytest.mark.parametrize("group", GROUPS)
def test_a_new_group_has_only_what_it_was_given(group: type[Details]) -> None:
    assert group().as_dict() == {}


@pytest.mark.parametrize(
    ("details", "expected"),
    [({}, ""), ({"disturbed": "swapping"}, "swapping"), ({"mhz": 1.0}, "")],
)
def test_a_measurement_says_what_disturbed_it(details: dict[str, KnobValue], expected: str) -> None:
    measurement = Measurement("latency_p90_ms", 1.0, "k", Source.MEASURED, details=details)
    assert measurement.disturbed == expected

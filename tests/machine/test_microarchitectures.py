"""What vendor, family, model and stepping stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.machine._microarchitectures import AMD, INTEL, microarchitecture


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ((AMD, "23", "1", "2"), "Zen"),
        ((AMD, "23", "49", "0"), "Zen 2"),
        ((AMD, "25", "1", "1"), "Zen 3"),
        ((AMD, "25", "17", "1"), "Zen 4"),
        ((AMD, "25", "97", "2"), "Zen 4"),
        ((AMD, "26", "2", "1"), "Zen 5"),
        ((INTEL, "6", "79", "1"), "Broadwell"),
        ((INTEL, "6", "85", "4"), "Skylake-SP"),
        ((INTEL, "6", "85", "7"), "Cascade Lake"),
        ((INTEL, "6", "85", "11"), "Cooper Lake"),
        ((INTEL, "6", "85", "unknown"), ""),
        ((INTEL, "6", "106", "6"), "Ice Lake-SP"),
        ((INTEL, "6", "143", "8"), "Sapphire Rapids"),
        ((INTEL, "6", "207", "2"), "Emerald Rapids"),
        ((INTEL, "6", "173", "1"), "Granite Rapids"),
        (("HygonGenuine", "24", "1", "1"), "Dhyana (Zen)"),
        ((AMD, "15", "107", "1"), ""),  # what QEMU makes up
        ((INTEL, "6", "6", "3"), ""),
        (("0x41", "8", "0xd0c", "r3p1"), ""),
        (("unknown", "unknown", "unknown", "unknown"), ""),
    ],
)
def test_names(numbers: tuple[str, str, str, str], name: str) -> None:
    assert microarchitecture(*numbers) == name


@given(*[st.text(max_size=4)] * 4)
def test_any_text_has_a_name_or_none(vendor: str, family: str, model: str, stepping: str) -> None:
    assert microarchitecture(vendor, family, model, stepping) == ""
    for known in (AMD, INTEL):
        assert microarchitecture(known, family, model, stepping).isprintable()

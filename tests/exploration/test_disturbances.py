"""A disturbed measurement is repeated, but not for ever on a machine that is never quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.exploration.measurer import MAX_IN_VAIN, Disturbances

if TYPE_CHECKING:
    import pytest


def test_repeating_ends_where_it_is_in_vain_and_begins_again_with_quiet(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disturbances = Disturbances(repeating=True)
    for _ in range(MAX_IN_VAIN - 1):
        disturbances.note("7 % steal")
        assert disturbances.worth_repeating()
    assert caplog.messages == []
    disturbances.note("7 % steal")
    assert not disturbances.worth_repeating()
    disturbances.note("9 % steal")
    [warning] = caplog.messages
    assert "7 % steal" in warning
    disturbances.note("")
    assert disturbances.worth_repeating()


def test_nothing_is_repeated_where_nothing_shall_be(caplog: pytest.LogCaptureFixture) -> None:
    disturbances = Disturbances(repeating=False)
    for _ in range(2 * MAX_IN_VAIN):
        assert not disturbances.worth_repeating()
        disturbances.note("swapping")
    assert caplog.messages == []

"""A disturbed measurement is repeated, but not for ever on a machine that is never quiet."""

from __future__ import annotations

from dse.explore.disturbances import IN_VAIN, Disturbances


def test_repeating_ends_where_it_is_in_vain_and_begins_again_with_quiet() -> None:
    said: list[str] = []
    disturbances = Disturbances(said.append, repeating=True)
    for _ in range(IN_VAIN - 1):
        disturbances.note("7 % steal")
        assert disturbances.worth_repeating()
    assert said == []
    disturbances.note("7 % steal")
    assert not disturbances.worth_repeating()
    disturbances.note("9 % steal")
    assert len(said) == 1
    assert "7 % steal" in said[0]
    disturbances.note("")
    assert disturbances.worth_repeating()


def test_nothing_is_repeated_where_nothing_shall_be() -> None:
    said: list[str] = []
    disturbances = Disturbances(said.append, repeating=False)
    for _ in range(2 * IN_VAIN):
        assert not disturbances.worth_repeating()
        disturbances.note("swapping")
    assert said == []

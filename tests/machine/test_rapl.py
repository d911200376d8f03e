"""Energy from recorded counters: which of them count, and what lies between two readings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.machine.rapl import MAX_WATTS, Package, find_packages, find_zones, read_uj, spent_uj

RANGE_UJ = 262_143_328_850
"""Of a desktop CPU."""


def write_zone(root: Path, folder: str, name: str, energy_uj: object = 5) -> Path:
    zone = root / folder
    zone.mkdir(parents=True)
    (zone / "name").write_text(f"{name}\n")
    (zone / "energy_uj").write_text(f"{energy_uj}\n")
    (zone / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    return zone


@pytest.fixture
def two_sockets(tmp_path: Path) -> Path:
    """As a server with two sockets has it, and a platform's counter and a second way to them."""
    write_zone(tmp_path, "intel-rapl:0", "package-0", 7)
    write_zone(tmp_path, "intel-rapl:0:0", "core")
    write_zone(tmp_path, "intel-rapl:1", "package-1", 9)
    write_zone(tmp_path, "intel-rapl:1:0", "dram")
    write_zone(tmp_path, "intel-rapl:2", "psys")
    write_zone(tmp_path, "intel-rapl-mmio:0", "package-0")
    (tmp_path / "intel-rapl").mkdir()
    return tmp_path


def test_every_package_counts_once(two_sockets: Path) -> None:
    found = find_packages(two_sockets)
    assert [package.file.parent.name for package in found] == ["intel-rapl:0", "intel-rapl:1"]
    assert {package.range_uj for package in found} == {RANGE_UJ}
    assert read_uj(found) == (7, 9)


@pytest.mark.parametrize("lacking", ["energy_uj", "max_energy_range_uj"])
def test_what_is_known_in_part_is_not_known(two_sockets: Path, lacking: str) -> None:
    whole = find_packages(two_sockets)
    (two_sockets / "intel-rapl:1" / lacking).unlink()
    assert find_packages(two_sockets) == ()
    assert len(find_zones(two_sockets)) == 2
    assert read_uj(whole) == (None if lacking == "energy_uj" else (7, 9))


@pytest.mark.parametrize("text", ["", "-3", "many", "1.5"])
def test_what_is_no_number_is_not_known(two_sockets: Path, text: str) -> None:
    (two_sockets / "intel-rapl:0/energy_uj").write_text(text)
    assert find_packages(two_sockets) == ()


def test_a_machine_without_counters(tmp_path: Path) -> None:
    assert find_packages(tmp_path / "none") == ()
    assert find_zones(tmp_path) == []
    assert read_uj(()) is None


COUNTERS = st.integers(1, RANGE_UJ)


@given(st.lists(st.tuples(COUNTERS, COUNTERS), min_size=1, max_size=4))
def test_counters_that_begin_anew_lose_nothing(shown: list[tuple[int, int]]) -> None:
    """Each goes from where it stood by less than its range."""
    counters = [Package(Path(), RANGE_UJ)] * len(shown)
    before = [start % RANGE_UJ for start, _ in shown]
    after = [(start + step % RANGE_UJ) % RANGE_UJ for start, step in shown]
    expected = sum(step % RANGE_UJ for _, step in shown)
    assert spent_uj(counters, before, after, seconds=1.0) == (expected or None)


def test_no_more_is_claimed_than_the_counters_can_tell() -> None:
    counters = [Package(Path(), RANGE_UJ)]
    longest_s = RANGE_UJ / MAX_WATTS / 1e6
    assert spent_uj(counters, [1], [3], 0.99 * longest_s) == 2
    assert spent_uj(counters, [1], [3], 1.01 * longest_s) is None
    assert spent_uj(counters, [3], [3], 1.0) is None  # as in some virtual machines

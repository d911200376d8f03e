"""The caches of recorded machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.machine._cpu_caches import caches, size_text
from tests.machines import Machine

if TYPE_CHECKING:
    from pathlib import Path

SYS_CPU = "sys/devices/system/cpu"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Four CPUs of two cores: a core shares its first two levels, everything shares the third."""
    made = Machine(tmp_path)
    for n in range(4):
        core = f"{n % 2},{n % 2 + 2}\n"
        made.cache(n, 0, 1, "Data", "48K", core).cache(n, 1, 1, "Instruction", "32K", core)
        made.cache(n, 2, 2, "Unified", "1280K", core).cache(n, 3, 3, "Unified", "32768K", "0-3\n")
    return made


def test_levels_sizes_and_how_many_share_them(machine: Machine) -> None:
    found = caches(machine.root / SYS_CPU, range(4))
    assert found == "L1d 48 KiB x 2, L1i 32 KiB x 2, L2 1.25 MiB x 2, L3 32 MiB x 1"


def test_those_of_the_mask_count(machine: Machine) -> None:
    found = caches(machine.root / SYS_CPU, (0, 2))
    assert found == "L1d 48 KiB x 1, L1i 32 KiB x 1, L2 1.25 MiB x 1, L3 32 MiB x 1"


def test_kinds_of_cores_with_caches_of_their_own(machine: Machine) -> None:
    machine.cache(1, 0, 1, "Data", "32K", "1\n").cache(3, 0, 1, "Data", "32K", "3\n")
    assert caches(machine.root / SYS_CPU, range(4)).startswith("L1d 32 KiB x 2, L1d 48 KiB x 1")


def test_what_the_kernel_hides_is_left_out(machine: Machine) -> None:
    assert caches(machine.root / SYS_CPU, (9,)) == ""
    folder = f"{SYS_CPU}/cpu9/cache/index0"
    machine.put(f"{folder}/level", "1\n").put(f"{folder}/type", "Data\n")
    assert caches(machine.root / SYS_CPU, (9,)) == "L1d x 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("32K", "32 KiB"),
        ("1024K", "1 MiB"),
        ("1280 KB", "1.25 MiB"),
        ("", ""),
        ("0K", ""),
        ("x", ""),
    ],
)
def test_sizes(text: str, expected: str) -> None:
    assert size_text(text) == expected

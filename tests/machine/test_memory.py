"""Swap and huge pages of recorded machines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.machine.memory import huge_pages, swap
from tests.machine.samples import QUIET

if TYPE_CHECKING:
    from tests.machines import Machine


@pytest.mark.parametrize(
    ("meminfo", "swapped", "state", "found"),
    [
        ("SwapTotal: 0 kB\nSwapFree: 0 kB\n", False, "ok", "none"),
        ("SwapTotal: 2097152 kB\nSwapFree: 2097152 kB\n", False, "ok", "0.0 of 2.0 GiB in use"),
        ("SwapTotal: 2097152 kB\nSwapFree: 524288 kB", False, "warning", "1.5 of 2.0 GiB in use"),
        (
            *("SwapTotal: 2097152 kB\nSwapFree: 524288 kB", True, "warning"),
            "1.5 of 2.0 GiB in use, being fetched from now",
        ),
        ("SwapTotal: 2097152 kB\n", False, "unknown", "the system does not show it"),
        ("SwapTotal:\nSwapFree: x kB\n", False, "unknown", "the system does not show it"),
        ("", False, "unknown", "the system does not show it"),
    ],
)
def test_swap(machine: Machine, meminfo: str, swapped: bool, state: str, found: str) -> None:
    machine.put("proc/meminfo", meminfo)
    check = swap(machine.root, replace(QUIET, swapped=swapped))
    assert (check.state, check.found) == (state, found)
    assert bool(check.remedy) is (state == "warning")


@pytest.mark.parametrize(
    ("text", "state", "found"),
    [
        ("[always] madvise never", "warning", "always"),
        ("always [madvise] never", "ok", "madvise"),
        ("always madvise [never]", "ok", "never"),
        ("", "unknown", "the system does not show it"),
    ],
)
def test_huge_pages(machine: Machine, text: str, state: str, found: str) -> None:
    machine.put("sys/kernel/mm/transparent_hugepage/enabled", f"{text}\n")
    check = huge_pages(machine.root)
    assert (check.state, check.found) == (state, found)

"""Figures in texts that people have written."""

from __future__ import annotations

import pytest

from dse.results.table import accelerator, cores, ghz


@pytest.mark.parametrize(
    ("sockets", "each", "all_"),
    [
        ("1", "16", 16),
        ("2", "6 (4 big; 2 LITTLE)", 12),
        ("1", "many", None),
        ("", "8", None),
        ("0", "8", None),
        ("1", "99999", None),
    ],
)
def test_cores(sockets: str, each: str, all_: int | None) -> None:
    told = {"host_processors_per_node": sockets, "host_processor_core_count": each}
    assert cores(told) == all_


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("3.7 GHz", 3.7),
        ("2300MHz (base), 4100 MHz (boost)", 4.1),
        ("1.8GHz (LITTLE), 2.4ghz (big)", 2.4),
        ("", None),
        ("fast", None),
        ("900 GHz", None),
        ("0 MHz", None),
    ],
)
def test_clocks(text: str, clock: float | None) -> None:
    assert ghz({"host_processor_frequency": text}) == clock
    assert ghz({}) is None


@pytest.mark.parametrize(
    ("count", "name", "words"),
    [
        ("0", "N/A", ""),
        ("", "", ""),
        ("1", "N/A", ""),
        ("N/A", "Card", ""),
        ("1", "Card", "1 x Card"),
    ],
)
def test_accelerators(count: str, name: str, words: str) -> None:
    told = {"accelerators_per_node": count, "accelerator_model_name": name}
    assert accelerator(told) == words

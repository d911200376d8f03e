"""A recording of known ratios is decided in parts; its rounds come from real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.deciding.power import (
    RATIOS,
    TIMED,
    read_rounds,
    record_rounds,
    rivals,
    text,
    told,
)
from benchmarks.deciding.relations import Verdict
from dse.core.configuration import Configuration
from dse.core.registry import BACKENDS
from tests.benchmarks.recordings import PROBE_S, rounds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.deciding.recording import Taken

DELAYS = [
    Configuration("m", "fp32", "null", 1, 1, (("delay_ms", 5.0 * ratio),)) for ratio in RATIOS
]


def test_parts_of_a_recording_are_decided_alone() -> None:
    noise = [1 + 7 * n % 11 / 50 for n in range(60)]
    made = rounds(DELAYS, [[5 * ratio * common for ratio in RATIOS] for common in noise])
    found = told(made, (1.0, 2.0, 10.0))
    # Two rivals take four seconds of a round: 15 rounds a minute, and less than ten minutes in all.
    assert {(each.minutes, sum(each.verdicts.values())) for each in found} == {(1.0, 4), (2.0, 2)}
    assert {each.rounds for each in found} == {60 / (2 * PROBE_S), 120 / (2 * PROBE_S)}
    assert {round(each.ratio, 6) for each in found} == {*RATIOS[1:]}
    last = [each for each in found if round(each.ratio, 6) == 1.1 and each.minutes == 2.0]
    assert [each.metric for each in last] == [*TIMED]
    assert all(each.verdicts[Verdict.BETTER] == 2 for each in last)
    assert all(each.verdicts[Verdict.WORSE] == 0 for each in found)
    assert "| 1.100 | 2 | 30 | 2 | 2 | 0 | 0 | 0 |" in text(last)


def as_dicts(rounds: Iterable[Iterable[Taken]]) -> list[list[dict[str, Any]]]:
    return [[trial.as_dict() for trial in trials] for trials in rounds]


@pytest.mark.long
def test_rounds_are_measured_and_stored(tmp_path: Path) -> None:
    file = tmp_path / "real.jsonl"
    before = {**BACKENDS}
    try:
        made = record_rounds(file, "real", 0.1)
    finally:
        BACKENDS._offered.clear()
    assert before == {**BACKENDS}
    assert as_dicts(read_rounds(file)) == as_dicts(made)
    [trials] = made
    assert {str(trial.configuration) for trial in trials} == {
        str(rival.configuration) for rival in rivals("real")
    }
    assert [trial.place.position for trial in trials if trial.place] == [0, 1, 2, 3]
    assert all(trial.outcome.values.keys() >= {*TIMED} for trial in trials)
    assert as_dicts(record_rounds(file, "real", 0.1)) == as_dicts(made)

"""The page is written from what is stored, and says nothing of what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.deciding import page, stored
from benchmarks.decisions import main
from tests.benchmarks.recordings import rounds, twins
from tests.benchmarks.test_power import DELAYS

if TYPE_CHECKING:
    from pathlib import Path


def test_sections_of_what_is_stored(tmp_path: Path) -> None:
    results, written = tmp_path / "decided", tmp_path / "deciding.md"
    data = twins([(1.0, 1.0)] * 4).as_dict()
    stored.write(results / "aa" / "001.json", data)
    stored.write(results / "repeat" / "own" / "001.json", data)
    page.write(results, written)
    text = written.read_text()
    assert "made 1 study on a machine.\n" in text
    assert "explored `own` from nothing 1 time on a machine.\n" in text
    assert "## Known ratios" not in text
    assert not written.with_suffix(".png").exists()
    for trials in rounds(DELAYS, [[1.0, 1.1, 1.2, 1.3]] * 20):
        line = {"machine": "a machine", "trials": [trial.as_dict() for trial in trials]}
        stored.append(results / "power" / "delays.jsonl", line)
    page.write(results, written)
    assert "Sleeps of the null backend" in written.read_text()
    assert written.with_suffix(".png").exists()


@pytest.mark.long
@pytest.mark.skipif(not page.PAGE.exists(), reason="nothing was measured for it yet")
def test_the_page_is_what_the_results_give(tmp_path: Path) -> None:
    page.write(stored.FOLDER, tmp_path / "deciding.md")
    assert (tmp_path / "deciding.md").read_text() == page.PAGE.read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["aa", "--studies", "0"], "'0' is not a whole number from 1"),
        (["power", "--kinds", "other"], "--kinds: 'other' is unknown; known are delays, real"),
        (["power", "--minutes", "nan"], "'nan' is not a number above 0"),
        (["page"], "holds no results; measure something first"),
    ],
)
def test_wrong_requests_are_told_in_one_line(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--output", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1

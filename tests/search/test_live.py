"""A search is put beside the study in which everything was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.live import compare, main
from dse.cli import run
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of all 12 configurations, and one of the first five."""
    folder = tmp_path_factory.mktemp("live")
    models = ["a", "b", "c"]
    write_table(folder, models)
    space = write_space(folder, models=models)
    for name, options in (("all", []), ("some", ["--n-trials", "5"])):
        study = str(folder / name)
        assert run(["explore", str(space), "--study", study, "--sampler", "grid", *options]) == 0
    return folder


def test_a_search_of_everything_finds_everything(studies: Path) -> None:
    found = compare(studies / "all", studies / "all")
    assert (found.configurations, found.ratio) == (12, 1)
    assert found.share == pytest.approx(1)
    assert found.reached[-1].configurations <= 12


def test_part_of_it_finds_part(studies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = compare(studies / "all", studies / "some")
    assert found.configurations == 5
    assert 0 < found.share < 1
    assert [each.share for each in found.reached] == sorted(each.share for each in found.reached)
    assert all(each.seconds <= found.seconds <= found.seconds_in_all for each in found.reached)
    assert main([str(studies / "all"), str(studies / "some")]) == 0
    assert "`some`: 5 of 12 configurations" in capsys.readouterr().out


def test_what_the_exhaustive_study_lacks_is_told(
    studies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(studies / "some"), str(studies / "all")]) == 2
    assert "measured what the exhaustive study lacks" in capsys.readouterr().err

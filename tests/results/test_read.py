"""Results by what a reader has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.results.read import read_results
from tests.objectives import DEFAULT_OBJECTIVES
from tests.replays import write_space, write_table
from tests.results.tables import write_published

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


def test_a_study_gives_what_ran(command: Command, here: Path) -> None:
    write_table(here, failing={"b": "no such kernel"})
    command.good("explore", write_space(here), "--sampler", "grid", "--study", "mine")
    (found,) = read_results("mine")
    assert found.name == "mine"
    assert found.cpu
    assert {row.configuration["model"] for row in found.rows} == {"a"}
    assert len(found.rows) == 4
    for row in found.rows:
        assert row.values.keys() >= set(DEFAULT_OBJECTIVES)
        assert set(row.sources.values()) == {Source.REPLAYED}
        assert not row.valid


def test_a_file_gives_its_systems(tmp_path: Path) -> None:
    table = write_published(tmp_path / "t.csv", [{}, {"Platform": "two"}])
    assert [each.name for each in read_results(str(table))] == ["one", "two"]


def test_what_is_not_there_is_told(here: Path) -> None:
    with pytest.raises(RequestError, match="there is no such file"):
        read_results(str(here / "t.csv"))
    with pytest.raises(RequestError, match="no study at studies/none"):
        read_results("none")


def test_results_of_one_task_alone(tmp_path: Path) -> None:
    other = {"MlperfModel": "bert-99", "Model": "encoder", "Accuracy": "90"}
    table = str(write_published(tmp_path / "t.csv", [{}, other]))
    assert [each.task for each in read_results(table)] == [
        *("image-classification", "question-answering"),
    ]
    (found,) = read_results(table, task="question-answering")
    assert found.rows[0].label == "encoder"
    with pytest.raises(RequestError) as caught:
        read_results(table, task="generated", option="--warm-start")
    assert str(caught.value) == (
        f"--warm-start: '{table}' has no results of generated inputs; name results of that task"
    )
    with pytest.raises(RequestError, match="unknown task 'folding'"):
        read_results(table, task="folding")

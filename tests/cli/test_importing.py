"""``dse import``, and what other commands say of what it keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dse.results.read import read_results
from tests.replays import write_space, write_table
from tests.results.tables import write_bert, write_published
from tests.results.trees import write_tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


def test_a_table_becomes_a_folder_that_has_its_name(command: Command, here: Path) -> None:
    table = write_published(here / "v3.csv", [{}, {"Platform": "two"}])
    answer = command.good("import", table)
    assert answer.out.splitlines()[0] == (
        "studies/v3/imported.json: 2 systems with 2 configurations"
    )
    assert answer.out.splitlines()[1].startswith("  v3.csv, SHA-256 ")
    assert [each.name for each in read_results("v3")] == ["one", "two"]
    assert read_results("v3")[0].rows == read_results("v3.csv")[0].rows
    table.unlink()
    again = read_results("studies/v3")
    assert [each.origin for each in again] == ["v3.csv", "v3.csv"]


def test_the_same_again_changes_nothing(command: Command, here: Path) -> None:
    table = write_published(here / "t.csv", [{}])
    command.good("import", table)
    before = (here / "studies/t/imported.json").stat().st_mtime_ns
    assert ", unchanged" in command.good("import", table).out
    assert (here / "studies/t/imported.json").stat().st_mtime_ns == before


def test_several_files(command: Command, here: Path) -> None:
    tables = [write_published(here / f"{n}.csv", [{"Platform": n}]) for n in ("one", "two")]
    command.good("import", *tables)
    command.good("import", *tables, "--name", "both")
    kept = sorted(path.name for path in (here / "studies").iterdir())
    assert kept == ["both", "one", "two"]
    assert [each.name for each in read_results("both")] == ["one", "two"]


def test_a_file_with_results_of_several_tasks(command: Command, here: Path) -> None:
    other = {"MlperfModel": "bert-99", "Model": "encoder", "Accuracy": "90"}
    table = write_published(here / "t.csv", [{}, other])
    answer = command.good("import", table, write_published(here / "images.csv", [{}]))
    assert answer.out.splitlines()[:3] == [
        "studies/t/imported.json: 2 systems with 2 configurations",
        "  image-classification: 1 system with 1 configuration",
        "  question-answering: 1 system with 1 configuration",
    ]
    assert answer.last == "next: dse compare t images --task image-classification"
    bert = write_bert(here / "bert.csv", [{}])
    answer = command.good("import", bert, here / "images.csv")
    assert answer.last == "next: dse compare bert"
    assert [each.task for each in read_results("bert")] == ["question-answering"]


def test_a_task_that_can_not_be_read_is_told(command: Command, here: Path) -> None:
    other = {"MlperfModel": "bert-99", "Model": "encoder", "Accuracy": "90", "Units": "furlongs"}
    answer = command.good("import", write_published(here / "t.csv", [{}, other, other]))
    told = "t.csv: 2 results of question answering: no result has a known scenario and unit"
    assert answer.err.splitlines() == [f"left out: {told}", "next: dse compare t"]
    assert f"#1 left out: {told}" in " ".join(command.good("compare", "t").out.split())


def test_a_tree(command: Command, here: Path) -> None:
    folder = write_tree(here / "tree")
    (folder / "results/board/mobilenet-v1-0.25-128-int8/Offline/accuracy/accuracy.txt").unlink()
    answer = command.good("import", "tree")
    assert answer.out.startswith("studies/tree/imported.json: 1 system with 1 configuration")
    assert answer.err.startswith("left out: ")
    (system,) = read_results("tree" if not (here / "tree").exists() else "studies/tree")
    assert system.cpu == "Example CPU 9000"


def test_commands_about_studies_name_the_one_to_use(command: Command, here: Path) -> None:
    command.good("import", write_published(here / "t.csv", [{}]))
    for words in (
        ("status", "t"),
        ("frontier", "t", "--json"),
        ("validate", "t"),
        ("export", "t", "--submitter", "Org", "--output", "tree"),
    ):
        answer = command(*words)
        assert (answer.code, answer.out) == (2, ""), answer
        assert answer.err == (
            "dse: studies/t: holds imported results, not a study; `dse compare t` shows them\n"
        )


def test_no_study_begins_where_results_are_kept(command: Command, here: Path) -> None:
    command.good("import", write_published(here / "t.csv", [{}]))
    write_table(here)
    answer = command("explore", write_space(here), "--study", "t")
    assert answer.code == 2
    assert answer.err.splitlines()[-1].startswith("dse: studies/t: holds imported results")
    assert not (here / "studies/t/study.db").exists()


def test_no_results_are_kept_where_a_study_is(command: Command, kept: Path, here: Path) -> None:
    answer = command("import", write_published(here / "t.csv", [{}]), "--name", "kept")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert f"{kept.relative_to(here)}: holds a study" in answer.err
    assert not (kept / "imported.json").exists()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("t.csv", "", "has no lines below its head"),
        ("t.csv", "a,b\n1,2\n", "t.csv:1: Platform: has no column Platform"),
        (
            "t.csv",
            "model_name,platform,mlperf_model,scenario\n1,2,3,4\n",
            "has no column host_cpu",
        ),
        ("t.csv", "a,b\n1\n", "t.csv:2: has another number of cells"),
        ("t.csv", "\0", "t.csv: "),
        ("missing.csv", None, "missing.csv: "),
        ("folder", None, "folder: is not a tree of submissions"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    command: Command, here: Path, name: str, text: str | None, words: str
) -> None:
    (here / "folder").mkdir()
    if text is not None:
        (here / name).write_text(text)
    answer = command("import", name)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1), answer
    assert words in answer.err
    assert not (here / "studies").exists()


def test_names_that_are_none(command: Command, here: Path) -> None:
    table = write_published(here / "t.csv", [{}])
    answer = command("import", table, "--name", "a b")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    table.rename(here / "....csv")
    answer = command("import", "....csv")
    assert "has no name for a folder; give one with --name" in answer.err


def test_the_file_is_plain_json(command: Command, here: Path) -> None:
    command.good("import", write_published(here / "t.csv", [{}]))
    record = json.loads((here / "studies/t/imported.json").read_text())
    (system,) = record["systems"]
    assert system["description"]["Platform"] == "one"
    assert system["rows"][0]["values"] == {"accuracy_percent": 41.5, "latency_p90_ms": 1.5}

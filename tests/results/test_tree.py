"""What is read from trees of submissions, whoever made them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import LATENCY, MULTI_STREAM, THROUGHPUT
from dse.loadgen.logs import DETAIL
from dse.results._tree import accelerator, cores, evidence, ghz, read_tree, submitters
from dse.results.read import read_results
from dse.tasks.benchmark import Benchmark
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.question_answering._quality import F1
from dse.tasks.task import Score
from tests.results.trees import MODEL, OFFLINE, SINGLE, write_tree
from tests.submission.conftest import copied, data, kept
from tests.submission.evidence import IMAGES, PERCENT, VALUES
from tests.submission.exports import exported

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.results.table import ResultTable
    from tests.commandline import Command
    from tests.submission.copies import Copy

__all__ = ["copied", "data", "kept"]

RUN = Path("performance/run_1") / DETAIL
SCORE = Path("accuracy/accuracy.txt")


def only(path: Path) -> ResultTable:
    (found,) = read_tree(path)
    return found


def test_a_system_and_its_results(tmp_path: Path) -> None:
    write_tree(tmp_path)
    system = only(tmp_path)
    assert (system.name, system.cpu, system.cores, system.ghz) == (
        *("board", "Example CPU 9000", 2),
        3.7,
    )
    assert (system.software, system.accelerator) == ("litert 2.3.0", "")
    assert system.description["system_name"] == "Test Board 1"
    assert system.left_out == ()
    (row,) = system.rows
    assert row.configuration == {"model": "mobilenet-v1-0.25-128", "precision": "int8"}
    assert row.values == {
        LATENCY.name: pytest.approx(VALUES[SINGLE]),
        THROUGHPUT.name: pytest.approx(VALUES[OFFLINE]),
        ACCURACY.name: pytest.approx(PERCENT),
    }
    assert row.samples == IMAGES
    assert row.valid == {LATENCY.name, THROUGHPUT.name}
    assert row.inferred == frozenset()
    assert set(row.sources.values()) == {Source.PUBLISHED}
    assert row.intervals == {}


def test_what_was_exported_is_what_the_study_knows(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("full")
    exported(command, "full")
    (study,), (tree,) = read_results("full"), read_results(str(here / "tree"))
    (mine,), (theirs,) = study.rows, tree.rows
    for metric, value in mine.values.items():
        assert theirs.values[metric] == pytest.approx(value, rel=1e-5), metric
    for field in ("model", "precision"):
        assert theirs.configuration[field] == mine.configuration[field]
    assert theirs.valid == mine.valid - {ACCURACY.name}
    assert (tree.cpu, tree.cores) == (study.cpu, study.cores)


def test_scenarios_that_were_inferred_are_told(tmp_path: Path) -> None:
    write_tree(tmp_path, {"SingleStream": SINGLE, "Offline": SINGLE, "MultiStream": SINGLE})
    (row,) = only(tmp_path).rows
    assert row.inferred == {THROUGHPUT.name, MULTI_STREAM.name}
    assert row.values[THROUGHPUT.name] == 2056.29
    assert row.values[MULTI_STREAM.name] == pytest.approx(8 * 0.642368)


def test_a_run_can_not_stand_for_any_other(tmp_path: Path) -> None:
    write_tree(tmp_path, {"SingleStream": OFFLINE, "Offline": OFFLINE})
    system = only(tmp_path)
    (line,) = system.left_out
    assert line.endswith("a run of Offline can't stand for SingleStream")
    assert LATENCY.name not in system.rows[0].values


def test_folders_may_have_no_capitals(tmp_path: Path) -> None:
    write_tree(tmp_path, {"singlestream": SINGLE})
    assert LATENCY.name in only(tmp_path).rows[0].values


def test_a_tree_may_be_named_by_any_of_its_upper_folders(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "tree")
    assert submitters(tmp_path / "tree") == [folder]
    for path in (folder.parent, folder):
        assert read_tree(path) == read_tree(tmp_path / "tree")
    assert submitters(tmp_path / "tree/open/Org/results") == []


def test_a_short_run_is_not_valid(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, {"SingleStream": SINGLE})
    log = folder / "results/board" / MODEL / "SingleStream" / RUN
    text = log.read_text().replace(
        '"effective_min_duration_ms", "value": 600000', '"effective_min_duration_ms", "value": 500'
    )
    log.write_text(text)
    (row,) = only(tmp_path).rows
    assert row.valid == frozenset()


def test_what_an_accelerator_did_is_told(tmp_path: Path) -> None:
    beside = {"accelerators_per_node": 2, "accelerator_model_name": "Fast One"}
    write_tree(tmp_path, description=beside)
    assert only(tmp_path).accelerator == "2 x Fast One"


def test_a_tree_of_unknown_benchmarks_names_them_and_what_is_known(tmp_path: Path) -> None:
    write_tree(tmp_path, model="own-net", benchmark="rnnt")
    words = "has no result of a known benchmark, only of 'rnnt'; known are resnet \\(image cl"
    with pytest.raises(RequestError, match=words):
        read_tree(tmp_path)


@pytest.mark.parametrize(
    ("model", "benchmark", "configuration"),
    [
        ("bert-99", None, {"model": "bert-99"}),
        ("pruned-bert-99.9", None, {"model": "pruned-bert-99.9"}),
        ("own-encoder", "bert-99.9", {"model": "own-encoder"}),
        ("bert-base-int8", "bert-99", {"model": "bert-base", "precision": "int8"}),
    ],
)
def test_a_tree_of_bert(
    tmp_path: Path, model: str, benchmark: str | None, configuration: dict[str, str]
) -> None:
    score = Score(90.25, details={"exact_match": 83.5})
    text = Benchmark.of("question-answering").task.accuracy_text(score, "0" * 64)
    write_tree(tmp_path, model=model, benchmark=benchmark, score=text)
    later = text.replace("90.25", "89.5")  # the quality is that of the first scenario by name
    own = tmp_path / "open/Org/results/board" / model
    (own / "SingleStream" / SCORE).write_text(later)
    system = only(tmp_path)
    assert (system.task, system.left_out) == ("question-answering", ())
    (row,) = system.rows
    assert row.configuration == configuration
    assert row.values == {
        LATENCY.name: pytest.approx(VALUES[SINGLE]),
        THROUGHPUT.name: pytest.approx(VALUES[OFFLINE]),
        F1.name: 90.25,
    }
    assert row.samples is None
    assert row.valid == frozenset(), "the runs kept fewer samples loaded than those of BERT do"


def test_each_task_of_a_tree_has_systems_of_its_own(tmp_path: Path) -> None:
    write_tree(tmp_path)
    write_tree(tmp_path, model="bert-99", benchmark=None)
    images, questions = read_tree(tmp_path)
    assert (images.name, questions.name) == ("board", "board")
    assert (len(images.rows), len(images.left_out)) == (1, 0)
    assert (questions.task, questions.rows) == ("question-answering", ())
    assert "has no F1 of the form" in questions.left_out[0]


def test_a_classifier_of_any_name_counts(tmp_path: Path) -> None:
    write_tree(tmp_path, model="own-net")
    assert only(tmp_path).rows[0].configuration == {"model": "own-net"}


def cut(path: Path) -> None:
    path.write_text(path.read_text()[:-200])


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def empty(path: Path) -> None:
    path.write_text("")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def huge(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.truncate(51 << 20)


def nested(path: Path) -> None:
    path.write_text("[" * 100_000)


DAMAGES = (link, empty, folder, huge, Path.unlink)


@pytest.mark.parametrize(
    ("part", "damage"), [(RUN, cut), *((part, each) for part in (RUN, SCORE) for each in DAMAGES)]
)
def test_a_result_that_is_damaged_is_left_out_alone(
    tmp_path: Path, part: Path, damage: Callable[[Path], object]
) -> None:
    own = write_tree(tmp_path) / "results/board" / MODEL
    damage(own / "SingleStream" / part)
    system = only(tmp_path)
    (line,) = system.left_out
    assert "\n" not in line
    assert str(own / "SingleStream") in line
    assert system.rows[0].values.keys() == {THROUGHPUT.name, ACCURACY.name}
    assert read_tree(tmp_path) == read_tree(tmp_path)
    assert all(path.is_file() for path in evidence(tmp_path))


@pytest.mark.parametrize("damage", [*DAMAGES, nested])
def test_a_system_without_a_description_is_told(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    damage(write_tree(tmp_path) / "systems/board.json")
    system = only(tmp_path)
    assert (system.name, system.cpu, system.cores) == ("board", "", None)
    assert len(system.left_out) == 1
    assert len(system.rows) == 1


@pytest.mark.parametrize(
    "text",
    [
        "accuracy=37.6%, good=0, total=0\n",
        "accuracy=37.6%, good=9, total=8\n",
        "accuracy=37.6%\n",
        "accuracy=37.6%, good=99999999999999999999, total=99999999999999999999\n",
        "\N{SNOWMAN}" * 100,
    ],
)
def test_an_accuracy_that_can_not_be_is_none(tmp_path: Path, text: str) -> None:
    own = write_tree(tmp_path, {"Offline": OFFLINE}) / "results/board" / MODEL
    (own / "Offline" / SCORE).write_text(text)
    system = only(tmp_path)
    assert system.rows == ()
    assert len(system.left_out) == 1


def test_links_lead_nowhere(tmp_path: Path) -> None:
    secret = write_tree(tmp_path / "secret", system="secret")
    mine = write_tree(tmp_path / "mine")
    (mine / "results/secret").symlink_to(secret / "results/secret")
    assert [system.name for system in read_tree(tmp_path / "mine")] == ["board"]


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
    assert cores({**told, "number_of_nodes": "1"}) == all_
    assert cores({**told, "number_of_nodes": "2"}) == (2 * all_ if all_ else None)
    assert cores({**told, "number_of_nodes": "some"}) is None


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

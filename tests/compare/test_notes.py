"""What a reader needs to judge the values of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.compare.comparison import compare
from dse.compare.notes import comparison_notes
from dse.core.measurement import Source
from dse.core.metrics import ENERGY, LATENCY
from dse.results.read import read_table
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.question_answering._quality import F1
from tests.compare.made import gathered, results, row
from tests.compare.test_summary import MEASURED, THEIRS

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = "the source does not say whether an accelerator was used: "


def notes(*found: Any, **options: Any) -> list[str]:
    return comparison_notes(compare(gathered(*found), **options))


def test_notes_tell_what_the_values_are() -> None:
    told = notes(MEASURED, THEIRS, accelerators=True)
    for words in (
        "#2 left out: one (and 3 more results: --json)",
        (
            f"not compared, since no system has all inputs: {ENERGY.name}, throughput_per_core_ghz "
            "(ghz is missing), throughput_per_watt (offline_power_w is missing)"
        ),
        "i: inferred from a run of another scenario, as MLPerf's rules allow",
        "p: a probe or another short run, not a valid MLPerf result",
        "a: the system has an accelerator and may have used it, not its CPU",
        (
            "published values (MLPerf Inference v3.0) are their submitters', with software and "
            "settings of their own: conditions are not the same"
        ),
        "this comparison is not verified by MLCommons Association",
    ):
        assert words in told
    assert any(line.startswith("#1: accuracies are from 500 images") for line in told)


def test_what_has_an_accelerator_is_counted() -> None:
    told = notes(MEASURED, THEIRS)
    assert told[0] == "left out: 1 system with an accelerator; --accelerators adds it"
    assert not any(line.startswith(("a:", "i:", "published values")) for line in told)
    told = notes(MEASURED, THEIRS, THEIRS)
    assert told[0] == "left out: 2 systems with an accelerator; --accelerators adds them"


def test_unknown_hardware_is_told() -> None:
    several = [results(f"s{n}", row(accuracy=60, latency=1)) for n in range(8)]
    assert f"{UNKNOWN}8 systems" in notes(*several)
    assert f"{UNKNOWN}#1, #2" in notes(*several[:2])
    known = results("known", row(latency=1), description={"accelerators_per_node": "0"})
    assert not any(line.startswith(UNKNOWN) for line in notes(MEASURED, known))


def test_numbers_of_nodes_that_contradict_each_other_are_told() -> None:
    def named(*pairs: tuple[str, str]) -> list[str]:
        found = [
            results(name, row(accuracy=60, throughput=9), description={"number_of_nodes": nodes})
            for name, nodes in pairs
        ]
        return [line for line in notes(*found) if " by name; " in line]

    assert named(("1-node-2S", "2"), ("4 nodes", "1"), ("a_1node", "2")) == [
        "#1, #3: 2 nodes by description, 1 by name; values per core are for 2",
        "#2: 1 node by description, 4 by name; values per core are for 1",
    ]
    assert not named(("1-node-2S", "1"), ("2-nodes", "2"), ("board", "2"), ("nodes", "2"))
    assert not named(("11-nodejs", "2"), ("1-node-2S", "N/A"), ("1-node-2S", ""))


def test_published_nodes_that_contradict_each_other_are_told(shared_data: Path) -> None:
    table = read_table(shared_data / "results" / "mlperf_inference_bert_open.csv")
    (line,) = (line for line in notes(*table) if " by name; " in line)
    assert line.endswith(": 2 nodes by description, 1 by name; values per core are for 2")
    assert line.count("#") == 2


def test_accuracies_that_were_taken_over_are_told() -> None:
    sources = {ACCURACY.name: Source.PUBLISHED, LATENCY.name: Source.MEASURED}
    taken = results("taken", row(accuracy=60, latency=1, sources=sources))
    assert "accuracies are published, not measured on that system: #1" in notes(taken)
    assert not any("not measured on that system" in line for line in notes(results("one")))


def test_a_result_that_could_not_be_read_is_told() -> None:
    assert "#1 left out: bad log" in notes(results("one", left_out=("bad log",)))


def test_the_whole_data_set_may_have_several_samples_for_a_question() -> None:
    few, whole = (
        results(
            name,
            row(samples=count, more={F1.name: 90.5}, source=Source.MEASURED, latency=20),
            task="question-answering",
        )
        for name, count in (("few", 604), ("whole", 10_570))
    )
    (line,) = (each for each in notes(few, whole) if "less reliable" in each)
    assert line.startswith("#1: accuracies are from 604 questions")
    assert "those from all 10,570" in line

"""The closed division: what its tree has to hold, and what keeps a point out of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.measurement import Outcome
from dse.loadgen.compliance import FAIL, PASS, TESTS
from dse.loadgen.logs import ACCURACY
from dse.study.folder import existing_folder
from dse.study.study import Study
from dse.submission.rules import foreseeable
from dse.tasks.benchmark import Benchmark
from dse.tasks.image_classification.task import ImageClassification
from tests.submission.copies import Copy
from tests.submission.evidence import EDGE, TOLD, write_study
from tests.submission.exports import RESULT, export, exported
from tests.submission.mutations import CLOSED_MUTATIONS
from tests.submission.test_checkers import clone
from tests.submission.trees import contents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commandline import Command
    from tests.submission.evidence import Data

MODEL = "mobilenet-v1-0.25-128-int8"
SYSTEM = f"Test-Board-1-{MODEL}_dse-cpu_litert-2.3.0_threads-1_batch-1_instances-1"
CLOSED = ("--division", "closed")
EQUIVALENCE = "equivalence: the file of MLPerf's reference\n"
LOGS = ("performance/run_1/mlperf_log_detail.txt", "performance/run_1/mlperf_log_summary.txt")
FILES = {
    "TEST01": (
        *("accuracy/accuracy.txt", f"accuracy/{ACCURACY}", *LOGS),
        *("verify_accuracy.txt", "verify_performance.txt"),
    ),
    "TEST04": (*LOGS, "verify_performance.txt"),
}


@pytest.fixture
def closed(data: Data, here: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Copy]:
    """Makes the study ``closed``; MobileNet is the reference model of its benchmark."""
    known = Benchmark.of()
    rules, quality = replace(known.rules, reference_model="mobilenet"), known.quality
    monkeypatch.setattr(ImageClassification, "rules", rules)
    monkeypatch.setattr(ImageClassification, "quality", replace(quality, target=37.0))
    (here / "system.yaml").write_text(TOLD + EQUIVALENCE)

    def copy() -> Copy:
        made = data.folder / "studies/closed"
        if not made.exists():
            write_study(made, data, EDGE, tests=tuple(TESTS))
        return Copy(shutil.copytree(made, here / "studies/closed"), "SingleStream")

    return copy


def test_the_tree_has_every_scenario_with_its_tests(
    command: Command, closed: Callable[[], Copy], here: Path
) -> None:
    closed()
    said = exported(command, "closed", *CLOSED)
    assert said.startswith("3 results of 1 point in tree: 60 files new")
    files = contents(here / "tree")
    root = f"closed/Org/results/{SYSTEM}/resnet"
    assert sorted(files) == sorted(
        [
            "closed/Org/documentation/calibration.md",
            *(f"{root}/{scenario.value}/{name}" for scenario in EDGE for name in RESULT),
            *(
                f"{root}/{scenario.value}/{test}/{name}"
                for scenario in EDGE
                for test, names in FILES.items()
                for name in names
            ),
            f"closed/Org/src/{MODEL}/README.md",
            f"closed/Org/src/{MODEL}/{SYSTEM}/README.md",
            f"closed/Org/src/{MODEL}/{SYSTEM}/models.yaml",
            f"closed/Org/src/{MODEL}/{SYSTEM}/space.yaml",
            f"closed/Org/systems/{SYSTEM}.json",
        ]
    )
    assert json.loads(files[f"closed/Org/systems/{SYSTEM}.json"])["division"] == "closed"
    source = files[f"closed/Org/src/{MODEL}/{SYSTEM}/README.md"].decode()
    assert source.endswith("reference model: the file of MLPerf's reference\n")
    for scenario in EDGE:
        place = f"{root}/{scenario.value}"
        readme = files[f"{place}/README.md"].decode()
        assert f"--scenario {scenario.value} --division closed\n" in readme
        assert "\n- TEST01: " in readme
        for name in ("TEST01/verify_accuracy", "TEST01/verify_performance"):
            assert files[f"{place}/{name}.txt"].decode().splitlines()[-1] == PASS
        whole = contents(here / "tree-originals")[f"{place}/TEST01/accuracy/{ACCURACY}"]
        assert files[f"{place}/TEST01/accuracy/{ACCURACY}"].startswith(whole[:4096])
        digest = hashlib.sha256(whole).hexdigest()
        assert files[f"{place}/TEST01/accuracy/accuracy.txt"].decode() == f"hash={digest}\n"
    assert "0 files new, 60 unchanged" in exported(command, "closed", *CLOSED)


def test_both_divisions_lie_in_one_tree(
    command: Command, closed: Callable[[], Copy], here: Path
) -> None:
    closed()
    exported(command, "closed", *CLOSED)
    said = exported(command, "closed")
    assert "3 results of 1 point in tree" in said
    assert {path.name for path in (here / "tree").iterdir()} == {"open", "closed"}
    mapping = json.loads((here / "tree/open/Org/model_mapping.json").read_text())
    assert mapping == {MODEL: "resnet"}
    assert not [*(here / "tree/open").rglob("TEST*")]
    answer = export(command, "closed", *CLOSED, "--submitter", "Other")
    assert "--output: tree is of another submitter, Org" in answer.err


def test_answers_that_are_as_good_are_shown_to_be(
    command: Command, closed: Callable[[], Copy], here: Path
) -> None:
    def wrong(entries: list[dict[str, Any]]) -> None:
        entries[0]["data"] = "E703000000000000"

    closed().responses(wrong, "TEST01")
    exported(command, "closed", *CLOSED)
    folder = here / f"tree/closed/Org/results/{SYSTEM}/resnet/SingleStream/TEST01"
    assert (folder / "verify_accuracy.txt").read_text().splitlines() == [
        "answers logged: 2000",
        "to samples of the accuracy run: 2000",
        "that differ from it: 1",
        FAIL,
    ]
    before, after = (
        (folder / f"accuracy/{name}_accuracy.txt").read_text().splitlines()[0]
        for name in ("baseline", "compliance")
    )
    assert before.endswith(", total=1000")
    good, other = (int(text.split("good=")[1].split(",")[0]) for text in (before, after))
    assert good - other == 1


@pytest.mark.parametrize("name", CLOSED_MUTATIONS)
def test_a_mutation_is_refused_by_its_rule(
    command: Command, here: Path, closed: Callable[[], Copy], name: str
) -> None:
    mutation = CLOSED_MUTATIONS[name]
    mutation.change(closed())
    before = {*here.iterdir()}
    answer = export(command, "closed", *CLOSED)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert answer.err.startswith(f"dse: #0 SingleStream: {mutation.rule}: ")
    assert mutation.words in answer.err
    assert {*here.iterdir()} == before


def test_a_point_is_exported_with_all_scenarios_or_not_at_all(
    command: Command, closed: Callable[[], Copy]
) -> None:
    replace(closed(), scenario="Offline").log("TEST04", effective_min_duration_ms=10_000)
    answer = export(command, "closed", *CLOSED)
    assert answer.err.startswith("dse: #0 Offline: min-duration: ")
    answer = export(command, "closed", *CLOSED, "--dry-run")
    listed = " ".join(answer.out.split())
    which = "(#0 SingleStream, #0 MultiStream)"
    assert f"all-scenarios: Offline of the same point is not complete {which}" in listed
    assert listed.count("all-scenarios") == 3  # in the rows of both, and once with its meaning
    assert "to export: nothing; lacking: 3 results" in answer.err


def test_another_model_than_the_reference_is_refused(
    command: Command, closed: Callable[[], Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed()
    (record,) = Study.load(existing_folder("closed")).frontier()
    pruned = replace(record.configuration, model="mobilenet-v1-pruned90")
    for configuration, rules in ((record.configuration, []), (pruned, ["reference-model"])):
        known = replace(record, configuration=configuration)
        found = foreseeable(known, "file", Benchmark.of(division="closed"))
        assert [breach.rule for breach in found] == rules
        assert all("under its name" in breach.remedy for breach in found)  # nobody publishes it
    rules_ = replace(Benchmark.of().rules, reference_model="resnet50-v1.5")
    monkeypatch.setattr(ImageClassification, "rules", rules_)
    answer = export(command, "closed", *CLOSED)
    remedy = (
        "explore the files of `dse models fetch resnet50-v1.5 --output reference` with --models "
        "and --dataset"
    )
    assert f"the closed division takes resnet50-v1.5 alone; {remedy}" in answer.err
    answer = export(command, "closed", *CLOSED, "--dry-run")
    assert answer.err.splitlines()[0] == f"remedy: {remedy}"
    assert "STUDY" not in answer.err  # every run is there
    exported(command, "closed")


def test_compliance_runs_that_lack_are_made_by_a_validation(
    command: Command,
    closed: Callable[[], Copy],
    data: Data,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed()
    write_study(here / "studies/open", data, EDGE)
    answer = export(command, "open", *CLOSED, "--dry-run")
    assert "compliance-run: there is no TEST01 run of this configuration (all 3 results)" in (
        " ".join(answer.out.split())
    )
    assert "remedy: " not in answer.err
    assert answer.last.startswith("next: dse validate open --points 0 --division closed ")
    rules = replace(Benchmark.of().rules, reference_model="resnet50-v1.5")
    monkeypatch.setattr(ImageClassification, "rules", rules)
    answer = export(command, "open", *CLOSED, "--dry-run")
    first, second, summary = answer.err.splitlines()
    assert first.startswith("remedy: explore the files of `dse models fetch resnet50-v1.5 ")
    assert second == (
        "remedy: then `dse validate STUDY --division closed` makes the compliance runs as well"
    )
    assert summary == "to export: nothing; lacking: 3 results"


@pytest.mark.parametrize(
    ("task", "model"),
    [("image-classification", "resnet50-v1.5"), ("question-answering", "bert-large")],
)
def test_builtin_models_are_to_be_replaced_by_the_files_of_the_reference(
    closed: Callable[[], Copy], monkeypatch: pytest.MonkeyPatch, task: str, model: str
) -> None:
    closed()
    (record,) = Study.load(existing_folder("closed")).frontier()
    monkeypatch.undo()
    unmeasured = replace(record, outcome=Outcome(()))
    found = foreseeable(unmeasured, "builtin", Benchmark.of(task, "closed"))
    assert [each.rule for each in found] == ["trained", "accuracy-measured", "reference-model"]
    fetch = f"`dse models fetch {model} --output reference`"
    assert {each.remedy for each in found} == {
        f"explore the files of {fetch} with --models and --dataset"
    }


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--infer-scenarios"], "--infer-scenarios: not in the closed division; leave it out, and"),
        (["--category", "datacenter"], "--category: not in the closed division; give --category "),
        (["--release", "v5.1"], "--release: not in the closed division; give --release v6.1"),
    ],
)
def test_what_the_closed_division_has_not_is_refused(
    command: Command, closed: Callable[[], Copy], words: list[str], problem: str
) -> None:
    closed()
    answer = export(command, "closed", *CLOSED, *words)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert problem in answer.err


def test_what_no_file_tells_of_the_model_has_to_be_said(
    command: Command, closed: Callable[[], Copy], here: Path
) -> None:
    closed()
    (here / "system.yaml").write_text(TOLD)
    answer = export(command, "closed", *CLOSED)
    assert answer.err.startswith("dse: system.yaml: nothing tells equivalence of the system; ")
    told = TOLD.replace('retraining: "no"', 'retraining: "yes"')
    (here / "system.yaml").write_text(told + EQUIVALENCE)
    answer = export(command, "closed", *CLOSED)
    assert "system.yaml: retraining: the closed division takes no model that was" in answer.err


def test_the_checkers_are_run_on_it(
    command: Command, closed: Callable[[], Copy], here: Path
) -> None:
    closed()
    said = exported(command, "closed", *CLOSED, "--checker", clone(here))
    assert said.splitlines()[-1] == "ready to be handed in, which members of MLCommons may"

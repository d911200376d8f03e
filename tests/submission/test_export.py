"""``dse export``: the tree that comes out, what is asked for, what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dse.commands._export_readiness import Readiness, breach_lines, supplying
from dse.loadgen.logs import ACCURACY, DETAIL
from dse.machine.detect import detect
from dse.study.folder import StudyFolder
from dse.study.study import Study
from dse.submission._hardware import hardware
from dse.submission._logs import SUMMARY
from dse.submission.description import MEANINGFUL, OPTIONAL
from dse.submission.evidence import gather
from dse.submission.rules import Breach
from dse.tasks.benchmark import Benchmark
from tests.replays import write_space, write_table
from tests.submission.evidence import (
    BOTH,
    FILE,
    OF_ANY_MACHINE,
    SHA256,
    TOLD,
    VERSION,
    write_study,
)
from tests.submission.exports import MODEL, ROOT, SYSTEM, export, exported, listing, result
from tests.submission.test_checkers import FAIL, clone
from tests.submission.trees import contents

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.core.metrics import Scenario
    from tests.commandline import Command
    from tests.submission.copies import Copy
    from tests.submission.evidence import Data


def test_the_whole_tree(command: Command, copied: Callable[[str], Copy], here: Path) -> None:
    study = copied("full")
    said = exported(command, "full").splitlines()
    assert said == [
        "2 results of 1 point in tree: 25 files new, 0 unchanged, 0 replaced",
        "whole accuracy logs: tree-originals",
        (
            "MLPerf's checkers were not run: give --checker and a clone of "
            "https://github.com/mlcommons/inference"
        ),
        (
            "next: dse export full --submitter Org --output tree --system system.yaml "
            "--checker inference"
        ),
    ]
    found = contents(here / "tree")
    assert sorted(found) == listing("Offline", "SingleStream")
    for name, content in found.items():
        assert " " not in name
        assert not any(part.startswith(".") for part in Path(name).parts)
        assert 0 < len(content) < 50e6

    system = json.loads((ROOT / f"systems/{SYSTEM}.json").read_text())
    assert sorted(system) == sorted([*MEANINGFUL, *OPTIONAL])
    assert all(isinstance(value, str) for value in system.values())
    assert all(system[name] for name in MEANINGFUL)
    told = {
        "system_name": "Test Board 1",
        "submitter": "Org",
        "division": "open",
        "system_type": "edge",
        "framework": "litert 2.3.0",
        "other_software_stack": f"dse {VERSION}, MLPerf LoadGen 6.0.17 @ d6147c7eb7",
        "operating_system": "Some Linux 1, kernel 6.1.0",
        "host_processor_model_name": "Example CPU 9000",
        "accelerators_per_node": "0",
    }
    assert {name: system[name] for name in told} == told
    assert json.loads((ROOT / "model_mapping.json").read_text()) == {MODEL: "resnet"}
    originals = contents(here / "tree-originals")
    assert sorted(originals) == [name for name in listing(*BOTH) if name.endswith(ACCURACY)]
    runs = study.folder / "runs"
    for scenario in BOTH:
        log = (runs / f"{scenario}-accuracy/accuracy" / ACCURACY).read_bytes()
        assert log in originals.values()


@pytest.mark.parametrize("scenario", BOTH)
def test_a_result(command: Command, copied: Callable[[str], Copy], scenario: Scenario) -> None:
    runs = copied("full").folder / "runs"
    exported(command, "full")
    folder = result(scenario)
    timed, accurate = runs / f"{scenario}-performance", runs / f"{scenario}-accuracy"
    assert json.loads((folder / "measurements.json").read_text()) == {
        "input_data_types": "uint8",
        "retraining": "no",
        "starting_weights_filename": FILE,
        "weight_data_types": "int8",
        "weight_transformations": "none",
    }
    assert (folder / "user.conf").read_text() == (timed / "user.conf").read_text()
    for name in (SUMMARY, DETAIL):
        kept = (timed / "performance" / name).read_bytes()
        assert (folder / "performance/run_1" / name).read_bytes() == kept
        assert (folder / "accuracy" / name).read_bytes() == (
            accurate / "accuracy" / name
        ).read_bytes()
    log = (accurate / "accuracy" / ACCURACY).read_bytes()
    shown = (folder / "accuracy" / ACCURACY).read_bytes()
    assert shown == log[:4096] + b"\n\n...\n\n" + log[-4096:]
    assert (folder / "accuracy/accuracy.txt").read_text() == (
        f"accuracy=37.612%, good=18806, total=50000\n\nhash={hashlib.sha256(log).hexdigest()}\n"
    )
    readme = (folder / "README.md").read_text()
    assert readme.startswith(f"# {MODEL}, {scenario}\n\nResult not verified by MLCommons")
    assert f"pip install 'mlperf-dse[all]=={VERSION}'" in readme
    assert "dse explore space.yaml --study repeat --models MODELS --dataset IMAGES" in readme
    assert f"dse validate repeat --models MODELS --dataset IMAGES --scenario {scenario}" in readme
    assert SHA256 in readme


def test_the_same_again_changes_nothing(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("full")
    exported(command, "full")
    before = {path: path.stat().st_mtime_ns for path in (here / "tree").rglob("*")}
    assert "0 files new, 25 unchanged, 0 replaced" in exported(command, "full", "--points", 0)
    assert {path: path.stat().st_mtime_ns for path in (here / "tree").rglob("*")} == before


def test_what_differs_is_replaced_when_it_is_asked_for(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("single")
    exported(command, "single")
    file = result("SingleStream") / "README.md"
    good = file.read_bytes()
    file.write_text("mine")
    before = contents(here / "tree")
    answer = export(command, "single")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert f"holds other files than this export would write: {file.relative_to('tree')}; give" in (
        answer.err
    )
    assert contents(here / "tree") == before
    assert "0 files new, 15 unchanged, 1 replaced" in exported(command, "single", "--force")
    assert file.read_bytes() == good


def test_a_scenario_that_was_validated_later_joins(
    command: Command, data: Data, here: Path
) -> None:
    (here / "system.yaml").write_text(TOLD)
    folder = here / "studies/s"
    write_study(folder, data, BOTH, validated=BOTH[:1])
    said = exported(command, "s").splitlines()
    assert said[0] == ("left out: #0 Offline: performance-run: there is no valid performance run")
    assert said[1].startswith("1 result of 1 point in tree: 16 files new")
    shutil.rmtree(folder)
    write_study(folder, data, BOTH)
    assert "9 files new, 16 unchanged, 0 replaced" in exported(command, "s")


def test_a_dry_run_lists_what_is_missing(command: Command, data: Data, here: Path) -> None:
    (here / "system.yaml").write_text(TOLD)
    write_study(here / "studies/my study", data, BOTH, validated=BOTH[:1])
    before = {*here.iterdir()}
    answer = export(command, "studies/my study", "--dry-run")
    assert answer.code == 2  # a name with a space is none
    (here / "studies/my study").rename(here / "studies/s")
    answer = export(command, "s", "--dry-run")
    assert answer.code == 1
    heading, single, offline, *rest = answer.out.splitlines()
    headings = ["id", "model", "runtime", "scenario", "missing", "or", "wrong"]
    assert heading.split() == headings
    named = ["0", MODEL.removesuffix("-int8"), "int8", "litert", "t1", "b1"]
    assert single.split() == [*named, "SingleStream", "nothing"]
    assert offline.split()[:7] == [*named, "Offline"]
    assert offline.split()[7:] == ["performance-run,", "accuracy-run"]
    assert rest == [
        "t threads, b batch size",
        "performance-run: there is no valid performance run (#0 Offline)",
        "accuracy-run: there is no accuracy run of this configuration (#0 Offline)",
    ]
    assert answer.err.splitlines() == [
        "to export: 1 result of 1 point; lacking: 1 result",
        "next: dse validate s --points 0 --scenario Offline",
    ]
    url = f"sqlite:///{here}/studies/s/study.db"
    answer = export(command, "s", "--dry-run", "--storage", url)
    assert answer.last == f"next: dse validate s --storage {url} --points 0 --scenario Offline"
    assert {*here.iterdir()} == before
    answer = export(command, "s", "--dry-run", "--points", 0)
    assert "to export: nothing; lacking: 1 result\n" in answer.err
    write_study(here / "studies/t", data, BOTH)
    answer = export(command, "t", "--dry-run")
    assert (answer.code, answer.err.splitlines()) == (
        0,
        [
            "to export: 2 results of 1 point; lacking: nothing",
            "next: dse export t --submitter Org --output tree --system system.yaml",
        ],
    )


def test_one_command_supplies_what_points_lack_alike(data: Data, tmp_path: Path) -> None:
    study = Study.load(StudyFolder(write_study(tmp_path / "s", data, BOTH, validated=())))
    (record,) = study.frontier()
    judged = [
        Readiness(result, (Breach("performance-run", ""),), preview=False)
        for id_, scenarios in ((0, BOTH), (3, BOTH), (4, BOTH[1:]))
        for result in gather(
            study,
            replace(record, id=id_),
            scenarios,
            ("valid",),
            infer=False,
            benchmark=Benchmark.of(),
        )
    ]
    # A password is in no command.
    both, offline = supplying(judged, "s", "mysql://me:secret@host/db")
    begun = "dse validate s --storage 'mysql://me:***@host/db'"
    assert both == f"{begun} --points 0,3 --scenario SingleStream --scenario Offline"
    assert offline == f"{begun} --points 4 --scenario Offline"


def test_what_results_lack_alike_is_told_once(data: Data, tmp_path: Path) -> None:
    study = Study.load(StudyFolder(write_study(tmp_path / "s", data, BOTH, validated=())))
    (record,) = study.frontier()
    every, some = Breach("performance-run", "there is none"), Breach("queries", "too few")
    judged = [
        Readiness(result, (every, *([some] if id_ < 4 else [])), preview=False)
        for id_ in range(5)
        for result in gather(
            study,
            replace(record, id=id_),
            BOTH,
            ("valid",),
            infer=False,
            benchmark=Benchmark.of(),
        )
    ]
    assert breach_lines(judged) == [
        "performance-run: there is none (all 10 results)",
        "queries: too few (#0 SingleStream, #0 Offline, #1 SingleStream, #1 Offline, #2",
        "  SingleStream, #2 Offline and 2 more)",
    ]
    assert breach_lines(judged[:1])[0] == "performance-run: there is none (#0 SingleStream)"


def test_points_that_are_named_have_to_be_complete(
    command: Command, data: Data, here: Path
) -> None:
    (here / "system.yaml").write_text(TOLD)
    write_study(here / "studies/s", data, BOTH, validated=BOTH[:1])
    answer = export(command, "s", "--points", 0)
    assert (answer.code, answer.err) == (
        2,
        (
            "dse: #0 Offline: performance-run: there is no valid performance run; `dse validate s "
            "--points 0 --scenario Offline` supplies what is missing, or export a --preview; "
            "--dry-run lists it all\n"
        ),
    )
    answer = export(command, "s", "--points", "0,7")
    assert answer.code == 2
    assert "--points: study 's' has no measured point 7; `dse frontier` shows 0" in answer.err
    assert not (here / "tree").exists()


def test_missing_fields_are_listed_in_one_line(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("single")
    (here / "system.yaml").write_text("cooling: air\nhost_networking: none\n")
    before = {*here.iterdir()}
    answer = export(command, "single")
    assert (answer.code, answer.err) == (
        2,
        (
            "dse: system.yaml: nothing tells status, system_name, host_processors_per_node, "
            "host_processor_core_count, host_memory_configuration, host_storage_capacity, "
            "host_storage_type, host_network_card_count, retraining of the system; "
            "put them into a system.yaml and give it with --system\n"
        ),
    )
    answer = command("export", "single", "--submitter", "Org", "--output", "tree")
    assert answer.code == 2
    assert answer.err.startswith("dse: --system: nothing tells status, ")
    assert {*here.iterdir()} == before


def test_a_dry_run_lists_missing_fields_and_where_to_put_them(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("single")
    (here / "system.yaml").write_text("".join(TOLD.splitlines(keepends=True)[2:-1]))
    answer = export(command, "single", "--dry-run")
    assert (answer.code, answer.err.splitlines()) == (
        1,
        [
            "fields of the system missing in system.yaml:",
            "  status (or --status)",
            "  system_name (or --system-name)",
            "  retraining",
            "to export: 1 result of 1 point; lacking: 3 fields of the system",
            "next: dse export single --submitter Org --output tree --system system.yaml --dry-run",
        ],
    )
    words = ("export", "single", "--submitter", "Org", "--output", "tree", "--dry-run")
    answer = command(*words, "--status", "rdi")
    assert answer.code == 1
    fields = answer.err.splitlines()
    assert fields[0] == "fields of the system missing in a system.yaml (--system):"
    assert "  cooling" in fields
    assert "status" not in " ".join(fields[:-1])
    assert answer.last == f"next: dse {' '.join(words)} --status rdi --system system.yaml"


def test_flags_win_over_the_file(command: Command, copied: Callable[[str], Copy]) -> None:
    copied("single")
    exported(command, "single", "--system-name", "Another/Board", "--status", "rdi")
    (system,) = (ROOT / "systems").iterdir()
    assert system.name.startswith("Another-Board_dse-cpu_")
    told = json.loads(system.read_text())
    assert (told["system_name"], told["status"]) == ("Another/Board", "rdi")


def test_a_study_of_this_machine_takes_its_hardware_from_here(
    command: Command, data: Data, here: Path
) -> None:
    write_study(here / "studies/s", data, BOTH[:1], system=detect().as_dict())
    (here / "system.yaml").write_text("cooling: air\n")
    answer = export(command, "s")
    assert answer.code == 2
    told = hardware()
    missing = answer.err.partition("nothing tells ")[2].partition(" of the system")[0].split(", ")
    assert not set(missing) & set(told)
    (here / "system.yaml").write_text(
        "cooling: air\nstatus: rdi\n" + "".join(f"{name}: told\n" for name in missing[1:])
    )
    exported(command, "s")
    (file,) = (ROOT / "systems").iterdir()
    system = json.loads(file.read_text())
    assert {name: system[name] for name in told} == told
    assert system["host_processor_model_name"] == detect().cpu


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--release", "v6.0"],
            "--release: the seeds of the runs are those of v6.1, not of v6.0; ",
        ),
        (["--release", "v5.1"], "those of v6.1, not of v5.1; give --release v6.1"),
        (
            ["--release", "v6.0", "--dry-run"],
            "or validate a study of its own with the LoadGen of v6.0",
        ),
        (["--release", "v7"], "'--release'"),
        (["--division", "network"], "'--division'"),
        (["--division", "closed"], "--division: study 'single' has not measured multistream"),
        (["--category", "datacenter"], "s no objective"),
        (["--output", "/"], "--output: / can't be the root of a submission; give a folder"),
        (["--output", "my-preview"], "--output: my-preview says that it is a preview; give"),
        (["--submitter", "My Org"], "--submitter: 'My Org' can't be the name of a folder; use"),
        (["--submitter", "../Org"], "--submitter: '../Org' can't be the name of a folder; use"),
        (["--submitter", ".."], "--submitter: '..' can't be the name of a folder"),
        (["--points", "x"], "'--points'"),
        (["--system", "no.yaml"], "no.yaml: no such file"),
        (["--system-name", " "], "system_name: "),
        (["--checker", "nowhere"], "--checker: nowhere holds no tools/submission/"),
        (["--preview", "--release", "v6.0"], "give --release v6.1"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    command: Command,
    copied: Callable[[str], Copy],
    here: Path,
    arguments: list[str],
    words: str,
) -> None:
    copied("single")
    before = {*here.iterdir()}
    answer = export(command, "single", *arguments)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert words in answer.err
    assert {*here.iterdir()} == before


def test_into_the_working_folder(
    command: Command, copied: Callable[[str], Copy], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = copied("single").folder
    folder = here / "out"
    folder.mkdir()
    monkeypatch.chdir(folder)
    command.good(
        *("export", study, "--submitter", "Org", "--output", "."),
        *("--system", here / "system.yaml"),
    )
    assert sorted(contents(folder)) == listing("SingleStream")
    assert (here / "out-originals/open/Org").is_dir()


def test_the_checkers_are_run_and_their_verdict_counts(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("single")
    root = clone(here)
    said = exported(command, "single", "--checker", root).splitlines()
    assert said[-4:] == [
        "submission_checker: passed",
        "submission_checker_old: passed",
        "truncate_accuracy_log: passed",
        "ready to be handed in, which members of MLCommons may",
    ]
    clone(here, old=FAIL)
    answer = export(command, "single", "--checker", root)
    assert answer.code == 1
    assert "submission_checker_old: FAILED\n  2 x ran too short\n" in answer.err


def test_builtin_models_are_sent_to_no_validation(command: Command, here: Path) -> None:
    write_table(here)
    command.good("explore", write_space(here, "s", threads=1, batch_sizes=1))
    (here / "system.yaml").write_text(TOLD + OF_ANY_MACHINE)
    answer = export(command, "s", "--dry-run")
    assert answer.code == 1
    assert "trained: the builtin models have untrained weights" in " ".join(answer.out.split())
    remedy = "explore trained models with --models and --dataset"
    assert answer.err.splitlines() == [
        f"remedy: {remedy}",
        "to export: nothing; lacking: 4 results",
    ]
    answer = export(command, "s")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert f"; {remedy}; --dry-run lists it all" in answer.err
    assert "dse validate" not in answer.err


def test_a_study_without_anything(command: Command, here: Path) -> None:
    (here / "system.yaml").write_text(TOLD)
    answer = export(command, "none")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    null: dict[str, Any] = {"backends": {"null": {"fault": "refuse"}}, "models": "a"}
    space = write_space(here, "s", threads=1, batch_sizes=1, **null)
    assert command("explore", space).code == 1
    answer = export(command, "s")
    assert answer.code == 2
    assert "study 's' has nothing on its frontier yet; explore it further" in answer.err

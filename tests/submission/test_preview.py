"""Previews: real rehearsals of a small model, in a tree that says that it is not valid."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.cli import run
from dse.loadgen.logs import ACCURACY
from dse.submission.rules import SHORT
from dse.tasks.image_classification.labels import LABELS_FILE
from tests.replays import write_space
from tests.submission.evidence import OF_ANY_MACHINE, TOLD
from tests.submission.exports import RESULT, export, exported, listing
from tests.submission.mutations import MUTATIONS
from tests.submission.test_checkers import EXPECTED, FAIL, SHORT_RUNS, clone
from tests.submission.trees import contents
from tests.validate.conftest import IMAGES, OBJECTIVES, OPTIONS, write_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.commandline import Command
    from tests.submission.copies import Copy

ROOT = Path("tree-preview/open/Org")
START = "**PREVIEW. This is not a valid MLPerf result**"


@pytest.fixture(scope="module")
def made(kept: Path) -> Iterator[Path]:
    """A folder with the study ``real``, explored and rehearsed."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    folder = kept / "rehearsed"
    folder.mkdir()
    write_inputs(folder)
    fields = {"models": "m", "threads": 1, "batch_sizes": 4, "objectives": OBJECTIVES}
    write_space(folder, "real", backends=["onnxruntime"], **fields)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DSE_CACHE_DIR", str(folder / "cache"))
        assert run(["explore", "real.yaml", "--settle", "0", *OPTIONS]) == 0
        assert run(["validate", "real", "--rehearsal", *OPTIONS]) == 0
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def rehearsed(made: Path, here: Path) -> Path:
    """The study ``real`` in the working folder."""
    (here / "system.yaml").write_text(TOLD + OF_ANY_MACHINE)
    return Path(shutil.copytree(made / "studies", here / "studies")) / "real"


def test_rehearsals_are_exported_as_what_they_are(
    command: Command, rehearsed: Path, here: Path
) -> None:
    assert rehearsed.is_dir()
    note, *said = exported(command, "real", "--preview").splitlines()
    assert note.startswith("note: #0: accuracy is that of chance (")
    assert said[0].startswith("2 results of 1 point in tree-preview: 25 files new")
    assert said[1] == "whole accuracy logs: tree-preview-originals"
    way = "explore with the whole data set"
    assert said[2] == f"a preview is not a valid submission; {way} for one"
    assert not (here / "tree").exists()
    (system,) = (ROOT / "systems").iterdir()
    names = sorted(contents(here / "tree-preview"))
    assert names == listing("Offline", "SingleStream", system=system.stem, model="m-fp32")
    readmes = [*(here / "tree-preview").rglob("README.md")]
    assert len(readmes) == 4
    assert all(readme.read_text().startswith(START) for readme in readmes)
    for scenario in ("Offline", "SingleStream"):
        folder = ROOT / "results" / system.stem / "m-fp32" / scenario
        assert {str(p.relative_to(folder)) for p in folder.rglob("*.*")} == {*RESULT}
        log = (folder / "accuracy" / ACCURACY).read_text()
        assert len(json.loads(log)) == IMAGES  # too short to be cut
        assert f", total={IMAGES}\n" in (folder / "accuracy/accuracy.txt").read_text()
        measurements = json.loads((folder / "measurements.json").read_text())
        assert (measurements["input_data_types"], measurements["weight_data_types"]) == (
            *("fp32", "fp32"),
        )
    again = exported(command, "real", "--preview", to="tree-preview")
    assert "in tree-preview: 0 files new, 25 unchanged, 0 replaced" in again


def test_rehearsals_are_nothing_to_submit(command: Command, rehearsed: Path, here: Path) -> None:
    assert rehearsed.is_dir()
    answer = export(command, "real")
    assert answer.code == 2
    assert answer.err == (
        f"dse: #0 SingleStream: accuracy-samples: the data set has {IMAGES} images, not 50000; "
        "explore with the whole data set, or export a --preview; --dry-run lists it all\n"
    )
    answer = export(command, "real", "--dry-run")
    assert answer.code == 1
    assert "there is no valid performance run" in " ".join(answer.out.split())
    assert answer.err.splitlines()[-2:] == [
        "remedy: explore with the whole data set",
        "to export: nothing; lacking: 2 results",
    ]
    assert not (here / "tree-preview").exists()


def test_a_dry_run_tells_what_is_expected_of_a_preview(
    command: Command, rehearsed: Path, here: Path
) -> None:
    assert rehearsed.is_dir()
    answer = export(command, "real", "--preview", "--dry-run")
    assert answer.code == 0
    listed = " ".join(answer.out.split())
    # A second is long enough for LoadGen's early stopping of so small a model, and on a quick
    # machine for the samples of Offline.
    rules = "accuracy-samples, fidelity, min-duration"
    assert f"SingleStream expected here: {rules}" in listed
    assert f"Offline expected here: {rules}" in listed
    assert answer.err.splitlines()[-2:] == [
        "to export: 2 results of 1 point; lacking: nothing",
        "next: dse export real --submitter Org --output tree --system system.yaml --preview",
    ]
    assert not (here / "tree-preview").exists()
    for logs in (rehearsed / "runs").glob("*/performance"):
        shutil.rmtree(logs)
    answer = export(command, "real", "--preview", "--dry-run")
    assert answer.code == 1
    assert "to export: nothing; lacking: 2 results" in answer.err


def test_what_checkers_say_of_every_preview_is_no_failure(
    command: Command, rehearsed: Path, here: Path
) -> None:
    assert rehearsed.is_dir()
    root = clone(here, new=SHORT_RUNS, old=SHORT_RUNS)
    said = exported(command, "real", "--preview", "--checker", root).splitlines()
    assert said[-5:] == [
        *["submission_checker: complains as expected of a preview", EXPECTED],
        *["submission_checker_old: complains as expected of a preview", EXPECTED],
        "truncate_accuracy_log: passed",
    ]
    clone(here, new=SHORT_RUNS, old=FAIL)
    answer = export(command, "real", "--preview", "--checker", root)
    assert answer.code == 1
    assert answer.last == "truncate_accuracy_log: passed"  # nothing comes next


def test_what_hinders_a_preview_is_told_and_not_that_it_is_short(
    command: Command, rehearsed: Path, here: Path
) -> None:
    for file in (rehearsed / "runs").rglob(LABELS_FILE):
        file.unlink()
    answer = export(command, "real", "--preview")
    assert answer.code == 2
    assert answer.err.startswith("dse: #0 SingleStream: accuracy-value: ")
    assert not (here / "tree-preview").exists()


def test_a_preview_of_what_is_valid_says_so_no_less(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("single")
    said = exported(command, "single", "--preview", "--checker", clone(here))
    assert said.splitlines()[-1] == "next: dse validate single --points 0"
    assert sorted(contents(here / "tree-preview")) == listing("SingleStream")
    (readme, *_) = (here / "tree-preview").rglob("results/*/*/*/README.md")
    assert readme.read_text().startswith(START)


@pytest.mark.parametrize(
    "name",
    ["INVALID", "an error", "qsl seed", "model hash", "published accuracy", "other prediction"],
)
def test_a_preview_breaks_no_other_rules(
    command: Command, copied: Callable[[str], Copy], here: Path, name: str
) -> None:
    mutation = MUTATIONS[name]
    mutation.change(copied(mutation.study))
    answer = export(command, mutation.study, "--preview")
    assert answer.code == 2
    assert f": {mutation.rule}: " in answer.err
    assert not (here / "tree-preview").exists()


@pytest.mark.parametrize("name", ["min duration", "too few queries", "Offline samples"])
def test_what_is_too_short_can_be_previewed(
    command: Command, copied: Callable[[str], Copy], name: str
) -> None:
    mutation = MUTATIONS[name]
    mutation.change(copied(mutation.study))
    assert mutation.rule in SHORT
    assert "1 result of 1 point in tree-preview" in exported(command, mutation.study, "--preview")

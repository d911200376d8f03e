"""MLPerf's checkers, run from a clone that is made here: that pass, fail, change files, hang."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.submission import checkers
from dse.submission.checkers import FOLDER, NEEDED, SHOWN, Verdict, check, refuse_others
from tests.submission.trees import contents

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["submission_checker", "submission_checker_old", "truncate_accuracy_log"]
SAYING = """\
import argparse, logging, shutil, sys
logging.basicConfig(
    level=logging.INFO,
    format="[%(asctime)s %(filename)s:%(lineno)d %(levelname)s] %(message)s",
)
parser = argparse.ArgumentParser()
for name in ("input", "submitter", "version", "csv", "output"):
    parser.add_argument(f"--{name}")
given = parser.parse_args()
"""
PASS = SAYING + "logging.info('SUMMARY: submission looks OK')\n"
FAIL = SAYING + (
    "for number in range(2):\n"
    "    logging.error('%s/run_%d: %s', given.input, number, 'ran too short')\n"
    "logging.error('no accuracy')\nsys.exit(1)\n"
)
SHORT_RUNS = SAYING + (
    "for number in range(2):\n"
    "    run, found = f'{given.input}/run_{number}', f'expected=600000, found={1000 + number}'\n"
    "    logging.error('%s Test duration less than 600s in user config. %s', run, found)\n"
    "    logging.error('%s Some performance checks Checks failed for:', run)\n"
    "logging.error('SUMMARY: submission has errors')\nsys.exit(1)\n"
)
"""What MLPerf's checkers say of runs that are too short."""
EXPECTED = "  expected here: 2 x Test duration less than 600s"
COPY = SAYING + "shutil.copytree(given.input, given.output)\n"
CHANGE = COPY + "open(given.output + '/a.txt', 'w').write('cut')\n"
CRASH = "import no_such_module\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "a.txt").write_text("whole")
    return folder


def clone(folder: Path, new: str = PASS, old: str = PASS, truncating: str = COPY) -> Path:
    """A folder with scripts in the places of MLPerf's."""
    root = folder / "clone"
    for name, code in zip(NEEDED, (new, old, truncating), strict=True):
        file = root / FOLDER / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code)
    (root / FOLDER / "submission_checker/__init__.py").touch()
    return root


def verdicts(root: Path, tree: Path) -> list[Verdict]:
    found = check(root, tree, "Org", "v6.1")
    assert [verdict.checker for verdict in found] == NAMES
    return found


def test_they_pass_and_leave_nothing(tmp_path: Path, tree: Path) -> None:
    root = clone(tmp_path)
    before = contents(tmp_path)
    found = verdicts(root, tree)
    assert [verdict.passed for verdict in found] == [True] * 3
    assert [list(verdict.lines()) for verdict in found] == [[f"{name}: passed"] for name in NAMES]
    assert contents(tmp_path) == before


def test_they_are_told_what_to_check(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling = SAYING + (
        "assert (given.submitter, given.version) == ('Org', 'v6.1')\n"
        "assert open(given.input + '/a.txt').read() == 'whole'\n"
        "open(given.csv, 'x')\n"
    )
    root = clone(tmp_path, telling, telling)
    monkeypatch.chdir(tmp_path)
    found = verdicts(root.relative_to(tmp_path), tree.relative_to(tmp_path))
    # Each writes its table to the same new file: the second finds it there.
    assert [verdict.passed for verdict in found] == [True, False, True]
    assert "FileExistsError" in found[1].complaints[-1]


def test_what_they_complain_about_is_counted(tmp_path: Path, tree: Path) -> None:
    new, old, _ = verdicts(clone(tmp_path, FAIL, CRASH), tree)
    assert not new.passed
    assert list(new.lines()) == [
        "submission_checker: FAILED",
        "  2 x ran too short",
        "  1 x no accuracy",
    ]
    assert not old.passed
    assert old.complaints[-1] == "ModuleNotFoundError: No module named 'no_such_module'"


def test_what_every_preview_is_told_stands_apart(tmp_path: Path, tree: Path) -> None:
    summary = "logging.error('SUMMARY"
    both = SHORT_RUNS.replace(summary, f"logging.error('odd')\n{summary}")
    crashing = SHORT_RUNS.replace("sys.exit(1)", "import no_such_module")
    for code, acceptable, said in (
        (SHORT_RUNS, True, ["complains as expected of a preview"]),
        (both, False, ["FAILED", "  1 x odd"]),
        (PASS, True, ["passed"]),
    ):
        new, *_ = check(clone(tmp_path, new=code), tree, "Org", "v6.1", preview=True)
        assert new.acceptable is acceptable
        first, *others = said
        told = [f"{NAMES[0]}: {first}", *others]
        assert list(new.lines()) == [*told, *([] if code == PASS else [EXPECTED])]
    new, *_ = check(clone(tmp_path, new=crashing), tree, "Org", "v6.1", preview=True)
    assert not new.acceptable  # it has not looked at everything
    assert new.complaints[-1].startswith("ModuleNotFoundError: ")
    new, *_ = verdicts(clone(tmp_path, new=SHORT_RUNS), tree)
    assert not new.acceptable
    assert (len(new.complaints), new.expected) == (4, ())


def test_many_complaints_are_cut_short() -> None:
    verdict = Verdict("one", passed=False, complaints=tuple(map(str, range(SHOWN + 3))))
    assert list(verdict.lines())[-1] == "  ... and 3 more"
    assert len(list(verdict.lines())) == SHOWN + 2


def test_a_script_that_would_cut_something(tmp_path: Path, tree: Path) -> None:
    *_, truncating = verdicts(clone(tmp_path, truncating=CHANGE), tree)
    assert truncating == Verdict(NAMES[2], passed=False, complaints=("it changes a.txt",))
    assert (tree / "a.txt").read_text() == "whole"
    (tree / "b.txt").touch()
    lossy = COPY + "import os; os.remove(given.output + '/b.txt')\n"
    *_, truncating = verdicts(clone(tmp_path, truncating=lossy), tree)
    assert truncating.complaints == ("it changes b.txt",)
    *_, truncating = verdicts(clone(tmp_path, truncating=CRASH), tree)
    assert not truncating.passed


def test_one_that_hangs_is_ended(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkers, "TIMEOUT_S", 2.0)
    noted = tmp_path / "pid"
    hang = f"import os, time; open({str(noted)!r}, 'w').write(str(os.getpid())); time.sleep(600)\n"
    new, old, _ = verdicts(clone(tmp_path, new=hang), tree)
    assert new == Verdict(NAMES[0], passed=False, complaints=("not done after 2 s",))
    assert old.passed
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


@pytest.mark.parametrize("name", NEEDED)
def test_a_folder_without_them_is_refused(tmp_path: Path, name: str) -> None:
    root = clone(tmp_path)
    refuse_others(root)
    (root / FOLDER / name).unlink()
    with pytest.raises(RequestError) as caught:
        refuse_others(root)
    assert str(caught.value) == (
        f"--checker: {root} holds no {FOLDER / name}; "
        "give the folder of a clone of https://github.com/mlcommons/inference"
    )

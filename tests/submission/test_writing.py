"""A tree on disk: the same again, beside others, over nothing that differs, whole after kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError, RequestError
from dse.submission.tree import as_json
from dse.submission.writing import Written, originals_of, write
from tests.commandline import PATIENCE_S
from tests.submission.trees import LOG, PLACE, ROOT, contents, small_tree

if TYPE_CHECKING:
    from dse.submission.tree import Tree

PROJECT = Path(__file__).parents[2]
OTHER = ROOT / "results/board/other/Offline"


@pytest.fixture
def output(here: Path) -> Path:
    return here / "tree"


@pytest.fixture
def tree(here: Path) -> Tree:
    (here / "whole.json").write_bytes(b"whole")
    return small_tree(here / "whole.json")


def put(tree: Tree, output: Path, *, force: bool = False) -> Written:
    return write(tree, output, "Org", force=force)


def test_it_is_written_once(tree: Tree, output: Path) -> None:
    assert put(tree, output) == Written(new=5, same=0, replaced=0)
    assert contents(output) == {str(name): content for name, content in tree.files.items()}
    assert contents(originals_of(output)) == {str(LOG): b"whole"}
    before = {path: path.stat().st_mtime_ns for path in output.parent.rglob("*")}
    assert put(tree, output) == Written(new=0, same=5, replaced=0)
    assert {path: path.stat().st_mtime_ns for path in output.parent.rglob("*")} == before


def test_what_differs_is_named_and_stays(tree: Tree, output: Path) -> None:
    put(tree, output)
    (output / PLACE / "user.conf").write_text("mine")
    (output / PLACE / "notes.txt").write_text("mine")
    (output / PLACE / "performance/run_1/mlperf_log_trace.json").touch()
    (output / PLACE / "performance/run_2").mkdir()
    (output / PLACE / "performance/run_2/a").touch()
    (output / ROOT / "systems/board.json").unlink()
    before = contents(output)
    with pytest.raises(RequestError) as caught:
        put(tree, output)
    assert str(caught.value) == (
        f"--output: {output} holds other files than this export would write: {PLACE}/user.conf, "
        f"{PLACE}/notes.txt, {PLACE}/performance/run_1/mlperf_log_trace.json and 1 more; "
        "give another folder, or --force to replace them"
    )
    assert contents(output) == before
    assert put(tree, output, force=True) == Written(new=1, same=3, replaced=1)
    assert contents(output) == {str(name): content for name, content in tree.files.items()}


def test_a_folder_in_the_place_of_a_file_is_replaced_by_nobody(tree: Tree, output: Path) -> None:
    (output / PLACE / "user.conf").mkdir(parents=True)
    (output / PLACE / "user.conf/mine").touch()
    with pytest.raises(RequestError, match=r"holds other files .*/user\.conf"):
        put(tree, output)
    with pytest.raises(DseError, match=r"user\.conf: can't be written"):
        put(tree, output, force=True)


@pytest.mark.parametrize("place", [PLACE, PLACE.parent, ROOT, ROOT.parent])
def test_a_folder_that_is_a_link_is_refused(
    tree: Tree, output: Path, here: Path, place: PurePosixPath
) -> None:
    (here / "victim").mkdir()
    (here / "victim/mine.txt").touch()
    (output / place).parent.mkdir(parents=True)
    (output / place).symlink_to(here / "victim")
    for force in (False, True):
        with pytest.raises(RequestError, match="is a link"):
            put(tree, output, force=force)
    assert [file.name for file in (here / "victim").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("target", ["elsewhere", "nowhere", "same"])
def test_a_link_counts_as_another_file_and_is_never_followed(
    tree: Tree, output: Path, here: Path, target: str
) -> None:
    put(tree, output)
    (here / "elsewhere").write_text("mine")
    file = output / PLACE / "user.conf"
    (here / "same").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(here / target)
    with pytest.raises(RequestError, match="holds other files"):
        put(tree, output)
    put(tree, output, force=True)
    assert not file.is_symlink()
    assert file.read_bytes() == tree.files[PLACE / "user.conf"]
    assert (here / "elsewhere").read_text() == "mine"
    assert not (here / "nowhere").exists()


def test_a_link_to_a_folder_is_a_stranger(tree: Tree, output: Path, here: Path) -> None:
    put(tree, output)
    (here / "mine").mkdir()
    (here / "mine/a").touch()
    (output / PLACE / "performance/run_2").symlink_to(here / "mine")
    with pytest.raises(RequestError, match=r"performance/run_2; give"):
        put(tree, output)
    put(tree, output, force=True)
    assert not (output / PLACE / "performance/run_2").is_symlink()
    assert (here / "mine/a").exists()


def test_two_exports_join(tree: Tree, output: Path, here: Path) -> None:
    put(tree, output)
    other = small_tree(here / "whole.json", "other", OTHER)
    assert put(other, output) == Written(new=3, same=1, replaced=1)
    mapping = json.loads((output / ROOT / "model_mapping.json").read_text())
    assert mapping == {"model": "resnet", "other": "resnet"}
    assert contents(output).keys() == {str(name) for name in (*tree.files, *other.files)}
    assert put(tree, output) == put(other, output) == Written(new=0, same=5, replaced=0)
    assert json.loads((output / ROOT / "model_mapping.json").read_text()) == mapping


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "no model mapping: Expecting property name"),
        (b"[]", "no model mapping: not one text for each model"),
        (b'{"model": 1}', "no model mapping: not one text for each model"),
        (b"\xff", "no model mapping: "),
        (b"[" * 100_000, "no model mapping: "),
    ],
)
def test_a_damaged_mapping(tree: Tree, output: Path, text: bytes, words: str) -> None:
    file = output / ROOT / "model_mapping.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(text)
    for force in (False, True):
        with pytest.raises(RequestError) as caught:
            put(tree, output, force=force)
        assert str(caught.value).startswith(f"{file}: {words}")
    assert contents(output) == {str(ROOT / "model_mapping.json"): text}


def test_a_tree_is_of_one_submitter(tree: Tree, output: Path) -> None:
    (output / "open/Another").mkdir(parents=True)
    with pytest.raises(RequestError, match=r"--output: .* is of another submitter, Another"):
        put(tree, output, force=True)
    assert contents(output) == {"open/Another/": b""}


def test_a_whole_log_that_is_gone_comes_again(tree: Tree, output: Path) -> None:
    put(tree, output)
    (originals_of(output) / LOG).unlink()
    assert put(tree, output) == Written(new=0, same=5, replaced=0)
    assert contents(originals_of(output)) == {str(LOG): b"whole"}


def test_a_file_in_the_place_of_the_folder(tree: Tree, output: Path) -> None:
    output.write_text("mine")
    with pytest.raises(DseError, match="can't be written"):
        put(tree, output)
    assert output.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written(tree: Tree, output: Path) -> None:
    output.mkdir(mode=0o500)
    with pytest.raises(DseError, match="can't be written: Permission denied"):
        put(tree, output)


def test_what_killed_exports_of_other_points_left_is_removed(tree: Tree, output: Path) -> None:
    folder = output / OTHER / "accuracy"
    folder.mkdir(parents=True)
    (folder / "accuracy.txt.4711-0123abcd.tmp").touch()
    (output / ROOT / "mine.tmp").touch()
    put(tree, output)
    expected = {str(name): content for name, content in tree.files.items()}
    assert contents(output) == {**expected, str(ROOT / "mine.tmp"): b""}


def test_killed_anywhere_the_same_again_completes_it(tree: Tree, here: Path) -> None:
    places = map(str, (here / "dead", here / "whole.json"))
    words = [sys.executable, "-m", "tests.submission.dying", *places]
    done = subprocess.run(
        words,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    codes = [int(line) for line in done.stdout.split()]
    assert done.returncode == 0, done.stderr
    assert len(codes) > 3 * len(tree.files)
    assert {*codes[:-1]} == {-signal.SIGKILL}
    expected = {str(PurePosixPath("tree") / name): data for name, data in tree.files.items()}
    expected |= {str(PurePosixPath("tree-originals") / LOG): b"whole"}
    left = set()
    for moment in range(len(codes)):
        folder = here / "dead" / str(moment)
        left |= {name for name in contents(folder) if name.endswith((".tmp", "/"))}
        put(tree, folder / "tree")
        assert contents(folder) == expected
    assert left  # so that there was something to remove


def test_two_at_once_lose_no_model(here: Path, output: Path) -> None:
    (here / "whole.json").write_bytes(b"whole")
    code = (
        "import sys; from pathlib import Path, PurePosixPath\n"
        "from dse.submission.writing import write\n"
        "from tests.submission.trees import ROOT, small_tree\n"
        "for number in range(20):\n"
        "    name = f'{sys.argv[1]}-{number}'\n"
        "    place = ROOT / 'results/board' / name / 'Offline'\n"
        "    tree = small_tree(Path('whole.json'), name, place)\n"
        "    write(tree, Path('tree'), 'Org', force=False)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    both = [
        subprocess.Popen([sys.executable, "-c", code, name], env=environment) for name in ("a", "b")
    ]
    assert [process.wait(PATIENCE_S) for process in both] == [0, 0]
    mapping = (output / ROOT / "model_mapping.json").read_bytes()
    names = [f"{name}-{number}" for name in ("a", "b") for number in range(20)]
    assert mapping == as_json(dict.fromkeys(names, "resnet"))

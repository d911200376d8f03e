"""Submission trees on disk: what is listed, what an archive holds, and what is left out."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.errors import DseError, RequestError
from dse.serve.submitting import _trees
from dse.serve.submitting._trees import (
    SUBMISSIONS,
    checked_name,
    chunks,
    find_tree,
    find_trees,
    pack,
)
from tests.commandline import here, tmp_path
from tests.submission.trees import contents, small_tree

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["here", "tmp_path"]


@pytest.fixture
def root(here: Path) -> Path:
    """A tree in the working folder."""
    folder = here / SUBMISSIONS / "mine"
    for name, content in small_tree(here).files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def packed(name: str = "mine") -> bytes:
    tree = find_tree(name)
    assert tree is not None
    return b"".join(chunks(pack(tree)))


def members(archive: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        for each in opened:
            assert each.isreg()
            content = opened.extractfile(each)
            assert content is not None
            found[each.name] = content.read()
    return found


def test_an_archive_holds_the_files_of_the_tree(root: Path) -> None:
    tree = find_tree("mine")
    assert tree is not None
    assert dict(tree.files) == {name: len(data) for name, data in contents(root).items()}
    assert tree.left_out == ()
    assert tree.submitters == ["Org"]
    assert tree.size_bytes == sum(map(len, contents(root).values()))
    archive = packed()
    assert members(archive) == contents(root)
    assert [*members(archive)] == [name for name, _ in tree.files]


def test_the_same_files_are_the_same_archive(root: Path) -> None:
    before = packed()
    for file in root.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            file.unlink()
            file.write_bytes(content)
            file.chmod(0o600)
            os.utime(file, (1, 1))
    assert packed() == before


def test_links_and_what_is_no_file_are_left_out(root: Path, here: Path) -> None:
    secret = here / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    before = contents(root)
    (root / "open/Org/link").symlink_to(secret / "key")
    (root / "open/Org/folder").symlink_to(secret)
    os.mkfifo(root / "open/Org/pipe")
    (root / "closed").symlink_to(secret)
    (root / ".hidden").write_text("beside the divisions")
    tree = find_tree("mine")
    assert tree is not None
    assert sorted(tree.left_out) == ["open/Org/folder", "open/Org/link", "open/Org/pipe"]
    assert members(packed()) == before


def test_a_file_that_becomes_a_link_is_not_followed(root: Path, here: Path) -> None:
    tree = find_tree("mine")
    assert tree is not None
    entries = list(_trees._entries(tree.folder))
    assert all(entry.plain for entry in entries)
    file = root / "open/Org/model_mapping.json"
    file.unlink()
    file.symlink_to(here / "secret")
    opener = _trees._Opener(os.open(file.parent, os.O_RDONLY))
    with pytest.raises(OSError, match="symbolic"):
        open(file.name, "rb", opener=opener)  # noqa: SIM115
    os.close(opener.folder)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../mine", "mine/open", "/etc", "none", ".hidden", "a\0b", "x" * 101]
)
def test_other_names_lead_nowhere(root: Path, name: str) -> None:
    assert root.is_dir()
    assert find_tree(name) is None


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "-x", "a b", "mine\n", "x-preview", "x-originals"]
)
def test_names_that_can_be_no_submission_are_refused(name: str) -> None:
    with pytest.raises(RequestError, match=r"^name: "):
        checked_name(name)
    assert checked_name("mine.1") == "mine.1"


def test_a_link_in_the_place_of_a_tree_is_none(root: Path, here: Path) -> None:
    (here / SUBMISSIONS / "other").symlink_to(root)
    assert find_tree("other") is None
    assert [tree.name for tree in find_trees("mine")] == ["mine"]
    (here / SUBMISSIONS / "mine-preview/open/Org").mkdir(parents=True)
    assert [tree.name for tree in find_trees("mine")] == ["mine"]  # it holds nothing


def test_what_is_too_large_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = find_tree("mine")
    assert tree is not None
    monkeypatch.setattr(_trees, "MAX_BYTES", 20)
    with pytest.raises(RequestError, match="take it from there"):
        pack(tree)
    monkeypatch.setattr(_trees, "MAX_FILES", 2)
    with pytest.raises(RequestError, match="more than 2 files"):
        find_tree("mine")
    assert root.is_dir()


def test_a_file_that_is_gone_or_shrinks_is_no_archive(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = find_tree("mine")
    assert tree is not None
    about = _trees._about
    monkeypatch.setattr(_trees, "_about", lambda name, size: about(name, size + 1))
    with pytest.raises(DseError, match="can't be packed"):
        pack(tree)
    assert root.is_dir()


def test_a_tree_that_is_written_anew_meanwhile(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = find_tree("mine")
    assert tree is not None
    gone, listed = root / tree.files[0][0], os.stat

    def stat(base: Any, **options: Any) -> os.stat_result:
        if base == gone.name:
            gone.unlink(missing_ok=True)
        return listed(base, **options)

    monkeypatch.setattr(os, "stat", stat)
    found = find_tree("mine")
    assert found is not None
    assert found.files == tree.files[1:]
    with pytest.raises(DseError, match="it has changed meanwhile; try again"):
        pack(tree)

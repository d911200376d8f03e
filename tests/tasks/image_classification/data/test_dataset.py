"""Opening data sets: what is one, what is none, and what its fingerprint tells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.tasks.image_classification.data.dataset import open_dataset
from tests.tasks.conftest import MakeDataset, picture

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = 1_600_000_000


def settle(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        os.utime(path, (OLD, OLD))


def class_folders(folder: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        picture(i).save(folder / name / "b.png")
        picture(i + 1).save(folder / name / "a.png")
    return folder


def test_val_map(make_dataset: MakeDataset) -> None:
    folder = make_dataset(3)
    dataset = open_dataset(folder)
    assert dataset.folder == folder
    assert dataset.files == tuple(folder / f"{i}.png" for i in range(3))
    assert dataset.labels == (0, 7, 14)
    assert len(dataset) == 3
    assert len(bytes.fromhex(dataset.fingerprint)) == 32


def test_val_map_with_images_folder_bom_crlf_and_blank_end(make_dataset: MakeDataset) -> None:
    folder = make_dataset(2)
    (folder / "images").mkdir()
    for i in range(2):
        (folder / f"{i}.png").rename(folder / "images" / f"{i}.png")
    (folder / "val_map.txt").write_bytes(b"\xef\xbb\xbf0.png\t000\r\n./1.png 999\r\n\r\n  \n")
    dataset = open_dataset(folder)
    assert dataset.files == (folder / "images/0.png", folder / "images/1.png")
    assert dataset.labels == (0, 999)


def test_relative_folder(make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_dataset(1)
    monkeypatch.chdir(folder.parent)
    assert open_dataset(Path(folder.name)).files == (folder / "0.png",)


def test_numbered_class_folders(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "d", "10", "2", "007")
    (folder / "2" / "notes.txt").write_text("no image")
    (folder / "2" / "._a.png").write_text("no image either")
    dataset = open_dataset(folder)
    assert dataset.labels == (2, 2, 7, 7, 10, 10)
    assert [str(f.relative_to(folder)) for f in dataset.files[:3]] == [
        "2/a.png",
        "2/b.png",
        "007/a.png",
    ]


def test_all_classes_of_imagenet_by_name(tmp_path: Path) -> None:
    picture(1, (4, 4)).save(tmp_path / "one.png")
    for i in range(1000):
        (tmp_path / "d" / f"n{i * 3:08}").mkdir(parents=True)
        os.link(tmp_path / "one.png", tmp_path / "d" / f"n{i * 3:08}" / "x.PNG")
    dataset = open_dataset(tmp_path / "d")
    assert dataset.labels == tuple(range(1000))
    assert (dataset.origin, dataset.notes) == ("1,000 folders in sorted order", ())
    (tmp_path / "d" / "n1").mkdir()
    with pytest.raises(RequestError, match=r"1,001 folders.* unlike the others: 'n1'.*val_map"):
        open_dataset(tmp_path / "d")


def test_fingerprint_tells_order_names_labels_and_contents(make_dataset: MakeDataset) -> None:
    folder = make_dataset(3)
    original = open_dataset(folder).fingerprint
    moved = shutil.copytree(folder, folder.parent / "moved")
    assert open_dataset(moved).fingerprint == original

    def changed(change: Callable[[Path], object]) -> str:
        copy = folder.parent / "copy"
        shutil.copytree(folder, copy)
        change(copy)
        found = open_dataset(copy).fingerprint
        shutil.rmtree(copy)
        return found

    def write(text: str) -> Callable[[Path], object]:
        return lambda copy: (copy / "val_map.txt").write_text(text)

    def rename(copy: Path) -> None:
        (copy / "0.png").rename(copy / "x.png")
        (copy / "val_map.txt").write_text("x.png 0\n1.png 7\n2.png 14\n")

    variants = [
        changed(write("1.png 7\n0.png 0\n2.png 14\n")),
        changed(write("0.png 0\n1.png 7\n2.png 15\n")),
        changed(write("0.png 0\n1.png 7\n")),
        changed(lambda copy: picture(9).save(copy / "1.png")),
        changed(rename),
    ]
    assert len({original, *variants}) == 6


def test_fingerprint_is_remembered_only_for_settled_files(
    make_dataset: MakeDataset, cache: Path
) -> None:
    folder = make_dataset(3)
    calls: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        calls.append((done, total))

    first = open_dataset(folder, progress)
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert not cache.exists()
    settle(folder)
    assert open_dataset(folder, progress) == first
    assert len(calls) == 6
    assert open_dataset(folder, progress) == first
    assert len(calls) == 6
    picture(9).save(folder / "1.png")
    assert open_dataset(folder, progress) != first
    assert len(calls) == 9


@pytest.mark.parametrize("content", [b"", b"ff", b"\xff\xfe", b"x" * 64])
def test_damaged_memory_of_fingerprints(
    make_dataset: MakeDataset, cache: Path, content: bytes
) -> None:
    folder = make_dataset(2)
    settle(folder)
    first = open_dataset(folder)
    (memory,) = (cache / "datasets" / "fingerprints").iterdir()
    memory.write_bytes(content)
    assert open_dataset(folder) == first
    assert memory.read_text() == first.fingerprint


def test_unusable_cache_does_not_hinder(make_dataset: MakeDataset, cache: Path) -> None:
    folder = make_dataset(2)
    settle(folder)
    cache.write_text("a file where a folder should be")
    assert len(open_dataset(folder)) == 2


VAL_MAPS: list[tuple[bytes, int | None, str]] = [
    (b"", None, "lists no images"),
    (b" \n\n", None, "lists no images"),
    (b"0.png\n", 1, "not of the form"),
    (b"0.png 0\n1.png 1 2\n", 2, "not of the form"),
    (b"0.png 0\n\n1.png 1\n", 2, "not of the form"),
    (b"0.png,0\n", 1, "not of the form"),
    (b"0.png cat\n", 1, "'cat' is not a number"),
    (b"0.png 1.0\n", 1, "'1.0' is not a number"),
    (b"0.png +1\n", 1, "not a number"),
    ("0.png \u0663\n".encode(), 1, "not a number"),
    (b"0.png -1\n", 1, "not a number"),
    (b"0.png 0\n1.png 1000\n", 2, "outside 0..999"),
    (b"0.png " + b"9" * 5000 + b"\n", 1, "outside 0..999"),
    (b"0.png 0\nmissing.png 1\n", 2, "no such file: 'missing.png'"),
    (b"0.png 0\n1.png 1\n./0.png 3\n", 3, "already listed in line 1"),
    (b"0.png 0\n\xff.png 1\n", 2, "not UTF-8"),
    (b"../outside.png 0\n", 1, "leads out"),
    (b"a/../../outside.png 0\n", 1, "leads out"),
    (b"/etc/hostname 0\n", 1, "leads out"),
    (b". 0\n", 1, "leads out"),
    (b"a\0.png 0\n", 1, "leads out"),
    (b"sub 0\n", 1, "no such file"),
    (b"pipe 0\n", 1, "no such file"),
    (b"0.png/x.png 0\n", 1, "no such file"),
    (b"\x1b[31mred 0\n", 1, r"no such file: '\x1b[31mred'"),
    (b"x" * 5000 + b" 0\n", None, "can't be read: File name too long"),
]


@pytest.mark.parametrize(("content", "line", "problem"), VAL_MAPS)
def test_malformed_val_map(
    make_dataset: MakeDataset, content: bytes, line: int | None, problem: str
) -> None:
    folder = make_dataset(2)
    picture(3).save(folder.parent / "outside.png")
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "val_map.txt").write_bytes(content)
    with pytest.raises(RequestError) as caught:
        open_dataset(folder)
    assert problem in str(caught.value)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    if line is not None or "too long" not in problem:
        assert (caught.value.file, caught.value.line) == (folder / "val_map.txt", line)


def _nothing(folder: Path) -> None:
    shutil.rmtree(folder)


def _file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _loose_images(folder: Path) -> None:
    (folder / "val_map.txt").unlink()


def _map_is_folder(folder: Path) -> None:
    (folder / "val_map.txt").unlink()
    (folder / "val_map.txt").mkdir()


def _map_is_pipe(folder: Path) -> None:
    (folder / "val_map.txt").unlink()
    os.mkfifo(folder / "val_map.txt")


def _dangling_map(folder: Path) -> None:
    (folder / "val_map.txt").unlink()
    (folder / "val_map.txt").symlink_to("nowhere")


def _images_without_map(folder: Path) -> None:
    _empty(folder)
    class_folders(folder, "images")


def _named_classes(folder: Path) -> None:
    _empty(folder)
    class_folders(folder, "cat", "dog")


def _mixed_classes(folder: Path) -> None:
    _empty(folder)
    class_folders(folder, "1", "dog")


def _class_1000(folder: Path) -> None:
    _empty(folder)
    class_folders(folder, "1", "1000")


def _same_class_twice(folder: Path) -> None:
    _empty(folder)
    class_folders(folder, "1", "01")


def _empty_class(folder: Path) -> None:
    _empty(folder)
    class_folders(folder, "1", "2")
    shutil.rmtree(folder / "2")
    (folder / "2").mkdir()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (_nothing, "no such folder"),
        (_file, "not a folder"),
        (_empty, "no images"),
        (_loose_images, "images without labels"),
        (_map_is_folder, "not a file"),
        (_map_is_pipe, "not a file"),
        (_dangling_map, "No such file or directory; put it there"),
        (_images_without_map, "the names of 1 folder are not labels"),
        (_named_classes, "the names of 2 folders are not labels"),
        (_mixed_classes, "the names of 2 folders are not labels"),
        (_class_1000, "'1000' is outside 0..999"),
        (_same_class_twice, "mean the same label"),
        (_empty_class, "no images in this class folder"),
    ],
)
def test_what_is_no_dataset(
    make_dataset: MakeDataset, damage: Callable[[Path], None], problem: str
) -> None:
    folder = make_dataset(2)
    damage(folder)
    with pytest.raises(RequestError, match=problem) as caught:
        open_dataset(folder)
    assert caught.value.remedy
    assert caught.value.file is not None
    assert caught.value.file.is_relative_to(folder)


UNREADABLE = """\
import os, sys
from pathlib import Path
from dse.core.errors import RequestError
from dse.tasks.image_classification.data.dataset import open_dataset
if os.getuid() == 0:
    os.setuid(65534)
try:
    open_dataset(Path(sys.argv[1]))
except RequestError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("closed", "mode"), [(".", 0o000), (".", 0o444), ("val_map.txt", 0), ("1.png", 0)]
)
def test_no_right_to_read(make_dataset: MakeDataset, closed: str, mode: int) -> None:
    # Not below tmp_path, whose parents are shut to the user that root becomes for this test.
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        folder = shutil.copytree(make_dataset(2), Path(parent) / "d")
        (folder / closed).chmod(mode)
        command = [sys.executable, "-c", UNREADABLE, str(folder)]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
        (folder / closed).chmod(0o755)
    assert "Permission denied; give this user the right" in answer.stdout, answer.stderr
    assert len(answer.stdout.splitlines()) == 1

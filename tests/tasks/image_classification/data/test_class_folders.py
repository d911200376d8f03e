"""Folders of classes: what is one, what is none, and that no label shifts without a word."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.tasks.image_classification.data._class_folders import IGNORED_FOLDERS, from_class_folders
from tests.tasks.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.image_classification.data._entries import Listing

CLASSES = 1000


def wnid(number: int) -> str:
    return f"n{1440764 + 17 * number:08}"


def folders(folder: Path, names: list[str]) -> Path:
    """A class folder of each name, with one image in it: the same file everywhere."""
    one = folder / "one.png"
    folder.mkdir(exist_ok=True)
    picture(1, (4, 4)).save(one)
    for name in names:
        (folder / "d" / name).mkdir(parents=True)
        os.link(one, folder / "d" / name / "x.png")
    return folder / "d"


def refused(folder: Path) -> RequestError:
    with pytest.raises(RequestError) as caught:
        from_class_folders(folder)
    assert caught.value.file is not None
    assert caught.value.file.is_relative_to(folder)
    assert caught.value.remedy
    return caught.value


def labels(listing: Listing) -> list[int]:
    return [entry.label for entry in listing.entries]


@pytest.mark.parametrize("name", ["@eaDir", "__MACOSX", "lost+found", ".Trash-1000", "#recycle"])
def test_a_folder_of_the_system_takes_no_label(tmp_path: Path, name: str) -> None:
    folder = folders(tmp_path, [*map(wnid, range(CLASSES)), name])
    listing = from_class_folders(folder)
    assert labels(listing) == list(range(CLASSES))
    assert listing.entries[0].name == f"{wnid(0)}/x.png"
    assert listing.notes == (f"folders that are not classes are left out: '{name}'",)


@pytest.mark.parametrize("name", ["@eaDir", ".Trash-1000"])
def test_999_classes_and_a_folder_of_the_system_are_not_1000(tmp_path: Path, name: str) -> None:
    """Labels would be wrong from the missing class on, or all of them by one."""
    folder = folders(tmp_path, [*map(wnid, range(CLASSES - 1)), name])
    problem = "999 folders named like ImageNet's 1,000 classes"
    assert refused(folder).problem == problem


def test_numbered_folders_beside_one_of_the_system(tmp_path: Path) -> None:
    listing = from_class_folders(folders(tmp_path, ["7", "@eaDir", "12"]))
    assert labels(listing) == [7, 12]
    assert listing.origin == "folders named by their labels"
    assert listing.notes == ("folders that are not classes are left out: '@eaDir'",)


def test_only_folders_of_the_system_are_no_data_set(tmp_path: Path) -> None:
    assert refused(folders(tmp_path, sorted(IGNORED_FOLDERS))).problem == "no images"


@pytest.mark.parametrize("count", [CLASSES - 1, CLASSES])
def test_the_odd_folder_among_classes_is_named(tmp_path: Path, count: int) -> None:
    error = refused(folders(tmp_path, [*map(wnid, range(count)), "n0144076"]))
    assert error.problem == f"{count + 1:,} folders, of which 1 unlike the others: 'n0144076'"
    assert error.remedy is not None
    assert error.remedy.startswith("move it elsewhere")


def test_the_odd_folders_among_numbers_are_named(tmp_path: Path) -> None:
    odd = ["a", "b", "c", "d"]
    error = refused(folders(tmp_path, [*map(str, range(90)), *odd]))
    assert error.problem == "94 folders, of which 4 unlike the others: 'a', 'b', 'c' and 1 more"


def test_the_empty_folder_of_1001_is_named(tmp_path: Path) -> None:
    folder = folders(tmp_path, [*map(wnid, range(CLASSES))])
    (folder / wnid(2000)).mkdir()
    assert refused(folder).problem == (
        f"1,001 folders named like ImageNet's 1,000 classes, of which 1 without images: "
        f"'{wnid(2000)}'"
    )


def test_places_of_names_in_words_are_told(tmp_path: Path) -> None:
    names = [f"{chr(97 + n % 26)}-class-{n}" for n in range(CLASSES)]
    listing = from_class_folders(folders(tmp_path, names))
    assert labels(listing) == list(range(CLASSES))
    told = "labels are the places of the folders' sorted names, 'a-class-0' 0 to 'z-class-987' 999"
    assert listing.notes == (told,)


def test_files_that_are_left_out_are_counted_by_their_endings(tmp_path: Path) -> None:
    folder = folders(tmp_path, ["0", "1"])
    for name in ("a.heic", "b.HEIC", "c.txt", "Thumbs.db", ".DS_Store", "README"):
        (folder / "1" / name).write_text("no image")
    (folder / "0" / "d.heic").write_text("no image")
    listing = from_class_folders(folder)
    assert [entry.name for entry in listing.entries] == ["0/x.png", "1/x.png"]
    told = "files that are not images here are left out: 3 '.heic', 1 without ending, 1 '.txt'"
    assert listing.notes == (told,)


def test_a_class_folder_of_other_files_says_what_it_holds(tmp_path: Path) -> None:
    folder = folders(tmp_path, ["0", "1"])
    (folder / "1" / "x.png").rename(folder / "1" / "x.heic")
    assert refused(folder).problem == "no images in this class folder, but 1 '.heic'"


def test_folders_inside_class_folders_and_images_beside_them_are_told(tmp_path: Path) -> None:
    folder = folders(tmp_path, ["0", "1", "1/@eaDir", "0/more"])
    picture(1).save(folder / "lost.png")
    (folder / "README.txt").write_text("no image")
    assert from_class_folders(folder).notes == (
        "folders inside class folders are left out: '0/more', '1/@eaDir'",
        "images beside the class folders are left out: 'lost.png'",
    )


def test_a_clean_data_set_has_no_notes(tmp_path: Path) -> None:
    assert from_class_folders(folders(tmp_path, ["0", "1"])).notes == ()

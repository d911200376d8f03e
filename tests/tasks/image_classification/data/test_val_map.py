"""The list of images: texts in other encodings, and names that miss their file by little."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.tasks.image_classification.data._val_map import from_val_map
from dse.tasks.image_classification.data.dataset import open_dataset
from tests.tasks.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tasks.conftest import MakeDataset

NFC = unicodedata.normalize("NFC", "caf\u00e9.png")
NFD = unicodedata.normalize("NFD", NFC)


def refused(folder: Path) -> RequestError:
    with pytest.raises(RequestError) as caught:
        from_val_map(folder)
    assert caught.value.file == folder / "val_map.txt"
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("name", ["0.png", "\u732b\u732b\u732b\u732b.png", "0.png 7\r\n1.png"])
def test_utf_16_is_named_as_such(make_dataset: MakeDataset, encoding: str, name: str) -> None:
    folder = make_dataset(2)
    (folder / "val_map.txt").write_bytes(f"{name} 0\r\n".encode(encoding))
    error = refused(folder)
    assert (error.problem, error.remedy) == ("is UTF-16, not UTF-8", "save it as UTF-8")


def test_other_scripts_in_utf_8_are_read(make_dataset: MakeDataset) -> None:
    folder = make_dataset(1)
    picture(1).save(folder / "\u732b.png")
    (folder / "val_map.txt").write_text("\u732b.png 5\n", encoding="utf-8")
    dataset = open_dataset(folder)
    assert (dataset.labels, dataset.origin, dataset.notes) == ((5,), "val_map.txt", ())


@pytest.mark.parametrize(
    ("listed", "there", "form", "shown"),
    [
        (NFC, NFD, "NFD", "'cafe\\u0301.png'"),
        (NFD, NFC, "NFC", "'caf\\xe9.png'"),
        (f"sub/{NFC}", f"sub/{NFD}", "NFD", "'sub/cafe\\u0301.png'"),
    ],
)
def test_a_name_in_another_form_of_unicode_is_told(
    make_dataset: MakeDataset, listed: str, there: str, form: str, shown: str
) -> None:
    folder = make_dataset(1)
    (folder / "sub").mkdir()
    picture(1).save(folder / there)
    if (folder / listed).exists():
        pytest.skip("this file system takes both for one name")
    (folder / "val_map.txt").write_text(f"{listed} 0\n", encoding="utf-8")
    error = refused(folder)
    assert error.problem == f"no such file: {listed!r}"
    assert error.line == 1
    assert error.remedy == f"the folder has it as {shown}, in Unicode's {form}: write it so"


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        ("x.jpeg", "x.JPEG"),
        ("x.JPEG", "x.jpeg"),
        ("x.jpg", "x.jpeg"),
        ("X.png", "x.png"),
        ("n1/x.jpg", "n1/x.JPEG"),
        ("N1/x.jpg", "n1/x.jpg"),
        ("x.jpeg", "images/x.JPEG"),
    ],
)
def test_a_twin_in_other_letters_is_proposed(
    make_dataset: MakeDataset, listed: str, there: str
) -> None:
    folder = make_dataset(1)
    for sub in ("n1", "images"):
        (folder / sub).mkdir()
    picture(1).save(folder / there, format="JPEG")
    if (folder / listed).exists():
        pytest.skip("this file system takes both for one name")
    (folder / "val_map.txt").write_text(f"0.png 1\n{listed} 0\n")
    error = refused(folder)
    assert (error.problem, error.line) == (f"no such file: {listed!r}", 2)
    assert error.remedy == f"did you mean {there.removeprefix('images/')!r}?"


@pytest.mark.parametrize("listed", ["y.png", "0.txt", "no/0.png", "0.png/0.png"])
def test_nothing_is_proposed_where_nothing_is_like_it(
    make_dataset: MakeDataset, listed: str
) -> None:
    folder = make_dataset(1)
    (folder / "val_map.txt").write_text(f"{listed} 0\n")
    error = refused(folder)
    assert error.problem == f"no such file: {listed!r}"
    assert error.remedy is not None
    assert error.remedy.startswith("put the image into the folder")

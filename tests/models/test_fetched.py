from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.config import yaml_reader
from dse.core.errors import RequestError
from dse.models.fetched import FetchedFolder, file_name
from dse.tasks.image_classification.models.manifest_entry import ImageEntry
from tests.small_models import classifier_bytes

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "mobilenet-v1-0.25-128"
URL = "https://host.example/a.tgz"


def entry(precision: str = "int8", model: str = MODEL, **changes: Any) -> dict[str, Any]:
    return {
        "name": model,
        "file": file_name(model, precision),
        "precision": precision,
        "layout": "NHWC",
        "dtype": "uint8",
        "sha256": "0" * 64,
        "archive": {"url": URL, "sha256": "1" * 64},
        **changes,
    }


OWN = """\
# My models.
models:
{indent}- name: mine  # the best
{indent}  file: sub/mine.tflite
{indent}  precision: fp32
{indent}  layout: NHWC
{indent}  dtype: float32
{indent}  resolution: 8
{indent}  mean:
{indent}  - 1
{indent}  - 2.5
{indent}  - 3
{indent}  scale: 128
{indent}  label_offset: 0"""


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    fetched = FetchedFolder(tmp_path / "no", ImageEntry)
    assert fetched.entries() == ()
    assert fetched.find(MODEL, "int8") is None
    assert fetched.archive(URL) is None
    assert not (tmp_path / "no").exists()


def test_what_is_added_is_found(tmp_path: Path) -> None:
    fetched = FetchedFolder(tmp_path, ImageEntry)
    fetched.add([entry("int8"), entry("fp32", dtype="float32", mean=[0] * 3, scale=[1] * 3)])
    fetched.add([entry("int8", "mobilenet-v3-large")])
    fetched.add([])
    for folder in (fetched, FetchedFolder(tmp_path, ImageEntry)):
        assert len(folder.entries()) == 3
        found = folder.find(MODEL, "int8")
        assert found is not None
        assert found.model_dump(mode="json", exclude_unset=True) == entry("int8")
        known = folder.archive(URL)
        assert known is not None
        assert known.sha256 == "1" * 64
        assert folder.archive("https://host.example/b.tgz") is None
        assert folder.find("mobilenet-v3-large", "fp32") is None


def test_what_another_process_adds_is_seen(tmp_path: Path) -> None:
    one, other = FetchedFolder(tmp_path, ImageEntry), FetchedFolder(tmp_path, ImageEntry)
    one.add([entry("int8")])
    assert other.find(MODEL, "int8")
    other.add([entry("fp32")])
    assert one.find(MODEL, "fp32")
    one.add([entry("int8", "mobilenet-v3-large")])
    assert len(other.entries()) == 3


@pytest.mark.parametrize("indent", ["", "  ", "    "])
@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end\n"])
def test_the_text_of_others_stays(tmp_path: Path, indent: str, end: str) -> None:
    path = tmp_path / "models.yaml"
    text = OWN.format(indent=indent) + end
    path.write_text(text)
    FetchedFolder(tmp_path, ImageEntry).add([entry()])
    assert path.read_text().startswith(text)
    mine, added = FetchedFolder(tmp_path, ImageEntry).entries()
    assert isinstance(mine, ImageEntry)
    assert list(mine.mean or ()) == [1, 2.5, 3]
    assert added.archive is not None


@pytest.mark.parametrize(
    "text",
    [
        "models: [{name: a, file: a.onnx, precision: fp32, layout: NCHW, dtype: uint8}]\n",
        "---\n" + OWN.format(indent="  ") + "\n...\n",
    ],
)
def test_a_list_that_nothing_can_be_added_to_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(RequestError, match="like this; write it") as caught:
        FetchedFolder(tmp_path, ImageEntry).add([entry()])
    assert (caught.value.file, caught.value.field) == (path, "models")
    assert path.read_text() == text
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        {"archive": None},
        {"sha256": None},
        {"file": "other.tflite"},
    ],
)
def test_a_file_of_the_users_is_not_a_fetched_one(tmp_path: Path, change: dict[str, Any]) -> None:
    data = {"models": [entry("fp32"), {k: v for k, v in entry(**change).items() if v is not None}]}
    (tmp_path / "models.yaml").write_text(yaml_reader.dump(data))
    with pytest.raises(RequestError, match="another int8 file of") as caught:
        FetchedFolder(tmp_path, ImageEntry).find(MODEL, "int8")
    assert caught.value.field == "models[1]"
    assert caught.value.line


def test_another_format_is_no_fetched_file(tmp_path: Path) -> None:
    data = {"models": [entry(file="a.onnx", archive=None)]}
    del data["models"][0]["archive"]
    (tmp_path / "models.yaml").write_text(yaml_reader.dump(data))
    assert FetchedFolder(tmp_path, ImageEntry).find(MODEL, "int8") is None


def test_intact_is_there_and_the_same(tmp_path: Path) -> None:
    from hashlib import sha256

    data = classifier_bytes(128, 1001, "uint8")
    fetched = FetchedFolder(tmp_path, ImageEntry)
    fetched.add([entry(sha256=sha256(data).hexdigest().upper())])
    found = fetched.find(MODEL, "int8")
    assert found is not None
    path = tmp_path / found.file
    assert not fetched.is_intact(found)
    path.mkdir()
    assert not fetched.is_intact(found)
    path.rmdir()
    path.write_bytes(data)
    assert fetched.is_intact(found)
    path.write_bytes(data[:-1])
    assert not fetched.is_intact(found)
    (tmp_path / "elsewhere").write_bytes(data)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert not fetched.is_intact(found)


@settings(max_examples=25)
@given(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), st.data())
def test_additions_add_up(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], data: st.DataObject
) -> None:
    """In whatever portions: the entries are all of them, in order."""
    folder = tmp_path_factory.mktemp("models")
    cut = data.draw(st.integers(0, len(names)))
    for portion in (names[:cut], names[cut:]):
        FetchedFolder(folder, ImageEntry).add([entry(model=name) for name in portion])
    assert [one.name for one in FetchedFolder(folder, ImageEntry).entries()] == names

"""Files that links keep apart come together, by content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.checksums import sha256_of_model
from dse.formats.data_files import find_data_files
from dse.formats.gathered import gather_files
from tests import any_models
from tests.any_models import write_apart

if TYPE_CHECKING:
    from pathlib import Path

DATA = "audio.onnx_data"


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A model as the cache of huggingface_hub has it: links to files without a name."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    path = write_apart(blobs, any_models.audio)
    for number, name in enumerate((path.name, DATA)):
        (blobs / name).rename(blobs / str(number))
        (snapshot / name).symlink_to(f"../blobs/{number}")
    return snapshot / path.name


@pytest.mark.usefixtures("own_cache")
def test_a_model_in_one_place_stays_there(tmp_path: Path) -> None:
    path = write_apart(tmp_path, any_models.audio)
    assert gather_files(path, find_data_files(path, "onnx")) == path
    link = path.with_name("link.onnx")
    link.symlink_to(path.name)
    assert gather_files(link, find_data_files(link, "onnx")) == link


def test_links_are_replaced_by_what_they_lead_to(snapshot: Path, own_cache: Path) -> None:
    files = (snapshot, snapshot.with_name(DATA))
    found = gather_files(snapshot, find_data_files(snapshot, "onnx"))
    assert found.is_relative_to(own_cache)
    assert found.name == snapshot.name
    (data,) = find_data_files(found, "onnx")
    assert not any(path.is_symlink() for path in (found, data))
    assert sha256_of_model([found, data]) == sha256_of_model(files)
    assert gather_files(snapshot, find_data_files(snapshot, "onnx")) == found


@pytest.mark.usefixtures("own_cache")
def test_another_content_has_another_place(snapshot: Path) -> None:
    first = gather_files(snapshot, find_data_files(snapshot, "onnx"))
    data = snapshot.with_name(DATA)
    other = data.resolve().with_name("other")
    other.write_bytes(bytes(data.stat().st_size))
    data.unlink()
    data.symlink_to(other)
    second = gather_files(snapshot, find_data_files(snapshot, "onnx"))
    assert second != first
    assert set(second.with_name(DATA).read_bytes()) == {0}
    assert set(first.with_name(DATA).read_bytes()) != {0}

"""The files that a model consists of, and those that it must not."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema

from dse.core.checksums import sha256_of, sha256_of_model
from dse.core.errors import RequestError
from dse.formats.data_files import find_data_files
from tests import any_models, small_models
from tests.any_models import write_apart

if TYPE_CHECKING:
    from pathlib import Path

DATA = "audio.onnx_data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def path(folder: Path) -> Path:
    """A model with its weights in `DATA`."""
    return write_apart(folder, any_models.audio)


def moved(path: Path, location: str) -> Path:
    """The model with its weights said to lie elsewhere."""
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(model.SerializeToString())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(RequestError) as caught:
        find_data_files(path, "onnx")
    assert caught.value.file == path
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_model_is_its_file_and_those_that_it_names(path: Path) -> None:
    assert find_data_files(path, "onnx") == (path.with_name(DATA),)
    path.with_name("other.onnx_data").write_bytes(b"of another model")
    assert find_data_files(path, "onnx") == (path.with_name(DATA),)


def test_files_stand_in_the_order_in_which_the_model_names_them(folder: Path) -> None:
    path = folder / "m.onnx"
    model = onnx.load_from_string(small_models.onnx_bytes())
    onnx.save(
        model, path, save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=0
    )
    names = [tensor.name for tensor in model.graph.initializer]
    assert names == ["filters", "dense", "shape"]
    assert find_data_files(path, "onnx") == tuple(folder / name for name in names)


def test_the_checksum_of_a_model_can_be_made_by_hand(path: Path) -> None:
    """``sha256sum model.onnx model.onnx_data | cut -c1-64 | tr -d '\\n' | sha256sum``."""
    files = (path, *find_data_files(path, "onnx"))
    sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert sha256_of_model(files) == hashlib.sha256("".join(sums).encode()).hexdigest()
    assert sha256_of_model([path]) == sha256_of(path) == sums[0]


@pytest.mark.parametrize("location", ["sub/w.data", "./w.data", "sub/./w.data", "w\\data"])
def test_paths_below_the_folder_are_taken_as_they_are(location: str, path: Path) -> None:
    target = path.parent / location
    target.parent.mkdir(exist_ok=True)
    path.with_name(DATA).rename(target)
    (found,) = find_data_files(moved(path, location), "onnx")
    assert found.samefile(target)


@pytest.mark.parametrize(
    "location", ["../w", "sub/../../w", "/w", "{folder}/w", "..\\w", "C:w", ""]
)
def test_paths_out_of_the_folder_are_refused(location: str, path: Path) -> None:
    for target in (path.parent / "w", path.parent.parent / "w"):
        target.write_bytes(path.with_name(DATA).read_bytes())
    location = location.format(folder=path.parent)
    assert refusal(moved(path, location)) == (
        f"the data of 'filters' lies outside the model's folder: {location[:80]!r}; "
        "give a model with its data beside it"
    )


def test_a_file_that_is_not_there(path: Path) -> None:
    path.with_name(DATA).unlink()
    remedy = "put that file beside the model"
    assert refusal(path) == f"its data is in '{DATA}', which is not there; {remedy}"
    path.with_name(DATA).mkdir()
    assert refusal(path) == f"its data is in '{DATA}', which is not a regular file; {remedy}"
    path.with_name(DATA).rmdir()
    path.with_name(DATA).symlink_to(DATA)
    assert refusal(path).startswith(f"its data is in '{DATA}', which can't be read: ")


def test_weights_that_the_hub_s_cache_lacks_are_fetched_by_its_name(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--owner--some--name" / "snapshots" / "0"
    snapshot.mkdir(parents=True)
    path = write_apart(snapshot, any_models.audio)
    path.with_name(DATA).unlink()
    assert refusal(path) == (
        f"its data is in '{DATA}', which is not there; "
        "the cache lacks it: give the model as hf:owner/some--name to fetch it"
    )


def test_a_file_that_is_cut_short(path: Path) -> None:
    data = path.with_name(DATA)
    size = data.stat().st_size
    os.truncate(data, size - 1)
    assert refusal(path) == (
        f"its data is in '{DATA}', which has {size - 1:,} bytes: 'scoring' ends at byte {size:,}; "
        "get both files again"
    )


def test_a_link_may_not_lead_out_of_the_folder(path: Path, tmp_path: Path) -> None:
    data = path.with_name(DATA)
    data.rename(path.with_name("real"))
    data.symlink_to("real")
    assert find_data_files(path, "onnx") == (data,)
    data.unlink()
    path.with_name("real").rename(tmp_path / "real")
    data.symlink_to(tmp_path / "real")
    assert refusal(path) == (
        f"its data is in '{DATA}', which links to outside the model's folder; "
        "put that file beside the model"
    )


def test_a_link_may_lead_to_where_that_of_the_model_leads(path: Path, tmp_path: Path) -> None:
    """As in the cache of huggingface_hub."""
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for name in (path.name, DATA):
        (snapshot / name).symlink_to(path.with_name(name))
    assert find_data_files(snapshot / path.name, "onnx") == (snapshot / DATA,)


def test_a_tflite_file_holds_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(small_models.tflite_bytes())
    assert find_data_files(path, "tflite") == ()
    for content in (b"", b"\x1c\0\0\0TFL3 and no model"):
        path.write_bytes(content)
        assert find_data_files(path, "tflite") == ()


def test_a_tflite_file_that_names_another_is_refused(tmp_path: Path) -> None:
    import flatbuffers

    model = schema.ModelT.InitFromPackedBuf(small_models.tflite_bytes(), 0)
    group = schema.ExternalBufferGroupT()
    group.name = "weights.bin"
    model.externalBufferGroups = [group]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "m.tflite"
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(RequestError) as caught:
        find_data_files(path, "tflite")
    assert str(caught.value) == (
        f"{path}: its weights are in another file ('weights.bin'); "
        "give a TFLite file that holds its weights"
    )

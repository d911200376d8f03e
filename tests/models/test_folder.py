from __future__ import annotations

import hashlib
import os
import re
import shutil
from typing import TYPE_CHECKING, get_args

import onnx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dse.core.checksums import sha256_of_model
from dse.core.configuration import PRECISIONS
from dse.core.errors import RequestError
from dse.core.measurement import PublishedQuality
from dse.models.manifest import UNSTATED, Precision
from dse.tasks import registry
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from tests import small_models
from tests.image_models import classes_of, image_folder, preprocessing_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from dse.core.configuration import ModelFormat
    from dse.models.folder import FolderProvider


TFLITE = b"\x1c\0\0\0TFL3 and more"
ONNX = b"\x08\x08\x3a\x02\x0a\x00"

KNOWN = {
    "name": "mobilenet-v1-0.25-128",
    "file": "a.tflite",
    "precision": "int8",
    "layout": "NHWC",
    "dtype": "uint8",
}
OWN = {
    "name": "mine",
    "file": "sub/b.onnx",
    "precision": "fp32",
    "layout": "NCHW",
    "dtype": "float32",
    "resolution": 64,
    "mean": [1, 2.5, 3],
    "scale": 128,
    "label_offset": 0,
}
APART = {**OWN, "resolution": small_models.SIDE}
"""A model with its weights beside it."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    below = tmp_path / "models"
    (below / "sub").mkdir(parents=True)
    (below / "a.tflite").write_bytes(TFLITE)
    (below / "sub" / "b.onnx").write_bytes(ONNX)
    return below


def write(folder: Path, *entries: dict[str, Any]) -> Path:
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": entries}, sort_keys=False))
    return folder


def refusal(
    folder: Path | FolderProvider, call: Callable[[Any], object] = image_folder
) -> RequestError:
    with pytest.raises(RequestError) as caught:
        call(folder)
    return caught.value


def test_what_the_manifest_says_is_what_the_artefact_is(folder: Path) -> None:
    provider = image_folder(write(folder, KNOWN, OWN))
    assert provider.models() == ("mobilenet-v1-0.25-128", "mine")
    known = provider.artefact("mobilenet-v1-0.25-128", "int8", ("onnx", "tflite"))
    assert known.path == folder / "a.tflite"
    assert (known.format, classes_of(known), known.weights) == ("tflite", 1001, UNSTATED)
    assert known.sha256 == hashlib.sha256(TFLITE).hexdigest()
    assert known.published == CATALOGUE["mobilenet-v1-0.25-128"].published["int8"]
    pixels = preprocessing_of(known)
    assert (pixels.resolution, pixels.label_offset, pixels.crop) == (128, 1, 0.875)
    assert (pixels.mean, pixels.scale) == ((0.0,) * 3, (1.0,) * 3)
    own = provider.artefact("mine", "fp32", ("onnx",))
    assert (own.format, classes_of(own), own.published) == ("onnx", None, None)
    assert (preprocessing_of(own).mean, preprocessing_of(own).scale) == ((1, 2.5, 3), (128,) * 3)


def test_every_field_is_taken_over(folder: Path) -> None:
    everything = {
        **OWN,
        "crop": 1,
        "interpolation": "bicubic",
        "label_offset": 1,
        "classes": 11,
        "weights": "my own",
        "sha256": hashlib.sha256(ONNX).hexdigest().upper(),
        "published_accuracy": {"percent": 70, "source": "a paper"},
    }
    found = image_folder(write(folder, everything)).artefact("mine", "fp32", ("onnx",))
    assert (classes_of(found), found.weights) == (11, "my own")
    assert found.published == PublishedQuality(70, "a paper")
    pixels = preprocessing_of(found)
    assert (pixels.crop, pixels.interpolation, pixels.label_offset) == (1, "bicubic", 1)
    assert (pixels.layout, pixels.dtype, pixels.resolution) == ("NCHW", "float32", 64)


@pytest.mark.parametrize(("given", "used"), [(None, "area"), ("bilinear", "bilinear")])
def test_a_name_of_the_catalogue_brings_its_interpolation(
    folder: Path, given: str | None, used: str
) -> None:
    entry = {**KNOWN, "name": "resnet50-v1.5", **({"interpolation": given} if given else {})}
    found = image_folder(write(folder, entry)).artefact("resnet50-v1.5", "int8", ("tflite",))
    assert preprocessing_of(found).interpolation == used


def test_one_model_in_several_files(folder: Path) -> None:
    (folder / "c.onnx").write_bytes(ONNX)
    entries = KNOWN, {**KNOWN, "file": "c.onnx"}, {**KNOWN, "file": "c.onnx", "precision": "fp16"}
    provider = image_folder(write(folder, *entries))
    assert provider.models() == ("mobilenet-v1-0.25-128",)
    assert provider.precisions("mobilenet-v1-0.25-128") == ("int8", "fp16")
    for formats in (("onnx", "tflite"), ("tflite", "onnx")):
        found = provider.artefact("mobilenet-v1-0.25-128", "int8", formats)
        assert found.format == formats[0]
    fp16 = provider.artefact("mobilenet-v1-0.25-128", "fp16", ("tflite", "onnx"))
    assert (fp16.format, fp16.published) == ("onnx", None)


def test_a_relative_folder_gives_absolute_paths(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, KNOWN)
    monkeypatch.chdir(folder.parent)
    from pathlib import Path

    found = image_folder(Path("models")).artefact(KNOWN["name"], "int8", ("tflite",))
    assert found.path == folder / "a.tflite"


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"file": "missing.tflite"}, "file", "no such file"),
        ({"file": "/etc/passwd"}, "file", "outside the folder"),
        ({"file": "sub/../../a.tflite"}, "file", "outside the folder"),
        ({"file": "C:\\a.tflite"}, "file", "outside the folder"),
        ({"file": "sub\\..\\..\\a.tflite"}, "file", "outside the folder"),
        ({"file": "a.pb"}, "file", "unknown kind of file"),
        ({"file": "sub"}, "file", "unknown kind of file"),
        ({"file": "folder.onnx"}, "file", "no regular file"),
        ({"file": "out.onnx"}, "file", "links to outside"),
        ({"file": "dangling.onnx"}, "file", "no such file"),
        ({"file": "circle.onnx"}, "file", "can't be read"),
        ({"file": "pipe.onnx"}, "file", "no regular file"),
        ({"file": "empty.tflite"}, "file", "the file is empty"),
        ({"file": "page.onnx"}, "file", "not an ONNX model"),
        ({"file": "page.tflite"}, "file", "not a TFLite model"),
        ({"file": "cut.onnx"}, "file", "cut short"),
        ({"file": "x" * 5000 + ".onnx"}, "file", "can't be read"),
        ({"file": "a\0.onnx"}, "file", "can't be shown"),
        ({"weights": "\x1b[2J"}, "weights", "can't be shown"),
        ({"file": ""}, "file", "at least 1 character"),
        ({"name": "a b", "resolution": 128, "label_offset": 1}, "name", "of the form"),
        ({"layout": None}, "layout", "is missing"),
        ({"precision": "int2"}, "precision", "'fp32', 'fp16', 'bf16', 'int8' or 'int4'"),
        ({"layout": "CHWN"}, "layout", "'NHWC' or 'NCHW'"),
        ({"dtype": "int4"}, "dtype", "'uint8', 'int8', 'float16' or 'float32'"),
        ({"crop": 0}, "crop", "more than 0"),
        ({"crop": 1.5}, "crop", "at most 1"),
        ({"scale": 0}, "scale", "divides by zero"),
        ({"scale": [1, 0, 1]}, "scale", "divides by zero"),
        ({"scale": 127.5}, "scale", "raw pixels"),
        ({"mean": 127.5}, "mean", "raw pixels"),
        ({"mean": [0, 0]}, "mean", ""),
        ({"mean": "grey"}, "mean", "expected a list"),
        ({"dtype": "float32", "mean": 0}, "scale", "is missing"),
        ({"label_offset": 2}, "label_offset", "at most 1"),
        ({"label_offset": -1}, "label_offset", "at least 0"),
        ({"label_offset": True}, "label_offset", "whole number"),
        ({"label_offset": 0}, "label_offset", "has 1, not 0"),
        ({"resolution": "128"}, "resolution", "whole number"),
        ({"resolution": 0}, "resolution", "at least 1"),
        ({"resolution": 160}, "resolution", "has 128, not 160"),
        ({"classes": 1000}, "classes", "has 1001, not 1000"),
        ({"name": "mine", "resolution": 128}, "label_offset", "is missing"),
        ({"sha256": "123"}, "sha256", "of the form"),
        ({"colour": "red"}, "colour", "unknown field"),
        ({"published_accuracy": {"percent": 101, "source": "x"}}, "percent", "at most 100"),
        ({"published_accuracy": {"percent": 50}}, "source", "is missing"),
    ],
)
def test_a_wrong_entry_is_named_with_line_and_field(
    folder: Path, change: dict[str, Any], field: str, problem: str
) -> None:
    (folder / "folder.onnx").mkdir()
    (folder.parent / "outside.onnx").write_bytes(ONNX)
    (folder / "out.onnx").symlink_to(folder.parent / "outside.onnx")
    (folder / "dangling.onnx").symlink_to(folder / "nothing")
    (folder / "circle.onnx").symlink_to(folder / "circle.onnx")
    os.mkfifo(folder / "pipe.onnx")
    (folder / "empty.tflite").touch()
    (folder / "page.onnx").write_text("<html>")
    (folder / "page.tflite").write_text("<html></html>")
    (folder / "cut.onnx").write_bytes(ONNX[:-1])
    error = refusal(write(folder, OWN, {**KNOWN, **change}))
    assert problem in error.problem
    assert error.file == folder / "models.yaml"
    assert error.field
    assert error.line
    assert error.field.startswith("models[1].")
    assert field in error.field
    assert error.line > 10
    lines = error.file.read_text().splitlines()
    nested = "published_accuracy" in change and field == "source"
    if "is missing" not in error.problem and not nested:
        assert lines[error.line - 1].strip(" -").startswith(field) or "mean" in change
    assert "\n" not in str(error)
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("models: []", "at least 1"),
        ("models: 3", "list"),
        ("model: []", "models"),
        ("- a\n- b", "fields"),
        ("models:\n  - name: a\n    name: b\n", "twice"),
        ("models: [&a {name: x}, *a]", "another place"),
        ("models: !!python/object:os.system []", "tag"),
        ("models: [", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_refused(folder: Path, text: str, problem: str) -> None:
    (folder / "models.yaml").write_text(text)
    assert problem in str(refusal(folder))


def without(entry: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {field: value for field, value in entry.items() if field not in fields}


def test_all_fields_that_entries_lack_are_named_at_once(folder: Path) -> None:
    lacking = without(KNOWN, "layout", "dtype"), {**KNOWN, "dtype": "float16"}
    own = {**OWN, "mean": 1}
    empty = {**own, "mean": None, "scale": None}
    error = refusal(write(folder, *lacking, own, empty, without(own, "resolution")))
    assert str(error) == (
        f"{folder}/models.yaml:1: models: fields are missing in the entries of "
        "line 2: layout, dtype; lines 5, 19: mean, scale; line 28: resolution; "
        "add them: a float input needs mean and scale, and a name outside the catalogue needs "
        "resolution and label_offset"
    )
    error = refusal(write(folder, *(without(OWN, "precision", "mean") for _ in range(50))))
    lines = ", ".join(str(2 + 7 * number) for number in range(50))
    assert f"in the entries of lines {lines}: precision, mean; add them" in str(error)
    assert len(str(error)) < 500 + len(str(folder))


def test_one_field_that_is_missing_is_named_with_its_line(folder: Path) -> None:
    assert str(refusal(write(folder, OWN, without(KNOWN, "dtype")))) == (
        f"{folder}/models.yaml:14: models[1].dtype: is missing; add it"
    )


def test_a_misspelt_field_is_told_before_the_one_that_is_missing(folder: Path) -> None:
    error = refusal(write(folder, without(OWN, "mean"), {**without(KNOWN, "layout"), "layuot": 1}))
    assert (error.field, error.remedy) == ("models[1].layuot", "did you mean 'layout'?")


@given(st.lists(st.sets(st.sampled_from(("layout", "dtype", "precision", "file"))), min_size=1))
def test_every_missing_field_is_told_with_the_line_of_its_entry(
    tmp_path_factory: pytest.TempPathFactory, lacks: list[set[str]]
) -> None:
    folder = write(tmp_path_factory.mktemp("lacks"), *(without(KNOWN, *lack) for lack in lacks))
    lines = (folder / "models.yaml").read_text().splitlines()
    starts = [number for number, line in enumerate(lines, 1) if line.startswith("- ")]
    told = str(refusal(folder)).replace(str(folder), "")
    if sum(map(len, lacks)) > 1:
        found: dict[int, set[str]] = {}
        for group in re.findall(r"lines? ([\d, ]+): ([a-z, ]+)", told):
            numbers, fields = (part.split(", ") for part in group)
            found |= {int(number): set(fields) for number in numbers}
        assert found == {n: lack for n, lack in zip(starts, lacks, strict=True) if lack}
    else:
        assert ("is missing; add it" in told) == any(lacks)


def test_a_folder_without_a_manifest(folder: Path, tmp_path: Path) -> None:
    problems = {folder: "no models.yaml in the folder", tmp_path / "nowhere": "no such folder"}
    for place, problem in problems.items():
        error = refusal(place)
        assert error.problem == problem
        assert error.remedy


def test_two_entries_for_the_same_file_kind(folder: Path) -> None:
    (folder / "c.tflite").write_bytes(TFLITE)
    error = refusal(write(folder, KNOWN, {**KNOWN, "file": "c.tflite"}))
    assert "a second int8 tflite file" in error.problem
    assert (error.line, error.field) == (7, "models[1].name")
    assert "line 2" in str(error.remedy)


def test_a_checksum_is_enforced_when_the_file_is_used(folder: Path) -> None:
    provider = image_folder(write(folder, {**KNOWN, "sha256": "0" * 64}))
    error = refusal(provider, lambda p: p.artefact(KNOWN["name"], "int8", ("tflite",)))
    assert (error.line, error.field) == (7, "models[0].sha256")
    assert hashlib.sha256(TFLITE).hexdigest() in error.problem


def test_a_file_that_vanishes_is_an_error_and_no_crash(folder: Path) -> None:
    provider = image_folder(write(folder, KNOWN))
    (folder / "a.tflite").unlink()
    error = refusal(provider, lambda p: p.artefact(KNOWN["name"], "int8", ("tflite",)))
    assert error.field == "models[0].file"


def test_unknown_wishes_are_answered_with_what_there_is(folder: Path) -> None:
    provider = image_folder(write(folder, KNOWN))
    name = KNOWN["name"]
    assert "did you mean" in str(refusal(provider, lambda p: p.precisions(name + "x")).remedy)
    error = refusal(provider, lambda p: p.artefact(name, "fp32", ("tflite",)))
    assert "no fp32 file" in error.problem
    assert "int8 tflite" in str(error.remedy)
    assert "as onnx" in str(provider.obstacle(name, "int8", ("onnx",)))


def test_precisions_are_those_of_the_project() -> None:
    assert get_args(Precision) == PRECISIONS


NAMES = {
    "mobilenet_v1_0.25_128": "mobilenet-v1-0.25-128",
    "mobilenet_v1_0.5_160": "mobilenet-v1-0.5-160",
    "mobilenet_v2_1.0_224": "mobilenet-v2-1.0-224",
}


def test_a_manifest_of_real_files(folder: Path, shared_data: Path) -> None:
    entries: list[dict[str, Any]] = []
    for path in sorted((shared_data / "models").iterdir()):
        shutil.copyfile(path, folder / path.name)
        stem, _, kind = path.stem.rpartition("_")
        entry: dict[str, Any] = {
            "name": NAMES.get(stem, stem),
            "file": path.name,
            "precision": "int8" if kind == "quant" else "fp32",
            "layout": "NHWC",
            "dtype": "uint8",
        }
        if stem.startswith("efficientnet"):
            entry |= {"dtype": "float32", "mean": 127, "scale": 128}
            entry["layout"] = "NCHW" if path.suffix == ".onnx" else "NHWC"
        entries.append(entry)
    provider = image_folder(write(folder, *entries))
    assert len(entries) == 9
    assert set(provider.models()) <= set(CATALOGUE)
    for entry in entries:
        wanted: ModelFormat = "onnx" if entry["file"].endswith("onnx") else "tflite"
        assert provider.obstacle(entry["name"], entry["precision"], (wanted,)) is None
        found = provider.artefact(entry["name"], entry["precision"], (wanted,))
        assert found.path.name == entry["file"]
        assert found.published == CATALOGUE[entry["name"]].published[entry["precision"]]
        assert classes_of(found) in (1000, 1001)


APART = {**OWN, "resolution": small_models.SIDE}


def apart(folder: Path) -> tuple[Path, str]:
    """Writes a model with its weights beside it, as ``sub/b.onnx``; its data and its checksum."""
    path = folder / "sub" / "b.onnx"
    onnx.save(
        onnx.load_from_string(small_models.onnx_bytes()),
        path,
        save_as_external_data=True,
        location="b.data",
        size_threshold=0,
    )
    sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (path, folder / "sub/b.data")]
    return folder / "sub/b.data", hashlib.sha256("".join(sums).encode()).hexdigest()


def test_files_that_links_keep_apart_come_together(folder: Path, own_cache: Path) -> None:
    """Every runtime then reads the same bytes; OpenVINO and others refuse weights behind links."""
    data, checksum = apart(folder)
    (folder / "blobs").mkdir()
    for number, path in enumerate((data.with_name("b.onnx"), data)):
        path.rename(folder / "blobs" / str(number))
        path.symlink_to(f"../blobs/{number}")
    found = image_folder(write(folder, APART)).artefact("mine", "fp32", ("onnx",))
    assert found.sha256 == checksum
    assert found.path.is_relative_to(own_cache)
    assert found.beside == (found.path.with_name(data.name),)
    assert sha256_of_model([found.path, *found.beside]) == checksum
    assert not any(path.is_symlink() for path in (found.path, *found.beside))


def test_weights_beside_a_file_belong_to_the_model(folder: Path) -> None:
    data, checksum = apart(folder)
    provider = image_folder(write(folder, {**APART, "sha256": checksum.upper()}))
    found = provider.artefact("mine", "fp32", ("onnx",))
    assert (found.beside, found.sha256) == ((data,), checksum)
    assert found.size_bytes == found.path.stat().st_size + data.stat().st_size
    before = data.stat().st_mtime_ns
    data.write_bytes(bytes(data.stat().st_size))
    os.utime(data, ns=(before, before + 1_000_000_000))
    error = refusal(provider, lambda p: p.artefact("mine", "fp32", ("onnx",)))
    assert (error.line, error.field) == (14, "models[0].sha256")
    assert error.problem.startswith("'sub/b.onnx' with the weights beside it has ")
    assert checksum not in error.problem


def test_the_checksum_of_the_file_alone_is_not_enough(folder: Path) -> None:
    _, checksum = apart(folder)
    own = hashlib.sha256((folder / "sub/b.onnx").read_bytes()).hexdigest()
    provider = image_folder(write(folder, {**APART, "sha256": own}))
    error = refusal(provider, lambda p: p.artefact("mine", "fp32", ("onnx",)))
    assert str(error) == (
        f"{folder}/models.yaml:14: models[0].sha256: that of 'sub/b.onnx' alone; "
        f"with the weights beside it the model has {checksum}; correct the manifest"
    )


def test_weights_that_are_not_there_are_found_out_at_the_start(folder: Path) -> None:
    data, _ = apart(folder)
    write(folder, APART)
    provider = image_folder(folder)
    data.unlink()
    line = (
        f"{folder}/models.yaml:3: models[0].file: 'sub/b.onnx': its data is in 'b.data', "
        "which is not there; put that file beside the model"
    )
    assert str(refusal(folder)) == line
    assert str(refusal(provider, lambda p: p.artefact("mine", "fp32", ("onnx",)))) == line


def test_weights_elsewhere_are_refused(folder: Path) -> None:
    data, _ = apart(folder)
    path = folder / "sub" / "b.onnx"
    data.rename(folder / "b.data")
    model = onnx.load(path, load_external_data=False)
    for entry in (entry for one in model.graph.initializer for entry in one.external_data):
        if entry.key == "location":
            entry.value = "../b.data"
    path.write_bytes(model.SerializeToString())
    assert str(refusal(write(folder, APART))) == (
        f"{folder}/models.yaml:3: models[0].file: 'sub/b.onnx': the data of 'filters' lies outside "
        "the model's folder: '../b.data'; give a model with its data beside it"
    )


def test_what_is_counted_in_a_file_is_its_models_whatever_it_is_called(folder: Path) -> None:
    task = registry.task(registry.DEFAULT)
    (folder / "sub" / "b.onnx").write_bytes(small_models.onnx_bytes())
    own = {**OWN, "resolution": small_models.SIDE}
    files = image_folder(write(folder, KNOWN, own, {**own, "name": "other", "mean": 0}))
    found, other, damaged = (
        files.counts(name, task.signature) for name in ("mine", "other", KNOWN["name"])
    )
    assert found is not None
    assert found == other
    assert found.points == small_models.SIDE**2
    assert found.cost.dense_macs == small_models.FEATURES * small_models.CLASSES
    assert damaged is None  # as its file is
    assert files.counts("another", task.signature) is None


def test_a_file_that_is_gone_is_not_counted(folder: Path) -> None:
    files = image_folder(write(folder, OWN))
    (folder / "sub" / "b.onnx").unlink()
    assert files.counts("mine", registry.task(registry.DEFAULT).signature) is None

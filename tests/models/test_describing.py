"""A folder of files becomes a manifest that its reader takes for what was described."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import RootModel

from dse.config import yaml_reader
from dse.core.errors import RequestError
from dse.models.describing import MAX_PROBLEM, Draft, describe_folder, to_yaml
from dse.models.manifest import FILE_NAME
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.models.describing import draft_classifier, recognise
from tests import any_models
from tests.image_models import image_folder, read_manifest
from tests.models.quantised_inputs import quantised_onnx
from tests.other_users import give_away, run_unprivileged
from tests.small_models import SIDE, classifier_bytes, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.models.describing import DescribedFolder

FORMATS: tuple[ModelFormat, ...] = ("onnx", "tflite")
ANSWERS: dict[str, Any] = {"mean": 127.5, "scale": 127.5, "label_offset": 0, "resolution": 64}
KNOWN = "mobilenet-v1-0.25-128"


def lay_out(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def described(folder: Path) -> DescribedFolder:
    return describe_folder(folder, draft_classifier, recognise)


def names(folder: Path) -> dict[str, str]:
    """The name of the model of each file."""
    return {one.fields["file"]: one.fields["name"] for one in described(folder).entries}


def fill_in(folder: Path) -> DescribedFolder:
    """Writes the manifest as somebody would who knows the answers."""
    found = described(folder)
    entries = [
        Draft({f: ANSWERS[f] if v is None else v for f, v in one.fields.items()}, one.comments)
        for one in found.entries
    ]
    (folder / FILE_NAME).write_text(to_yaml(entries))
    return found


def test_the_reader_reads_what_was_described(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        {
            "plain.onnx": onnx_bytes(),
            "sub/lite.tflite": tflite_bytes(heads=2),
            "raw.tflite": classifier_bytes(SIDE, 1001, "uint8"),
            "odd.tflite": classifier_bytes(SIDE, 1000, "uint8", (2.0, 10)),
            "quantised.onnx": quantised_onnx("int8", (0.25, -3)),
            "half.onnx": any_models.half().SerializeToString(),
        },
    )
    found = fill_in(tmp_path)
    assert found.refused == ()
    read = read_manifest(tmp_path)
    assert [entry.file for entry in read] == [one.fields["file"] for one in found.entries]
    for entry, draft in zip(read, found.entries, strict=True):
        for field, value in draft.fields.items():
            if value is not None:
                assert getattr(entry, field) == value
        assert {f for f, v in draft.fields.items() if v is None} == set(draft.asked)
    asked = {one.fields["file"]: one.asked for one in found.entries}
    assert asked == {
        "half.onnx": ("resolution", "mean", "scale", "label_offset"),
        "odd.tflite": ("mean", "scale"),
        "plain.onnx": ("mean", "scale", "label_offset"),
        "quantised.onnx": ("mean", "scale", "label_offset"),
        "raw.tflite": (),
        "sub/lite.tflite": ("mean", "scale", "label_offset"),
    }
    precisions = {entry.file: entry.precision for entry in read}
    assert precisions["half.onnx"] == "fp16"
    assert image_folder(tmp_path).models()


def test_a_model_in_two_formats_and_two_precisions_is_one(tmp_path: Path) -> None:
    provider = BuiltinProvider()
    for precision, ending in (("fp32", ""), ("int8", "-int8")):
        for kind in FORMATS:
            found = provider.artefact(KNOWN, precision, (kind,))
            shutil.copyfile(found.path, tmp_path / f"{KNOWN}{ending}.{kind}")
    fill_in(tmp_path)
    folder = image_folder(tmp_path)
    assert folder.models() == (KNOWN,)
    assert set(folder.precisions(KNOWN)) == {"fp32", "int8"}
    for precision in ("fp32", "int8"):
        for kind in FORMATS:
            assert folder.obstacle(KNOWN, precision, (kind,)) is None


def test_files_called_as_they_were_published_are_of_the_catalogue(tmp_path: Path) -> None:
    provider = BuiltinProvider()
    for precision, ending in (("fp32", ""), ("int8", "_quant")):
        found = provider.artefact(KNOWN, precision, ("tflite",))
        shutil.copyfile(found.path, tmp_path / f"mobilenet_v1_0.25_128{ending}.tflite")
    other = "mobilenet_v1_0.5_128"  # of other scores
    (tmp_path / f"{other}.tflite").write_bytes(classifier_bytes(128, 10))
    (tmp_path / "model.tflite").write_bytes(classifier_bytes(128, 1001))
    assert names(tmp_path) == {
        "mobilenet_v1_0.25_128.tflite": KNOWN,
        "mobilenet_v1_0.25_128_quant.tflite": KNOWN,
        f"{other}.tflite": other,
        "model.tflite": "model",
    }
    fill_in(tmp_path)
    assert set(image_folder(tmp_path).precisions(KNOWN)) == {"fp32", "int8"}


def test_files_become_one_model_only_where_nothing_speaks_against_it(tmp_path: Path) -> None:
    half = any_models.half().SerializeToString()
    whole = any_models.any_size().SerializeToString()
    found = {
        "m.onnx": (whole, "m"),
        "m_fp16.onnx": (half, "m"),
        "m_half.onnx": (half, "m_half"),  # a second one of that precision
        "other.onnx": (onnx_bytes(), "other"),
        "other.tflite": (classifier_bytes(SIDE, 7), "other-2"),  # other scores
        "wrong_int8.tflite": (tflite_bytes(), "wrong_int8"),  # its weights are fp32
        "a/m.onnx": (whole, "a-m"),
        "a/m_fp16.onnx": (half, "a-m"),
        "a/b/m.onnx": (whole, "a-b-m"),
    }
    lay_out(tmp_path, {file: content for file, (content, _) in found.items()})
    assert names(tmp_path) == {file: name for file, (_, name) in found.items()}


def test_a_name_of_the_catalogue_is_for_its_architecture_alone(tmp_path: Path) -> None:
    (tmp_path / f"{KNOWN}.tflite").write_bytes(classifier_bytes(128, 10))
    (tmp_path / "efficientnet-lite0.tflite").write_bytes(classifier_bytes(224, 1000))
    assert names(tmp_path) == {
        "efficientnet-lite0.tflite": "efficientnet-lite0",
        f"{KNOWN}.tflite": f"own-{KNOWN}",
    }
    fill_in(tmp_path)
    assert len(read_manifest(tmp_path)) == 2


@pytest.mark.parametrize(
    ("stem", "name"),
    [("my model (v2)", "my-model-v2"), ("_x", "x"), ("größe", "gr-e"), ("é", "model")],
)
def test_a_name_has_letters_that_names_may_have(stem: str, name: str, tmp_path: Path) -> None:
    (tmp_path / f"{stem}.onnx").write_bytes(onnx_bytes())
    assert names(tmp_path) == {f"{stem}.onnx": name}


def test_weights_beside_a_file_are_the_models(tmp_path: Path) -> None:
    path = any_models.write_apart(tmp_path, any_models.any_size)
    (entry,) = described(tmp_path).entries
    assert entry.fields["precision"] == "fp32"
    (tmp_path / "any_size.onnx_data").unlink()
    (line,) = described(tmp_path).refused
    assert line == (
        f"{path.name}: left out: its data is in 'any_size.onnx_data', which is not there; "
        "put that file beside the model"
    )


def test_what_is_no_usable_model_is_a_line_and_the_others_are_described(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    lay_out(
        folder,
        {
            "good.onnx": onnx_bytes(),
            "empty.onnx": b"",
            "page.onnx": b"<html>",
            "cut.onnx": onnx_bytes()[:-9],
            "cut.tflite": tflite_bytes()[:99],
            "audio.onnx": any_models.audio().SerializeToString(),
        },
    )
    (tmp_path / "outside.onnx").write_bytes(onnx_bytes())
    (folder / "link.onnx").symlink_to(tmp_path / "outside.onnx")
    (folder / "circle.onnx").symlink_to(folder / "circle.onnx")
    (folder / "dangling.onnx").symlink_to("nothing")
    os.mkfifo(folder / "pipe.onnx")
    (folder / "a\nb.onnx").write_bytes(onnx_bytes())
    (folder / ".hidden.onnx").write_bytes(onnx_bytes())
    (folder / "folder.onnx").mkdir()
    with (folder / "huge.tflite").open("wb") as file:
        file.write(tflite_bytes())
        file.truncate(3 << 30)
    found = described(folder)
    assert [one.fields["file"] for one in found.entries] == ["good.onnx"]
    told = {line.partition(": ")[0]: line.partition(": left out: ")[2] for line in found.refused}
    words = {
        "a\nb.onnx": "its name holds a character that can't be shown; rename it",
        "audio.onnx": "not a batch of images; give an image classifier",
        "circle.onnx": "can't be read",
        "cut.onnx": "the file is cut short or damaged; get it again",
        "cut.tflite": "damaged",
        "dangling.onnx": "no such file",
        "empty.onnx": "the file is empty; get it again",
        "huge.tflite": "larger than 2 GiB",
        "link.onnx": "links to outside the folder; put the file itself there",
        "page.onnx": "the content is not an ONNX model; get it again",
        "pipe.onnx": "no regular file",
    }
    assert set(told) == set(words)
    for name, text in words.items():
        assert text in told[name]


def test_what_a_file_says_can_not_make_a_line_without_end(tmp_path: Path) -> None:
    from onnx import load_from_string

    model = load_from_string(onnx_bytes())
    model.graph.input[0].name = "x" * 100_000
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    (line,) = described(tmp_path).refused
    assert len(line) < MAX_PROBLEM + 100


@given(st.binary(max_size=400), st.integers(0, 10_000))
def test_a_damaged_file_is_told_or_read_as_it_was_described(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    for name, whole in (("m.onnx", onnx_bytes()), ("m.tflite", tflite_bytes())):
        start = at % len(whole)
        (folder / name).write_bytes(whole[:start] + noise + whole[start + len(noise) :])
    found = fill_in(folder)
    assert len(found.entries) + len(found.refused) == 2
    if found.entries:
        assert len(read_manifest(folder)) == len(found.entries)


def test_a_folder_that_can_not_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    lay_out(folder, {"good.onnx": onnx_bytes(), "other/m.onnx": onnx_bytes()})
    give_away(folder / "other", 0o700)
    code = (
        "import sys; from pathlib import Path; from dse.models.describing import describe_folder; "
        "from dse.tasks.image_classification.models.describing import draft_classifier; "
        "found = describe_folder(Path(sys.argv[1]), draft_classifier, str); "
        "print(len(found.entries), *found.refused)"
    )
    told = run_unprivileged("-c", code, str(folder))
    assert told.stdout.startswith("1 other: can't be read: Permission denied")
    with pytest.raises(RequestError, match="can't be read"):
        described(tmp_path / "nowhere")


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=150).filter(str.isprintable)
FIELDS = st.dictionaries(
    st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True),
    st.none() | TEXTS | st.integers(-9, 9999) | st.floats(-1e9, 1e9) | st.booleans(),
    min_size=1,
)


class Anything(RootModel[dict[str, Any]]):
    pass


@given(st.lists(st.tuples(FIELDS, st.booleans()), min_size=1, max_size=4))
def test_any_draft_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, drafts: list[tuple[dict[str, Any], bool]]
) -> None:
    entries = [
        Draft(fields, {f: "assumed: 1 [a, b]" for f, v in fields.items() if v is None and marked})
        for fields, marked in drafts
    ]
    path = tmp_path_factory.mktemp("drafts") / FILE_NAME
    path.write_text(to_yaml(entries), encoding="utf-8")
    read = yaml_reader.read(path, Anything).root
    assert read == {"models": [fields for fields, _ in drafts]}

"""``dse models describe``: a folder of files, a draft to fill in, and the exploration of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from dse.commands.models_describe import HEAD
from dse.config.yaml_reader import MAX_YAML_BYTES
from dse.models.manifest import FILE_NAME
from tests.answering_model import onnx_bytes as encoder_bytes
from tests.image_models import read_manifest
from tests.small_models import SIDE, classifier_bytes, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

ANSWERS = {"mean": 127.5, "scale": 58.5, "label_offset": 0}
SPACE = {
    "models": "all",
    "backends": {"null": {"delay_ms": 1.0}},
    "threads": 1,
    "objectives": ["latency_p90_ms"],
}

EXPLORE = "dse explore own-models --models models"


@pytest.fixture
def models(here: Path) -> Path:
    folder = here / "models"
    folder.mkdir()
    (folder / "m.onnx").write_bytes(onnx_bytes())
    (folder / "m.tflite").write_bytes(tflite_bytes())
    (folder / "raw.tflite").write_bytes(classifier_bytes(SIDE, 1001, "uint8"))
    return folder


def fill_in(manifest: Path) -> None:
    """Writes values behind the empty fields."""
    lines = manifest.read_text().splitlines()
    for number, line in enumerate(lines):
        field, marked, _ = line.partition(":  # fill in: ")
        if marked:
            lines[number] = f"{field}: {ANSWERS[field.strip()]}"
    manifest.write_text("\n".join(lines))


def test_it_is_explored_as_soon_as_it_is_filled_in(
    command: Command, here: Path, models: Path
) -> None:
    answer = command.good("models", "describe", "models")
    assert answer.out == "models/models.yaml: 3 files of 2 models described\n"
    assert answer.err.splitlines() == [
        "fill in: `mean`, `scale`, `label_offset` of m.onnx and m.tflite",
        "assumed: `crop: 0.875`, `interpolation: bilinear`; correct what differs",
        f"next: fill in models/models.yaml; {EXPLORE} --dataset IMAGES",
    ]
    text = (models / FILE_NAME).read_text()
    assert text.startswith(HEAD)
    assert max(len(line) for line in text.splitlines()) <= 80
    (here / "s.yaml").write_text(yaml.safe_dump(SPACE))
    explore = ("explore", "s.yaml", "--models", "models", "--settle", 0)
    refused = command(*explore)
    assert refused.code == 2
    first, second = (
        number for number, line in enumerate(text.splitlines(), 1) if line.startswith("  - name: m")
    )
    assert refused.err == (
        f"dse: {models}/models.yaml:5: models: fields are missing in the entries of "
        f"lines {first}, {second}: mean, scale, label_offset; add them: a float input needs mean "
        "and scale, and a name outside the catalogue needs resolution and label_offset\n"
    )
    fill_in(models / FILE_NAME)
    assert [entry.name for entry in read_manifest(models)] == ["m", "m", "raw"]
    command.good(*explore)
    assert command.counts("s")[:2] == (2, 0)


def test_models_for_questions_are_described_for_their_task(command: Command, here: Path) -> None:
    (here / "models").mkdir()
    (here / "models" / "m.onnx").write_bytes(encoder_bytes(length="sequence"))
    answer = command.good("models", "describe", "models")
    assert answer.out == "models/models.yaml: 1 file of 1 model described\n"
    explore = "dse explore my-space.yaml --models models --dataset SQUAD"
    assert answer.err.splitlines() == [
        "fill in: `vocabulary` of m.onnx",
        "assumed: `sequence_length: 384`; correct what differs",
        "my-space.yaml: a search space of yours with `task: question-answering`",
        f"next: fill in models/models.yaml; {explore}",
    ]
    text = (here / "models" / FILE_NAME).read_text()
    assert text.startswith(HEAD)
    assert "#   published_f1: {" in text
    assert "published_accuracy" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_models_of_another_task_are_left_out(command: Command, models: Path) -> None:
    (models / "q.onnx").write_bytes(encoder_bytes())
    answer = command.good("models", "describe", "models")
    assert answer.out.endswith("3 files of 2 models described, 1 left out\n")
    told = "left out: a model of question-answering; describe it in a folder of its own"
    assert answer.err.splitlines()[0] == f"q.onnx: {told}"
    assert "#   published_accuracy: {" in (models / FILE_NAME).read_text()
    for name in ("r", "s", "t"):
        (models / f"{name}.onnx").write_bytes(encoder_bytes())
    answer = command.good("models", "describe", "models", "--force")
    assert answer.out.endswith("4 files of 4 models described, 3 left out\n")
    assert answer.err.count("a model of image-classification; describe it in a folder of") == 3


def test_a_manifest_is_replaced_only_on_purpose(command: Command, models: Path) -> None:
    (models / FILE_NAME).write_text("mine")
    answer = command("models", "describe", "models")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "dse: models/models.yaml: already exists; give another file with --output, or --force to "
        "replace it\n"
    )
    answer = command.good("models", "describe", "models", "--output", "draft.yaml")
    assert answer.out.startswith("draft.yaml: 3 files")
    assert answer.err.splitlines()[-2] == "to use it, move it to models/models.yaml"
    assert command("models", "describe", "models", "--output", "draft.yaml").code == 2
    assert (models / FILE_NAME).read_text() == "mine"
    command.good("models", "describe", "models", "--force")
    assert (models / FILE_NAME).read_text() == (models.parent / "draft.yaml").read_text()


def test_a_dangling_link_is_no_free_place(command: Command, models: Path) -> None:
    (models / FILE_NAME).symlink_to("nothing")
    assert command("models", "describe", "models").code == 2
    assert (models / FILE_NAME).is_symlink()


def test_a_name_of_the_catalogue_needs_no_data_set(command: Command, models: Path) -> None:
    for path in models.iterdir():
        path.unlink()
    name = "mobilenet-v1-0.25-128"
    (models / f"{name}.tflite").write_bytes(classifier_bytes(128, 1001, "uint8"))
    answer = command.good("models", "describe", "models")
    assert answer.err.splitlines() == [
        "assumed: `crop: 0.875`, `interpolation: bilinear`; correct what differs",
        f"published accuracy taken for {name}; rename any other model",
        f"next: {EXPLORE}",
    ]
    assert (
        f"  - name: {name}  # the catalogue's, or rename it\n" in (models / FILE_NAME).read_text()
    )


def test_many_files_take_a_few_lines(command: Command, models: Path) -> None:
    for number in range(50):
        (models / f"x{number:02}.onnx").write_bytes(onnx_bytes())
    answer = command.good("models", "describe", "models")
    assert len(answer.err.splitlines()) == 3
    fields = "`mean`, `scale`, `label_offset`"
    assert answer.err.startswith(f"fill in: {fields} of m.onnx, m.tflite and 50 others\n")
    *told, following = answer.err.splitlines()
    assert max(map(len, told)) <= 80
    assert following.startswith("next: fill in models/models.yaml; dse explore ")


def test_what_can_not_be_described_is_a_line(command: Command, models: Path) -> None:
    (models / "broken.onnx").write_bytes(b"<html>")
    answer = command.good("models", "describe", "models")
    assert answer.out == "models/models.yaml: 3 files of 2 models described, 1 left out\n"
    assert answer.err.splitlines()[0] == (
        "broken.onnx: left out: the content is not an ONNX model; get it again"
    )
    for path in models.glob("*.tflite"):
        path.unlink()
    (models / "m.onnx").unlink()
    answer = command("models", "describe", "models", "--force")
    assert answer.code == 2
    assert answer.last == (
        "dse: models: no usable .onnx or .tflite file in the folder; give the folder of your model "
        "files"
    )
    assert (models / FILE_NAME).exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "nowhere: no such folder; give the folder"),
        (["file"], "file: is not a folder; give the folder"),
        (["empty"], "empty: no .onnx or .tflite file in the folder; give the folder"),
        (["models", "--output", "empty"], "empty: --output: is a folder; name a file"),
        ([], "DIR"),
    ],
)
def test_a_wrong_request_is_one_line(
    command: Command, here: Path, models: Path, words: list[str], told: str
) -> None:
    (here / "file").touch()
    (here / "empty").mkdir()
    answer = command("models", "describe", *words)
    assert (answer.code, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert told in line
    assert not (models / FILE_NAME).exists()


def test_a_manifest_that_nobody_could_read_is_not_written(command: Command, models: Path) -> None:
    content = onnx_bytes()
    deep = models / "/".join(["d" * 200] * 15)
    deep.mkdir(parents=True)
    for number in range(MAX_YAML_BYTES // 3000):
        (deep / f"{number}.onnx").write_bytes(content)
    answer = command("models", "describe", "models")
    assert answer.code == 2
    assert "would be larger than the 1 MiB that are read" in answer.last
    assert not (models / FILE_NAME).exists()

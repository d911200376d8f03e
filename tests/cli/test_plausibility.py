"""What speaks against accuracies, told by every command: a model whose label_offset is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

import dse
from dse.tasks.image_classification.data.pixel_cache import decode_image
from dse.tasks.image_classification.inputs import prepare
from dse.tasks.image_classification.preprocessing import Preprocessing
from tests.commandline import unwrapped
from tests.replays import write_space
from tests.small_models import CLASSES, SIDE, onnx_bytes
from tests.tasks.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

IMAGES = 60
PIXELS = Preprocessing(SIDE, "NCHW", mean=(127.0,) * 3, scale=(128.0,) * 3)
SHIFT = (
    "labels fit after a shift of +1 (100 % instead of 0 %): look at label_offset and the data set"
)
STRETCHED = "mean and scale are not for pixels of 0 to 255: write mean: 127.5, scale: 127.5"
LEFT_OUT = (
    "folders that are not classes are left out: '@eaDir'; "
    "files that are not images here are left out: 2 '.heic'"
)
ENTRY = {
    "precision": "fp32",
    "layout": "NCHW",
    "dtype": "float32",
    "resolution": SIDE,
    "classes": CLASSES,
}
SHIFTED = {"name": "shifted", "file": "m.onnx", "mean": 127, "scale": 128, "label_offset": 1}
WIDE = {"name": "wide", "file": "m.onnx", "mean": 0.5, "scale": 0.5, "label_offset": 0}


def write_models(folder: Path, *entries: dict[str, Any]) -> Path:
    """The small model under several names."""
    models = folder / "models"
    models.mkdir()
    (models / "m.onnx").write_bytes(onnx_bytes())
    made = [{**ENTRY, **entry} for entry in entries]
    (models / "models.yaml").write_text(yaml.safe_dump({"models": made}))
    return models


def write_images(folder: Path) -> Path:
    """Class folders in which each image lies as the model sees it, with what lies around there."""
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx_bytes(), providers=["CPUExecutionProvider"])
    images = folder / "images"
    for number in range(IMAGES):
        file = folder / f"{number}.png"
        picture(number).save(file)
        pixels = np.frombuffer(decode_image(file, SIDE, 0.875, "bilinear"), np.uint8)
        batch = prepare(pixels.reshape(1, SIDE, SIDE, 3), PIXELS)
        label = int(session.run(None, {"input": batch})[0].argmax())
        (images / str(label)).mkdir(parents=True, exist_ok=True)
        file.rename(images / str(label) / file.name)
    assert len(list(images.iterdir())) > 3
    (images / "@eaDir").mkdir()
    first = min(images.glob("[0-9]*"))
    for name in ("a.heic", "b.HEIC"):
        (first / name).write_text("no image")
    return images


@pytest.fixture
def explored(command: Command, here: Path) -> tuple[str, str]:
    """What exploring ``shifted`` and ``wide`` says on stdout and stderr."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    space = write_space(
        here,
        "mine",
        models=["shifted", "wide"],
        backends=["onnxruntime"],
        threads=[1, 2],
        batch_sizes=1,
        objectives=["accuracy_percent", "latency_p90_ms"],
    )
    images, models = write_images(here), write_models(here, SHIFTED, WIDE)
    done = command.good("explore", space, "--settle", 0, "--models", models, "--dataset", images)
    return done.out, done.err


def test_every_command_tells_them(command: Command, here: Path, explored: tuple[str, str]) -> None:
    out, err = explored
    # At the start: the data set and the manifest.
    lines = unwrapped(err)
    labels = len(list((here / "images").glob("[0-9]*")))
    assert (
        f"data set: {IMAGES} images of {labels} labels, from folders named by their labels" in lines
    )
    for note in LEFT_OUT.split("; "):
        assert f"data set: {note}" in lines
    assert f"models.yaml: wide fp32: {STRETCHED}" in lines
    # As soon as it is measured, for both numbers of threads.
    assert lines.count(f"note: shifted fp32, onnxruntime: {SHIFT}") == 1
    assert lines.count(f"note: wide fp32, onnxruntime: {STRETCHED}") == 1

    most = max(len(list(folder.glob("*.png"))) for folder in (here / "images").iterdir())
    chance = (
        f"accuracy is that of chance ({100 * most / IMAGES:.3g} % have the commonest label): "
        "look at label_offset, mean, scale, layout"
    )
    shifted, wide = ids("shifted"), ids("wide")
    told = [
        f"2 points ({shifted}): {SHIFT}",
        f"2 points ({wide}): {chance}",
        f"2 points ({wide}): {STRETCHED}",
        f"all 4 points: data set: {LEFT_OUT}",
    ]
    status = command.status("mine")
    assert sorted(status["notes"]) == sorted(told)
    shown = unwrapped(command.good("status", "mine").out)
    assert set(told) <= set(shown)
    for note in told:
        assert note in words(out)
        assert note in words(command.good("frontier", "mine").out)

    for point in command.frontier("mine")["points"]:
        own = {"shifted": [SHIFT], "wide": [chance, STRETCHED]}[point["configuration"]["model"]]
        doubts = [note for note in point["notes"] if note != "not decided"]
        assert doubts == [*own, f"data set: {LEFT_OUT}"]

    command.good("report", "mine")
    report = here / "studies" / "mine" / "report"
    assert "labels fit after a shift of +1" in (report / "report.html").read_text("utf-8")
    table = pd.read_csv(report / "study.csv")
    shifted_notes = table[table["model"] == "shifted"]["notes"]
    assert set(shifted_notes.str.removesuffix("; not decided")) == {
        f"{SHIFT}; data set: {LEFT_OUT}"
    }
    loaded = dse.load_study("mine").configurations
    assert list(loaded["notes"]) == list(table["notes"])

    compared = words(command.good("compare", "mine", "--all").out)
    assert f"#1: 2 points: {SHIFT}" in compared
    as_object = json.loads(command.good("compare", "mine", "--json").out)
    assert f"#1: 2 points: {SHIFT}" in as_object["notes"]
    best = as_object["systems"][0]["best"]["accuracy_percent"]
    assert best["configuration"]["model"] == "wide"
    assert best["notes"] == [chance, STRETCHED, f"data set: {LEFT_OUT}"]


def ids(model: str) -> str:
    """The points of a model, as notes name them."""
    table = dse.load_study("mine").configurations
    return ", ".join(f"#{id_}" for id_ in sorted(table[table["model"] == model]["id"]))


def words(text: str) -> str:
    """A text without the breaks that a console puts into its lines."""
    return " ".join(text.split())


def test_the_right_offset_has_no_note(command: Command, here: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    space = write_space(
        here,
        "mine",
        models="right",
        backends=["onnxruntime"],
        threads=1,
        batch_sizes=1,
        objectives=["accuracy_percent"],
    )
    right = {**SHIFTED, "name": "right", "label_offset": 0}
    images, models = write_images(here), write_models(here, right)
    for odd in (images / "@eaDir", *images.rglob("*.heic"), *images.rglob("*.HEIC")):
        odd.rmdir() if odd.is_dir() else odd.unlink()
    done = command.good("explore", space, "--settle", 0, "--models", models, "--dataset", images)
    assert "note:" not in done.err
    assert command.status("mine")["notes"] == []
    (point,) = command.frontier("mine")["points"]
    assert (point["values"], point["notes"]) == ({"accuracy_percent": 100.0}, [])

"""A folder of models whose files say themselves what they take: refused at once, or explored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests import any_models
from tests.replays import attributes
from tests.small_models import CLASSES, SIDE, classifier_bytes, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.commandline import Command

QUANTISATION = (1 / 64, 70)
ENTRY = {"name": "own", "precision": "fp32", "resolution": SIDE, "label_offset": 0}
NORMALISED = {"mean": 127.5, "scale": 127.5}


def lay_out(here: Path, files: Mapping[str, bytes], *entries: dict[str, Any]) -> None:
    folder = here / "models"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    text = yaml.safe_dump({"models": [{**ENTRY, **entry} for entry in entries]}, sort_keys=False)
    (folder / "models.yaml").write_text(text)


def write_space(here: Path, models: list[str], **more: Any) -> None:
    space = {"models": models, "threads": 1, "objectives": ["latency_p90_ms"], **more}
    (here / "s.yaml").write_text(yaml.safe_dump(space))


def int8() -> bytes:
    return classifier_bytes(SIDE, CLASSES, "int8")


FLOAT = {"file": "m.tflite", "layout": "NHWC", "dtype": "float32", **NORMALISED}


@pytest.mark.parametrize(
    ("model", "entry", "field", "problem", "remedy"),
    [
        (
            int8,
            FLOAT,
            "dtype",
            "'input' of 'm.tflite' is int8 1x8x8x3, not",
            "`dtype: int8`",
        ),
        (
            tflite_bytes,
            {**FLOAT, "layout": "NCHW"},
            "layout",
            "'input0' of 'm.tflite' is float32 1x8x8x3, which is NHWC",
            "`layout: NHWC`",
        ),
        (
            lambda: classifier_bytes(SIDE, CLASSES, "uint8", (2.0, 10)),
            {"file": "m.tflite", "layout": "NHWC", "dtype": "uint8"},
            "mean",
            "raw pixels would stand for -20 to 490",
            "add mean and scale",
        ),
        (
            lambda: classifier_bytes(SIDE, 1001),
            FLOAT,
            "label_offset",
            "1001 scores are a background and ImageNet's 1000 classes",
            "`label_offset: 1`",
        ),
    ],
)
def test_a_contradiction_is_one_line_before_any_run(
    model: Callable[[], bytes],
    entry: dict[str, Any],
    field: str,
    problem: str,
    remedy: str,
    command: Command,
    here: Path,
) -> None:
    lay_out(here, {"m.tflite": model()}, entry)
    write_space(here, ["own"], backends=["litert"])
    answer = command("explore", "s.yaml", "--models", "models")
    assert answer.code == 2
    assert answer.out == ""
    lines = (here / "models" / "models.yaml").read_text().splitlines()
    line = next((n for n, text in enumerate(lines, 1) if text.strip().startswith(field)), 2)
    assert answer.err.startswith(f"dse: {here}/models/models.yaml:{line}: models[0].{field}: ")
    assert problem in answer.err
    assert remedy in answer.err
    assert len(answer.err.splitlines()) == 1
    assert not (here / "studies").exists()


def test_int8_and_half_precision_are_explored(command: Command, here: Path) -> None:
    quantised = {"layout": "NHWC", "file": "q.tflite", "precision": "int8", **NORMALISED}
    half = any_models.half()
    for dim in half.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = SIDE
    files = {
        "q.tflite": classifier_bytes(SIDE, CLASSES, "int8", (1 / 64, -58)),
        "u.tflite": classifier_bytes(SIDE, CLASSES, "uint8", QUANTISATION),
        "h.onnx": half.SerializeToString(),
    }
    lay_out(
        here,
        files,
        {**quantised, "name": "int8", "dtype": "int8"},
        {**quantised, "name": "uint8", "dtype": "uint8", "file": "u.tflite"},
        {"name": "half", "precision": "fp16", "layout": "NCHW", "file": "h.onnx"}
        | {"dtype": "float16", **NORMALISED},
    )
    images = here / "images"
    images.mkdir()
    for number in range(30):
        colour = np.random.default_rng(number).integers(0, 256, 3, np.uint8)
        pixels = np.broadcast_to(colour, (SIDE, SIDE, 3))
        Image.fromarray(pixels.copy()).save(images / f"{number:02}.png")
    lines = "\n".join(f"{number:02}.png {number % 3}" for number in range(30))
    (images / "val_map.txt").write_text(lines)
    write_space(
        here,
        ["int8", "uint8", "half"],
        backends=["litert", "onnxruntime"],
        precisions=["int8", "fp16"],
        objectives=["accuracy_percent", "latency_p90_ms"],
    )
    arguments = ("s.yaml", "--models", "models", "--dataset", "images", "--settle", 0)
    command.good("explore", *arguments)
    assert command.counts("s")[:3] == (3, 0, 0)
    database = here / "studies" / "s" / "study.db"
    configurations = attributes(database, "configuration")
    accuracies = {
        configurations[trial]["model"]: measurement["value"]
        for trial, outcome in attributes(database, "outcome").items()
        for measurement in outcome["measurements"]
        if measurement["metric"] == "accuracy_percent"
    }
    assert set(accuracies) == {"int8", "uint8", "half"}
    # They hold the same numbers, 128 apart.
    assert accuracies["int8"] == accuracies["uint8"]


def test_bench_refuses_a_batch_with_one_answer(command: Command, here: Path) -> None:
    (here / "m.onnx").write_bytes(onnx_bytes(rows="first"))
    offline = ("--scenario", "Offline", "--duration", "0.02s")
    answer = command("bench", "m.onnx", *offline, "--batch-size", 8)
    assert answer.code == 1
    words = "takes a batch of 8 and has no answer for each sample (logits 1x10)"
    assert words in answer.out + answer.err

"""Two explorations at once that share a cache: nothing is built twice, nothing is damaged."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import yaml
from PIL import Image

from tests.commandline import PATIENCE_S, start
from tests.small_models import SIDE, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.commandline import Command

STUDIES = ("one", "other")
IMAGES = 60


def explored(here: Path, *arguments: object) -> None:
    """Runs both studies at once, each to its end."""
    with ExitStack() as stack:
        running = [
            stack.enter_context(start("explore", *arguments, "--study", name, cwd=here))
            for name in STUDIES
        ]
        for process in running:
            _, errors = process.communicate(timeout=3 * PATIENCE_S)
            assert process.returncode == 0, errors


def write_space(here: Path, models: Sequence[str], objectives: Sequence[str]) -> Path:
    path = here / "both.yaml"
    space = {
        "models": list(models),
        "precisions": ["fp32", "int8"],
        "backends": ["onnxruntime", "litert"],
        "threads": 1,
        "objectives": list(objectives),
    }
    path.write_text(yaml.safe_dump(space))
    return path


def cached(folder: Path, *suffixes: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes)


def test_models_are_built_once_and_whole(command: Command, here: Path) -> None:
    space = write_space(here, ["mobilenet-v1-0.25-128"], ["throughput_samples_per_s"])
    explored(here, "--repeats", 0, space)
    cache = here.parent / "cache"
    files = cached(cache, ".onnx", ".tflite")
    assert len(files) == 4  # two formats in two precisions
    for file in files:
        assert file.stem.endswith(hashlib.sha256(file.read_bytes()).hexdigest())
    assert not cached(cache, ".tmp")
    for name in STUDIES:
        assert command.counts(name) == (4, 0, 0, 4)


def test_images_are_decoded_once_and_calibrate_alike(command: Command, here: Path) -> None:
    images = here / "images"
    images.mkdir()
    generator = np.random.default_rng(0)
    lines = []
    for number in range(IMAGES):
        pixels = generator.integers(0, 256, (2 * SIDE, 3 * SIDE, 3), np.uint8)
        Image.fromarray(pixels).save(images / f"{number}.png")
        lines.append(f"{number}.png {number % 10}")
    (images / "val_map.txt").write_text("\n".join(lines))
    models = here / "models"
    models.mkdir()
    (models / "small.onnx").write_bytes(onnx_bytes())
    (models / "small.tflite").write_bytes(tflite_bytes())
    entry = {"name": "small", "precision": "fp32", "dtype": "float32", "resolution": SIDE}
    entry |= {"label_offset": 0, "mean": [127.0] * 3, "scale": [128.0] * 3}
    entries = [
        {**entry, "file": "small.onnx", "layout": "NCHW"},
        {**entry, "file": "small.tflite", "layout": "NHWC"},
    ]
    (models / "models.yaml").write_text(json.dumps({"models": entries}))
    space = write_space(here, ["small"], ["accuracy_percent", "throughput_samples_per_s"])
    explored(here, "--repeats", 0, space, "--models", models, "--dataset", images)
    cache = here.parent / "cache"
    assert not cached(cache, ".tmp")
    assert len([f for f in cached(cache, ".npy") if f.stat().st_size > IMAGES * SIDE * SIDE]) == 1
    points = [
        {
            json.dumps(point["configuration"]): point["values"]["accuracy_percent"]
            for point in command.frontier(name)["points"]
        }
        for name in STUDIES
    ]
    both = set(points[0]) & set(points[1])
    assert [points[0][key] for key in both] == [points[1][key] for key in both]
    for name in STUDIES:
        measured, failed, remaining, _ = command.counts(name)
        assert (measured, failed, remaining) == (4, 0, 0)

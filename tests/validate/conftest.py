"""A study of a small real model with images, to be copied, and what its validation left behind."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from dse.cli import run
from tests.commandline import command, here, tmp_path
from tests.replays import write_space
from tests.small_models import SIDE, onnx_bytes
from tests.tasks.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command", "here", "tmp_path"]

OBJECTIVES = ["accuracy_percent", "latency_p90_ms", "throughput_samples_per_s"]
IMAGES = 5
OPTIONS = ["--models", "models", "--dataset", "images"]


def write_inputs(folder: Path, model: str = "m", count: int = IMAGES) -> None:
    """A folder of models, small real ones, and one of images."""
    models, images = folder / "models", folder / "images"
    models.mkdir()
    (models / "m.onnx").write_bytes(onnx_bytes())
    entry = {"name": model, "file": "m.onnx", "precision": "fp32", "layout": "NCHW"}
    numbers = {"dtype": "float32", "resolution": SIDE, "mean": 0, "scale": 255, "label_offset": 0}
    (models / "models.yaml").write_text(yaml.safe_dump({"models": [{**entry, **numbers}]}))
    images.mkdir()
    for number in range(count):
        picture(number).save(images / f"{number}.png")
    lines = [f"{number}.png {number % IMAGES}\n" for number in range(count)]
    (images / "val_map.txt").write_text("".join(lines))


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study ``small`` of ``small.yaml``, its models and its images.

    Of the null backend, which takes a millisecond: the queries of ten minutes fit any memory.
    """
    folder = tmp_path_factory.mktemp("explored")
    write_inputs(folder)
    fields = {"models": "m", "threads": 1, "batch_sizes": 4, "objectives": OBJECTIVES}
    space = write_space(folder, "small", backends={"null": {"delay_ms": 1.0}}, **fields)
    arguments = ["explore", space, "--settle", 0, *OPTIONS]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DSE_CACHE_DIR", str(folder / "cache"))
        assert run([*map(str, arguments)]) == 0
    return folder


@pytest.fixture
def small(explored: Path, here: Path) -> list[str]:
    """The study ``small`` in the working folder; the options that it is validated with.

    Its images are too few for a submission.
    """
    shutil.copytree(explored, here, dirs_exist_ok=True)
    return [*OPTIONS, "--anyway"]

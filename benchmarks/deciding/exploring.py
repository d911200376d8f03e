"""Studies made by the command line, each from nothing, as a user makes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import yaml

from benchmarks.deciding.recording import record
from dse.core.errors import DseError
from dse.tasks.image_classification.models.builtin import build_fp32
from dse.tasks.image_classification.models.catalogue import variant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.deciding.recording import Recording

EXPLORE = (sys.executable, "-m", "dse", "explore")
"""The words of a command that explores."""


def explored(
    folder: Path,
    space: str | Mapping[str, object],
    options: Sequence[str] = (),
    command: Sequence[str] = EXPLORE,
) -> Recording:
    """Makes a study and records it.

    Args:
        folder: where it is made.
        space: the name of a search space, or what its file holds.
        options: further options of the command.
        command: that explores.

    Raises:
        DseError: the command failed.
    """
    if not isinstance(space, str):
        file = folder / "space.yaml"
        file.write_text(yaml.safe_dump(dict(space), sort_keys=False), encoding="utf-8")
        space = str(file)
    study = folder / "study"
    words = [*command, space, "--study", str(study), *options]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ})
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise DseError(f"`dse explore` ended with exit code {done.returncode}: {last}")
    return record(study)


def settling(seconds: float) -> list[str]:
    """The options of a command that settles for so long at most."""
    return ["--settle", f"{seconds:g}s"]


def model_folder(folder: Path, models: Mapping[str, tuple[str, float]]) -> Path:
    """Makes a folder of models, some of which may be the same under different names.

    Args:
        folder: where it is made.
        models: architecture of the catalogue and accuracy, by name.

    Returns:
        The folder, for `--models`.
    """
    path = folder / "models"
    path.mkdir()
    entries = []
    for name, (architecture, accuracy) in models.items():
        found = variant(architecture)
        source, _ = build_fp32(found.graph())
        shutil.copyfile(source, path / f"{name}.onnx")
        entries.append(
            {
                "name": name,
                "file": f"{name}.onnx",
                "precision": "fp32",
                "layout": "NCHW",
                "dtype": "float32",
                "resolution": found.resolution,
                "mean": list(found.preprocessing.mean),
                "scale": list(found.preprocessing.scale),
                "label_offset": found.preprocessing.label_offset,
                "weights": "untrained",
                "published_accuracy": {"percent": accuracy, "source": "made up"},
            }
        )
    (path / "models.yaml").write_text(yaml.safe_dump({"models": entries}), encoding="utf-8")
    return path

"""The toy task of `tests/toy_package`: installed, and with models and documents that it takes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from tests.commandline import PATIENCE_S, start

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOY = Path(__file__).parent / "toy_package"
WORDS, VOCABULARY, TAGS = 6, 20, 5
DOCUMENTS = 24
TAGGERS = {"exact": 0.0, "blurred": 0.35}
"""How much of the weights is noise, by model."""


def install_toy(folder: Path) -> Path:
    """Installs the toy package below a folder; returns what to put on the path."""
    source, target = folder / "source", folder / "installed"
    shutil.copytree(TOY, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    options = ["--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*pip, *options, str(source)], check=True)
    return target


def python(path: Path, *words: object, folder: Path | None = None) -> tuple[int, str, str]:
    """What this Python answers with a further folder of distributions."""
    variables = {**os.environ, "PYTHONPATH": str(path)}
    ended = subprocess.run(
        [sys.executable, *map(str, words)],
        env=variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ended.returncode, ended.stdout, ended.stderr


def dse(path: Path, *words: object, folder: Path | None = None) -> tuple[int, str, str]:
    """What the command line answers with a further folder of distributions."""
    variables = {**os.environ, "PYTHONPATH": str(path)}
    with start(*words, env=variables, cwd=folder) as process:
        out, err = process.communicate(timeout=2 * PATIENCE_S)
        return process.wait(), out, err


def tagger(noise: float) -> bytes:
    """An ONNX model of two inputs: the sum of the words' rows, of those that the mask lets pass."""
    from onnx import TensorProto, helper, numpy_helper

    draw = np.random.default_rng(3)
    rows = weights() + noise * draw.normal(size=(VOCABULARY, TAGS)).astype(np.float32)
    constants = [
        numpy_helper.from_array(rows, "rows"),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
        numpy_helper.from_array(np.array([2], np.int64), "last"),
    ]
    nodes = [
        helper.make_node("Gather", ["rows", "ids"], ["found"]),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["found", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axis"], ["scores"], keepdims=0),
    ]
    shape: tuple[str | int | None, ...] = ("batch", WORDS)
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, shape),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, shape),
    ]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ("batch", TAGS))]
    graph = helper.make_graph(nodes, "tagger", inputs, outputs, constants)
    opset = helper.make_opsetid("", 15)
    data: bytes = helper.make_model(graph, ir_version=8, opset_imports=[opset]).SerializeToString()
    return data


def weights() -> NDArray[np.float32]:
    """(words, tags): by which a word speaks for a tag."""
    draw = np.random.default_rng(0)
    return draw.normal(0, 0.4, (VOCABULARY, TAGS)).astype(np.float32)


def documents() -> list[dict[str, list[int]]]:
    """Documents of which the exact tagger finds all tags; some have none."""
    draw = np.random.default_rng(1)
    ids = draw.integers(VOCABULARY, size=(DOCUMENTS, WORDS))
    mask = (draw.random((DOCUMENTS, WORDS)) < 0.7).astype(int)
    scores = (weights()[ids] * mask[..., None]).sum(axis=1)
    return [
        {"ids": i.tolist(), "mask": m.tolist(), "tags": np.flatnonzero(s > 0.5).tolist()}
        for i, m, s in zip(ids, mask, scores, strict=True)
    ]


def write_inputs(folder: Path, **space: object) -> None:
    """Writes ``models``, ``documents`` and ``space.yaml`` for the toy task."""
    (folder / "models").mkdir()
    (folder / "documents").mkdir()
    entries = []
    for name, noise in TAGGERS.items():
        (folder / "models" / f"{name}.onnx").write_bytes(tagger(noise))
        about = {"words": WORDS, "vocabulary": VOCABULARY, "tags": TAGS}
        entries.append({"name": name, "file": f"{name}.onnx", "precision": "fp32", **about})
    (folder / "models" / "models.yaml").write_text(yaml.safe_dump({"models": entries}))
    (folder / "documents" / "documents.json").write_text(json.dumps(documents()))
    values = {
        "task": "tagging",
        "models": "all",
        "backends": ["onnxruntime"],
        "threads": 1,
        "batch_sizes": [1, 4],
        **space,
    }
    (folder / "space.yaml").write_text(yaml.safe_dump(values))

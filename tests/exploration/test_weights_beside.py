"""Weights beside a file through the command line: its size, its identity, and who reads them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import onnx
import pytest
import yaml

from dse.core.registry import BACKENDS
from dse.environments import _store
from dse.study.folder import existing_folder
from dse.study.study import Study
from tests.exploration.test_measurer import write_images
from tests.replays import outcomes, write_space
from tests.small_models import SIDE, onnx_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

ACCURACY, SIZE = "accuracy_percent", "model_size_mib"
LABELS = (0, 1, 2, 0)
UNTRAINED = 50.0
"""The accuracy of weights that are all zero: class 0 is the first of equals."""


def write_models(folder: Path) -> Path:
    """The same model in one file, ``whole``, and in two, ``apart``; the file of its weights."""
    models = folder / "models"
    models.mkdir()
    (models / "whole.onnx").write_bytes(onnx_bytes())
    onnx.save(
        onnx.load_from_string(onnx_bytes()),
        models / "apart.onnx",
        save_as_external_data=True,
        location="apart.data",
        size_threshold=100,  # as exporters do: small constants are needed to infer shapes
    )
    entry = {"precision": "fp32", "layout": "NCHW", "dtype": "float32", "resolution": SIDE}
    numbers = {"mean": 0, "scale": 255, "label_offset": 0}
    names = ("whole", "apart")
    entries = [{"name": name, "file": f"{name}.onnx", **entry, **numbers} for name in names]
    (models / "models.yaml").write_text(yaml.safe_dump({"models": entries}))
    return models / "apart.data"


def zero(data: Path) -> None:
    """Takes the weights out of a file, as a tool that makes them anew may leave them."""
    before = data.stat().st_mtime_ns
    data.write_bytes(bytes(data.stat().st_size))
    os.utime(data, ns=(before, before + 1_000_000_000))  # a coarse clock may show no difference


def explored(command: Command, folder: Path, *backends: str) -> dict[str, list[dict[str, float]]]:
    """Explores both models; the values of each."""
    space = write_space(
        folder,
        models=["whole", "apart"],
        backends=list(backends),
        objectives=[ACCURACY, SIZE],
        threads=1,
        batch_sizes=1,
    )
    command.good("explore", space, "--models", "models", "--dataset", "images", "--settle", 0)
    found: dict[str, list[dict[str, float]]] = {"whole": [], "apart": []}
    for record in Study.load(existing_folder("studies/space")).records.values():
        assert record.outcome.failure is None, record.outcome.failure
        found[record.configuration.model].append(record.outcome.values)
    return found


def agree(found: dict[str, list[dict[str, float]]], folder: Path, count: int) -> None:
    """The two models are equally accurate, and each as large as all its files."""
    whole, apart = found["whole"], found["apart"]
    assert len(whole) == len(apart) == count
    accuracies = {values[ACCURACY] for values in (*whole, *apart)}
    assert len(accuracies) == 1
    assert accuracies != {UNTRAINED}
    models = folder / "models"
    sizes = {
        name: sum((models / file).stat().st_size for file in files) / 2**20
        for name, files in (("whole", ["whole.onnx"]), ("apart", ["apart.onnx", "apart.data"]))
    }
    assert {values[SIZE] for values in whole} == {sizes["whole"]}
    assert {values[SIZE] for values in apart} == {sizes["apart"]}
    assert (models / "apart.data").stat().st_size > (models / "apart.onnx").stat().st_size


def test_weights_beside_a_file_belong_to_a_model(command: Command, here: Path) -> None:
    data = write_models(here)
    write_images(here, LABELS)
    agree(explored(command, here, "onnxruntime", "openvino"), here, 2)
    before = outcomes(here / "studies/space/study.db")
    zero(data)
    words = ("--models", "models", "--dataset", "images", "--settle", 0)
    more = write_space(
        here,
        models=["apart"],
        backends=["onnxruntime"],
        objectives=[ACCURACY, SIZE],
        threads=[1, 2],
        batch_sizes=1,
    )
    refused = command("explore", more, *words)
    assert refused.code == 2
    assert refused.last.startswith("dse: the file of apart fp32 onnx has changed since study 'spac")
    assert before.items() <= outcomes(here / "studies/space/study.db").items()
    assert command("explore", more, *words, "--study", "fresh").code == 1
    fresh = Study.load(existing_folder("studies/fresh")).records.values()
    for record in fresh:
        assert record.outcome.failure is not None
        assert "its weights are empty" in record.outcome.failure.message
    assert len(fresh) == 2


@pytest.mark.long
def test_deepsparse_reads_the_same(
    command: Command, here: Path, environments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("DSE_CACHE_DIR", str(environments))
        environment = _store.read_environment(str(BACKENDS["deepsparse"].python))
    assert environment is not None
    (here / "config.yaml").write_text(f"interpreters: {{deepsparse: {environment.python}}}\n")
    monkeypatch.setenv("DSE_CONFIG", str(here / "config.yaml"))
    data = write_models(here)
    write_images(here, LABELS)
    agree(explored(command, here, "deepsparse"), here, 1)
    data.rename(here / "apart.data")
    data.symlink_to(here / "apart.data")
    answer = command("explore", "space.yaml", "--models", "models", "--dataset", "images")
    assert answer.code == 2
    assert answer.last == (
        f"dse: {here}/models/models.yaml:12: models[1].file: 'apart.onnx': its data is in "
        "'apart.data', which links to outside the model's folder; put that file beside the model"
    )

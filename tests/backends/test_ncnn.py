"""What ncnn's converter and networks do that other runtimes do not."""

from __future__ import annotations

import importlib
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper

from dse.core.backend import LoadRequest, Preparing, Runtime, Scores, UnsupportedError
from dse.core.configuration import Configuration
from tests.any_models import model, value
from tests.small_models import SIDE, onnx_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnx import ModelProto


@pytest.fixture
def runtime(runtimes: Callable[[str], Runtime]) -> Runtime:
    return runtimes("ncnn")


def request(path: Path, batch_size: int = 1, **more: Any) -> LoadRequest:
    configuration = Configuration("m", "fp32", "ncnn", 1, batch_size, **more)
    return LoadRequest(configuration, path, {}, scores=Scores())


def small(folder: Path, **more: Any) -> Path:
    path = folder / "small.onnx"
    path.write_bytes(onnx_bytes(sums=False, **more))
    return path


def test_a_batch_scores_to_the_last_bit_as_its_samples_do(runtime: Runtime, tmp_path: Path) -> None:
    path = small(tmp_path)
    samples = np.random.default_rng(1).normal(size=(3, 3, SIDE, SIDE)).astype(np.float32)
    together, single = runtime.load(request(path, 3)), runtime.load(request(path))
    scores = together.predict(together.bind(samples))
    for place in range(3):
        alone = single.predict(single.bind(samples[place : place + 1]))
        np.testing.assert_array_equal(alone, scores[place : place + 1])
    together.close()
    single.close()


def test_the_converter_ends_with_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ncnn = importlib.import_module("dse.backends.ncnn")
    monkeypatch.setattr(ncnn, "_program", lambda: tmp_path / "pnnx")
    words = ncnn._Converter((1, 3, SIDE, SIDE)).command(tmp_path / "small.onnx", tmp_path)
    assert json.loads(words[3])["parent"] == os.getpid()
    assert words[4:6] == ["dse.backends._program", str(tmp_path / "pnnx")]


def test_a_converter_that_crashes_is_a_refusal(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "sum.onnx"
    path.write_bytes(onnx_bytes())  # pnnx knows no sum of one
    with pytest.raises(UnsupportedError, match=r"^pnnx can't convert the file: .*ended by SIG"):
        runtime.load(request(path))


def test_a_product_of_another_shape_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    """pnnx leaves out the operator that flattens what is pooled."""
    nodes = [
        helper.make_node("Conv", ["wave", "filters"], ["filtered"]),
        helper.make_node("GlobalAveragePool", ["filtered"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights"], ["scores"]),
    ]
    outputs = [value("scores", ("batch", 5))]
    given = [value("wave", ("batch", 3, 16))]
    path = tmp_path / "pooled.onnx"
    constants = {"filters": np.ones((4, 3, 3), np.float32), "weights": np.ones((4, 5), np.float32)}
    made = model(nodes, given, outputs, constants)
    path.write_bytes(made.SerializeToString())
    with pytest.raises(UnsupportedError, match=r"'scores' is 1x4x5 in ncnn, and float32 .x5"):
        runtime.load(request(path))


def test_integers_are_refused(runtime: Runtime, tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["ids"], ["numbers"], to=1)]
    made = model(nodes, [value("ids", ("batch", 4), "INT64")], [value("numbers", ("batch", 4))], {})
    path = tmp_path / "ids.onnx"
    path.write_bytes(made.SerializeToString())
    with pytest.raises(UnsupportedError, match=r"the input 'ids' is int64 [?]x4, not float32"):
        runtime.load(request(path))


@pytest.mark.parametrize("arithmetic", ["fp32", "bf16"])
def test_arithmetic_is_a_true_knob(runtime: Runtime, tmp_path: Path, arithmetic: str) -> None:
    path = small(tmp_path)
    samples = np.random.default_rng(1).normal(size=(1, 3, SIDE, SIDE)).astype(np.float32)
    usual = runtime.load(request(path))
    other = runtime.load(request(path, knobs=(("arithmetic", arithmetic),)))
    one, two = usual.predict(usual.bind(samples)), other.predict(other.bind(samples))
    assert np.array_equal(one, two) == (arithmetic == "fp32")
    usual.close()
    other.close()


def spread() -> ModelProto:
    """Opset 11 has each axis after the first that is named in the sum of exponentials."""
    nodes = [
        helper.make_node("Conv", ["pixels", "filters"], ["filtered"]),
        helper.make_node("Softmax", ["filtered"], ["scores"], axis=1),
    ]
    filters = {"filters": np.random.default_rng(3).normal(size=(4, 3, 1, 1)).astype(np.float32)}
    pixels, scores = value("pixels", ("batch", 3, 8, 8)), value("scores", ("batch", 4, 8, 8))
    return model(nodes, [pixels], [scores], filters, opset=11)


def test_another_meaning_of_an_operator_is_a_refusal(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "spread.onnx"
    path.write_bytes(spread().SerializeToString())
    loaded = LoadRequest(Configuration("m", "fp32", "ncnn", 1, 1), path, {})
    assert isinstance(runtime, Preparing)
    with pytest.raises(UnsupportedError, match=r"^ncnn computes something else than onnxruntime"):
        runtime.prepare(loaded)

"""A conversion that answers something else than ONNX Runtime is refused; others are not."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from dse.core.backend import LoadRequest, Preparing, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.registry import backend
from dse.formats.dimensions import Choices, resolve_inputs
from dse.formats.reading import describe
from tests.any_models import bert, model, value, weights
from tests.small_models import onnx_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import ModelProto

reference = importlib.import_module("dse.backends._reference")


def prepare(path: Path, **more: Any) -> None:
    found = backend("mnn")
    assert isinstance(found, Preparing)
    found.prepare(LoadRequest(Configuration("m", "fp32", "mnn", 1, 1), path, {}, **more))


def written(made: ModelProto, folder: Path) -> Path:
    path = folder / "made.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def padded() -> ModelProto:
    """The one column that a convolution of even width needs goes to the left, not to the right."""
    node = helper.make_node("Conv", ["pixels", "filters"], ["scores"], auto_pad="SAME_LOWER")
    pixels, scores = value("pixels", ("batch", 3, 8, 8)), value("scores", ("batch", 4, 8, 8))
    return model([node], [pixels], [scores], {"filters": weights(4, 3, 2, 2)})


def scaled() -> ModelProto:
    """A cubic of ONNX."""
    node = helper.make_node("Resize", ["pixels", "", "scales"], ["scores"], mode="cubic")
    pixels, scores = value("pixels", ("batch", 3, 8, 8)), value("scores", ("batch", 3, 16, 16))
    return model([node], [pixels], [scores], {"scales": np.array([1, 1, 2, 2], np.float32)})


@pytest.mark.parametrize("make", [padded, scaled])
def test_another_meaning_of_an_operator_is_a_refusal(
    make: Any, tmp_path: Path, own_cache: Path
) -> None:
    path = written(make(), tmp_path)
    for _ in range(2):
        with pytest.raises(UnsupportedError) as caught:
            prepare(path)
        assert str(caught.value).startswith(
            "mnn computes something else than onnxruntime: their values of the output 'scores' are"
        )
    [kept] = own_cache.glob("conversions/*/*/answers.json")
    assert json.loads(kept.read_text())["apart"]["scores"] > 0.05


def test_a_right_one_is_compared_once(tmp_path: Path, own_cache: Path) -> None:
    path = tmp_path / "small.onnx"
    path.write_bytes(onnx_bytes(sums=False))
    prepare(path)
    [kept] = own_cache.glob("conversions/*/*/answers.json")
    assert json.loads(kept.read_text()) == {"apart": {}}
    made = kept.stat().st_mtime_ns
    prepare(path)
    assert kept.stat().st_mtime_ns == made


def test_several_inputs_are_fed_as_they_are_described(tmp_path: Path, own_cache: Path) -> None:
    path = written(bert(), tmp_path)
    prepare(path, signature=resolve_inputs(describe(path).inputs, Choices({})).signature)
    [kept] = own_cache.glob("conversions/*/*/answers.json")
    assert json.loads(kept.read_text()) == {"apart": {}}


def test_without_onnxruntime_nothing_is_compared(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "REFERENCE", "no_such_runtime")
    prepare(written(padded(), tmp_path))
    assert not list(own_cache.glob("conversions/*/*/answers.json"))


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1), st.floats(-10, 10))
def test_what_is_equal_is_not_apart_and_what_is_shifted_is(values: list[float], by: float) -> None:
    right = {"scores": np.array(values, np.float32)}
    assert reference.differences(right, right, 0.0) == {}
    spread = right["scores"].astype(np.float64).std() or np.abs(right["scores"]).max() or 1.0
    shifted = {"scores": right["scores"].astype(np.float64) + by * float(spread)}
    found = reference.differences(shifted, right, 0.05)
    assert (list(found) == ["scores"]) == (abs(by) > 0.05) or abs(abs(by) - 0.05) < 1e-6


def test_numbers_that_are_not_finite_are_seen() -> None:
    right = {"scores": np.array([1.0, 2.0, np.nan], np.float32)}
    assert reference.differences({"scores": np.array([1.0, 2.0, 9.0])}, right, 0.0) == {}
    assert "scores" in reference.differences({"scores": np.array([1.0, np.nan, 9.0])}, right, 0.05)
    assert "scores" in reference.differences({"scores": np.array([1.0, 2.0])}, right, 0.05)
    assert reference.differences({}, right, 0.05) == {}
    nothing = {"scores": np.full(3, np.nan, np.float32)}
    assert "scores" in reference.differences({"scores": np.full(3, -3.4e38)}, nothing, 0.05)


@pytest.mark.usefixtures("own_cache")
def test_numbers_where_there_should_be_none_are_a_refusal(tmp_path: Path) -> None:
    """MNN gives the lowest number there is for NaN."""
    node = helper.make_node("MatMul", ["features", "spoiled"], ["scores"])
    features, scores = value("features", ("batch", 4)), value("scores", ("batch", 3))
    made = model([node], [features], [scores], {"spoiled": np.full((4, 3), np.nan, np.float32)})
    with pytest.raises(UnsupportedError) as caught:
        prepare(written(made, tmp_path))
    assert str(caught.value) == (
        "mnn computes something else than onnxruntime: of the output 'scores' one of them gives "
        "no numbers"
    )


def test_samples_that_onnxruntime_refuses_tell_nothing(tmp_path: Path, own_cache: Path) -> None:
    """A row that noise names is beyond the table."""
    nodes = [
        helper.make_node("Mul", ["features", "far"], ["moved"]),
        helper.make_node("Cast", ["moved"], ["rows"], to=6),
        helper.make_node("Gather", ["table", "rows"], ["scores"]),
    ]
    features, scores = value("features", ("batch", 4)), value("scores", ("batch", 4, 3))
    table = {"table": weights(5, 3), "far": np.array(1000, np.float32)}
    prepare(written(model(nodes, [features], [scores], table), tmp_path))
    [kept] = own_cache.glob("conversions/*/*/answers.json")
    assert json.loads(kept.read_text()) == {"apart": {}}

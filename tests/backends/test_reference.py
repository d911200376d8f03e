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

from dse.core.backend import LoadRequest, Preparing, Runtime, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.metrics import LATENCY
from dse.core.registry import backend
from dse.formats.dimensions import Choices, resolve_inputs
from dse.formats.reading import describe
from dse.measure.runs import take
from tests.any_models import bert, model, value, weights
from tests.measure.specs import spec
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
    assert reference.differences(right, [right, right]) == {}
    wide = right["scores"].astype(np.float64)
    scale = max(wide.std(), 1e-3 * np.abs(wide).max(), 1e-6)
    found = reference.differences({"scores": wide + by * scale}, [right, right])
    assert (list(found) == ["scores"]) == (abs(by) > 0.05) or abs(abs(by) - 0.05) < 1e-6


def found_apart(answer: Any, right: Any, again: Any = None) -> bool:
    arrays = [np.asarray(each, np.float64) for each in (answer, right)]
    second = arrays[1] if again is None else np.asarray(again, np.float64)
    scores = [{"scores": array} for array in (*arrays, second)]
    return bool(reference.differences(scores[0], scores[1:]))


def test_numbers_that_are_not_finite_are_seen() -> None:
    assert not found_apart([1, 2, 9], [1, 2, np.nan])
    assert found_apart([1, np.nan, 9], [1, 2, np.nan])
    assert found_apart([1, 2], [1, 2, 3])
    assert not found_apart([-3.4e38] * 3, [np.nan] * 3)
    assert reference.differences({}, [{"scores": np.zeros(2)}] * 2) == {}


def test_what_onnxruntime_answers_otherwise_each_time_tells_nothing() -> None:
    assert not found_apart([7, 8, 9], [1, 2, 3], again=[3, 1, 2])


def test_a_few_may_be_rounded_otherwise() -> None:
    right = np.random.default_rng(0).integers(0, 9, 1000)
    answer = right.copy()
    answer[:9] += 1
    assert not found_apart(answer, right)
    answer[:30] += 1
    assert found_apart(answer, right)


def test_the_rounding_of_what_is_always_the_same_is_no_difference() -> None:
    noise = np.random.default_rng(0).normal(size=(2, 50)) * 1e-7
    assert not found_apart(1 + noise[0], 1 + noise[1])
    assert not found_apart(noise[0] / 10, noise[1] / 10)


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


def flipped() -> ModelProto:
    """What rows there are of a convolution, and at which place each is largest: two may be near."""
    nodes = [
        helper.make_node("Conv", ["pixels", "filters"], ["filtered"]),
        helper.make_node("ArgMax", ["filtered"], ["scores"], axis=1, keepdims=0),
    ]
    pixels = value("pixels", ("batch", 3, 256, 256))
    scores = value("scores", ("batch", 256, 256), "INT64")
    return model(nodes, [pixels], [scores], {"filters": weights(8, 3, 1, 1)})


def summed() -> ModelProto:
    """Sums that are 1, up to rounding."""
    nodes = [
        helper.make_node("Softmax", ["features"], ["shares"], axis=1),
        helper.make_node("ReduceMean", ["shares"], ["scores"], axes=[1], keepdims=1),
    ]
    features, scores = value("features", ("batch", 50)), value("scores", ("batch", 1))
    return model(nodes, [features], [scores], {})


def counted() -> ModelProto:
    """Wide integers, which MNN computes in 32 bits."""
    nodes = [
        helper.make_node("Cast", ["ids"], ["numbers"], to=1),
        helper.make_node("Mul", ["numbers", "two"], ["scores"]),
    ]
    ids, scores = value("ids", ("batch", 4), "INT64"), value("scores", ("batch", 4))
    return model(nodes, [ids], [scores], {"two": np.array(2, np.float32)})


@pytest.mark.parametrize("make", [flipped, summed, counted])
@pytest.mark.usefixtures("own_cache")
def test_what_only_rounding_or_wide_numbers_would_tell_apart_is_taken(
    make: Any, tmp_path: Path
) -> None:
    prepare(written(make(), tmp_path))


def test_no_run_is_made_of_a_model_that_is_refused(tmp_path: Path) -> None:
    path = written(padded(), tmp_path)
    runtime = backend("mnn")
    assert isinstance(runtime, Runtime)
    wanted = spec(tmp_path, LATENCY.name, backend="mnn", model_file=path)
    with pytest.raises(UnsupportedError, match="computes something else"):
        list(take(runtime, wanted))

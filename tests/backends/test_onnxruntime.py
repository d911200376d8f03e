"""Outputs of ONNX Runtime whose declared shape does not hold, or is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from dse.core.backend import LoadError, LoadRequest, Runtime, Scores, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.registry import backend
from dse.core.signature import Input, Signature
from tests import any_models
from tests.any_models import value

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto

    from dse.core.backend import Model

WIDTH = 4
SIGNATURE = Signature((Input("numbers", "float32", (1, WIDTH)),), batched=True)


def positive(batch: str | int) -> ModelProto:
    """Numbers above zero, with a row for each sample, whatever the file says of rows."""
    return any_models.model(
        [helper.make_node("Relu", ["numbers"], ["positive"])],
        [value("numbers", ("batch", WIDTH))],
        [value("positive", (batch, WIDTH))],
        {},
    )


def load(folder: Path, made: ModelProto, scores: Scores | None = None) -> Model:
    path = folder / "made.onnx"
    path.write_bytes(made.SerializeToString())
    runtime = backend("onnxruntime")
    assert isinstance(runtime, Runtime)
    configuration = Configuration("m", "fp32", "onnxruntime", 1, 2)
    signature = SIGNATURE if scores is None else None
    return runtime.load(LoadRequest(configuration, path, {}, signature, scores))


def numbers(seed: int, width: int = WIDTH) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((2, width)).astype(np.float32)


def answer(model: Model, bound: Any) -> NDArray[Any]:
    found = model.outputs(bound)[0][1]
    assert found is not None
    return found.copy()


def test_an_output_of_another_shape_than_declared(tmp_path: Path) -> None:
    """Exporters fix the batch of an output, and forget that of the input is open."""
    model = load(tmp_path, positive(1))
    for seed in range(5):
        batch = numbers(seed)
        bound = model.bind((batch,))
        assert model.predict(bound).size == 0
        np.testing.assert_array_equal(answer(model, bound), np.maximum(batch, 0))
    model.close()


@pytest.mark.parametrize(("batch", "width"), [(1, WIDTH), (2, WIDTH - 1), (2, WIDTH)])
def test_scores_of_another_shape_than_declared(batch: int, width: int, tmp_path: Path) -> None:
    made = positive(batch)
    made.graph.output[0].type.tensor_type.shape.dim[1].dim_value = width
    model = load(tmp_path, made, Scores())
    for seed in range(3):
        one, other = (model.bind(numbers(each)) for each in (seed, seed + 10))
        for bound, given in ((one, seed), (other, seed + 10), (one, seed)):
            expected = np.maximum(numbers(given), 0)
            np.testing.assert_array_equal(model.predict(bound), expected)
            np.testing.assert_array_equal(answer(model, bound), expected)
    model.close()


def test_scores_of_another_type_than_declared_are_refused(tmp_path: Path) -> None:
    made = positive("batch")
    made.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    with pytest.raises(LoadError, match="positive"):
        load(tmp_path, made, Scores())


def test_scores_that_numpy_has_no_type_for_are_refused(tmp_path: Path) -> None:
    short = any_models.model(
        [helper.make_node("Cast", ["numbers"], ["short"], to=TensorProto.BFLOAT16)],
        [value("numbers", ("batch", WIDTH))],
        [value("short", ("batch", WIDTH), "BFLOAT16")],
        {},
    )
    model = load(tmp_path, short, Scores())
    with pytest.raises(UnsupportedError, match=r"'short' is no array of numbers: tensor\(bfl"):
        model.bind(numbers(0))
    model.close()


def test_memory_is_bound_after_three_answers_as_declared(tmp_path: Path) -> None:
    model = load(tmp_path, positive("batch"))
    for seed in range(3):
        bound = model.bind((numbers(seed),))
        assert model.predict(bound).size == 0
        answer(model, bound)
    one, other = model.bind((numbers(4),)), model.bind((numbers(5),))
    first = model.predict(one)
    np.testing.assert_array_equal(first, np.maximum(numbers(4), 0))
    assert np.shares_memory(model.predict(other), first)
    np.testing.assert_array_equal(first, np.maximum(numbers(5), 0))
    larger = np.repeat(numbers(6), 2, axis=0)  # a batch of another size
    np.testing.assert_array_equal(answer(model, model.bind((larger,))), np.maximum(larger, 0))
    model.close()


@pytest.mark.parametrize("declared", ["found", 0])
def test_memory_is_never_bound_where_a_size_is_no_input_s(
    declared: str | int, tmp_path: Path
) -> None:
    """Three answers may be alike by chance, as those of a detector that finds nothing."""
    model = load(tmp_path, any_models.finding(declared))
    for _ in range(4):
        assert answer(model, model.bind((-np.ones((2, 8), np.float32),))).shape == (2, 0)
    found = answer(model, model.bind((np.ones((2, 8), np.float32),)))
    assert found.shape == (2, 16)
    model.close()


def test_the_shape_may_change_from_call_to_call(tmp_path: Path) -> None:
    """A batch is bound once and then written into, as LoadGen asks for samples."""
    model, batch = load(tmp_path, any_models.finding()), numbers(0, width=8)
    bound = model.bind((batch,))
    for seed in range(8):
        batch[...] = numbers(seed, width=8)
        model.predict(bound)
        np.testing.assert_array_equal(answer(model, bound), np.nonzero(batch > 0))
    model.close()

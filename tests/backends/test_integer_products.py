"""Products between 8 bits become products of integers, and nothing else changes."""

from __future__ import annotations

import collections
import importlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from dse.tasks.question_answering._architectures import Pruning
from dse.tasks.question_answering._builtin import build_fp32, build_int8
from tests.tasks.question_answering.encoders import SMALL, feeds, session

if TYPE_CHECKING:
    from collections.abc import Callable

to_integer_products = importlib.import_module("dse.backends._integer_products").to_integer_products
OUTPUTS = ["start_logits", "end_logits"]
PRODUCTS = 12


def quantised() -> onnx.ModelProto:
    return onnx.load(build_int8("small", replace(SMALL, pruning=Pruning(90, 4)))[0])


def count_operators(model: onnx.ModelProto) -> collections.Counter[str]:
    return collections.Counter(node.op_type for node in model.graph.node)


@pytest.mark.usefixtures("shared_cache")
def test_every_product_by_weights_is_one_of_integers() -> None:
    model = quantised()
    expected = session(model.SerializeToString()).run(OUTPUTS, feeds(SMALL, 2))
    to_integer_products(model)
    onnx.checker.check_model(model, full_check=True)
    counts = count_operators(model)
    assert counts["MatMulInteger"] == PRODUCTS
    assert not counts["DequantizeLinear"]
    found = session(model.SerializeToString()).run(OUTPUTS, feeds(SMALL, 2))
    np.testing.assert_allclose(found, expected, atol=0.05 * np.std(expected))


@pytest.mark.usefixtures("shared_cache")
def test_a_float_model_stays_as_it_is() -> None:
    model = onnx.load(build_fp32("small", SMALL)[0])
    before = model.SerializeToString(deterministic=True)
    to_integer_products(model)
    assert model.SerializeToString(deterministic=True) == before


def set_constant(model: onnx.ModelProto, end: str, change: Callable[..., np.ndarray]) -> None:
    """Changes a constant of each product of the first layer's query."""
    for one in model.graph.initializer:
        if one.name.endswith(end) and "layer0/attention/query" in one.name:
            one.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(one)), one.name))


@pytest.mark.parametrize(
    ("end", "change"),
    [
        ("kernel/zero", lambda zeros: zeros + np.int8(1)),
        ("kernel/scale", lambda scales: scales[:1].repeat(2)),
        ("kernel/int8", lambda kernel: kernel.astype(np.uint8)),
    ],
    ids=["zero points", "other scales", "unsigned"],
)
@pytest.mark.usefixtures("shared_cache")
def test_a_product_of_another_form_stays(end: str, change: Callable[..., np.ndarray]) -> None:
    model = quantised()
    set_constant(model, end, change)
    to_integer_products(model)
    counts = count_operators(model)
    assert counts["MatMulInteger"] == PRODUCTS - 1
    assert counts["DequantizeLinear"] == 2


@pytest.mark.usefixtures("shared_cache")
def test_one_scale_for_all_outputs_will_do() -> None:
    model = quantised()
    set_constant(model, "kernel/scale", lambda scales: scales[0])
    set_constant(model, "kernel/zero", lambda zeros: zeros[0])
    to_integer_products(model)
    assert count_operators(model)["MatMulInteger"] == PRODUCTS

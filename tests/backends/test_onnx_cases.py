"""ONNX's own backend tests: each of their models runs, or is refused for a reason that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.backends.onnx_cases import End, make_model, run_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
@pytest.mark.parametrize(
    ("module", "model"),
    [
        ("compress", "test_compress_0"),  # the shape of the output depends on the data
        ("nonmaxsuppression", "test_nonmaxsuppression_two_classes"),
        ("reducesum", "test_reduce_sum_keepdims_example"),  # the declared shape does not hold
        ("reducesum", "test_reduce_sum_default_axes_keepdims_example"),  # an input without elements
        ("reshape", "test_reshape_reordered_all_dims"),  # its values follow from shapes
        ("split", "test_split_variable_parts_2d_opset18"),
        ("div", "test_div_uint32"),  # noise would hold a divisor of 0
        ("dropout", "test_dropout_default"),  # the output is the input
        ("nonzero", "test_nonzero_example"),
        ("topk", "test_top_k"),
    ],
)
def test_it_runs(name: str, module: str, model: str, tmp_path: Path) -> None:
    path = tmp_path / f"{model}.onnx"
    path.write_bytes(make_model(module, model).SerializeToString())
    assert run_model(name, path) == End(model, "ran")

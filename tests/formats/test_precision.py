"""The precision of a file is that of most of its weights, in both formats."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from dse.core.errors import RequestError
from dse.formats.precision import onnx_precision, read_precision
from dse.formats.reading import describe
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from tests import any_models, small_models
from tests.any_models import write, write_apart

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {
    "fp32": ("FLOAT", "DOUBLE"),
    "fp16": ("FLOAT16",),
    "bf16": ("BFLOAT16",),
    "int8": ("INT8", "UINT8", "FLOAT8E4M3FN", "FLOAT8E5M2"),
    "int4": ("INT4", "UINT4"),
}
PRECISIONS = {getattr(TensorProto, name): p for p, names in KNOWN.items() for name in names}

OTHERS = (TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING, 99)
"""Types of which weights are not, and one that is not known."""


@given(st.dictionaries(st.sampled_from([*PRECISIONS, *OTHERS]), st.integers(1, 10**9)))
def test_the_type_of_most_elements_counts(elements: dict[int, int]) -> None:
    total: Counter[str] = Counter()
    for kind in elements.keys() & PRECISIONS.keys():
        total[PRECISIONS[kind]] += elements[kind]
    found = onnx_precision(elements)
    assert total[found] == max(total.values(), default=0)
    assert total or found == "fp32"


def test_weights_beside_the_file_count(tmp_path: Path) -> None:
    assert read_precision(write_apart(tmp_path, any_models.half), "onnx") == "fp16"


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_tflite_file(precision: str) -> None:
    path = BuiltinProvider().artefact("mobilenet-v1-0.25-128", precision, ("tflite",)).path
    assert read_precision(path, "tflite") == describe(path).precision == precision


def test_weights_are_counted_by_their_bytes(tmp_path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    writer = small_models.Writer(schema)
    given = writer.tensor("input", (1, 4))
    writer.constant("several", np.zeros(2, np.float32))
    half = writer.constant("one", np.zeros(8, np.float32))
    writer._graph.tensors[half].type = schema.TensorType.FLOAT16
    path = tmp_path / "m.tflite"
    path.write_bytes(writer.finish([given], given))
    assert read_precision(path, "tflite") == "fp16"


def test_without_weights_it_is_fp32(tmp_path: Path) -> None:
    assert read_precision(write(tmp_path, any_models.of_all_types), "onnx") == "fp32"
    (tmp_path / "m.tflite").write_bytes(small_models.tiling_bytes())
    assert read_precision(tmp_path / "m.tflite", "tflite") == "fp32"


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    whole = small_models.tflite_bytes()
    for suffix, data in (("tflite", whole[: len(whole) // 3]), ("onnx", b"\x08\x08\x3a\x7f")):
        path = tmp_path / f"m.{suffix}"
        path.write_bytes(data)
        with pytest.raises(RequestError, match="damaged"):
            read_precision(path, "tflite" if suffix == "tflite" else "onnx")


def test_sizes_without_end_cost_no_time(tmp_path: Path) -> None:
    model = onnx.load_from_string(small_models.onnx_bytes())
    model.graph.initializer[0].dims.extend([2**62] * 100_000)
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(RequestError, match=r"damaged: 'filters' has 100,004 dimensions"):
        read_precision(path, "onnx")

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dse.formats.tflite_reader import TensorSpec, read_input_and_output
from tests.small_models import classifier_bytes, tflite_bytes

if TYPE_CHECKING:
    from pathlib import Path

SMALL = classifier_bytes(8, 10, "uint8")


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_the_ends_of_a_model(dtype: str) -> None:
    found = read_input_and_output(classifier_bytes(32, 7, dtype))
    assert found == (TensorSpec((1, 32, 32, 3), dtype), TensorSpec((1, 7), "float32"))
    assert str(found[0]) == f"{dtype} 1x32x32x3"


def test_real_files_say_what_the_runtime_says(shared_data: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    paths = sorted((shared_data / "models").glob("*.tflite"))
    assert len(paths) == 4
    for path in paths:
        runtime = Interpreter(model_path=str(path))
        details = runtime.get_input_details()[0], runtime.get_output_details()[0]
        for end, detail in zip(read_input_and_output(path.read_bytes()), details, strict=True):
            assert end.shape == tuple(detail["shape"])
            assert end.dtype == detail["dtype"].__name__


def test_two_inputs_are_not_those_of_a_classifier() -> None:
    with pytest.raises(ValueError, match="one input"):
        read_input_and_output(tflite_bytes(inputs=2))


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0" * 40, b"<!DOCTYPE html>", b"\x08\0\0\0TFL3"])
def test_what_is_no_model(data: bytes) -> None:
    with pytest.raises(ValueError, match="TFLite model"):
        read_input_and_output(data)


@given(st.integers(0, len(SMALL) - 1), st.binary(min_size=0, max_size=4))
@example(0, b"\xff\xff\xff\xff")
@example(8, b"\0\0\0\x80")
def test_damage_is_an_error_or_not_seen(position: int, change: bytes) -> None:
    """Whatever the bytes are, reading ends, and within them."""
    for data in (SMALL[:position], SMALL[:position] + change + SMALL[position + len(change) :]):
        try:
            given, result = read_input_and_output(data)
        except ValueError:
            continue
        assert len(given.shape) <= 8
        assert len(result.shape) <= 8

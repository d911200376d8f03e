"""A TFLite file is whole, or it is refused: no offset of it leads astray."""

from __future__ import annotations

import contextlib
import importlib
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.small_models import tflite_bytes

if TYPE_CHECKING:
    from pathlib import Path

check = importlib.import_module("dse.backends._tflite_structure").check
GOOD = tflite_bytes()


@pytest.mark.parametrize("fixed_batch", [False, True])
def test_a_whole_file_is_accepted(fixed_batch: bool) -> None:
    check(tflite_bytes(fixed_batch=fixed_batch))


def test_published_files_are_accepted(shared_data: Path) -> None:
    files = list((shared_data / "models").glob("*.tflite"))
    assert files
    for file in files:
        check(file.read_bytes())


@pytest.mark.parametrize(("kind", "refused"), [("CustomQuantization", False), ("Blockwise", True)])
def test_what_the_library_does_not_know_of_quantisation_is_refused(
    kind: str, refused: bool
) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(GOOD)
    name = kind.replace("Blockwise", "BlockwiseQuantization")
    quantisation = schema.QuantizationParametersT()
    quantisation.details = getattr(schema, f"{name}T")()
    quantisation.detailsType = getattr(schema.QuantizationDetails, name)
    model.subgraphs[0].tensors[0].quantization = quantisation
    builder = schema.flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    refusal = pytest.raises(ValueError, match="quantised in blocks")
    with refusal if refused else contextlib.nullcontext():
        check(bytes(builder.Output()))


@given(st.integers(0, len(GOOD) - 1))
def test_a_file_cut_short_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="TFLite model"):
        check(GOOD[:length])


@given(st.binary(max_size=400))
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="TFLite model"):
        check(content)
    with pytest.raises(ValueError, match="TFLite model"):
        check(b"\xff\xff\xff\x7fTFL3" + content)


@given(st.integers(0, len(GOOD) // 4 - 1), st.integers(0, 2**32 - 1))
def test_a_changed_word_is_accepted_or_refused(place: int, word: int) -> None:
    changed = bytearray(GOOD)
    struct.pack_into("<I", changed, 4 * place, word)
    with contextlib.suppress(ValueError):  # and nothing else
        check(bytes(changed))


def test_a_file_that_names_one_table_over_and_over_is_refused() -> None:
    from ai_edge_litert.schema_py_generated import flatbuffers

    many = 1000
    builder = flatbuffers.Builder(1 << 14)

    def vector(table: int) -> int:
        builder.StartVector(4, many, 4)
        for _ in range(many):
            builder.PrependUOffsetTRelative(table)
        return int(builder.EndVector())

    def table(field: int, vector: int) -> int:
        builder.StartObject(field + 1)
        builder.PrependUOffsetTRelativeSlot(field, vector, 0)
        return int(builder.EndObject())

    builder.StartObject(0)
    tensors = vector(builder.EndObject())
    subgraphs = vector(table(0, tensors))
    builder.Finish(table(2, subgraphs), b"TFL3")
    with pytest.raises(ValueError, match="too many parts"):
        check(bytes(builder.Output()))

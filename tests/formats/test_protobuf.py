"""Fields are found where protobuf's own library puts them, and nothing is read beyond the data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from dse.formats._protobuf import ProtobufError, iter_fields, iter_integers

TENSOR = helper.make_tensor("constant", TensorProto.INT64, [2, 300], range(600))


def test_the_fields_of_a_tensor() -> None:
    data = TENSOR.SerializeToString()
    found = list(iter_fields(data, 0, len(data)))
    dims = [value for number, value, *_ in found if number == 1]
    assert dims == [2, 300]
    assert [data[begin:end] for number, _, begin, end in found if number == 8] == [b"constant"]
    ((begin, end),) = [(begin, end) for number, _, begin, end in found if number == 7]
    assert list(iter_integers(data, begin, end)) == list(range(600))


def test_numbers_of_all_widths() -> None:
    # A varint of ten bytes, then fields of eight and four bytes, then an empty text.
    data = b"\x08" + b"\xff" * 9 + b"\x01" + b"\x11" + bytes(8) + b"\x1d" + bytes(4) + b"\x22\x00"
    assert list(iter_fields(data, 0, len(data))) == [
        (1, 2**64 - 1, 11, 11),
        (2, 0, 12, 20),
        (3, 0, 21, 25),
        (4, 0, 27, 27),
    ]


@pytest.mark.parametrize(
    "data",
    [b"\x08", b"\x80", b"\x0a\x05abcd", b"\x0b", b"\x00\x01", b"\x08" + b"\x80" * 11, b"\x11\0"],
    ids=["no value", "no end", "too long", "group", "number 0", "endless", "short"],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ProtobufError):
        list(iter_fields(data, 0, len(data)))


@given(st.binary(max_size=60), st.integers(0, 60))
def test_nothing_lies_beyond_the_data(data: bytes, begin: int) -> None:
    last = begin
    try:
        for number, value, start, end in iter_fields(data, begin, len(data)):
            assert number > 0
            assert value >= 0
            assert last < start <= end <= len(data)
            last = end
    except ProtobufError:
        pass


@given(st.binary(max_size=60))
def test_a_message_within_another_is_read_up_to_its_end(data: bytes) -> None:
    inner = b"\x08\x05"
    message = b"\x0a" + bytes([len(inner)]) + inner + data
    _, _, begin, end = next(iter_fields(message, 0, len(message)))
    assert list(iter_fields(message, begin, end)) == [(1, 5, 4, 4)]

"""A flatbuffer is read as it was written, and never beyond its own bytes."""

from __future__ import annotations

import struct
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dse.formats.flatbuffer import FlatbufferError, Table, root

BYTE, INTEGERS, TABLE, TABLES, LEFT_OUT = range(5)
INT32 = st.integers(-(2**31), 2**31 - 1)


def written(byte: int, integers: list[int], inner: list[int]) -> bytes:
    """A root with a byte, a vector of int32, a table, and a vector of tables with a byte each."""
    from ai_edge_litert.schema_py_generated import flatbuffers

    builder = flatbuffers.Builder(64)

    def table(value: int) -> int:
        builder.StartObject(1)
        builder.PrependUint8Slot(BYTE, value, 0)
        return int(builder.EndObject())

    tables = [table(value) for value in inner]
    builder.StartVector(4, len(tables), 4)
    for one in reversed(tables):
        builder.PrependUOffsetTRelative(one)
    tables_at = builder.EndVector()
    builder.StartVector(4, len(integers), 4)
    for integer in reversed(integers):
        builder.PrependInt32(integer)
    integers_at = builder.EndVector()
    table_at = table(7)
    builder.StartObject(LEFT_OUT + 1)
    builder.PrependUint8Slot(BYTE, byte, 0)
    builder.PrependUOffsetTRelativeSlot(INTEGERS, integers_at, 0)
    builder.PrependUOffsetTRelativeSlot(TABLE, table_at, 0)
    builder.PrependUOffsetTRelativeSlot(TABLES, tables_at, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


GOOD = written(5, [1, -2, 3], [10, 20])


def read(data: bytes) -> tuple[int, tuple[int, ...], int, list[int]]:
    """Everything there is to read; of a vector that goes on and on, the beginning."""
    found = root(data)
    inner = found.table(TABLE)
    elements = [one.byte(BYTE) for one in islice(found.tables(TABLES), 1000)]
    return found.byte(BYTE), found.integers(INTEGERS), inner.byte(BYTE) if inner else 0, elements


@given(st.integers(0, 255), st.lists(INT32, max_size=20), st.lists(st.integers(0, 255), max_size=9))
def test_what_was_written_is_read(byte: int, integers: list[int], inner: list[int]) -> None:
    data = written(byte, integers, inner)
    assert read(data) == (byte, tuple(integers), 7, inner)
    assert [root(data).element(TABLES, i).byte(BYTE) for i in range(len(inner))] == inner


@pytest.mark.parametrize("number", [LEFT_OUT, LEFT_OUT + 1, 1000])
def test_a_field_that_is_left_out(number: int) -> None:
    found = root(GOOD)
    assert (found.byte(number), found.table(number), found.vector(number, 8)) == (0, None, (0, 0))
    assert (found.integers(number), list(found.tables(number))) == ((), [])


@pytest.mark.parametrize("index", [-1, 2, 2**31])
def test_an_element_that_is_not_there(index: int) -> None:
    with pytest.raises(FlatbufferError, match="among 2"):
        root(GOOD).element(TABLES, index)


@given(st.integers(0, len(GOOD) - 1))
def test_what_is_cut_short_is_damaged(length: int) -> None:
    with pytest.raises(FlatbufferError):
        read(GOOD[:length])


@given(st.integers(0, len(GOOD) - 4), st.integers(0, 2**32 - 1))
@example(0, 2**32 - 1)
@example(struct.unpack_from("<I", GOOD)[0], 2**31)  # the root's fields: far behind the data
@example(struct.unpack_from("<I", GOOD)[0], 2**31 - 1)  # and far before it
def test_a_changed_word_is_damage_or_another_value(place: int, word: int) -> None:
    changed = bytearray(GOOD)
    struct.pack_into("<I", changed, place, word)
    try:
        _, integers, _, _ = read(bytes(changed))
    except FlatbufferError:  # and nothing else
        return
    assert 4 * len(integers) < len(GOOD)


@pytest.mark.parametrize("size", [1, 4, 8])
def test_a_vector_ends_within_the_data(size: int) -> None:
    """Each length up to the last that fits, and none beyond."""
    found = root(GOOD)
    first, _ = found.vector(INTEGERS, 4)
    most = (len(GOOD) - first) // size
    for count, fits in ((most, True), (most + 1, False), (2**32 - 1, False)):
        data = bytearray(GOOD)
        struct.pack_into("<I", data, first - 4, count)
        changed = Table(bytes(data), found.at, found.offsets)
        if fits:
            assert changed.vector(INTEGERS, size) == (first, count)
        else:
            with pytest.raises(FlatbufferError, match="no vector"):
                changed.vector(INTEGERS, size)


def test_a_table_lies_in_the_data_with_its_fields() -> None:
    at = struct.unpack_from("<I", GOOD)[0]
    about = at - struct.unpack_from("<i", GOOD, at)[0]
    size, length = struct.unpack_from("<HH", GOOD, about)
    # Sizes of the list of fields and of the table, and the offset of the first field.
    for sizes in ((size + 1, length), (2, length), (size, 3), (65534, length), (size, 65535)):
        data = bytearray(GOOD)
        struct.pack_into("<HH", data, about, *sizes)
        with pytest.raises(FlatbufferError, match="no table"):
            root(bytes(data))
    data = bytearray(GOOD)
    struct.pack_into("<H", data, about + 4, length)
    with pytest.raises(FlatbufferError, match="no table"):
        root(bytes(data))

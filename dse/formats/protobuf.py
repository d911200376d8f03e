"""Reads a protocol buffer field by field, without its schema. Standard library only.

The encoding is that of https://protobuf.dev/programming-guides/encoding/. Positions count from the
first byte of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

    Data = bytes | mmap

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT = 10
"""Bytes of a number, at most."""


class ProtobufError(ValueError):
    """The bytes are no message, or one that is cut short."""


def iter_fields(data: Data, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """The fields of a message, in the order in which they are stored; what is in them is skipped.

    Args:
        data: all there is.
        begin: where the message begins.
        end: where it ends.

    Yields:
        Of each field its number, its value where that is an integer (else 0), and where its bytes
        begin and end: of a text, of numbers in a row or of a message within this one.

    Raises:
        DamagedError: this is no message.
    """
    at = begin
    while at < end:
        key, at = _read_varint(data, at, end)
        number, wire = divmod(key, 8)
        value = length = 0
        if wire == _VARINT:
            value, at = _read_varint(data, at, end)
        elif wire == _BYTES:
            length, at = _read_varint(data, at, end)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ProtobufError(f"no field at byte {at}")
        if number == 0 or at + length > end:
            raise ProtobufError(f"no field at byte {at}")
        yield number, value, at, at + length
        at += length


def iter_integers(data: Data, begin: int, end: int) -> Iterator[int]:
    """The integers that are stored in a row.

    Raises:
        DamagedError: these are none.
    """
    at = begin
    while at < end:
        value, at = _read_varint(data, at, end)
        yield value


def _read_varint(data: Data, at: int, end: int) -> tuple[int, int]:
    """An integer, and where it ends."""
    value = 0
    for place in range(at, min(at + _MAX_VARINT, end)):
        byte = data[place]
        value |= (byte & 0x7F) << (7 * (place - at))
        if byte < 0x80:
            return value, place + 1
    raise ProtobufError(f"no number at byte {at}")

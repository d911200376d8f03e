"""Reads a protocol buffer field by field, without its schema. Standard library only.

The encoding is described at https://protobuf.dev/programming-guides/encoding/. Positions count from
the first byte of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

    Data = bytes | mmap

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT = 10
"""Longest encoded number in bytes."""


class ProtobufError(ValueError):
    """The bytes are not a message, or the message is cut short."""


def iter_fields(data: Data, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yields the fields of a message, which lies between two positions, as they are stored.

    Yields:
        Number of the field, its value if that is an integer (else 0), and the first position and
        the position after its bytes (of a text, packed numbers or an inner message).

    Raises:
        ProtobufError: the bytes are not a message.
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
    """Yields packed integers.

    Raises:
        ProtobufError: the bytes are not integers.
    """
    at = begin
    while at < end:
        value, at = _read_varint(data, at, end)
        yield value


def _read_varint(data: Data, at: int, end: int) -> tuple[int, int]:
    """Reads an integer; returns it and the position after it."""
    value = 0
    for place in range(at, min(at + _MAX_VARINT, end)):
        byte = data[place]
        value |= (byte & 0x7F) << (7 * (place - at))
        if byte < 0x80:
            return value, place + 1
    raise ProtobufError(f"no number at byte {at}")

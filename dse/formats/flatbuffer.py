"""Reads a flatbuffer and follows no offset out of it. Standard library only.

Everything read is checked as FlatBuffers' own verifier does; the layout is described at
https://flatbuffers.dev/internals/. Positions count from the first byte of the data.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

    Data = bytes | mmap

_OFFSET, _BACK, _BYTE, _SIZES = (struct.Struct(kind) for kind in ("<I", "<i", "<B", "<HH"))


class FlatbufferError(ValueError):
    """An offset leads out of the data, or to something that is not a table or vector."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that lies in the data with all its fields; where they lead is not checked yet.

    Methods take the number of a field and raise FlatbufferError.

    Attributes:
        data: the whole flatbuffer.
        at: position of the table.
        offsets: offset of each field from that position; 0 for a field that is left out.
    """

    data: Data
    at: int
    offsets: tuple[int, ...]

    def byte(self, number: int) -> int:
        """A field of one byte; 0 if it is left out."""
        place = self._position(number)
        return _read_number(_BYTE, self.data, place) if place else 0

    def number(self, number: int) -> int:
        """A field of four bytes without a sign; 0 if it is left out."""
        place = self._position(number)
        return _read_number(_OFFSET, self.data, place) if place else 0

    def text(self, number: int) -> str:
        """A text; empty if it is left out."""
        first, count = self.vector(number, 1)
        return self.data[first : first + count].decode("utf-8", "replace")

    def table(self, number: int) -> Table | None:
        """The table that a field leads to; None if it is left out."""
        place = self._position(number)
        return _read_table(self.data, place) if place else None

    def vector(self, number: int, size: int) -> tuple[int, int]:
        """The vector that a field leads to; all of it lies in the data.

        Args:
            number: number of the field.
            size: size of an element in bytes.

        Returns:
            The position of the first element and the number of elements; 0 if it is left out.
        """
        place = self._position(number)
        if not place:
            return 0, 0
        begin = _follow(self.data, place)
        first, count = begin + _OFFSET.size, _read_number(_OFFSET, self.data, begin)
        if first + count * size > len(self.data):
            raise FlatbufferError(f"no vector at byte {begin}")
        return first, count

    def integers(self, number: int) -> tuple[int, ...]:
        """A vector of int32."""
        first, count = self.vector(number, 4)
        return struct.unpack_from(f"<{count}i", self.data, first)

    def tables(self, number: int) -> Iterator[Table]:
        """A vector of tables, one by one: a file may list the same table any number of times."""
        first, count = self.vector(number, _OFFSET.size)
        for place in range(first, first + count * _OFFSET.size, _OFFSET.size):
            yield _read_table(self.data, place)

    def element(self, number: int, index: int) -> Table:
        """One table of a vector."""
        first, count = self.vector(number, _OFFSET.size)
        if not 0 <= index < count:
            raise FlatbufferError(f"no table {index} among {count}")
        return _read_table(self.data, first + index * _OFFSET.size)

    def _position(self, number: int) -> int:
        """Position of a field; 0 if it is left out."""
        offset = self.offsets[number] if number < len(self.offsets) else 0
        return self.at + offset if offset else 0


def root(data: Data) -> Table:
    """The root table.

    Raises:
        FlatbufferError: the data has no root table.
    """
    return _read_table(data, 0)


def _read_table(data: Data, place: int) -> Table:
    """Reads the table that the offset at a position leads to."""
    at = _follow(data, place)
    about = at - _read_number(_BACK, data, at)
    if not 0 <= about <= len(data) - _SIZES.size:
        raise FlatbufferError(f"it leads to byte {about}")
    size, length = _SIZES.unpack_from(data, about)
    if size % 2 or min(size, length) < _SIZES.size or max(about + size, at + length) > len(data):
        raise FlatbufferError(f"no table at byte {at}")
    count = (size - _SIZES.size) // 2
    offsets = struct.unpack_from(f"<{count}H", data, about + _SIZES.size)
    if max(offsets, default=0) >= length:
        raise FlatbufferError(f"no table at byte {at}")
    return Table(data, at, offsets)


def _follow(data: Data, place: int) -> int:
    """The position that the offset at a position leads to."""
    return place + _read_number(_OFFSET, data, place)


def _read_number(kind: struct.Struct, data: Data, place: int) -> int:
    if not 0 <= place <= len(data) - kind.size:
        raise FlatbufferError(f"it leads to byte {place}")
    (number,) = kind.unpack_from(data, place)
    return int(number)

"""Reads a flatbuffer without following any offset out of it. Standard library only.

What is read is checked as FlatBuffers' own verifier does; https://flatbuffers.dev/internals/ tells
what lies where. Positions count from the first byte of the data.
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
    """An offset leads out of the data, or to what is no table or vector."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, which lies in the data with all its fields; where they lead is not checked yet.

    Methods take the number of a field, and raise DamagedError.

    Attributes:
        data: the whole flatbuffer.
        at: its position.
        offsets: of each field, from there; 0 for one that is left out.
    """

    data: Data
    at: int
    offsets: tuple[int, ...]

    def byte(self, number: int) -> int:
        """A field of one byte; 0 where it is left out."""
        place = self._position(number)
        return _read_number(_BYTE, self.data, place) if place else 0

    def number(self, number: int) -> int:
        """A field of four bytes without a sign; 0 where it is left out."""
        place = self._position(number)
        return _read_number(_OFFSET, self.data, place) if place else 0

    def text(self, number: int) -> str:
        """A text; empty where it is left out."""
        first, count = self.vector(number, 1)
        return self.data[first : first + count].decode("utf-8", "replace")

    def table(self, number: int) -> Table | None:
        """The table that a field leads to; None where it is left out."""
        place = self._position(number)
        return _read_table(self.data, place) if place else None

    def vector(self, number: int, size: int) -> tuple[int, int]:
        """The vector that a field leads to, all of which lies in the data.

        Args:
            number: of the field.
            size: of an element, in bytes.

        Returns:
            The position of the first element, and how many there are; 0 where it is left out.
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
        """A vector of tables, one by one: a file may name the same one any number of times."""
        first, count = self.vector(number, _OFFSET.size)
        for place in range(first, first + count * _OFFSET.size, _OFFSET.size):
            yield _read_table(self.data, place)

    def element(self, number: int, index: int) -> Table:
        """One of a vector of tables."""
        first, count = self.vector(number, _OFFSET.size)
        if not 0 <= index < count:
            raise FlatbufferError(f"no table {index} among {count}")
        return _read_table(self.data, first + index * _OFFSET.size)

    def _position(self, number: int) -> int:
        """Where a field lies; 0 where it is left out."""
        offset = self.offsets[number] if number < len(self.offsets) else 0
        return self.at + offset if offset else 0


def root(data: Data) -> Table:
    """The table that leads to all others.

    Raises:
        DamagedError: there is none.
    """
    return _read_table(data, 0)


def _read_table(data: Data, place: int) -> Table:
    """The table that the offset at a place leads to."""
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
    """Where the offset at a place leads."""
    return place + _read_number(_OFFSET, data, place)


def _read_number(kind: struct.Struct, data: Data, place: int) -> int:
    if not 0 <= place <= len(data) - kind.size:
        raise FlatbufferError(f"it leads to byte {place}")
    (number,) = kind.unpack_from(data, place)
    return int(number)

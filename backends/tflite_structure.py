"""Checks that no offset of a TFLite file leads out of it.

tflite-runtime follows them unchecked and breaks on a damaged file; its successor verifies first, as
FlatBuffers' own verifier does. Fields are those of TensorFlow Lite's schema.fbs, by number.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

IDENTIFIER = b"TFL3"
MAX_TABLES = 100_000
"""A classifier has a few hundred; but a file may name the same one any number of times."""

Fields = Mapping[int, "int | Fields | tuple[Fields]"]
"""What a table's fields lead to: a vector of elements of that many bytes, a table, or a vector of
tables. Fields that are numbers are left out."""

_TEXT, _BYTES, _INTS, _LONGS = 1, 1, 4, 8
_OPERATOR_CODE: Fields = {1: _TEXT}
_QUANTISATION: Fields = {0: _INTS, 1: _INTS, 2: _INTS, 3: _LONGS, 5: {0: _BYTES}}
_TENSOR: Fields = {0: _INTS, 3: _TEXT, 4: _QUANTISATION, 7: _INTS}
# Of all operators' options, only those of RESHAPE and SQUEEZE hold a vector: their first field.
_OPERATOR: Fields = {1: _INTS, 2: _INTS, 4: {}, 5: _BYTES, 7: _BYTES, 8: _INTS}
_WITH_VECTOR = {17, 30}
_SUBGRAPH: Fields = {0: (_TENSOR,), 1: _INTS, 2: _INTS, 3: (_OPERATOR,), 4: _TEXT}
_NAMED: Fields = {0: _TEXT}
_SIGNATURE: Fields = {0: (_NAMED,), 1: (_NAMED,), 2: _TEXT}
_MODEL: Fields = {
    1: (_OPERATOR_CODE,),
    2: (_SUBGRAPH,),
    3: _TEXT,
    4: ({0: _BYTES},),
    5: _INTS,
    6: (_NAMED,),
    7: (_SIGNATURE,),
}


def check(data: bytes) -> None:
    """Looks at every table and vector of a file.

    Raises:
        ValueError: it is no TFLite file, or damaged.
    """
    if data[4:8] != IDENTIFIER:
        raise ValueError("the content is no TFLite model")
    _Walk(data).table(_Place(data, 0).follow(), _MODEL)


@dataclass(frozen=True, slots=True)
class _Place:
    """A position in the file."""

    data: bytes
    at: int

    def number(self, kind: str) -> int:
        if not 0 <= self.at <= len(self.data) - struct.calcsize(kind):
            raise ValueError(f"the TFLite model is damaged: it leads to byte {self.at}")
        return int(struct.unpack_from(kind, self.data, self.at)[0])

    def plus(self, distance: int) -> _Place:
        return _Place(self.data, self.at + distance)

    def follow(self) -> _Place:
        return self.plus(self.number("<I"))


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._end = len(data)
        self._tables = 0

    def table(self, place: _Place, fields: Fields) -> None:
        self._tables += 1
        if self._tables > MAX_TABLES:
            raise ValueError("the TFLite model has too many parts")
        offsets = self._offsets(place)
        for number, kind in fields.items():
            if number < len(offsets) and offsets[number]:
                self._target(place.plus(offsets[number]).follow(), kind)
        if fields is _OPERATOR and len(offsets) > 4 and offsets[3] and offsets[4]:
            options = place.plus(offsets[4]).follow()
            if place.plus(offsets[3]).number("<B") in _WITH_VECTOR:
                self.table(options, {0: _INTS})

    def _offsets(self, place: _Place) -> list[int]:
        """Where each field of a table lies in it; 0 for one that is left out."""
        about = place.plus(-place.number("<i"))
        size, length = about.number("<H"), about.plus(2).number("<H")
        if size % 2 or size < 4 or length < 4 or place.at + length > self._end:
            raise ValueError(f"the TFLite model is damaged: no table at byte {place.at}")
        offsets = [about.plus(at).number("<H") for at in range(4, size, 2)]
        if any(offset >= length for offset in offsets):
            raise ValueError(f"the TFLite model is damaged: no table at byte {place.at}")
        return offsets

    def _target(self, place: _Place, kind: int | Fields | tuple[Fields]) -> None:
        if isinstance(kind, Mapping):
            self.table(place, kind)
            return
        count, size = place.number("<I"), kind if isinstance(kind, int) else 4
        first = place.plus(4)
        if first.at + count * size > self._end:
            raise ValueError(f"the TFLite model is damaged: no vector at byte {place.at}")
        if isinstance(kind, tuple):
            for number in range(count):
                self.table(first.plus(4 * number).follow(), kind[0])

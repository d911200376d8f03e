"""The input and the output of a TFLite file, read without any runtime.

A flatbuffer is walked by its offsets; field numbers are those of TensorFlow Lite's schema.fbs. So
a folder of models can be described where no TFLite runtime is installed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

IDENTIFIER = b"TFL3"

_SUBGRAPHS = 2  # of Model
_TENSORS, _INPUTS, _OUTPUTS = 0, 1, 2  # of SubGraph
_SHAPE, _TYPE = 0, 1  # of Tensor
_TYPE_NAMES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 9: "int8"}
_MAX_RANK = 8


@dataclass(frozen=True, slots=True)
class End:
    """The one input of a model, or its one output.

    Attributes:
        shape: as the file has it, the batch first.
        dtype: numpy's name, or ``type <number>`` for one that no classifier here uses.
    """

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype} {'x'.join(map(str, self.shape))}"


def ends(data: bytes) -> tuple[End, End]:
    """The input and the output of a file's first subgraph.

    Raises:
        ValueError: the bytes are no TFLite model with one input and one output.
    """
    if data[4:8] != IDENTIFIER:
        raise ValueError("the content is no TFLite model")
    try:
        subgraph = _Table(data, _follow(data, 0)).tables(_SUBGRAPHS)[0]
        tensors = subgraph.tables(_TENSORS)
        inputs, outputs = subgraph.integers(_INPUTS), subgraph.integers(_OUTPUTS)
        if len(inputs) != 1 or len(outputs) != 1 or min(*inputs, *outputs) < 0:
            raise ValueError("the model has not one input and one output")
        return _end(tensors[inputs[0]]), _end(tensors[outputs[0]])
    except (struct.error, IndexError) as error:
        raise ValueError("the TFLite model is damaged") from error


def _end(tensor: _Table) -> End:
    kind = tensor.byte(_TYPE)
    shape = tensor.integers(_SHAPE)
    if len(shape) > _MAX_RANK:
        raise ValueError("the TFLite model is damaged")
    return End(shape, _TYPE_NAMES.get(kind, f"type {kind}"))


def _follow(data: bytes, position: int) -> int:
    """Where the offset at a position leads."""
    (offset,) = struct.unpack_from("<I", data, position)
    return position + int(offset)


@dataclass(frozen=True, slots=True)
class _Table:
    data: bytes
    position: int

    def byte(self, number: int) -> int:
        """A field of one byte, 0 where it is left out."""
        place = self._field(number)
        return self.data[place] if place else 0

    def integers(self, number: int) -> tuple[int, ...]:
        """A field that is a vector of int32."""
        begin, count = self._vector(number)
        return struct.unpack_from(f"<{count}i", self.data, begin) if count else ()

    def tables(self, number: int) -> list[_Table]:
        """A field that is a vector of tables."""
        begin, count = self._vector(number)
        places = (begin + 4 * index for index in range(count))
        return [_Table(self.data, _follow(self.data, place)) for place in places]

    def _vector(self, number: int) -> tuple[int, int]:
        """Where the elements begin, four bytes each, and how many there are."""
        place = self._field(number)
        if not place:
            return 0, 0
        begin = _follow(self.data, place)
        (count,) = struct.unpack_from("<I", self.data, begin)
        if begin + 4 + 4 * count > len(self.data):
            raise IndexError(count)
        return begin + 4, int(count)

    def _field(self, number: int) -> int:
        """Where a field lies; 0 where it is left out."""
        (back,) = struct.unpack_from("<i", self.data, self.position)
        table = self.position - int(back)
        if table < 0:
            raise IndexError(table)
        size, _ = struct.unpack_from("<HH", self.data, table)
        entry = 4 + 2 * number
        if entry + 2 > size:
            return 0
        (offset,) = struct.unpack_from("<H", self.data, table + entry)
        return self.position + int(offset) if offset else 0

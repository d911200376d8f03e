"""Checks that no offset of a TFLite file leads out of it.

tflite-runtime follows them unchecked and breaks on a damaged file; its successor verifies first, as
FlatBuffers' own verifier does. Fields are those of TensorFlow Lite's schema.fbs, by number.
"""

from __future__ import annotations

from collections.abc import Mapping

from dse.formats.flatbuffer import FlatbufferError, Table, root

IDENTIFIER = b"TFL3"
MAX_TABLES = 100_000
"""A model has a few hundred; but a file may name the same one any number of times."""

Fields = Mapping[int, "int | Fields | tuple[Fields]"]
"""What a table's fields lead to: a vector of elements of that many bytes, a table, or a vector of
tables. Fields that are numbers are left out."""

_TEXT, _BYTES, _INTS, _LONGS = 1, 1, 4, 8
_OPERATOR_CODE: Fields = {1: _TEXT}
_QUANTISATION: Fields = {0: _INTS, 1: _INTS, 2: _INTS, 3: _LONGS}
_DETAILS_TYPE, _DETAILS = 4, 5
_CUSTOM_DETAILS = 1
"""The only kind of details on a quantisation that the library knows; later ones abort it."""
_TENSOR: Fields = {0: _INTS, 3: _TEXT, 4: _QUANTISATION, 7: _INTS}
# Of all operators' options, only those of RESHAPE and SQUEEZE hold a vector: their first field.
_OPTIONS_TYPE, _OPTIONS = 3, 4
_OPERATOR: Fields = {1: _INTS, 2: _INTS, _OPTIONS: {}, 5: _BYTES, 7: _BYTES, 8: _INTS}
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
        ValueError: it is not a TFLite file, or is damaged.
    """
    if data[4:8] != IDENTIFIER:
        raise ValueError("the content is not a TFLite model")
    try:
        _Walk().table(root(data), _MODEL)
    except FlatbufferError as error:
        raise ValueError(f"the TFLite model is damaged: {error}") from error


class _Walk:
    def __init__(self) -> None:
        self._tables = 0

    def table(self, table: Table, fields: Fields) -> None:
        self._tables += 1
        if self._tables > MAX_TABLES:
            raise ValueError("the TFLite model has too many parts")
        for number, kind in fields.items():
            self._field(table, number, kind)
        if fields is _OPERATOR and table.byte(_OPTIONS_TYPE) in _WITH_VECTOR:
            self._field(table, _OPTIONS, {0: _INTS})
        if fields is _QUANTISATION and (kind := table.byte(_DETAILS_TYPE)):
            if kind != _CUSTOM_DETAILS:
                raise ValueError("it is quantised in blocks, which tflite-runtime does not know")
            self._field(table, _DETAILS, {0: _BYTES})

    def _field(self, table: Table, number: int, kind: int | Fields | tuple[Fields]) -> None:
        if isinstance(kind, int):
            table.vector(number, kind)
        elif isinstance(kind, tuple):
            for element in table.tables(number):
                self.table(element, kind[0])
        elif (target := table.table(number)) is not None:
            self.table(target, kind)

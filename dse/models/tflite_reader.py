"""The input and the output of a TFLite file, read without any runtime.

So a folder of models can be described where no TFLite runtime is installed. Field numbers are those
of TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

from dataclasses import dataclass

from dse.flatbuffer import DamagedError, Table, root

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
        subgraph = root(data).element(_SUBGRAPHS, 0)
        inputs, outputs = subgraph.integers(_INPUTS), subgraph.integers(_OUTPUTS)
        if len(inputs) != 1 or len(outputs) != 1 or min(*inputs, *outputs) < 0:
            raise ValueError("the model has not one input and one output")
        given, result = (subgraph.element(_TENSORS, index) for index in (*inputs, *outputs))
        return _end(given), _end(result)
    except DamagedError as error:
        raise ValueError(f"the TFLite model is damaged: {error}") from error


def _end(tensor: Table) -> End:
    kind = tensor.byte(_TYPE)
    shape = tensor.integers(_SHAPE)
    if len(shape) > _MAX_RANK:
        raise DamagedError(f"a tensor has {len(shape)} dimensions")
    return End(shape, _TYPE_NAMES.get(kind, f"type {kind}"))

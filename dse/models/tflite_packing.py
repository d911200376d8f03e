"""From the classes of TFLite's schema to the bytes of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGNATURE = "serving_default"
"""The key that TensorFlow's own exporter gives a model's one function."""
_FILE_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16
"""The alignment of a buffer's bytes, from schema.fbs."""


def packed(model: Any, buffers: Sequence[bytes]) -> bytes:
    """The bytes of a file.

    Args:
        model: the root, a ``ModelT`` of the schema.
        buffers: what it holds in the place of its own; the first one is empty.

    Raises:
        ImportError: ai-edge-litert is not installed.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model.buffers = [_Buffer(schema, data) for data in buffers]
    builder = flatbuffers.Builder(sum(len(data) for data in buffers))
    builder.Finish(model.Pack(builder), file_identifier=_FILE_IDENTIFIER)
    return bytes(builder.Output())


@dataclass(frozen=True, slots=True)
class _Buffer:
    """A constant's bytes. The schema's own class would not align them."""

    schema: Any
    data: bytes

    def Pack(self, builder: Any) -> int:  # noqa: N802  # the name that the schema's classes call
        vector = None
        if self.data:
            builder.Prep(_ALIGNMENT, len(self.data))
            vector = builder.CreateByteVector(self.data)
        self.schema.BufferStart(builder)
        if vector is not None:
            self.schema.BufferAddData(builder, vector)
        offset: int = self.schema.BufferEnd(builder)
        return offset

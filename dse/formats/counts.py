"""Counts what a model's layers take, in its file and without any runtime.

Only shapes decide; names and the order of what can be computed at the same time don't. Of the
weights a small part is read, to see how many are zero. What a file asks for is bounded: a tensor
or a graph that is larger than any real one is not followed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from dse.core.paths import mapped
from dse.formats._protobuf import ProtobufError
from dse.formats._tally import CountError
from dse.formats._tflite_counts import tflite_counts
from dse.formats.flatbuffer import FlatbufferError

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.core.inference_cost import ModelCounts
    from dse.core.signature import Signature
    from dse.formats._onnx_counts import Sizes
    from dse.formats.flatbuffer import Data


def counts_of_file(
    path: Path, model_format: ModelFormat, signature: Signature | None = None
) -> ModelCounts | None:
    """Counts what one inference takes; an unchanged file is not read again.

    Args:
        path: the file.
        model_format: of the file.
        signature: of one sample, for the sizes that the file leaves open.

    Returns:
        None for a file that is damaged, or whose shapes can't be followed.

    Raises:
        OSError: it can't be read.
    """
    found = path.stat()
    inputs = signature.inputs if signature else ()
    sizes = tuple((one.name, tuple(one.shape)) for one in inputs)
    return _read_cached(path, model_format, sizes, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _read_cached(
    path: Path, model_format: ModelFormat, sizes: Sizes, _inode: int, _size: int, _mtime_ns: int
) -> ModelCounts | None:
    with mapped(path) as data:
        return parse_counts(data, model_format, sizes)


def parse_counts(data: Data, model_format: ModelFormat, sizes: Sizes = ()) -> ModelCounts | None:
    """Counts what the content of a file takes.

    Args:
        data: the content.
        model_format: of the file.
        sizes: names and shapes of the inputs with one sample; an empty name stands for any.

    Returns:
        None for a file that is damaged, or whose shapes can't be followed.
    """
    try:
        if model_format == "tflite":
            return tflite_counts(data)
        from dse.formats._onnx_counts import onnx_counts  # it needs numpy

        return onnx_counts(data, sizes)
    except (CountError, FlatbufferError, ProtobufError, UnicodeDecodeError):
        return None
    except IndexError:  # an operator has too few inputs, or an input too few sizes
        return None

"""The process that turns one ONNX file into TFLite, for `dse.models.converted`.

Called as ``dse.models.convert_worker VARIANT MODEL FOLDER``; see `dse.models.apart`.
"""

from __future__ import annotations

import sys

from dse.models.apart import begin, result_file
from dse.models.catalogue import CATALOGUE
from dse.models.onnx_plain import plain
from dse.models.onnx_reader import MismatchError, weights_of
from dse.models.tflite_writer import tflite_bytes


def main() -> int:
    """Converts what the command line names."""
    variant, model, folder = begin()
    graph = CATALOGUE[variant].graph()
    try:
        converted = tflite_bytes(graph, weights_of(plain(model), graph))
    except MismatchError as error:
        sys.exit(f"it is not the catalogue's {variant}: {error}")
    result_file(folder).write_bytes(converted)
    return 0

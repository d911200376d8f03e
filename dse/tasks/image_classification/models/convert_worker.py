"""The process that converts one ONNX file to TFLite; the module `conversion` starts it.

Its arguments are VARIANT MODEL FOLDER; see `dse.models.subprocess_job`.
"""

from __future__ import annotations

import sys

from dse.models.onnx_normalise import plain
from dse.models.subprocess_job import parse_arguments, result_file
from dse.tasks.image_classification.models._onnx_reader import MismatchError, read_weights
from dse.tasks.image_classification.models._tflite_writer import tflite_bytes
from dse.tasks.image_classification.models.catalogue import CATALOGUE


def main() -> int:
    """Converts the file on the command line."""
    variant, model, folder = parse_arguments()
    graph = CATALOGUE[variant].graph()
    try:
        converted = tflite_bytes(graph, read_weights(plain(model), graph))
    except MismatchError as error:
        sys.exit(f"it is not the catalogue's {variant}: {error}")
    result_file(folder).write_bytes(converted)
    return 0

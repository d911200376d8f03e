"""The process that quantises one model file, for `dse.models.quantise`.

Called as ``dse.models.quantise_worker WAY MODEL FOLDER``; see `dse.models.subprocess_job`.
"""

from __future__ import annotations

import sys

from dse.models._onnx_int8 import onnx_bytes
from dse.models._onnx_int8_products import onnx_bytes as products_bytes
from dse.models._tflite_int8 import tflite_bytes
from dse.models.subprocess_job import parse_arguments, result_file, sample_files

WAYS = {"onnx": onnx_bytes, "onnx-products": products_bytes, "tflite": tflite_bytes}


def main() -> int:
    """Quantises what the command line names."""
    way, model, folder = parse_arguments()
    samples = sample_files(folder)
    if not samples:
        sys.exit("there are no calibration samples")
    result_file(folder).write_bytes(WAYS[way](model, samples))
    return 0

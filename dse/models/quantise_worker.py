"""The process that quantises one model file, for `dse.models.quantise`.

Called as ``dse.models.quantise_worker WORD MODEL FOLDER``; see `dse.models.subprocess_job`. The
word is JSON: the way, and what is not as usual in the method.
"""

from __future__ import annotations

import json
import sys

from dse.core.quantisation import Method
from dse.models._onnx_int8 import onnx_bytes
from dse.models._onnx_int8_products import onnx_bytes as products_bytes
from dse.models._onnx_nncf import encoder_bytes, whole_bytes
from dse.models._tflite_int8 import tflite_bytes
from dse.models.subprocess_job import parse_arguments, result_file, sample_files

QUANTIZERS = {
    ("native", "onnx"): onnx_bytes,
    ("native", "onnx-products"): products_bytes,
    ("native", "tflite"): tflite_bytes,
    ("nncf", "onnx"): whole_bytes,
    ("nncf", "onnx-products"): encoder_bytes,
}


def main() -> int:
    """Quantises what the command line names."""
    word, model, folder = parse_arguments()
    samples = sample_files(folder)
    if not samples:
        sys.exit("there are no calibration samples")
    asked = json.loads(word)
    method = Method.from_knobs(asked["changes"], asked["way"])
    make = QUANTIZERS[method.quantizer, asked["way"]]
    result_file(folder).write_bytes(make(model, samples, method))
    return 0

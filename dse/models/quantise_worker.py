"""The process that quantises one model file, for `dse.models.quantise`.

Called as ``dse.models.quantise_worker WORD MODEL FOLDER``; see `dse.models.subprocess_job`. The
word is JSON: the way, what is not as usual in the method, and the names of the layers that are kept
in float32. Without these it is a JSON list of names that is made: the layers that could be kept.
"""

from __future__ import annotations

import json
import sys

from dse.core.quantisation import Method
from dse.models import _onnx_int8, _onnx_int8_products, _onnx_nncf, _tflite_int8
from dse.models.subprocess_job import parse_arguments, result_file, sample_files

QUANTIZERS = {
    ("native", "onnx"): _onnx_int8.onnx_bytes,
    ("native", "onnx-products"): _onnx_int8_products.onnx_bytes,
    ("native", "tflite"): _tflite_int8.tflite_bytes,
    ("nncf", "onnx"): _onnx_nncf.whole_bytes,
    ("nncf", "onnx-products"): _onnx_nncf.encoder_bytes,
}
RANKINGS = {
    ("native", "onnx"): _onnx_int8.onnx_ranking,
    ("native", "onnx-products"): _onnx_int8_products.onnx_ranking,
    ("native", "tflite"): _tflite_int8.tflite_ranking,
    ("nncf", "onnx"): _onnx_nncf.whole_ranking,
    ("nncf", "onnx-products"): _onnx_nncf.encoder_ranking,
}


def main() -> int:
    """Quantises what the command line names, or ranks its layers."""
    word, model, folder = parse_arguments()
    samples = sample_files(folder)
    if not samples:
        sys.exit("there are no calibration samples")
    asked = json.loads(word)
    method = Method.from_knobs(asked["changes"], asked["way"])
    key = method.quantizer, asked["way"]
    if "kept" in asked:
        data = QUANTIZERS[key](model, samples, method, asked["kept"])
    else:
        data = json.dumps(RANKINGS[key](model, samples, method)).encode()
    result_file(folder).write_bytes(data)
    return 0

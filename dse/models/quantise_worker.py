"""The process that quantises one model file, for `dse.models.quantise`.

Called as ``python -m dse.models.quantise_worker FORMAT MODEL FOLDER``; see `dse.models.apart`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dse.models.apart import begin, result_file, sample_files
from dse.models.onnx_int8 import onnx_bytes
from dse.models.tflite_int8 import tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Quantises what the command line names."""
    model_format, model, folder = begin(arguments)
    samples = sample_files(folder)
    if not samples:
        sys.exit("there are no calibration samples")
    quantised = {"onnx": onnx_bytes, "tflite": tflite_bytes}[model_format](model, samples)
    result_file(folder).write_bytes(quantised)


if __name__ == "__main__":
    main(sys.argv[1:])

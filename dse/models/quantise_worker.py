"""The process that quantises one model file, for `dse.models.quantise`.

Called as ``dse.models.quantise_worker WORD MODEL FOLDER``; see `dse.models.subprocess_job`. The
word is JSON: the way, what is not as usual in the method, and the names of the layers that stay in
float32. With null in their place the result is the list of the layers that may, in JSON.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Protocol

from dse.core.quantisation import Method
from dse.models._onnx_int8 import quantise_whole
from dse.models._onnx_int8_products import quantise_products
from dse.models._onnx_nncf import quantise_by_nncf
from dse.models._onnx_quantiser import OnnxQuantiser
from dse.models._tflite_int8 import TfliteQuantiser
from dse.models.onnx_normalise import plain, scalable
from dse.models.subprocess_job import parse_arguments, result_file, sample_files

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path


class Quantiser(Protocol):
    """Makes int8 files of float32 ones; the samples are files of batch 1."""

    def quantise(
        self, model: Path, samples: Sequence[Path], method: Method, kept: Collection[str]
    ) -> bytes:
        """The int8 file of a file, in which the layers with the kept names stay in float32."""
        ...

    def rank(self, model: Path, samples: Sequence[Path], method: Method) -> list[str]:
        """Names of the layers that may stay in float32, the most sensitive first."""
        ...


QUANTISERS: Mapping[tuple[str, str], Quantiser] = {
    ("native", "onnx"): OnnxQuantiser(plain, quantise_whole),
    ("native", "onnx-products"): OnnxQuantiser(scalable, quantise_products),
    ("native", "tflite"): TfliteQuantiser(),
    ("nncf", "onnx"): OnnxQuantiser(plain, quantise_by_nncf),
    ("nncf", "onnx-products"): OnnxQuantiser(scalable, partial(quantise_by_nncf, transformer=True)),
}


def main() -> int:
    """Quantises what the command line names, or ranks its layers."""
    word, model, folder = parse_arguments()
    samples = sample_files(folder)
    if not samples:
        sys.exit("there are no calibration samples")
    asked = json.loads(word)
    method = Method.from_knobs(asked["changes"], asked["way"])
    quantiser = QUANTISERS[method.quantizer, asked["way"]]
    if asked["kept"] is None:
        data = json.dumps(quantiser.rank(model, samples, method)).encode()
    else:
        data = quantiser.quantise(model, samples, method, asked["kept"])
    result_file(folder).write_bytes(data)
    return 0

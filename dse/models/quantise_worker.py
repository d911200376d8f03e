"""The process that quantises one model file, for `dse.models.quantise`.

Called as ``python -m dse.models.quantise_worker FORMAT MODEL FOLDER``; the folder holds the
samples, takes all temporary files, and the result.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.models.quantise import result_file, sample_files
from dse.models.tflite_writer import packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnx import ModelProto

INPUT = "input"
_PLACEHOLDER = 127  # in the older field, one byte wide, of an operator's code (schema.fbs)


def main(arguments: Sequence[str]) -> None:
    """Quantises what the command line names."""
    model_format, model, folder = arguments[0], Path(arguments[1]), Path(arguments[2])
    tempfile.tempdir = str(folder)
    samples = sample_files(folder)
    if not samples:
        sys.exit("there are no calibration samples")
    quantised = {"onnx": onnx_bytes, "tflite": tflite_bytes}[model_format](model, samples)
    result_file(folder).write_bytes(quantised)


def onnx_bytes(model: Path, samples: Sequence[Path]) -> bytes:
    """Quantises an ONNX file: each operator between DequantizeLinear and QuantizeLinear."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    target = Path(tempfile.mkdtemp()) / "quantised.onnx"
    quantize_static(
        onnx.load(model),
        target,
        _Reader(samples),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        # Signed activations would suit Arm as well, but on x86-64 onnxruntime leaves the
        # convolutions before a hard swish in float with them.
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    quantised = onnx.load(target)
    _tidy(quantised)
    data: bytes = quantised.SerializeToString(deterministic=True)
    return data


def _tidy(model: ModelProto) -> None:
    """Takes out what no operator uses: some runtimes refuse it, some warn of it."""
    domains = {node.domain for node in model.graph.node}
    imports = [one for one in model.opset_import if one.domain in domains]
    del model.opset_import[:]
    model.opset_import.extend(imports)
    used = {name for node in model.graph.node for name in node.input}
    constants = [one for one in model.graph.initializer if one.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(constants)
    del model.metadata_props[:]


class _Reader:
    """Hands samples out as onnxruntime's ``CalibrationDataReader`` does."""

    def __init__(self, samples: Sequence[Path]) -> None:
        self._inputs = _inputs(samples)

    def get_next(self) -> dict[str, Any] | None:
        """The inputs of one inference; None at the end."""
        return next(self._inputs, None)


def _inputs(samples: Sequence[Path]) -> Iterator[dict[str, Any]]:
    import numpy as np

    for path in samples:
        yield {INPUT: np.load(path, mmap_mode="r", allow_pickle=False)}


def tflite_bytes(model: Path, samples: Sequence[Path]) -> bytes:
    """Quantises a TFLite file: every operator in int8, with a conversion at either end."""
    from ai_edge_quantizer import qtyping, quantizer, recipe

    work = quantizer.Quantizer(str(model), recipe.static_wi8_ai8())
    for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        work.update_quantization_recipe(
            ".*", end, algorithm_key=quantizer.AlgorithmName.NO_QUANTIZE
        )
    (signature,) = _signatures(model)
    ranges = work.calibrate({signature: list(_inputs(samples))}, num_threads=_cpus())
    return _conventional(bytes(work.quantize(ranges).quantized_model))


def _conventional(data: bytes) -> bytes:
    """The same TFLite model in the form that TensorFlow's converter would give it.

    The quantiser puts the larger constants behind the flatbuffer, and leaves out the older field
    of the codes of the operators it adds. LiteRT copes with both, OpenVINO with neither.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    buffers = [
        data[one.offset : one.offset + one.size] if one.data is None else one.data.tobytes()
        for one in model.buffers
    ]
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode = min(code.builtinCode, _PLACEHOLDER)
    return packed(model, buffers)


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _signatures(model: Path) -> list[str]:
    from ai_edge_litert.interpreter import Interpreter

    return list(Interpreter(model_path=str(model)).get_signature_list())


if __name__ == "__main__":
    main(sys.argv[1:])

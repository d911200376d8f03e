"""The process that quantises one model file, for `dse.models.quantise`.

Called as ``dse.models.quantise_worker FORMAT MODEL FOLDER``; see `dse.models.apart`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.affinity import available_cpus
from dse.models.apart import begin, result_file, sample_files
from dse.models.onnx_plain import input_name, plain, tidy
from dse.models.tflite_writer import SIGNATURE, packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PLACEHOLDER = 127  # in the older field, one byte wide, of an operator's code (schema.fbs)


def main() -> int:
    """Quantises what the command line names."""
    model_format, model, folder = begin()
    samples = sample_files(folder)
    if not samples:
        sys.exit("there are no calibration samples")
    quantised = {"onnx": onnx_bytes, "tflite": tflite_bytes}[model_format](model, samples)
    result_file(folder).write_bytes(quantised)
    return 0


def onnx_bytes(model: Path, samples: Sequence[Path]) -> bytes:
    """Quantises an ONNX file: each operator between DequantizeLinear and QuantizeLinear."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    source = plain(model)
    target = Path(tempfile.mkdtemp()) / "quantised.onnx"
    quantize_static(
        source,
        target,
        _Reader(input_name(source), samples),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        # Signed activations would suit Arm as well, but on x86-64 onnxruntime leaves the
        # convolutions before a hard swish in float with them.
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    quantised = onnx.load(target)
    tidy(quantised)
    data: bytes = quantised.SerializeToString(deterministic=True)
    return data


class _Reader:
    """Hands samples out as onnxruntime's ``CalibrationDataReader`` does."""

    def __init__(self, name: str, samples: Sequence[Path]) -> None:
        self._inputs = _inputs(name, samples)

    def get_next(self) -> dict[str, Any] | None:
        """The inputs of one inference; None at the end."""
        return next(self._inputs, None)


def _inputs(name: str, samples: Sequence[Path]) -> Iterator[dict[str, Any]]:
    import numpy as np

    for path in samples:
        yield {name: np.load(path, mmap_mode="r", allow_pickle=False)}


def tflite_bytes(model: Path, samples: Sequence[Path]) -> bytes:
    """Quantises a TFLite file: every operator in int8, with a conversion at either end."""
    from ai_edge_quantizer import qtyping, quantizer, recipe

    data, name = _signed(model.read_bytes())
    work = quantizer.Quantizer(data, recipe.static_wi8_ai8())
    for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        work.update_quantization_recipe(
            ".*", end, algorithm_key=quantizer.AlgorithmName.NO_QUANTIZE
        )
    ranges = _ranges(data, work.get_quantization_recipe(), _inputs(name, samples))
    return _conventional(bytes(work.quantize(ranges).quantized_model))


def _ranges(data: bytes, recipe: Any, inputs: Iterator[dict[str, Any]]) -> Any:
    """How far each activation reaches over all inputs.

    The quantiser's own `calibrate` takes a moving average, which clips what is beyond it: on
    EfficientNet-Lite that costs up to half a point more of accuracy.
    """
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import calibrator, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

    (signature,) = Interpreter(model_content=data).get_signature_list()
    settings = recipe_manager.RecipeManager()
    settings.load_quantization_recipe(recipe)
    threads = len(available_cpus())
    calibration = calibrator.Calibrator(
        data, num_threads=threads, qsv_update_func=qsv_utils.min_max_update
    )
    calibration.calibrate({signature: list(inputs)}, settings)
    return calibration.get_model_qsvs()


def _signed(data: bytes) -> tuple[bytes, str]:
    """A TFLite model with a signature, which older files lack, and what that calls its input."""
    from ai_edge_litert import schema_py_generated as schema

    model = _read(data)
    if len(model.subgraphs) != 1:
        sys.exit(f"it has {len(model.subgraphs)} subgraphs, not one")
    graph = model.subgraphs[0]
    if len(graph.inputs) != 1:
        sys.exit(f"it has {len(graph.inputs)} inputs, not one")
    if graph.tensors[graph.inputs[0]].type != schema.TensorType.FLOAT32:
        sys.exit("its input is not float32")
    if model.signatureDefs:
        name = model.signatureDefs[0].inputs[0].name
        return data, name.decode()
    ends = [
        [schema.TensorMapT(name=graph.tensors[index].name, tensorIndex=index) for index in indices]
        for indices in (graph.inputs, graph.outputs)
    ]
    model.signatureDefs = [
        schema.SignatureDefT(
            inputs=ends[0], outputs=ends[1], signatureKey=SIGNATURE, subgraphIndex=0
        )
    ]
    return _packed(model, data), ends[0][0].name.decode()


def _conventional(data: bytes) -> bytes:
    """The same TFLite model in the form that TensorFlow's converter would give it.

    The quantiser puts the larger constants behind the flatbuffer, and leaves out the older field
    of the codes of the operators it adds. LiteRT copes with both, OpenVINO with neither.
    """
    model = _read(data)
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode = min(code.builtinCode, _PLACEHOLDER)
    return _packed(model, data)


def _read(data: bytes) -> Any:
    """The root of a TFLite file, as the schema's own classes."""
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))


def _packed(model: Any, data: bytes) -> bytes:
    """A changed root with the constants of the file that it was read from."""
    buffers = [
        data[one.offset : one.offset + one.size] if one.offset else _content(one)
        for one in model.buffers
    ]
    return packed(model, buffers)


def _content(buffer: Any) -> bytes:
    return b"" if buffer.data is None else buffer.data.tobytes()

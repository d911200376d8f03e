"""A TFLite file in int8: every operator in int8, with a conversion at either end."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from dse.machine.affinity import available_cpus
from dse.models._sensitivity import NO_INT8_LAYER, SENSITIVITY_SAMPLES, rank, squared_error
from dse.models._tflite_layers import (
    File,
    channel_means,
    has_int8_layer,
    layer_outputs,
    name_with_nan,
    round_again,
)
from dse.models.subprocess_job import feeds, load_samples
from dse.models.tflite_packing import SIGNATURE, packed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.quantisation import Method

_PLACEHOLDER = 127  # in the older field, one byte wide, of an operator's code (schema.fbs)


class TfliteQuantiser:
    """A `dse.models.quantise_worker.Quantiser` of TFLite files with one input.

    Biases take back what rounding the weights shifts. Layers go by the names of their outputs.
    """

    def quantise(
        self, model: Path, samples: Sequence[Path], method: Method, kept: Collection[str]
    ) -> bytes:
        """The int8 file."""
        made = _quantiser(model, samples, method)(kept)
        if kept and not has_int8_layer(File(made)):
            sys.exit(NO_INT8_LAYER)
        return made

    def rank(self, model: Path, samples: Sequence[Path], method: Method) -> list[str]:
        """Names of the layers that may stay in float32, see `dse.models._sensitivity.rank`."""
        quantised = _quantiser(model, samples, method)
        some = [one for (one,) in load_samples(samples[:SENSITIVITY_SAMPLES])]
        source = model.read_bytes()
        expected = _outputs(source, some)
        return rank(
            layer_outputs(File(source)),
            lambda alone: squared_error(expected, _outputs(quantised(alone), some)),
        )


def _quantiser(
    model: Path, samples: Sequence[Path], method: Method
) -> Callable[[Collection[str]], bytes]:
    """What gives a file in int8, but for the layers with some outputs."""
    data, name = _signed(model.read_bytes())
    inputs = list(load_samples(samples))
    ranges = _ranges(data, _recipe(data, ()).get_quantization_recipe(), feeds([name], samples))
    means = channel_means(data, (one for (one,) in inputs), len(available_cpus()))

    def quantised(kept: Collection[str]) -> bytes:
        made = File(bytes(_recipe(data, kept).quantize(ranges).quantized_model))
        round_again(made, File(data), means, method)
        return _conventional(made)

    return quantised


def _recipe(data: bytes, kept: Collection[str]) -> Any:
    """The quantiser of a file, told what to make of it.

    Args:
        data: the file in float32.
        kept: names of the outputs of layers that stay in float32.
    """
    from ai_edge_quantizer import qtyping, quantizer, recipe

    work = quantizer.Quantizer(data, recipe.static_wi8_ai8())
    operation, nothing = qtyping.TFLOperationName, quantizer.AlgorithmName.NO_QUANTIZE
    for end in (operation.INPUT, operation.OUTPUT):
        work.update_quantization_recipe(".*", end, algorithm_key=nothing)
    for name in kept:
        # The name of its one output with a semicolon behind it: others may hold the name as a part.
        scope = rf"^{re.escape(name)};$"
        work.update_quantization_recipe(scope, operation.ALL_SUPPORTED, algorithm_key=nothing)
    return work


def _outputs(data: bytes, inputs: Iterable[NDArray[Any]]) -> list[NDArray[Any]]:
    """What a file of one input and one output answers to inputs."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data, num_threads=len(available_cpus()))
    interpreter.allocate_tensors()
    (entry,), (first, *_) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for one in inputs:
        interpreter.set_tensor(entry["index"], one)
        interpreter.invoke()
        found.append(interpreter.get_tensor(first["index"]).copy())
    return found


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

    file = File(data)
    model = file.root
    if len(model.subgraphs) != 1:
        sys.exit(f"it has {len(model.subgraphs)} subgraphs, not one")
    graph = model.subgraphs[0]
    if len(graph.inputs) != 1:
        sys.exit(f"it has {len(graph.inputs)} inputs, not one")
    if graph.tensors[graph.inputs[0]].type != schema.TensorType.FLOAT32:
        sys.exit("its input is not float32")
    if (name := name_with_nan(file)) is not None:
        sys.exit(f"its weights '{name}' hold NaN")
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
    return packed(model, file.buffers), ends[0][0].name.decode()


def _conventional(file: File) -> bytes:
    """A TFLite model in the form that TensorFlow's converter would give it.

    The quantiser puts the larger constants behind the flatbuffer, and leaves out the older field
    of the codes of the operators it adds. LiteRT copes with both, OpenVINO with neither.
    """
    for code in file.root.operatorCodes:
        code.deprecatedBuiltinCode = min(code.builtinCode, _PLACEHOLDER)
    return packed(file.root, file.buffers)

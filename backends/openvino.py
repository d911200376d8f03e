"""OpenVINO on its CPU plugin; reads ONNX and TFLite."""

from __future__ import annotations

import importlib
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar, cast

from dse.core.backend import Knob, LoadError, LoadRequest, UnsupportedError, arrays_of
from dse.machine.instruction_sets import BF16, X86

from ._openvino_properties import properties
from ._scores import find_scores, scores_first
from ._snippet import INDENT, arrays, call
from ._streamed import STREAMS, Streamed, streams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs, Scores
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Input, Signature


class OpenVINO:
    """OpenVINO, one compiled model with an inference request for each of its streams."""

    name: ClassVar[str] = "openvino"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx", "tflite")
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8", "int4")
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(
            "inference_precision",
            ("f32", "bf16"),
            "f32",
            "precision of the arithmetic on floating-point weights; bf16 where the CPU has it",
            numeric=True,
            # It would compute in bf16 on any CPU with AVX-512, slowly where there are no
            # instructions for it, and on none of Arm.
            requires={"bf16": tuple(name for name in BF16 if name in X86)},
        ),
        Knob(
            "performance_hint",
            ("latency", "throughput"),
            "latency",
            "what the plugin tunes itself for",
        ),
        Knob(
            "exact_int8",
            (False, True),
            False,
            "8-bit integers are multiplied in float32, slower; products saturate on x86-64 CPUs "
            "without VNNI otherwise",
            numeric=True,
        ),
        STREAMS,
    )

    def version(self) -> str:
        """The installed version of OpenVINO."""
        _openvino()  # the native part must load, too
        return metadata.version("openvino")

    def refusals(self) -> tuple[type[Exception], ...]:
        """The bindings raise nothing but these."""
        return RuntimeError, ValueError

    def load(self, request: LoadRequest) -> Streamed:
        """Compiles the model for a fixed batch and the configuration's threads."""
        openvino = _openvino()
        signature, scores, count = request.signature, request.scores, streams(request)
        if signature is not None and signature.subgraph:
            raise UnsupportedError("OpenVINO reads the first subgraph of a TFLite file alone")
        core = openvino.Core()
        options = _options(request, core)
        try:
            model = core.read_model(str(request.model_file))
        except RuntimeError as error:
            raise LoadError(str(error)) from error
        if signature is None and len(model.inputs) != 1:
            raise UnsupportedError(f"the model has {len(model.inputs)} inputs, not one")
        try:
            places, unread = _fix_shapes(model, signature, request.configuration.batch_size)
            compiled = core.compile_model(model, "CPU", options)
            requests = [compiled.create_infer_request() for _ in range(count)]
            fixed = not any(one.partial_shape.is_dynamic for one in compiled.outputs)
            if signature is None and scores is not None and fixed:
                return Streamed([_Request(each, scores) for each in requests])
            return Streamed([_AnyRequest(each, scores, places) for each in requests], unread)
        except RuntimeError as error:
            raise UnsupportedError(str(error)) from error

    def code(self, request: LoadRequest, inputs: Sequence[Input]) -> list[str]:
        """See `dse.core.backend.Deployable`."""
        # A model that was reshaped has these inputs; its file may leave sizes open.
        shapes = ", ".join(f"{number}: {list(one.shape)}" for number, one in enumerate(inputs))
        named = (f"{name!r}: {value!r}" for name, value in properties(request).items())
        return [
            "import numpy as np",
            "import openvino as ov",
            "",
            "core = ov.Core()",
            *call("model = core.read_model", [repr(str(request.model_file))]),
            f"model.reshape({{{shapes}}})",
            "properties = {",
            *(f"{INDENT}{each}," for each in named),
            "}",
            'compiled = core.compile_model(model, "CPU", properties)',
            "request = compiled.create_infer_request()",
            f"arrays = {arrays(inputs)}",
            "outputs = list(request.infer(arrays).values())",
        ]


def _openvino() -> Any:
    """OpenVINO without its converter of other frameworks' models.

    The package does without a converter that can't be imported, as where it is not installed. Its
    import takes as long as that of all the rest, and 16 MiB.
    """
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    sys.modules["openvino.tools"] = cast("ModuleType", None)  # makes its import fail
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules["openvino.tools"]


def _options(request: LoadRequest, core: Any) -> dict[str, str | int]:
    options = properties(request)
    precision = options["INFERENCE_PRECISION_HINT"]
    # Without the instructions the plugin would fall back to f32 without a word.
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise UnsupportedError("this CPU has no bf16 instructions")
    return options


def _fix_shapes(
    model: Any, signature: Signature | None, batch_size: int
) -> tuple[list[int | None], list[str]]:
    """Gives every input its shape.

    Returns:
        For each of the batch's arrays the index of its input, None where the model has no place for
        it; and the names of the inputs without a place.
    """
    if signature is None:
        shape = model.inputs[0].partial_shape
        shape[0] = batch_size
        model.reshape({model.inputs[0]: shape})
        return [0], []
    inputs = signature.of_batch(batch_size)
    places = _find_places(model, inputs)
    unread = [one.name for one, place in zip(inputs, places, strict=True) if place is None]
    if unread and not 0 < len(model.inputs) == len(inputs) - len(unread):
        raise UnsupportedError(f"OpenVINO finds no input '{unread[0]}' in the model")
    pairs = zip(inputs, places, strict=True)
    model.reshape({model.inputs[i]: list(one.shape) for one, i in pairs if i is not None})
    return places, unread


def _find_places(model: Any, inputs: Sequence[Input]) -> list[int | None]:
    """The index of each input in the model; None for one that conversion has folded away.

    An input that is an output, too, may go by the name of that.
    """
    openvino = _openvino()
    found = {name: index for index, one in enumerate(model.inputs) for name in one.get_names()}
    places = {one.name: found[one.name] for one in inputs if one.name in found}
    renamed = set(range(len(model.inputs))) - set(places.values())
    for one in inputs:
        fits = (
            index
            for index in sorted(renamed)
            if model.inputs[index].element_type.to_dtype() == one.dtype
            and model.inputs[index].partial_shape.compatible(openvino.PartialShape(one.shape))
        )
        if one.name not in places and (place := next(fits, None)) is not None:
            places[one.name] = place
            renamed.remove(place)
    return [places.get(one.name) for one in inputs]


class _Request:
    """An inference request: its tensors are set, so that a call finds everything in place.

    Args:
        request: of OpenVINO.
        scores: which output counts.
    """

    def __init__(self, request: Any, scores: Scores) -> None:
        self._request = request
        self._set, self._infer = request.set_input_tensor, request.infer
        self._index = _find_scores(request, scores)
        self._scores: NDArray[np.generic] = request.get_output_tensor(self._index).data
        tensor = request.get_input_tensor(0).data
        self._fits = (tensor.shape, tensor.dtype)

    def bind(self, batch: NDArray[Any]) -> Any:
        return _shared(batch, self._fits)

    def predict(self, bound: Any) -> NDArray[np.generic]:
        self._set(bound)
        self._infer(share_outputs=True)
        return self._scores

    def outputs(self, bound: Any) -> Outputs:
        self.predict(bound)
        return scores_first(_found(self._request), self._index)

    def close(self) -> None:
        del self._set, self._infer, self._request, self._scores


class _AnyRequest:
    """An inference request of a model with any number of inputs, whose outputs may have any size.

    Args:
        request: of OpenVINO.
        scores: which output counts; None where all do.
        places: for each of the batch's arrays the index of its input, None where there is none.
    """

    def __init__(self, request: Any, scores: Scores | None, places: Sequence[int | None]) -> None:
        self._request, self._places = request, places
        self._set, self._infer = request.set_input_tensors, request.infer
        self._index = _find_scores(request, scores)
        tensors = {n: request.get_input_tensor(n).data for n in places if n is not None}
        self._fits = {n: (tensor.shape, tensor.dtype) for n, tensor in tensors.items()}

    def bind(self, batch: Batch) -> Any:
        pairs = zip(self._places, arrays_of(batch), strict=True)
        return {n: _shared(array, self._fits[n]) for n, array in pairs if n is not None}

    def predict(self, bound: Any) -> NDArray[np.generic]:
        self._set(bound)
        self._infer(share_outputs=True)
        scores: NDArray[np.generic] = self._request.get_output_tensor(self._index).data
        return scores

    def outputs(self, bound: Any) -> Outputs:
        self.predict(bound)
        return scores_first(_found(self._request), self._index)

    def close(self) -> None:
        del self._set, self._infer, self._request


def _found(request: Any) -> Outputs:
    """What an inference gave, in the order of the file."""
    names = [_name(output, index) for index, output in enumerate(request.model_outputs)]
    return tuple((name, request.get_output_tensor(index).data) for index, name in enumerate(names))


def _find_scores(request: Any, scores: Scores | None) -> int:
    outputs = enumerate(request.model_outputs)
    return find_scores([(_name(one, index), _shape(one)) for index, one in outputs], scores)


def _name(output: Any, index: int) -> str:
    """A tensor may have several names, or none."""
    return min(output.get_names(), default=f"output {index}")


def _shape(output: Any) -> list[int | None] | None:
    shape = output.partial_shape
    if shape.rank.is_dynamic:
        return None
    return [None if size.is_dynamic else size.get_length() for size in shape]


def _shared(array: NDArray[Any], fits: tuple[Any, Any]) -> Any:
    """A tensor in the memory of an array.

    OpenVINO would convert what does not fit, in the measured time and without a word.
    """
    if (array.shape, array.dtype) != fits:
        raise ValueError(f"{array.dtype} {array.shape} in the place of {fits}")
    return _openvino().Tensor(array, shared_memory=True)

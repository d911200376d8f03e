"""OpenVINO on its CPU plugin; reads ONNX and TFLite."""

from __future__ import annotations

from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.backend import Knob, LoadError, LoadRequest, UnsupportedError
from dse.machine.instruction_sets import BF16, X86

from .scores import place_of_scores, scores_first
from .streamed import STREAMS, Streamed, streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Model, Outputs
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Signature


class OpenVINO:
    """OpenVINO, one compiled model with an inference request for each of its streams."""

    name: ClassVar[str] = "openvino"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx", "tflite")
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8")
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
        import openvino  # noqa: F401  # the native part must load, too

        return metadata.version("openvino")

    def load(self, request: LoadRequest) -> Streamed:
        """Compiles the model for a fixed batch and the configuration's threads."""
        import openvino

        count = streams(request)
        if request.signature is not None and request.signature.subgraph:
            raise UnsupportedError("OpenVINO reads the first subgraph of a TFLite file alone")
        core = openvino.Core()
        precision = str(request.knob("inference_precision", "f32"))
        # Without the instructions the plugin would fall back to f32 without a word.
        if precision == "bf16" and "BF16" not in core.get_property(
            "CPU", "OPTIMIZATION_CAPABILITIES"
        ):
            raise UnsupportedError("this CPU has no bf16 instructions")
        try:
            model = core.read_model(str(request.model_file))
        except RuntimeError as error:
            raise LoadError(str(error)) from error
        signature = request.signature
        if signature is None and len(model.inputs) != 1:
            raise UnsupportedError(f"the model has {len(model.inputs)} inputs, not one")
        options = {
            "INFERENCE_NUM_THREADS": request.configuration.threads,
            "NUM_STREAMS": count,
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": str(request.knob("performance_hint", "latency")).upper(),
        }
        if request.knob("exact_int8", False):
            options["LP_TRANSFORMS_MODE"] = "NO"
        batch_size = request.configuration.batch_size
        try:
            if signature is None:
                _fix_batch(model, batch_size)
                kind: Callable[[Any], Model] = partial(_Request, classes=request.classes)
            else:
                kind = partial(_AnyRequest, places=_fix_shapes(model, signature, batch_size))
            compiled = core.compile_model(model, "CPU", options)
            return Streamed([kind(compiled.create_infer_request()) for _ in range(count)])
        except RuntimeError as error:
            raise UnsupportedError(str(error)) from error


def _fix_batch(model: Any, batch_size: int) -> None:
    shape = model.inputs[0].partial_shape
    shape[0] = batch_size
    model.reshape({model.inputs[0]: shape})


def _fix_shapes(model: Any, signature: Signature, batch_size: int) -> list[int]:
    """Gives every input its shape; the places of the signature's inputs among the model's."""
    places = {name: place for place, one in enumerate(model.inputs) for name in one.get_names()}
    inputs = signature.of_batch(batch_size)
    missing = [one.name for one in inputs if one.name not in places]
    if missing:
        raise UnsupportedError(f"OpenVINO finds no input '{missing[0]}' in the model")
    model.reshape({model.inputs[places[one.name]]: list(one.shape) for one in inputs})
    return [places[one.name] for one in inputs]


class _Request:
    """An inference request: its tensors are set, so that a call finds everything in place.

    Args:
        request: of OpenVINO.
        classes: number of scores, where it is known.
    """

    def __init__(self, request: Any, classes: int | None) -> None:
        self._request = request
        self._set, self._infer = request.set_input_tensor, request.infer
        outputs = [(_name(o, place), _shape(o)) for place, o in enumerate(request.model_outputs)]
        self._place = place_of_scores(outputs, classes)
        self._scores: NDArray[np.generic] = request.get_output_tensor(self._place).data
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
        return scores_first(_found(self._request), self._place)

    def close(self) -> None:
        del self._set, self._infer, self._request, self._scores


class _AnyRequest:
    """An inference request of a model with any number of inputs, whose outputs may have any size.

    Args:
        request: of OpenVINO.
        places: of the batch's arrays among the model's inputs.
    """

    def __init__(self, request: Any, places: Sequence[int]) -> None:
        self._request, self._places = request, places
        self._set, self._infer = request.set_input_tensors, request.infer
        tensors = [request.get_input_tensor(place).data for place in places]
        self._fits = [(tensor.shape, tensor.dtype) for tensor in tensors]

    def bind(self, batch: tuple[NDArray[Any], ...]) -> Any:
        pairs = zip(batch, self._fits, strict=True)
        shared = [_shared(array, fits) for array, fits in pairs]
        return dict(zip(self._places, shared, strict=True))

    def predict(self, bound: Any) -> NDArray[np.generic]:
        self._set(bound)
        self._infer(share_outputs=True)
        scores: NDArray[np.generic] = self._request.get_output_tensor(0).data
        return scores

    def outputs(self, bound: Any) -> Outputs:
        self.predict(bound)
        return _found(self._request)

    def close(self) -> None:
        del self._set, self._infer, self._request


def _found(request: Any) -> Outputs:
    """What an inference gave, in the order of the file."""
    names = [_name(output, place) for place, output in enumerate(request.model_outputs)]
    return tuple((name, request.get_output_tensor(place).data) for place, name in enumerate(names))


def _name(output: Any, place: int) -> str:
    """A tensor may have several names, or none."""
    return min(output.get_names(), default=f"output {place}")


def _shape(output: Any) -> list[int | None] | None:
    shape = output.partial_shape
    if shape.rank.is_dynamic:
        return None
    return [None if size.is_dynamic else size.get_length() for size in shape]


def _shared(array: NDArray[Any], fits: tuple[Any, Any]) -> Any:
    """A tensor in the memory of an array.

    OpenVINO would convert what does not fit, in the measured time and without a word.
    """
    import openvino

    if (array.shape, array.dtype) != fits:
        raise ValueError(f"{array.dtype} {array.shape} in the place of {fits}")
    return openvino.Tensor(array, shared_memory=True)

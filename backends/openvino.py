"""OpenVINO on its CPU plugin; reads ONNX and TFLite."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from dse.contract import Knob, LoadError, LoadRequest, UnsupportedError

from .streamed import STREAMS, Streamed, streams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dse.types import ModelFormat


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
        ),
        Knob(
            "performance_hint",
            ("latency", "throughput"),
            "latency",
            "what the plugin tunes itself for",
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
        if len(model.inputs) != 1:
            raise UnsupportedError(f"the model has {len(model.inputs)} inputs, not one")
        options = {
            "INFERENCE_NUM_THREADS": request.configuration.threads,
            "NUM_STREAMS": count,
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": str(request.knob("performance_hint", "latency")).upper(),
        }
        try:
            _fix_batch(model, request.configuration.batch_size)
            compiled = core.compile_model(model, "CPU", options)
            return Streamed([_Request(compiled.create_infer_request()) for _ in range(count)])
        except RuntimeError as error:
            raise UnsupportedError(str(error)) from error


def _fix_batch(model: Any, batch_size: int) -> None:
    shape = model.inputs[0].partial_shape
    shape[0] = batch_size
    model.reshape({model.inputs[0]: shape})


class _Request:
    """An inference request: its tensors are set, so that a call finds everything in place."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._set, self._infer = request.set_input_tensor, request.infer
        self._scores: NDArray[np.generic] = request.get_output_tensor(0).data
        tensor = request.get_input_tensor(0).data
        self._fits = (tensor.shape, tensor.dtype)

    def bind(self, batch: NDArray[Any]) -> Any:
        import openvino

        # OpenVINO would convert what does not fit, in the measured time and without a word.
        if (batch.shape, batch.dtype) != self._fits:
            raise ValueError(f"{batch.dtype} {batch.shape} in the place of {self._fits}")
        return openvino.Tensor(batch, shared_memory=True)

    def predict(self, bound: Any) -> NDArray[np.generic]:
        self._set(bound)
        self._infer(share_outputs=True)
        return self._scores

    def close(self) -> None:
        del self._set, self._infer, self._request, self._scores

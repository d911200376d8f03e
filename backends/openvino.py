"""OpenVINO on its CPU plugin; reads ONNX and TFLite."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from dse.contract import Knob, LoadError, LoadRequest, UnsupportedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dse.types import ModelFormat


class OpenVINO:
    """OpenVINO, one compiled model with one stream and one inference request."""

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
    )

    def version(self) -> str:
        """The installed version of OpenVINO."""
        import openvino  # noqa: F401  # the native part must load, too

        return metadata.version("openvino")

    def load(self, request: LoadRequest) -> _Compiled:
        """Compiles the model for a fixed batch and the configuration's threads."""
        import openvino

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
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": str(request.knob("performance_hint", "latency")).upper(),
        }
        try:
            _fix_batch(model, request.configuration.batch_size)
            return _Compiled(core.compile_model(model, "CPU", options))
        except RuntimeError as error:
            raise UnsupportedError(str(error)) from error


def _fix_batch(model: Any, batch_size: int) -> None:
    shape = model.inputs[0].partial_shape
    shape[0] = batch_size
    model.reshape({model.inputs[0]: shape})


class _Compiled:
    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._infer = self._request.infer
        self._output = compiled.outputs[0]
        tensor = self._request.get_input_tensor(0).data
        self._fits = (tensor.shape, tensor.dtype)

    def predict(self, batch: NDArray[Any]) -> NDArray[np.generic]:
        # OpenVINO would convert what does not fit, in the measured time and without a word.
        if (batch.shape, batch.dtype) != self._fits:
            raise ValueError(f"{batch.dtype} {batch.shape} in the place of {self._fits}")
        # Shared: neither the batch nor the scores are copied.
        results = self._infer({0: batch}, share_inputs=True, share_outputs=True)
        scores: NDArray[np.generic] = results[self._output]
        return scores

    def close(self) -> None:
        del self._infer, self._request, self._output

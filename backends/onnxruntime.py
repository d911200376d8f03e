"""ONNX Runtime on its CPU execution provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from dse.contract import Knob, LoadError, LoadRequest, UnsupportedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dse.types import ModelFormat

GRAPH_OPTIMIZATION = {
    "disable": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


class OnnxRuntime:
    """ONNX Runtime, one session per model."""

    name: ClassVar[str] = "onnxruntime"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8")
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(
            "graph_optimization",
            tuple(GRAPH_OPTIMIZATION),
            "all",
            "level of graph optimisation",
            # Fusions reorder floating-point sums, so predictions can differ in the last bits.
            numeric=True,
        ),
        Knob("spinning", (True, False), True, "idle threads spin instead of sleeping"),
    )

    def version(self) -> str:
        """The installed version of ONNX Runtime."""
        import onnxruntime

        return str(onnxruntime.__version__)

    def load(self, request: LoadRequest) -> _Session:
        """Creates a session on the CPU provider with the configuration's threads."""
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        options = ort.SessionOptions()
        options.intra_op_num_threads = request.configuration.threads
        options.inter_op_num_threads = 1
        level = GRAPH_OPTIMIZATION[str(request.knob("graph_optimization", "all"))]
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
        spinning = "1" if request.knob("spinning", True) else "0"
        options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
        options.log_severity_level = 3
        try:
            session = ort.InferenceSession(
                str(request.model_file), options, providers=["CPUExecutionProvider"]
            )
        except errors.NotImplemented as error:
            raise UnsupportedError(str(error)) from error
        except (
            errors.Fail,
            errors.InvalidArgument,
            errors.InvalidGraph,
            errors.InvalidProtobuf,
            errors.NoSuchFile,
            errors.RuntimeException,
        ) as error:
            raise LoadError(str(error)) from error
        if len(session.get_inputs()) != 1:
            raise UnsupportedError(f"the model has {len(session.get_inputs())} inputs, not one")
        return _Session(session)


class _Session:
    def __init__(self, session: Any) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._outputs = [session.get_outputs()[0].name]

    def predict(self, batch: NDArray[Any]) -> NDArray[np.generic]:
        scores: NDArray[np.generic] = self._session.run(self._outputs, {self._input: batch})[0]
        return scores

    def close(self) -> None:
        self._session = None

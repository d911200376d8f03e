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
        Knob(
            "execution_mode",
            ("sequential", "parallel"),
            "sequential",
            "operators one after the other, or independent ones side by side",
        ),
        Knob("inter_op_threads", (), 1, "threads that run operators side by side, if parallel"),
        Knob("arena", (True, False), True, "memory is kept for the next prediction"),
    )

    def version(self) -> str:
        """The installed version of ONNX Runtime."""
        import onnxruntime

        return str(onnxruntime.__version__)

    def load(self, request: LoadRequest) -> _Session:
        """Creates a session on the CPU provider with the configuration's threads."""
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        try:
            session = ort.InferenceSession(
                str(request.model_file), _options(request), providers=["CPUExecutionProvider"]
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


def _options(request: LoadRequest) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = request.configuration.threads
    parallel = request.knob("execution_mode", "sequential") == "parallel"
    inter_op_threads = int(request.knob("inter_op_threads", 1))
    if inter_op_threads < 1:
        raise UnsupportedError(f"inter_op_threads={inter_op_threads} is no number of threads")
    if inter_op_threads > 1 and not parallel:
        raise UnsupportedError(f"{inter_op_threads} inter_op_threads need execution_mode parallel")
    options.execution_mode = (
        ort.ExecutionMode.ORT_PARALLEL if parallel else ort.ExecutionMode.ORT_SEQUENTIAL
    )
    options.inter_op_num_threads = inter_op_threads
    level = GRAPH_OPTIMIZATION[str(request.knob("graph_optimization", "all"))]
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    spinning = "1" if request.knob("spinning", True) else "0"
    options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    options.add_session_config_entry("session.inter_op.allow_spinning", spinning)
    options.enable_cpu_mem_arena = bool(request.knob("arena", True))
    options.log_severity_level = 3
    return options


class _Session:
    """A session whose inputs and output are bound: `run` itself would look them up each time."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._run = session.run_with_iobinding
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name
        self._scores: NDArray[np.generic] | None = None
        self._target: Any = None

    def bind(self, batch: NDArray[Any]) -> Any:
        import onnxruntime as ort

        if self._scores is None or len(self._scores) != len(batch):
            # The one way to learn the shape and dtype of the scores, whatever the file calls them.
            scores = self._session.run([self._output], {self._input: batch})[0]
            self._target = ort.OrtValue.ortvalue_from_numpy(scores)
            self._scores = self._target.numpy()
        value = ort.OrtValue.ortvalue_from_numpy(batch)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(self._input, value)
        binding.bind_ortvalue_output(self._output, self._target)
        return binding, value  # the binding alone would not keep the batch's memory

    def predict(self, bound: Any) -> NDArray[np.generic]:
        self._run(bound[0])
        return self._scores  # type: ignore[return-value]  # set by bind

    def close(self) -> None:
        del self._run, self._session, self._target

"""ONNX Runtime on its CPU execution provider."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.backend import Knob, LoadError, LoadRequest, UnsupportedError, arrays_of

from ._scores import find_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import ModelFormat

GRAPH_OPTIMIZATION = {
    "disable": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
_ARRAYS = {
    *(f"tensor({name})" for name in ("float", "double", "float16", "bool", "string")),
    *(f"tensor({sign}int{bits})" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}
"""Outputs that come as arrays."""


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
        Knob(
            "exact_int8",
            (False, True),
            False,
            "8-bit products that can't saturate, slower; only x86-64 CPUs without VNNI differ",
            numeric=True,
        ),
    )

    def version(self) -> str:
        """The installed version of ONNX Runtime."""
        import onnxruntime

        return str(onnxruntime.__version__)

    def refusals(self) -> tuple[type[Exception], ...]:
        """A call by names raises classes of its own, one with bound memory a plain error."""
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        return (
            *(RuntimeError, ValueError, errors.Fail, errors.InvalidArgument),
            *(errors.NotImplemented, errors.RuntimeException),
        )

    def load(self, request: LoadRequest) -> _Session:
        """Creates a session on the CPU provider with the configuration's threads."""
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        # Where it is 1, a model's own metadata replace the options: threads, too.
        os.environ.pop("ORT_LOAD_CONFIG_FROM_MODEL", None)
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
        if request.signature is None and len(session.get_inputs()) != 1:
            raise UnsupportedError(f"the model has {len(session.get_inputs())} inputs, not one")
        return _opened(session, request)


def _options(request: LoadRequest) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = request.configuration.threads
    parallel = request.knob("execution_mode", "sequential") == "parallel"
    inter_op_threads = int(request.knob("inter_op_threads", 1))
    if inter_op_threads < 1:
        raise UnsupportedError(f"inter_op_threads={inter_op_threads} is not a number of threads")
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
    if request.knob("exact_int8", False):
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.enable_cpu_mem_arena = bool(request.knob("arena", True))
    options.log_severity_level = 3
    return options


class _Session:
    """A session whose inputs and outputs are bound: `run` itself would look them up each time.

    Args:
        session: of onnxruntime.
        inputs: names, in the order of a batch's arrays.
        outputs: names of those that are computed; the first is what a prediction returns.
        others: names of those that are not.
    """

    def __init__(
        self,
        session: Any,
        inputs: Sequence[str],
        outputs: Sequence[str],
        others: Sequence[str] = (),
    ) -> None:
        self._session = session
        self._run = session.run_with_iobinding
        self._inputs, self._outputs, self._others = inputs, outputs, others
        self._shapes: list[tuple[int, ...]] = []
        self._targets: list[Any] = []
        self._scores: NDArray[np.generic] | None = None

    def bind(self, batch: Batch) -> Any:
        import onnxruntime as ort

        arrays = arrays_of(batch)
        shapes = [array.shape for array in arrays]
        if shapes != self._shapes:
            self._learn(arrays)
            self._shapes = shapes
        values = [ort.OrtValue.ortvalue_from_numpy(array) for array in arrays]
        binding = self._session.io_binding()
        for name, value in zip(self._inputs, values, strict=True):
            binding.bind_ortvalue_input(name, value)
        for name, target in zip(self._outputs, self._targets, strict=True):
            binding.bind_ortvalue_output(name, target)
        return binding, values  # the binding alone would not keep the batch's memory

    def _learn(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Makes memory for the outputs.

        The one way to learn their shapes and dtypes, whatever the file calls them.
        """
        import onnxruntime as ort

        feed = dict(zip(self._inputs, arrays, strict=True))
        found = self._session.run(list(self._outputs), feed)
        self._targets = [ort.OrtValue.ortvalue_from_numpy(one) for one in found]
        self._scores = self._targets[0].numpy()

    def predict(self, bound: Any) -> NDArray[np.generic]:
        self._run(bound[0])
        return self._scores  # type: ignore[return-value]  # set by bind

    def outputs(self, bound: Any) -> Outputs:
        self._run(bound[0])
        found = zip(self._outputs, (one.numpy() for one in self._targets), strict=True)
        return (*found, *((name, None) for name in self._others))

    def close(self) -> None:
        del self._run, self._session, self._targets


class _Allocating(_Session):
    """A session that makes its outputs in each call, since nobody knows how large they will be."""

    def bind(self, batch: Batch) -> Any:
        import onnxruntime as ort

        values = [ort.OrtValue.ortvalue_from_numpy(array) for array in arrays_of(batch)]
        binding = self._session.io_binding()
        for name, value in zip(self._inputs, values, strict=True):
            binding.bind_ortvalue_input(name, value)
        for name in self._outputs:
            binding.bind_output(name)
        return binding, values

    def predict(self, bound: Any) -> NDArray[np.generic]:
        self._run(bound[0])
        scores: NDArray[np.generic] = bound[0].get_outputs()[0].numpy()
        return scores

    def outputs(self, bound: Any) -> Outputs:
        self._run(bound[0])
        arrays = map(_array, bound[0].get_outputs())
        return tuple(zip(self._outputs, arrays, strict=True))


class _Opaque(_Allocating):
    """A session whose first output is a sequence, a map or of a type that numpy lacks."""

    def predict(self, bound: Any) -> NDArray[np.generic]:
        import numpy as np

        self._run(bound[0])
        return np.empty(0)


def _opened(session: Any, request: LoadRequest) -> _Session:
    """The session with its inputs and outputs; the scores alone are computed where they count."""
    own, outputs = session.get_inputs(), session.get_outputs()
    inputs = [one.name for one in (request.signature.inputs if request.signature else own)]
    names = [one.name for one in outputs]
    if request.scores is not None:
        shapes = [(one.name, _shape(one)) for one in outputs]
        scores = names.pop(find_scores(shapes, request.scores))
        return _Session(session, inputs, [scores], names)
    named = {dim for one in own for dim in one.shape if dim is not None}
    fixed = all(
        one.type in _ARRAYS and all(isinstance(d, int) or d in named for d in one.shape)
        for one in outputs
    )
    kind = _Session if fixed else _Allocating if outputs[0].type in _ARRAYS else _Opaque
    return kind(session, inputs, names)


def _array(value: Any) -> NDArray[Any] | None:
    """The array of an output; None for a sequence, a map, and what numpy has no type for."""
    return value.numpy() if value.data_type() in _ARRAYS else None


def _shape(output: Any) -> list[int | None]:
    """The shape of an output; its dimensions may have names, or nothing at all."""
    return [size if isinstance(size, int) else None for size in output.shape]

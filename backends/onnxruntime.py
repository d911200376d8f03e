"""ONNX Runtime on one of its execution providers for CPUs, or on a GPU of NVIDIA."""

from __future__ import annotations

import os
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.backend import Knob, LoadError, LoadRequest, UnsupportedError, arrays_of
from dse.core.configuration import CPU

from ._onnxruntime_device import DeviceSession
from ._onnxruntime_providers import (
    ASSIGNMENT,
    CPU_PROVIDER,
    CUDA_PROVIDER,
    PROVIDERS,
    check,
    code_of,
    lacks,
    name_of,
    not_built,
    providers,
)
from ._scores import find_scores
from ._snippet import arrays, call

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Lack, Outputs
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Input, Signature

    from ._onnxruntime_providers import Provider

    Shape = tuple[int, ...]

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
PROVIDER = Knob(
    "provider",
    tuple(PROVIDERS),
    CPU,
    "execution provider; what it does not take, the one for CPUs computes",
    numeric=True,
)
CALLS = 3
"""Calls with different samples that tell whether outputs have the same shapes for all."""


class OnnxRuntime:
    """ONNX Runtime, one session per model."""

    name: ClassVar[str] = "onnxruntime"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8", "int4")
    devices: ClassVar[tuple[str, ...]] = (CPU, "cuda")
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
        PROVIDER,
    )

    def version(self) -> str:
        """The installed version of ONNX Runtime."""
        import onnxruntime

        return str(onnxruntime.__version__)

    def lacks(self) -> Iterable[Lack]:
        """See `dse.core.backend.Built`."""
        return lacks(self.devices)

    def refusals(self) -> tuple[type[Exception], ...]:
        """A call by names raises classes of its own, one with bound memory a plain error."""
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        return (
            *(RuntimeError, ValueError, errors.Fail, errors.InvalidArgument),
            *(errors.NotImplemented, errors.RuntimeException),
        )

    def load(self, request: LoadRequest) -> _Session | DeviceSession:
        """Creates a session on the provider that is asked for, with the configuration's threads."""
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        # Where it is 1, a model's own metadata replace the options: threads, too.
        os.environ.pop("ORT_LOAD_CONFIG_FROM_MODEL", None)
        chosen = self._providers(request)
        wanted = name_of(chosen[0])
        if wanted not in ort.get_available_providers():
            raise UnsupportedError(not_built(wanted))
        if wanted == CUDA_PROVIDER:
            ort.preload_dlls()  # of CUDA and cuDNN, where they are Python packages
        try:
            # Without the last word it would go on with the CPU provider after any error.
            session = ort.InferenceSession(
                str(request.model_file),
                _options(request, wanted),
                providers=chosen,
                enable_fallback=0,
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
        return _opened(session, request, check(session, wanted))

    def _providers(self, request: LoadRequest) -> list[Provider]:
        return providers(request, str(next(k.default for k in self.knobs if k.name == "provider")))

    def code(self, request: LoadRequest, inputs: Sequence[Input]) -> list[str]:
        """See `dse.core.backend.Deployable`."""
        attributes = (
            f"options.{name} = {f'ort.{value}' if isinstance(value, str) else value}"
            for name, value in _attributes(request).items()
        )
        entries = (
            f'options.add_session_config_entry("{name}", "{text}")'
            for name, text in _entries(request).items()
        )
        before, given, after = code_of(self._providers(request))
        return [
            "import numpy as np",
            "import onnxruntime as ort",
            "",
            "options = ort.SessionOptions()",
            *attributes,
            *entries,
            *before,
            *call(
                "session = ort.InferenceSession",
                [repr(str(request.model_file)), "options", *given],
            ),
            *after,
            "names = [one.name for one in session.get_inputs()]",
            f"arrays = {arrays(inputs)}",
            "outputs = session.run(None, dict(zip(names, arrays)))",
        ]


def _options(request: LoadRequest, provider: str) -> Any:
    import onnxruntime as ort

    inter_op_threads = int(request.knob("inter_op_threads", 1))
    if inter_op_threads < 1:
        raise UnsupportedError(f"inter_op_threads={inter_op_threads} is not a number of threads")
    if inter_op_threads > 1 and not _parallel(request):
        raise UnsupportedError(f"{inter_op_threads} inter_op_threads need execution_mode parallel")
    options = ort.SessionOptions()
    for name, value in _attributes(request).items():
        setattr(options, name, attrgetter(value)(ort) if isinstance(value, str) else value)
    for name, text in _entries(request).items():
        options.add_session_config_entry(name, text)
    if provider != CPU_PROVIDER:
        options.add_session_config_entry(ASSIGNMENT, "1")
    options.log_severity_level = 3
    return options


def _parallel(request: LoadRequest) -> bool:
    return request.knob("execution_mode", "sequential") == "parallel"


def _attributes(request: LoadRequest) -> dict[str, str | int | bool]:
    """The attributes of the session's options; a word is the name of a member of the package."""
    mode = "ORT_PARALLEL" if _parallel(request) else "ORT_SEQUENTIAL"
    level = GRAPH_OPTIMIZATION[str(request.knob("graph_optimization", "all"))]
    return {
        "intra_op_num_threads": request.configuration.threads,
        "inter_op_num_threads": int(request.knob("inter_op_threads", 1)),
        "execution_mode": f"ExecutionMode.{mode}",
        "graph_optimization_level": f"GraphOptimizationLevel.{level}",
        "enable_cpu_mem_arena": bool(request.knob("arena", True)),
    }


def _entries(request: LoadRequest) -> dict[str, str]:
    """The entries of the session's configuration."""
    spinning = "1" if request.knob("spinning", True) else "0"
    exact = {"session.x64quantprecision": "1"} if request.knob("exact_int8", False) else {}
    return {
        "session.intra_op.allow_spinning": spinning,
        "session.inter_op.allow_spinning": spinning,
        **exact,
    }


class _Session:
    """A session whose inputs and outputs are bound: `run` itself would look them up each time.

    What a file declares of its outputs need not hold, and may differ from sample to sample. So each
    call makes them anew, unless all shapes follow from those of the inputs, and the first calls
    agree: from then on the memory of the outputs is bound, too.

    Args:
        session: of onnxruntime.
        inputs: names, in the order of a batch's arrays.
        outputs: those that are computed; the first is what a prediction returns.
        others: names of those that are not.
        calls: the number of calls that tell the shapes: 1 for scores, which have a row for each
            sample, and 0 where nothing tells them.
        assigned: see `dse.core.backend.Assigned`.
    """

    def __init__(
        self,
        session: Any,
        inputs: Sequence[str],
        outputs: Sequence[Any],
        others: Sequence[str],
        calls: int,
        assigned: str,
    ) -> None:
        import numpy as np

        self.assigned = assigned
        self._session = session
        self._inputs, self._others = inputs, others
        self._outputs = outputs
        self._names = [one.name for one in outputs]
        self._declared = [(one.type, _shape(one)) for one in outputs]
        self._calls, self._alone = calls, calls == 1
        self._shapes: list[tuple[int, ...]] = []
        self._seen: list[tuple[Shape, ...] | None] = []
        self._targets: Sequence[Any] = ()
        self._scores: NDArray[np.generic] = np.empty(0)

    def reshaped(self, _: Signature) -> _Session:
        """See `dse.core.backend.Reshapable`: what the session refuses, it refuses in a call."""
        own = self._inputs, self._outputs, self._others, self._calls, self.assigned
        return _Session(self._session, *own)

    def bind(self, batch: Batch) -> Any:
        import onnxruntime as ort

        arrays = arrays_of(batch)
        values = [ort.OrtValue.ortvalue_from_numpy(array) for array in arrays]
        binding = self._session.io_binding()
        for name, value in zip(self._inputs, values, strict=True):
            binding.bind_ortvalue_input(name, value)
        call = partial(self._call_anew, binding)
        shapes = [array.shape for array in arrays]
        if shapes != self._shapes:
            self._seen, self._targets, self._scores = [], (), self._scores[:0]
            if self._alone:
                call()  # before LoadGen's clock starts, as all of this
                self._learn(binding.get_outputs())
            self._shapes = shapes
        if self._targets:
            for name, target in zip(self._names, self._targets, strict=True):
                binding.bind_ortvalue_output(name, target)
            call = partial(self._session.run_with_iobinding, binding)
        return call, binding, values  # the binding alone would not keep the batch's memory

    def _call_anew(self, binding: Any) -> None:
        """Bound once, a name would stand for the memory of the first call."""
        for name in self._names:
            binding.bind_output(name)
        self._session.run_with_iobinding(binding)
        if self._alone:
            self._scores = _scores(self._names[0], binding.get_outputs()[0])

    def _learn(self, found: Sequence[Any]) -> None:
        """Takes the memory of the outputs of a call, if they have proved to be as declared.

        Given memory of any other shape, the runtime would refuse the call.
        """
        held = all(_holds(*pair) for pair in zip(self._declared, found, strict=True))
        self._seen.append(tuple(tuple(one.shape()) for one in found) if held else None)
        if len(self._seen) == self._calls and len(set(self._seen)) == 1 and held:
            self._targets, self._scores = found, found[0].numpy()

    def predict(self, bound: Any) -> NDArray[np.generic]:
        bound[0]()
        return self._scores

    def outputs(self, bound: Any) -> Outputs:
        call, binding, _ = bound
        call()
        values = binding.get_outputs()
        if len(self._seen) < self._calls:
            self._learn(values)
        found = zip(self._names, map(_array, values), strict=True)
        return (*found, *((name, None) for name in self._others))

    def close(self) -> None:
        del self._session, self._outputs, self._targets, self._scores


def _opened(session: Any, request: LoadRequest, assigned: str) -> _Session | DeviceSession:
    """The session with its inputs and outputs; the scores alone are computed where they count."""
    own, outputs = session.get_inputs(), session.get_outputs()
    inputs = [one.name for one in (request.signature.inputs if request.signature else own)]
    on_cpu = request.configuration.device == CPU
    if request.scores is None:
        if not on_cpu:
            return DeviceSession(session, inputs, [one.name for one in outputs], (), assigned)
        named = {dim for one in own for dim in one.shape if dim is not None}
        sizes = [dim for one in outputs for dim in one.shape]
        fixed = all(isinstance(dim, int) or dim in named for dim in sizes)
        return _Session(session, inputs, outputs, (), CALLS if fixed else 0, assigned)
    scores = outputs[find_scores([(one.name, _shape(one)) for one in outputs], request.scores)]
    others = [one.name for one in outputs if one is not scores]
    if not on_cpu:
        return DeviceSession(session, inputs, [scores.name], others, assigned)
    return _Session(session, inputs, [scores], others, 1, assigned)


def _array(value: Any) -> NDArray[Any] | None:
    """The array of an output; None for a sequence, a map, and what numpy has no type for."""
    return value.numpy() if value.data_type() in _ARRAYS else None


def _scores(name: str, value: Any) -> NDArray[np.generic]:
    """The array of scores; refuses an output that is none."""
    if (found := _array(value)) is None:
        raise UnsupportedError(f"the output '{name}' is no array of numbers: {value.data_type()}")
    return found


def _holds(declared: tuple[str, Sequence[int | None]], value: Any) -> bool:
    """Whether an output holds numbers as declared; an empty shape stands for any.

    One without elements does not: exporters, too, may have seen an input without a detection.
    """
    kind, shape = declared
    if kind not in _ARRAYS - {"tensor(string)"} or value.data_type() != kind:
        return False
    found = value.shape()
    fits = len(shape) == len(found) and all(
        size in (None, one) for size, one in zip(shape, found, strict=True)
    )
    return 0 not in found and (not shape or fits)


def _shape(output: Any) -> list[int | None]:
    """The shape of an output; its dimensions may have names, or nothing at all."""
    return [size if isinstance(size, int) else None for size in output.shape]

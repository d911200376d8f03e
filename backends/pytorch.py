"""PyTorch on the CPU, in an environment of its own; an ONNX file becomes a graph of its functions.

Its own format, the exported program, is not read: loading one unpickles what the file holds, so a
file could run any code.
"""

from __future__ import annotations

from importlib import metadata
from threading import get_ident, local
from typing import TYPE_CHECKING, Any, ClassVar, cast

from dse.core.backend import Knob, LoadRequest, arrays_of
from dse.machine.instruction_sets import BF16

from ._converted import read_declared
from ._onnx_inputs import ByShape, expected_inputs
from ._scores import choose_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import ModelFormat

    from ._scores import Chosen

    Call = Callable[..., Sequence[Any]]
    """Takes a tensor for each input; returns one for each output."""
    Shape = tuple[int, ...]


class PyTorch:
    """PyTorch, eager or compiled by its inductor."""

    name: ClassVar[str] = "pytorch"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16")
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(
            "compile",
            (False, True),
            False,
            "the graph becomes C++ of its own, which takes g++ and some time at each load",
            numeric=True,
        ),
        Knob(
            "channels_last",
            (True, False),
            True,
            "convolutions have the channels of a pixel side by side",
            numeric=True,
        ),
        Knob(
            "inference_precision",
            ("f32", "bf16"),
            "f32",
            "precision of convolutions and products of matrices; bf16 where the CPU has it",
            numeric=True,
            # It would compute in bf16 on any CPU, slowly where there are no instructions for it.
            requires={"bf16": BF16},
        ),
    )

    def version(self) -> str:
        """The installed version of PyTorch."""
        import torch  # noqa: F401  # the native part must load, too

        return metadata.version("torch")

    def refusals(self) -> tuple[type[Exception], ...]:
        """What its functions raise; an index beyond a table's end is an `IndexError`."""
        return RuntimeError, ValueError, IndexError

    def load(self, request: LoadRequest) -> _Model:
        """Writes the model's graph for the configuration's batch and threads."""
        import torch

        from . import _torch_from_onnx as files

        if request.knob("compile", False):
            from ._torch_compiled import choose_folder

            choose_folder()
        declared = read_declared(request)
        source = files.read(request.model_file)
        inputs = expected_inputs(declared, request)
        outputs = choose_outputs(declared, request.scores)
        for one in files.inputs_of(source):
            files.dtype_name(one)  # refused now rather than at a batch
        if torch.get_num_interop_threads() != 1:
            torch.set_num_interop_threads(1)  # of use to nothing here
        _enter(request.configuration.threads)  # tensors made in this mode are called with less work

        def make(shapes: Sequence[Shape]) -> Call:
            given = {one.name: shape for one, shape in zip(inputs, shapes, strict=True)}
            module = files.to_module(source, given, outputs.computed)
            return _finished(module, request, shapes, [one.dtype for one in inputs])

        return _Model(ByShape(inputs, make), outputs, request.configuration.threads)


def _finished(
    module: Any, request: LoadRequest, shapes: Sequence[Shape], dtypes: Sequence[str]
) -> Call:
    """The module as the knobs want it.

    Args:
        module: a graph.
        request: with the knobs.
        shapes: of the inputs.
        dtypes: of the inputs, by name.
    """
    import torch

    from ._torch_fusions import fuse, lay_out, overwrite

    _enter(request.configuration.threads)  # compiled code has its number of threads
    fuse(module)
    if request.knob("inference_precision", "f32") == "bf16":
        from ._torch_bfloat16 import to_bfloat16

        to_bfloat16(module)
    if request.knob("channels_last", True):
        lay_out(module)
    if request.knob("compile", False):
        from ._torch_compiled import compile_graph

        inputs = zip(shapes, dtypes, strict=True)
        zeros = [torch.zeros(shape, dtype=getattr(torch, dtype)) for shape, dtype in inputs]
        return compile_graph(module, zeros)
    overwrite(module)
    return cast("Call", module.forward)


_READY = local()
"""By thread: the number of threads that its calls are spread over."""
_GUARDS: list[Any] = []
"""What keeps threads in inference mode; freed, each would leave it in whatever thread frees it."""


def _enter(threads: int) -> None:
    """Prepares the thread that calls: both settings hold for one thread alone."""
    import torch

    if getattr(_READY, "threads", None) != threads:
        torch.set_num_threads(threads)
        _READY.threads = threads
    if not torch.is_inference_mode_enabled():
        guard = torch.inference_mode()
        guard.__enter__()
        _GUARDS.append(guard)


class _Model:
    """A graph that is called with tensors in the memory of a batch.

    Args:
        calls: what computes.
        outputs: of the model.
        threads: that a call is spread over.
    """

    def __init__(self, calls: ByShape[Call], outputs: Chosen, threads: int) -> None:
        self._calls, self._outputs = calls, outputs
        self._threads, self._thread = threads, 0

    def bind(self, batch: Batch) -> Any:
        import torch

        return self._calls.find(batch), [torch.from_numpy(array) for array in arrays_of(batch)]

    def predict(self, bound: Any) -> NDArray[np.generic]:
        if get_ident() != self._thread:
            self._enter()
        call, tensors = bound
        scores: NDArray[np.generic] = call(*tensors)[0].numpy()
        return scores

    def _enter(self) -> None:
        _enter(self._threads)
        self._thread = get_ident()

    def outputs(self, bound: Any) -> Outputs:
        self._enter()
        call, tensors = bound
        return self._outputs.named(tensor.numpy() for tensor in call(*tensors))

    def close(self) -> None:
        self._calls.close()

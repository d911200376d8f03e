"""ExecuTorch with XNNPACK, in an environment of its own; an ONNX file becomes a program for it.

Its own format (``.pte``) is made here alone, see `backends._executorch_programs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

from dse.core.backend import Knob, LoadRequest, UnsupportedError, arrays_of

from ._converted import convert, read_declared
from ._executorch_programs import Recipe
from ._onnx_inputs import ByShape, Expected, expected_inputs, known_shapes
from ._scores import Chosen, choose_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import ModelFormat

    Shape = tuple[int, ...]

METHOD = "forward"
"""The name that an exported module has in its program."""


class ExecuTorch:
    """ExecuTorch's runtime, whose programs have XNNPACK compute what it can."""

    name: ClassVar[str] = "executorch"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8")
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(
            "xnnpack",
            (True, False),
            True,
            "XNNPACK computes what it can; without it ExecuTorch's own kernels do",
            numeric=True,
        ),
    )

    def version(self) -> str:
        """The installed version of ExecuTorch."""
        _runtime()  # the native part must load, too
        return metadata.version("executorch")

    def refusals(self) -> tuple[type[Exception], ...]:
        """What the bindings raise, and what is raised here."""
        return RuntimeError, ValueError

    def prepare(self, request: LoadRequest) -> None:
        """See `dse.core.backend.Preparing`."""
        plan = _plan(request)
        if (shapes := known_shapes(plan.inputs)) is not None:
            plan.find_program(shapes)

    def load(self, request: LoadRequest) -> _Model:
        """Loads a program whose inputs have the configuration's batch."""
        configuration = request.configuration
        if configuration.instances > 1:
            raise UnsupportedError(
                f"{configuration.instances} instances: ExecuTorch's Python bindings hold the "
                "interpreter while they compute, so one would wait for the other"
            )
        return _Model(_plan(request), configuration.threads)


def _runtime() -> Any:
    """The bindings alone: the package around them imports the exporter."""
    import torch  # noqa: F401  # its libraries must be there first
    from executorch.extension.pybindings import _C

    return _C


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a program computes of what.

    Attributes:
        model: the file.
        inputs: in the order of a batch's arrays.
        outputs: of the model.
        xnnpack, integers: see `Recipe`.
    """

    model: Path
    inputs: list[Expected]
    outputs: Chosen
    xnnpack: bool
    integers: bool

    def find_program(self, shapes: Sequence[Shape]) -> str:
        """The path of the program for inputs of these shapes; raises as `convert`."""
        inputs = tuple(zip((one.name for one in self.inputs), shapes, strict=True))
        recipe = Recipe(inputs, self.outputs.computed, self.xnnpack, self.integers)
        return convert(recipe, self.model).paths[0]


def _plan(request: LoadRequest) -> _Plan:
    """What to make of a request.

    Raises:
        LoadError: the file can't be read.
        UnsupportedError: it has several inputs, other sizes, or no output with the scores.
    """
    xnnpack = bool(request.knob("xnnpack", True))
    integers = request.configuration.precision == "int8"
    if integers and not xnnpack:
        raise UnsupportedError("int8 needs XNNPACK: ExecuTorch's own kernels compute in float32")
    declared = read_declared(request)
    outputs = choose_outputs(declared, request.scores)
    assert request.model_file is not None  # noqa: S101  # it has been read
    inputs = expected_inputs(declared, request)
    return _Plan(request.model_file, inputs, outputs, xnnpack, integers)


class _Pool:
    """XNNPACK's pool of threads, which is one for the whole process.

    A loaded program holds on to the pool that it found. So a pool of another size takes the place
    of the last one when a program of that size is called, which is then loaded again. All programs
    of a worker have one size: there the pool is made once.

    Attributes:
        number: of the pool; another one for each.
    """

    def __init__(self) -> None:
        self.number = 0
        self._threads = 0
        self._programs: WeakSet[_Program] = WeakSet()

    def enter(self, program: _Program) -> None:
        """Loads a program into a pool of its size.

        The first one has a new pool in any case: its threads inherit the CPUs of their maker.

        Raises:
            UnsupportedError: there can be no pool of that size; see also `_Program.load`.
        """
        if self._threads != program.threads or not self._programs:
            runtime = _runtime()
            runtime._unsafe_reset_threadpool(program.threads)  # noqa: SLF001  # its only name
            count = runtime._threadpool_get_thread_count()  # noqa: SLF001
            if count != program.threads:
                raise UnsupportedError(f"a pool of {program.threads} threads has {count}")
            self._threads = count
            self.number += 1
        self._programs.add(program)
        if program.pool != self.number:
            program.load(self.number)

    def leave(self, program: _Program) -> None:
        """Forgets a program that is called no more."""
        self._programs.discard(program)


_POOL = _Pool()


class _Program:
    """A program that reads its inputs where they are, and whose outputs stay where they are.

    Args:
        path: of the file.
        threads: the size of the pool that it computes in.

    Attributes:
        threads: see above.
        pool: the number of the pool that it holds on to.
        call: takes the tensors of a call, and whether to copy the outputs, which it returns, too.
        arrays: the outputs.
        scores: the first of them.
    """

    call: Callable[[Sequence[Any], bool], object]
    arrays: list[NDArray[Any]]
    scores: NDArray[np.generic]

    def __init__(self, path: str, threads: int) -> None:
        self.threads = threads
        self.pool = 0
        self._path = path
        self._methods: list[Any] = []

    def load(self, pool: int) -> None:
        """Loads it; what was loaded for another pool stays, as its outputs may still be read.

        Raises:
            UnsupportedError: the runtime lacks something that the program needs.
        """
        try:
            program = _runtime()._load_program(self._path)  # noqa: SLF001
            method = program.load_method(METHOD)
        except RuntimeError as error:
            raise UnsupportedError(f"ExecuTorch can't load the program: {error}") from error
        self._methods.append(method)
        self.call = method.call  # one call of the bindings takes 8 us less than two
        self.arrays = [tensor.numpy() for tensor in method.get_outputs(False)]
        self.scores = self.arrays[0]
        self.pool = pool


class _Model:
    """A program for inputs of the shapes that were bound last.

    Args:
        plan: what it computes.
        threads: the size of the pool that it computes in.
    """

    def __init__(self, plan: _Plan, threads: int) -> None:
        def make(shapes: Sequence[Shape]) -> _Program:
            program = _Program(plan.find_program(shapes), threads)
            _POOL.enter(program)
            return program

        self._outputs = plan.outputs
        self._programs = ByShape(plan.inputs, make, _POOL.leave)

    def bind(self, batch: Batch) -> Any:
        import torch

        arrays = arrays_of(batch)
        if not all(array.flags.c_contiguous for array in arrays):
            raise ValueError("the batch is not C-contiguous")
        return self._programs.find(batch), [torch.from_numpy(array) for array in arrays]

    def predict(self, bound: Any) -> NDArray[np.generic]:
        program, tensors = bound
        if program.pool != _POOL.number:
            _POOL.enter(program)
        program.call(tensors, False)
        return program.scores  # type: ignore[no-any-return]

    def outputs(self, bound: Any) -> Outputs:
        self.predict(bound)
        return self._outputs.named(bound[0].arrays)

    def close(self) -> None:
        self._programs.close()

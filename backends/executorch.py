"""ExecuTorch with XNNPACK, in an environment of its own; an ONNX file becomes a program for it.

Its own format (``.pte``) is made here alone, see `backends._executorch_programs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar, cast
from weakref import WeakSet

from dse.core.backend import Knob, LoadRequest, UnsupportedError, arrays_of
from dse.core.signature import shape_text

from ._converted import read_declared
from ._executorch_programs import Recipe, find_program
from ._scores import find_scores, scores_first

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import ModelFormat
    from dse.formats.interface import Interface

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
        if plan.settled:
            shapes = [cast("Shape", one.shape) for one in plan.inputs]
            find_program(plan.model, plan.recipe(shapes))

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
class _Wanted:
    """An input as each batch has it.

    Attributes:
        name: in the file.
        shape: None for a size that the file leaves open: then the first batch tells it.
        dtype: as numpy names it.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a program computes of what.

    Attributes:
        model: the file.
        inputs: in the order of a batch's arrays.
        outputs: names of those that are computed; the first is what a prediction returns.
        others: names of those that are not.
        xnnpack, integers: see `Recipe`.
    """

    model: Path
    inputs: tuple[_Wanted, ...]
    outputs: tuple[str, ...]
    others: tuple[str, ...]
    xnnpack: bool
    integers: bool

    @property
    def settled(self) -> bool:
        """Whether all sizes are known before there is a batch."""
        return all(None not in one.shape for one in self.inputs)

    def recipe(self, shapes: Sequence[Shape]) -> Recipe:
        """How to make the program for inputs of these shapes."""
        inputs = zip((one.name for one in self.inputs), shapes, strict=True)
        return Recipe(tuple(inputs), self.outputs, self.xnnpack, self.integers)


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
    outputs = [(one.name, one.shape) for one in declared.outputs]
    index = find_scores(outputs, request.scores)
    names = tuple(name for name, _ in scores_first(tuple((n, None) for n, _ in outputs), index))
    count = len(names) if request.scores is None else 1
    assert request.model_file is not None  # noqa: S101  # it has been read
    return _Plan(
        request.model_file,
        _wanted(request, declared),
        names[:count],
        names[count:],
        xnnpack,
        integers,
    )


def _wanted(request: LoadRequest, declared: Interface) -> tuple[_Wanted, ...]:
    """The inputs in the order of a batch's arrays.

    Raises:
        UnsupportedError: the file has other ones, or other sizes.
    """
    known = {one.name: one for one in declared.inputs}
    size = request.configuration.batch_size
    shapes: dict[str, tuple[int | None, ...]]
    if request.signature is None:
        one = declared.inputs[0]
        shapes = {one.name: (size, *(one.shape or ())[1:])}
    else:
        shapes = {one.name: tuple(one.shape) for one in request.signature.of_batch(size)}
    for name, shape in shapes.items():
        if name not in known:
            raise UnsupportedError(f"the model has no input '{name}'")
        own = known[name].shape
        if own is not None and not _fits(own, shape):
            told = f"{shape_text(own)} for the input '{name}', not {shape_text(shape)}"
            raise UnsupportedError(f"the file fixes sizes: {told}")
    return tuple(_Wanted(name, shape, known[name].dtype) for name, shape in shapes.items())


def _fits(own: Sequence[int | None], shape: Sequence[int | None]) -> bool:
    return len(own) == len(shape) and all(
        None in pair or pair[0] == pair[1] for pair in zip(own, shape, strict=True)
    )


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
        self._plan, self._threads = plan, threads
        self._shapes: list[Shape] = []
        self._program: _Program | None = None
        if plan.settled:
            self._open([cast("Shape", one.shape) for one in plan.inputs])

    def _open(self, shapes: list[Shape]) -> _Program:
        if self._program is None or shapes != self._shapes:
            self.close()
            path = find_program(self._plan.model, self._plan.recipe(shapes))
            program = _Program(path, self._threads)
            _POOL.enter(program)
            self._program, self._shapes = program, shapes
        return self._program

    def bind(self, batch: Batch) -> Any:
        import torch

        arrays = arrays_of(batch)
        for one, array in zip(self._plan.inputs, arrays, strict=True):
            if not _fits(one.shape, array.shape) or array.dtype.name != one.dtype:
                told = f"{array.dtype} {array.shape}"
                raise ValueError(f"{told} in the place of {one.dtype} {one.shape}")
            if not array.flags.c_contiguous:
                raise ValueError("the batch is not C-contiguous")
        program = self._open([array.shape for array in arrays])
        return program, [torch.from_numpy(array) for array in arrays]

    def predict(self, bound: Any) -> NDArray[np.generic]:
        program, tensors = bound
        if program.pool != _POOL.number:
            _POOL.enter(program)
        program.call(tensors, False)
        return program.scores  # type: ignore[no-any-return]

    def outputs(self, bound: Any) -> Outputs:
        self.predict(bound)
        found = zip(self._plan.outputs, bound[0].arrays, strict=True)
        return (*found, *((name, None) for name in self._plan.others))

    def close(self) -> None:
        if self._program is not None:
            _POOL.leave(self._program)
            self._program = None

"""MNN on its CPU backend; an ONNX file is converted by MNN's own converter as it is loaded."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.backend import Knob, LoadRequest, UnsupportedError, arrays_of
from dse.core.launcher import launch_command
from dse.core.signature import shape_text

from ._converted import convert, read_declared
from ._reference import check_answers
from ._scores import check_amounts, find_scores, scores_first
from ._snippet import INDENT, arrays

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Input
    from dse.formats.interface import Interface, TensorInfo

    Shape = tuple[int, ...]
    Bound = list[tuple[NDArray[Any], NDArray[Any]]]
    """Memory of an input, and the array that is copied into it."""

WINOGRAD_HINT = 3
"""MNN's number of the hint on the tiles of Winograd's algorithm."""
WINOGRAD = {"none": 0, "small": 1, "any": 3}
NARROWED = {"int64": "int32", "float64": "float32"}
"""Types that MNN computes in a narrower one, inputs included."""


class MNN:
    """MNN's interpreter with one session."""

    name: ClassVar[str] = "mnn"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32",)
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(
            "precision_mode",
            ("normal", "low"),
            "normal",
            "low computes in float16 where the CPU has it",
            numeric=True,
            # Elsewhere it is float32 as well, without a word.
            requires={"low": ("asimdhp",)},
        ),
        Knob(
            "winograd",
            tuple(WINOGRAD),
            "any",
            "tiles of Winograd's algorithm for convolutions; small ones or none take less memory",
            numeric=True,
        ),
    )

    def version(self) -> str:
        """The installed version of MNN."""
        import MNN  # noqa: F401  # the native part must load, too

        return metadata.version("MNN")

    def refusals(self) -> tuple[type[Exception], ...]:
        """What is raised here: the bindings only give codes."""
        return RuntimeError, ValueError

    def prepare(self, request: LoadRequest) -> None:
        """See `dse.core.backend.Preparing`."""
        declared = read_declared(request)
        _converted(request)
        check_answers(self.name, request, declared)

    def load(self, request: LoadRequest) -> _Session:
        """Creates a session whose inputs have the configuration's batch."""
        configuration = request.configuration
        if configuration.threads > 1 and configuration.instances > 1:
            raise UnsupportedError(
                f"{configuration.instances} instances of {configuration.threads} threads: MNN has "
                "one pool of threads for the whole process"
            )
        declared = read_declared(request)
        shapes = _shapes(request, declared)
        return _open(_converted(request), request, declared, shapes)

    def code(self, request: LoadRequest, inputs: Sequence[Input]) -> list[str]:
        """See `dse.core.backend.Deployable`."""
        config = (f"{name!r}: {value!r}" for name, value in _config(request).items())
        if len(inputs) == 1:
            tensors = "tensors = [interpreter.getSessionInput(session)]"
        else:
            names = [one.name for one in inputs]
            tensors = f"tensors = [interpreter.getSessionInput(session, name) for name in {names}]"
        return [
            "import _tools  # MNN's converter; the program mnnconvert calls its makers",
            "import MNN",
            "import numpy as np",
            "",
            f"file = {str(request.model_file)!r}",
            'words = ["", "-f", "ONNX", "--modelFile", file, "--MNNModel", "model.mnn"]',
            "_tools.mnnconvert(words)",
            'interpreter = MNN.Interpreter("model.mnn")',
            f"interpreter.setSessionHint({WINOGRAD_HINT}, {_winograd(request)})",
            f"config = {{{', '.join(config)}}}",
            "session = interpreter.createSession(config)",
            tensors,
            f"arrays = {arrays(inputs)}",
            "for tensor, array in zip(tensors, arrays):",
            f"{INDENT}interpreter.resizeTensor(tensor, array.shape)",
            "interpreter.resizeSession(session)",
            "for tensor, array in zip(tensors, arrays):",
            f"{INDENT}np.copyto(tensor.getNumpyData(), array)",
            "interpreter.runSession(session)",
            "found = interpreter.getSessionOutputAll(session)",
            "outputs = [tensor.getNumpyData() for tensor in found.values()]",
        ]


@dataclass(frozen=True, slots=True)
class _Converter:
    """See `backends._converted.Converter`."""

    failure: ClassVar[str] = "MNN's converter can't convert the file"

    def maker(self) -> str:
        return f"mnn-{metadata.version('MNN')}"

    def options(self) -> str:
        return ""

    def command(self, model: Path, folder: Path) -> list[str]:
        words = [str(model), str(folder / self.results()[0])]
        return launch_command(sys.executable, f"{__package__}._mnn_converter", *words, bound=True)

    def results(self) -> list[str]:
        return ["model.mnn"]


def _converted(request: LoadRequest) -> str:
    """The path of what MNN's converter makes of the model file."""
    assert request.model_file is not None  # noqa: S101  # it has been read
    return convert(_Converter(), request.model_file).paths[0]


def _config(request: LoadRequest) -> dict[str, str | int]:
    """What a session is created with."""
    return {
        "backend": "CPU",
        "numThread": request.configuration.threads,
        "precision": str(request.knob("precision_mode", "normal")),
    }


def _winograd(request: LoadRequest) -> int:
    return WINOGRAD[str(request.knob("winograd", "any"))]


def _shapes(request: LoadRequest, declared: Interface) -> list[Shape]:
    """The shape that each input is to have, in the order of the file.

    Raises:
        UnsupportedError: the file has another one.
    """
    batch_size = request.configuration.batch_size
    if request.signature is None:
        sizes = declared.inputs[0].shape or ()
        wanted = [(batch_size, *(1 if size is None else size for size in sizes[1:]))]
    else:
        wanted = [one.shape for one in request.signature.of_batch(batch_size)]
    for one, shape in zip(declared.inputs, wanted, strict=True):
        fixed = one.shape if one.shape is not None else shape
        if len(fixed) != len(shape) or any(
            size not in (None, own) for size, own in zip(fixed, shape, strict=True)
        ):
            # MNN would resize it, and what follows from a fixed size would be wrong.
            wanted_text = shape_text(shape)
            raise UnsupportedError(f"the input '{one.name}' is {one.words}, not {wanted_text}")
    return wanted


def _open(
    path: str, request: LoadRequest, declared: Interface, shapes: Sequence[Shape]
) -> _Session:
    import MNN as runtime  # noqa: N811  # the class here has the name

    try:
        interpreter = runtime.Interpreter(path)
        interpreter.setSessionHint(WINOGRAD_HINT, _winograd(request))
        session = interpreter.createSession(_config(request))
        tensors = interpreter.getSessionInputAll(session)
        _check_names("input", declared.inputs, tensors)
        for one, shape in zip(declared.inputs, shapes, strict=True):
            interpreter.resizeTensor(tensors[one.name], shape)
        resized = interpreter.resizeSession(session)
        _check_names("output", declared.outputs, interpreter.getSessionOutputAll(session))
    except UnsupportedError:
        raise
    except Exception as error:  # the bindings raise nothing narrower
        raise UnsupportedError(str(error)) from error
    if not resized:
        given = ", ".join(shape_text(shape) for shape in shapes)
        raise UnsupportedError(f"MNN can't compute with inputs of {given}")
    return _Session(interpreter, session, request, declared)


def _check_names(what: str, declared: Sequence[TensorInfo], found: Mapping[str, Any]) -> None:
    """Refuses a model of which conversion has folded something away."""
    for one in declared:
        if one.name not in found:
            raise UnsupportedError(f"MNN finds no {what} '{one.name}' in the model")


class _Session:
    """A session whose inputs and outputs are seen as arrays: their memory stays where it is.

    Each call writes the inputs anew: MNN uses their memory for what it computes from them.
    """

    def __init__(
        self, interpreter: Any, session: Any, request: LoadRequest, declared: Interface
    ) -> None:
        self._interpreter, self._session = interpreter, session
        self._run = interpreter.runSession
        found = interpreter.getSessionInputAll(session)
        self._inputs = [_memory(found[one.name], one) for one in declared.inputs]
        self._types = [one.dtype for one in declared.inputs]
        outputs = interpreter.getSessionOutputAll(session)
        self._outputs = [(one.name, _memory(outputs[one.name], one)) for one in declared.outputs]
        check_amounts("MNN", declared, [array.shape for _, array in self._outputs])
        shapes = [(name, array.shape) for name, array in self._outputs]
        self._index = find_scores(shapes, request.scores)
        self._scores: NDArray[np.generic] = self._outputs[self._index][1]

    def bind(self, batch: Batch) -> Bound:
        bound = []
        for own, dtype, array in zip(self._inputs, self._types, arrays_of(batch), strict=True):
            if array.shape != own.shape or str(array.dtype) != dtype:
                raise ValueError(f"{array.dtype} {array.shape} in the place of {dtype} {own.shape}")
            bound.append((own, array))
        return bound

    def predict(self, bound: Bound) -> NDArray[np.generic]:
        for own, array in bound:
            own[...] = array
        if code := self._run(self._session):
            raise RuntimeError(f"MNN ended with code {code}")
        return self._scores

    def outputs(self, bound: Bound) -> Outputs:
        self.predict(bound)
        return scores_first(tuple(self._outputs), self._index)

    def close(self) -> None:
        del self._run, self._session, self._inputs, self._outputs, self._scores, self._interpreter


def _memory(tensor: Any, declared: TensorInfo) -> NDArray[Any]:
    """A tensor's own memory, which stays where it is until the session is resized.

    Raises:
        UnsupportedError: it holds numbers of another type than the file declares, or of one
            that the bindings do not know.
    """
    told = f"MNN shows no array of {declared.words} for '{declared.name}'"
    try:
        array: NDArray[Any] | None = tensor.getNumpyData()
    except SystemError as error:
        raise UnsupportedError(told) from error
    if array is None:  # of int8
        raise UnsupportedError(told)
    if str(array.dtype) not in (declared.dtype, NARROWED.get(declared.dtype)):
        raise UnsupportedError(f"MNN has {array.dtype} where the file has {declared.words}")
    return array

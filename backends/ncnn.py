"""ncnn on the CPU; an ONNX file is converted by ncnn's own tool, pnnx, as it is loaded.

The wheel of pnnx asks for PyTorch, which its program does not need to read ONNX: so ncnn has an
environment of its own, into which pip installs no more than what is pinned.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.backend import Knob, LoadRequest, UnsupportedError, arrays_of
from dse.core.launcher import launch_command
from dse.core.signature import shape_text
from dse.formats.data_files import find_data_files

from ._converted import Converted, convert, read_declared
from ._reference import check_answers
from ._scores import check_amounts, find_scores, scores_first
from ._snippet import zeros

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Input
    from dse.formats.interface import Interface

    Shape = tuple[int, ...]
    Bound = tuple[Any, NDArray[Any]]
    """A matrix of ncnn, if it lies in the memory of a batch, and that batch."""

ARITHMETIC = {
    "fp32": (),
    "fp16": ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"),
    "bf16": ("use_bf16_packed", "use_bf16_storage"),
}
"""ncnn's options for each value of a knob; all others of these are off."""
SWITCHES = {
    "winograd": "use_winograd_convolution",
    "sgemm": "use_sgemm_convolution",
    "packing": "use_packing_layout",
}
MAX_RANK = 4
"""Dimensions of an array that one matrix of ncnn holds, the batch among them."""
BATCH_AXIS = 0
INPUT = "in0"
"""Names that pnnx gives to inputs, and ``out0`` and so on to outputs, in the order of the file."""


class NCNN:
    """ncnn's network, with an extractor for each call."""

    name: ClassVar[str] = "ncnn"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32",)
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(
            "arithmetic",
            tuple(ARITHMETIC),
            "fp32",
            "numbers that are stored, and computed with where the CPU can",
            numeric=True,
            # Without them it is float32 as well, without a word.
            requires={"fp16": ("asimdhp", "avx512_fp16")},
        ),
        Knob(
            "winograd", (True, False), True, "Winograd's algorithm for convolutions", numeric=True
        ),
        Knob("sgemm", (True, False), True, "convolutions as products of matrices", numeric=True),
        Knob("packing", (True, False), True, "channels side by side in memory", numeric=True),
    )

    def version(self) -> str:
        """The installed version of ncnn."""
        import ncnn  # noqa: F401  # the native part must load, too

        return metadata.version("ncnn")

    def refusals(self) -> tuple[type[Exception], ...]:
        """What is raised here and by the bindings, which only give codes else."""
        return RuntimeError, ValueError

    def prepare(self, request: LoadRequest) -> None:
        """See `dse.core.backend.Preparing`."""
        declared = read_declared(request)
        _converted(request, _shape(request, declared))
        check_answers(self.name, request, declared)

    def load(self, request: LoadRequest) -> _Net:
        """Loads the network; the batch is a dimension of ncnn's own, beside those of a sample."""
        import ncnn

        declared = read_declared(request)
        shape = _shape(request, declared)
        files = _converted(request, shape)
        net = ncnn.Net()
        for name, value in _options(request).items():
            setattr(net.opt, name, value)
        if net.load_param(files.paths[0]) or net.load_model(files.paths[1]):
            raise UnsupportedError("ncnn does not know a layer of the converted model")
        places = [f"out{number}" for number in range(len(declared.outputs))]
        if set(net.output_names()) != set(places) or net.input_names() != [INPUT]:
            raise UnsupportedError("pnnx has folded an input or an output of the model away")
        make = _Net if request.configuration.batch_size == 1 else _Batched
        return make(net, request, declared, shape)

    def code(self, request: LoadRequest, inputs: Sequence[Input]) -> list[str]:
        """See `dse.core.backend.Deployable`."""
        options = (f"net.opt.{name} = {value}" for name, value in _options(request).items())
        words = ", ".join(map(repr, _words((1, *inputs[0].shape[1:]))))
        return [
            "import shutil",
            "import subprocess",
            "from importlib.util import find_spec",
            "from pathlib import Path",
            "",
            "import ncnn",
            "import numpy as np",
            "",
            f"shutil.copy({str(request.model_file)!r}, {MODEL!r})",
            'pnnx = Path(find_spec("pnnx").origin).with_name("pnnx")',
            f"words = [{words}]",
            "subprocess.run([pnnx, *words], check=True, stdout=subprocess.DEVNULL)",
            "net = ncnn.Net()",
            *options,
            f"net.load_param({RESULTS[0]!r})",
            f"net.load_model({RESULTS[1]!r})",
            f"array = {zeros(inputs[0])}",
            "extractor = net.create_extractor()",
            f'extractor.input("{INPUT}", ncnn.Mat(array, 0))',
            "names = sorted(net.output_names())",
            "found = [extractor.extract(name)[1] for name in names]",
            'outputs = [matrix.numpy("", 0) for matrix in found]',
        ]


MODEL = "model.onnx"
RESULTS = ("model.ncnn.param", "model.ncnn.bin")


def _words(shape: Shape) -> list[str]:
    """The arguments of pnnx for an input of that shape; it stores float16 unless told."""
    sizes = ",".join(map(str, shape))
    return [MODEL, f"inputshape=[{sizes}]f32", "fp16=0"]


@dataclass(frozen=True, slots=True)
class _Converter:
    """See `backends._converted.Converter`.

    Attributes:
        shape: of the input; it is part of what is made.
    """

    shape: Shape
    failure: ClassVar[str] = "pnnx can't convert the file"

    def maker(self) -> str:
        return f"pnnx-{metadata.version('pnnx')}"

    def options(self) -> str:
        return " ".join(_words(self.shape))

    def command(self, model: Path, folder: Path) -> list[str]:
        (folder / MODEL).symlink_to(model)  # it writes beside what it reads
        words = [str(_program()), *_words(self.shape)]
        return launch_command(sys.executable, f"{__package__}._program", *words, bound=True)

    def results(self) -> Sequence[str]:
        return RESULTS


def _program() -> Path:
    """The program pnnx of the wheel: its Python part would import PyTorch."""
    spec = importlib.util.find_spec("pnnx")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'pnnx'", name="pnnx")
    return Path(spec.origin).with_name("pnnx")


def _converted(request: LoadRequest, shape: Shape) -> Converted:
    assert request.model_file is not None  # noqa: S101  # it has been read
    if find_data_files(request.model_file, "onnx"):
        raise UnsupportedError("the weights are in another file, and pnnx reads only one")
    return convert(_Converter(shape), request.model_file)


def _options(request: LoadRequest) -> dict[str, bool | int]:
    """The options of a network."""
    chosen = ARITHMETIC[str(request.knob("arithmetic", "fp32"))]
    precise = {name: name in chosen for names in ARITHMETIC.values() for name in names}
    switches = {option: bool(request.knob(knob, True)) for knob, option in SWITCHES.items()}
    return {"num_threads": request.configuration.threads, **precise, **switches}


def _shape(request: LoadRequest, declared: Interface) -> Shape:
    """The shape of the input, with a batch of one: ncnn's networks know nothing of batches.

    Raises:
        UnsupportedError: the model or the configuration needs more than ncnn has.
    """
    if len(declared.inputs) != 1:
        raise UnsupportedError(f"the model has {len(declared.inputs)} inputs, not one")
    [one] = declared.inputs
    if request.signature is not None:
        if not request.signature.batched:
            raise UnsupportedError("the model takes no batches, and ncnn drops that dimension")
        shape = request.signature.inputs[0].shape
    else:
        shape = (1, *(1 if size is None else size for size in (one.shape or ())[1:]))
    if one.dtype != "float32" or not 1 < len(shape) <= MAX_RANK:
        wanted = f"float32 with {MAX_RANK} dimensions at most"
        raise UnsupportedError(f"the input '{one.name}' is {one.words}, not {wanted}")
    if one.shape is not None and one.shape[0] not in (None, 1):
        raise UnsupportedError(f"the input '{one.name}' is {one.words}, not {shape_text(shape)}")
    return shape


class _Net:
    """A network; each call has an extractor of its own, as ncnn's are used up.

    Args:
        net: of ncnn.
        request: what was loaded.
        declared: what the file has.
        shape: of the input.
    """

    def __init__(self, net: Any, request: LoadRequest, declared: Interface, shape: Shape) -> None:
        import ncnn
        import numpy as np

        self._net, self._create, self._matrix = net, net.create_extractor, ncnn.Mat
        self._asarray = np.asarray
        self._shape = (request.configuration.batch_size, *shape[1:])
        self._names = [one.name for one in declared.outputs]
        self._places = [f"out{number}" for number in range(len(self._names))]
        found = self._all(self._bound(np.zeros(self._shape, np.float32)))
        check_amounts("ncnn", declared, [array.shape for array in found])
        outputs = [(name, array.shape) for name, array in zip(self._names, found, strict=True)]
        self._index = find_scores(outputs, request.scores)
        self._place = self._places[self._index]

    def bind(self, batch: Batch) -> Bound:
        [array] = arrays_of(batch)
        if array.shape != self._shape or array.dtype.name != "float32":
            raise ValueError(f"{array.dtype} {array.shape} in the place of float32 {self._shape}")
        if not array.flags.c_contiguous:
            raise ValueError("the batch is not C-contiguous")
        return self._bound(array)

    def _bound(self, array: NDArray[Any]) -> Bound:
        """A single sample is read where it lies."""
        return self._matrix(array[0]), array

    def _matrix_of(self, bound: Bound) -> Any:
        return bound[0]

    def predict(self, bound: Bound) -> NDArray[np.generic]:
        extractor = self._create()
        extractor.input(INPUT, self._matrix_of(bound))
        code, matrix = extractor.extract(self._place)
        if code:
            raise RuntimeError(f"ncnn ended with code {code}")
        return self._array_of(matrix)

    def _array_of(self, matrix: Any) -> NDArray[Any]:
        """Lies in the matrix's own memory and keeps it; ncnn's own method takes twice as long."""
        array: NDArray[Any] = self._asarray(matrix)[None]
        return array

    def _all(self, bound: Bound) -> list[NDArray[Any]]:
        extractor = self._create()
        extractor.input(INPUT, self._matrix_of(bound))
        found = [extractor.extract(place) for place in self._places]
        if any(code for code, _ in found):
            raise UnsupportedError("ncnn can't compute an output of the model")
        return [self._array_of(matrix).copy() for _, matrix in found]

    def outputs(self, bound: Bound) -> Outputs:
        arrays = self._all(bound)
        return scores_first(tuple(zip(self._names, arrays, strict=True)), self._index)

    def close(self) -> None:
        del self._create, self._net


class _Batched(_Net):
    """A network that predicts several samples in a call, which ncnn copies into its own memory."""

    def _bound(self, array: NDArray[Any]) -> Bound:
        return None, array

    def _matrix_of(self, bound: Bound) -> Any:
        return self._matrix(bound[1], BATCH_AXIS)

    def _array_of(self, matrix: Any) -> NDArray[Any]:
        array: NDArray[Any] = matrix.numpy("", BATCH_AXIS)
        return array

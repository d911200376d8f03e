"""DeepSparse 1.8, the last release that runs models; its wheels end at Python 3.11 and numpy 1."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.backend import LoadError, LoadRequest, UnsupportedError, arrays_of

from ._scores import find_scores, scores_first
from ._snippet import arrays, call
from ._streamed import STREAMS, Streamed, streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Knob, Outputs, Scores
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Input, Signature


_REFUSALS = ("NOT_IMPLEMENTED", "ShapeInferenceError")
"""What the engine says of operators and of sizes that it does not take; the file is all right."""
CAVEAT = (
    "# Measured with each product of two DequantizeLinear as a MatMulInteger: the engine is",
    "# slower with the file as it is.",
)


class DeepSparse:
    """DeepSparse's engine, compiled for one batch size, a number of cores and of streams."""

    name: ClassVar[str] = "deepsparse"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "int8")
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (STREAMS,)

    def version(self) -> str:
        """The installed version of DeepSparse."""
        import deepsparse  # noqa: F401  # the native part must load, too

        return metadata.version("deepsparse")

    def refusals(self) -> tuple[type[Exception], ...]:
        """The bindings raise nothing but these."""
        return RuntimeError, ValueError

    def load(self, request: LoadRequest) -> Streamed:
        """Compiles the model for the configuration's batch, threads and streams."""
        import deepsparse

        count = streams(request)
        with _file(request) as (file, batch_size):
            try:
                engine = deepsparse.Engine(
                    # Absolute: a name that starts with `zoo:` or `hf:` would be downloaded.
                    file,
                    batch_size=batch_size,
                    num_cores=request.configuration.threads,
                    num_streams=count,
                    scheduler=_scheduler(count),
                )
            except (RuntimeError, ValueError, OSError) as error:
                refused = any(sign in str(error) for sign in _REFUSALS)
                raise (UnsupportedError if refused else LoadError)(str(error)) from error
        inputs = len(engine.input_names)
        if request.signature is None and inputs != 1:
            raise UnsupportedError(f"the model has {inputs} inputs, not one")
        # The library would lower the number without a word where the CPU has fewer cores.
        if engine.num_streams != count:
            raise UnsupportedError(f"{count} streams, of which this CPU has {engine.num_streams}")
        # The engine itself tells no shapes of outputs.
        make: Callable[[Any], _Stream] = _Stream
        if request.scores is not None and len(engine.output_names) > 1:
            make = partial(_OneOfSeveral, scores=request.scores)
        return Streamed([make(engine) for _ in range(count)])

    def code(self, request: LoadRequest, inputs: Sequence[Input]) -> list[str]:
        """See `dse.core.backend.Deployable`; a file that leaves other sizes open is refused."""
        count = streams(request)
        int8 = request.signature is not None and request.configuration.precision == "int8"
        return [
            *(CAVEAT if int8 else ()),
            "import deepsparse",
            "import numpy as np",
            "",
            *call(
                "engine = deepsparse.Engine",
                [
                    repr(str(request.model_file)),
                    f"batch_size={request.configuration.batch_size}",
                    f"num_cores={request.configuration.threads}",
                    f"num_streams={count}",
                    f'scheduler="{_scheduler(count)}"',
                ],
            ),
            f"arrays = {arrays(inputs)}",
            "outputs = engine.run(arrays)",
        ]


def _scheduler(count: int) -> str:
    """How the engine serves so many streams."""
    return "multi_stream" if count > 1 else "single_stream"


@contextmanager
def _file(request: LoadRequest) -> Iterator[tuple[str, int | None]]:
    """The file to compile, and the batch size that the engine is to set in it; None for no other.

    The engine sets no other dimension than the batch, and the library that could writes into the
    model's own file. So where there is a signature, a copy has its shapes, and its products in 8
    bits in the form in which the engine computes them as integers.
    """
    batch_size = request.configuration.batch_size
    if request.signature is None or request.model_file is None:
        yield str(request.model_file.absolute()) if request.model_file else "", batch_size
        return
    with tempfile.TemporaryDirectory(prefix="dse-") as folder:
        yield _with_shapes(request.model_file, request.signature, batch_size, Path(folder)), None


def _with_shapes(file: Path, signature: Signature, batch_size: int, folder: Path) -> str:
    """Writes a copy of a model into a folder, with a number for every dimension of its inputs.

    See `to_integer_products` for what else differs.
    """
    import onnx
    from google.protobuf.message import DecodeError

    from ._integer_products import to_integer_products

    try:
        model = onnx.load(str(file))
        shapes = {one.name: one.shape for one in signature.of_batch(batch_size)}
        for one in model.graph.input:
            if one.name in shapes:
                for dim, size in zip(one.type.tensor_type.shape.dim, shapes[one.name], strict=True):
                    dim.dim_value = size
        to_integer_products(model)
        copy = folder / "model.onnx"
        onnx.save(model, str(copy))
    except (DecodeError, onnx.checker.ValidationError, ValueError, OSError) as error:
        raise LoadError(str(error)) from error
    return str(copy)


class _Stream:
    """The engine as one thread calls it."""

    _index = 0
    """The index of the output that counts."""

    def __init__(self, engine: Any) -> None:
        self._run, self._names = engine.run, engine.output_names

    def bind(self, batch: Batch) -> list[NDArray[Any]]:
        arrays = arrays_of(batch)
        # The engine would make a copy of anything else, in the measured time and without a word.
        if not all(array.flags.c_contiguous for array in arrays):
            raise ValueError("the batch is not C-contiguous")
        return list(arrays)

    def predict(self, bound: list[NDArray[Any]]) -> NDArray[np.generic]:
        # False: shape and dtype are checked by the engine itself.
        scores: NDArray[np.generic] = self._run(bound, False)[self._index]
        return scores

    def outputs(self, bound: list[NDArray[Any]]) -> Outputs:
        found = tuple(zip(self._names, self._run(bound, False), strict=True))
        return scores_first(found, self._index)

    def close(self) -> None:
        del self._run


class _OneOfSeveral(_Stream):
    """Finds out with the first batch which of its outputs counts.

    Args:
        engine: of DeepSparse.
        scores: what is known of that output.
    """

    def __init__(self, engine: Any, scores: Scores) -> None:
        super().__init__(engine)
        self._scores = scores
        self._known = False

    def bind(self, batch: Batch) -> list[NDArray[Any]]:
        bound = super().bind(batch)
        if not self._known:
            shapes = [output.shape for output in self._run(bound)]
            named = list(zip(self._names, shapes, strict=True))
            self._index, self._known = find_scores(named, self._scores), True
        return bound

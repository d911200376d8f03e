"""TensorFlow on the CPU, in an environment of its own; an ONNX file becomes a function of it.

Its own format, the SavedModel, is not read: its graph may hold operators that read and write files,
so one of a stranger could do anything with them. Nor do converters such as onnx2tf make one of the
ONNX file: they pin dozens of packages, and what they write is a SavedModel again.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.backend import Knob, LoadRequest, UnsupportedError, arrays_of
from dse.machine.instruction_sets import BF16

from ._scores import find_scores, scores_first

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import ModelFormat

    from ._onnx_inputs import Expected
    from ._tf_session import Session

    Shape = tuple[int, ...]

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
"""The variable that TensorFlow reads once, as it is imported."""
QUIET = "TF_CPP_MIN_LOG_LEVEL"


class TensorFlow:
    """A function of TensorFlow, run operator by operator or compiled by XLA."""

    name: ClassVar[str] = "tensorflow"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32",)
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(
            "jit_compile",
            (False, True),
            False,
            "XLA compiles the function, which takes seconds at each load",
            numeric=True,
        ),
        Knob(
            "onednn",
            (True, False),
            True,
            "convolutions and products by oneDNN; false: by TensorFlow's own kernels",
            numeric=True,
        ),
        Knob(
            "inference_precision",
            ("f32", "bf16"),
            "f32",
            "precision of convolutions and products; bf16 by oneDNN, where the CPU has it",
            numeric=True,
            # It would compute in bf16 on any CPU, slowly where there are no instructions for it.
            requires={"bf16": BF16},
        ),
    )

    def version(self) -> str:
        """The installed version of TensorFlow.

        It is not imported: it would choose its kernels for good, before a configuration is known.
        """
        if importlib.util.find_spec("tensorflow") is None:
            raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
        try:
            return metadata.version("tensorflow_cpu")
        except metadata.PackageNotFoundError:
            return metadata.version("tensorflow")

    def refusals(self) -> tuple[type[Exception], ...]:
        """What its operators raise for arguments that they do not take."""
        from tensorflow import errors

        return errors.InvalidArgumentError, errors.UnimplementedError, ValueError, TypeError

    def prepare(self, request: LoadRequest) -> None:
        """Imports TensorFlow as the configuration wants it."""
        _start(request)

    def load(self, request: LoadRequest) -> _Model:
        """Writes the function for the configuration's batch, and calls it once."""
        _start(request)
        from . import _tf_from_onnx as files
        from ._onnx_inputs import expected_inputs, known_shapes
        from ._tf_session import Session

        source = files.read(request.model_file)
        expected = expected_inputs(files.inputs_of(source), request, files.dtype_name)
        outputs = [(one.name, files.declared_shape(one)) for one in source.graph.output]
        index = find_scores(outputs, request.scores)
        order = [name for name, _ in scores_first(tuple((n, None) for n, _ in outputs), index)]
        names = order if request.scores is None else order[:1]
        compiled, lowered = bool(request.knob("jit_compile", False)), _lowered(request)

        def make(shapes: Sequence[Shape]) -> Session:
            given = {one.name: shape for one, shape in zip(expected, shapes, strict=True)}
            function = files.to_function(source, given, names, compiled=compiled)
            threads = request.configuration.threads
            return Session(function, threads, compiled=compiled, lowered=lowered)

        model = _Model(make, expected, names, order[len(names) :])
        if (known := known_shapes(expected)) is not None:
            model.prepare(known)
        return model


def _lowered(request: LoadRequest) -> bool:
    """Whether products are computed in bfloat16.

    Raises:
        UnsupportedError: nothing does that with the other knobs.
    """
    if request.knob("inference_precision", "f32") == "f32":
        return False
    if request.knob("jit_compile", False) or not request.knob("onednn", True):
        raise UnsupportedError("bf16 is oneDNN's: it takes onednn=true and jit_compile=false")
    return True


def _start(request: LoadRequest) -> None:
    """Imports TensorFlow with the configuration's kernels and threads, which hold for the process.

    Raises:
        UnsupportedError: the process has begun with others.
    """
    configuration = request.configuration
    threads = configuration.threads
    if threads > 1 and configuration.instances > 1:
        raise UnsupportedError(
            f"{configuration.instances} instances of {threads} threads: TensorFlow has one pool of "
            "threads for the whole process"
        )
    wanted = "1" if request.knob("onednn", True) else "0"
    if "tensorflow" not in sys.modules:
        os.environ[ONEDNN] = wanted
        os.environ.setdefault(QUIET, "1")
    elif os.environ.get(ONEDNN) != wanted:
        raise UnsupportedError("oneDNN is on or off for a whole process, and this one has begun")
    import tensorflow as tf

    settings = tf.config.threading
    try:
        settings.set_intra_op_parallelism_threads(threads)
        settings.set_inter_op_parallelism_threads(1)  # operators run one after the other
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        if settings.get_intra_op_parallelism_threads() != threads:
            raise UnsupportedError(
                f"{threads} threads: this process has begun with another number, and TensorFlow "
                "has one pool of threads for the whole process"
            ) from None


class _Model:
    """A session that is called with the arrays of a batch.

    Args:
        make: makes what computes, for inputs of these shapes.
        expected: the inputs.
        names: of the outputs that are computed; the first is what a prediction returns.
        others: names of those that are not.
    """

    def __init__(
        self,
        make: Callable[[Sequence[Shape]], Session],
        expected: Sequence[Expected],
        names: Sequence[str],
        others: Sequence[str],
    ) -> None:
        self._make: Callable[[Sequence[Shape]], Session] | None = make
        self._expected = expected
        self._names, self._others = names, others
        self._shapes: list[Shape] = []
        self._session: Session | None = None

    def prepare(self, shapes: Sequence[Shape]) -> None:
        """Makes the session for inputs of these shapes; without it, the weights are held."""
        from ._onnx_inputs import known_shapes

        if self._make is not None:
            self._session, self._shapes = self._make(shapes), list(shapes)
        if known_shapes(self._expected) is not None:
            self._make = None

    def bind(self, batch: Batch) -> Any:
        from ._onnx_inputs import shapes_of_batch

        shapes = shapes_of_batch(self._expected, batch)
        if shapes != self._shapes:
            self.prepare(shapes)
        assert self._session is not None  # noqa: S101  # it has been made for these shapes
        return self._session.run, arrays_of(batch)

    def predict(self, bound: Any) -> NDArray[np.generic]:
        run, arrays = bound
        scores: NDArray[np.generic] = run(*arrays)[0]
        return scores

    def outputs(self, bound: Any) -> Outputs:
        run, arrays = bound
        found = zip(self._names, run(*arrays), strict=True)
        return (*found, *((name, None) for name in self._others))

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None

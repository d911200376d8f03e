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

from ._converted import read_declared
from ._onnx_inputs import ByShape, expected_inputs
from ._scores import choose_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import ModelFormat

    from ._scores import Chosen
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
        from ._tf_session import Session

        declared = read_declared(request)
        source = files.read(request.model_file)
        inputs = expected_inputs(declared, request)
        outputs = choose_outputs(declared, request.scores)
        for one in files.inputs_of(source):
            files.dtype_name(one)  # refused now rather than at a batch
        compiled, lowered = bool(request.knob("jit_compile", False)), _lowered(request)

        def make(shapes: Sequence[Shape]) -> Session:
            given = {one.name: shape for one, shape in zip(inputs, shapes, strict=True)}
            function = files.to_function(source, given, outputs.computed, compiled=compiled)
            threads = request.configuration.threads
            return Session(function, threads, compiled=compiled, lowered=lowered)

        return _Model(ByShape(inputs, make, Session.close), outputs)


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
        sessions: what computes.
        outputs: of the model.
    """

    def __init__(self, sessions: ByShape[Session], outputs: Chosen) -> None:
        self._sessions, self._outputs = sessions, outputs

    def bind(self, batch: Batch) -> Any:
        return self._sessions.find(batch).run, arrays_of(batch)

    def predict(self, bound: Any) -> NDArray[np.generic]:
        run, arrays = bound
        scores: NDArray[np.generic] = run(*arrays)[0]
        return scores

    def outputs(self, bound: Any) -> Outputs:
        run, arrays = bound
        return self._outputs.named(run(*arrays))

    def close(self) -> None:
        self._sessions.close()

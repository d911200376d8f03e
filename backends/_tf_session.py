"""Sessions of TensorFlow: a concrete function in a form that is called with the least work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from dse.core.backend import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Run = Callable[..., Sequence[NDArray[Any]]]
    """Takes an array for each input; returns one for each output."""

CALLER = -1
"""Instead of a number of threads: operators run one after the other in the thread that calls, and
on its CPUs. The one thread that would run them otherwise is the same for all sessions."""


class Session:
    """A session with one function, whose arrays are not copied.

    A function itself, called with tensors, looks at their structure in Python, hands the call to
    another thread, and makes tensors of the answers: twice the time and more for a small model.

    Args:
        function: a concrete function that captures nothing.
        threads: that each operator is spread over; the first session of a process decides.
        compiled: whether XLA compiles the function.
        lowered: whether products, and what lies between them, are computed in bfloat16.

    Attributes:
        run: takes an array for each input; returns one for each output. An array that does not
            begin at a multiple of 64 bytes is copied in each call, by TensorFlow itself.

    Raises:
        UnsupportedError: the first call, in which it is compiled, is refused.
    """

    def __init__(
        self, function: Any, threads: int, *, compiled: bool, lowered: bool = False
    ) -> None:
        graph = tf.Graph()
        with graph.as_default():
            given, fetched = (_called if compiled else _copied)(function)
        options = CallableOptions(
            feed=[one.name for one in given], fetch=[one.name for one in fetched]
        )
        options.run_options.inter_op_thread_pool = CALLER
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=threads,
            inter_op_parallelism_threads=CALLER,
            device_count={"GPU": 0},
        )
        if lowered:
            rewriting = config.graph_options.rewrite_options
            rewriting.auto_mixed_precision_onednn_bfloat16 = RewriterConfig.ON
        config.experimental.executor_type = "SINGLE_THREADED_EXECUTOR"
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        try:
            # The public form looks for its arguments by name in each call, in Python.
            self.run: Run = self._session._make_callable_from_options(options)  # noqa: SLF001
            self.run(*[np.zeros(one.shape, one.dtype.as_numpy_dtype) for one in given])
        except (tf.errors.OpError, ValueError, TypeError) as error:
            self.close()
            raise UnsupportedError(_reason(error)) from error

    def close(self) -> None:
        """Frees it."""
        self._session.close()


def _copied(function: Any) -> tuple[list[Any], list[Any]]:
    """The operators of a function in the graph at hand: its inputs and outputs there."""
    names = [one.name for one in (*function.inputs, *function.outputs)]
    found = tf.graph_util.import_graph_def(
        function.graph.as_graph_def(), return_elements=names, name=""
    )
    return found[: len(function.inputs)], found[len(function.inputs) :]


def _called(function: Any) -> tuple[list[Any], list[Any]]:
    """A call of a function in the graph at hand, which is what XLA compiles as a whole."""
    given = [tf.compat.v1.placeholder(one.dtype, one.shape) for one in function.inputs]
    return given, [tf.identity(one) for one in function(*given)]


def _reason(error: Exception) -> str:
    """The line of an error that says what is refused, and not where."""
    text = error.message if isinstance(error, tf.errors.OpError) else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    skipped = ("Graph execution error", "Detected at node", "<stack")
    told = [line for line in lines if not line.startswith(skipped)]
    return (told or lines or [type(error).__name__])[0]

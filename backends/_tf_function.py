"""Calls of a concrete function of TensorFlow with the least work, and tensors in given memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context, execute

from dse.core.alignment import aligned, is_aligned
from dse.core.backend import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


def caller(
    function: Any, shapes: Sequence[Sequence[int]], dtypes: Sequence[str]
) -> Callable[[list[Any]], list[Any]]:
    """What calls a concrete function that captures nothing; it has been called once.

    A function checks the structure of its arguments in Python, which takes longer than a small
    model; what it does then is what this does at once. It names no public part of TensorFlow, so
    the environment holds the one version that it is known with.

    Args:
        function: a concrete function.
        shapes: of its arguments.
        dtypes: of its arguments, as numpy names them.

    Raises:
        UnsupportedError: its first call, in which it is compiled, is refused.
    """
    name, count = function.function_def.signature.name, len(function.outputs)
    ctx, run = context.context(), execute.execute

    def call(inputs: list[Any]) -> list[Any]:
        found: list[Any] = run(name, count, inputs, (), ctx)
        return found

    zeros = zip(shapes, dtypes, strict=True)
    try:
        call([tf.constant(np.zeros(shape, dtype)) for shape, dtype in zeros])
    except (tf.errors.OpError, ValueError, TypeError) as error:
        raise UnsupportedError(str(error).strip().partition("\n")[0]) from error
    call.function = function  # type: ignore[attr-defined]  # without it the name is forgotten
    return call


def shared(array: NDArray[Any]) -> tuple[Any, Callable[[], None] | None]:
    """A tensor in the memory of an array.

    Returns:
        The tensor, and None. An operator ends the process where it meets memory that does not
        begin at a multiple of 64 bytes: for such an array the tensor has memory of its own, and
        the other is what copies the array into it.
    """
    if is_aligned(array) and array.flags.writeable:
        return _tensor(array), None
    own = aligned(array.shape, array.dtype)
    np.copyto(own, array)
    return _tensor(own), partial(np.copyto, own, array)


def _tensor(array: NDArray[Any]) -> Any:
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())

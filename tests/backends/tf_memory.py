"""Where the memory of inputs may begin, told as JSON; for functions that work on it at once."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.alignment import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPE = (4, 33)


def arrays() -> dict[str, NDArray[np.float32]]:
    size = 4 * 33
    given = {
        "aligned": aligned(SHAPE, "float32"),
        "shifted": aligned((size + 4,), "float32")[4:].reshape(SHAPE),
        "read-only": aligned(SHAPE, "float32"),
    }
    for each in given.values():
        each[...] = np.arange(size).reshape(SHAPE)
    given["read-only"].flags.writeable = False
    return given


def main() -> int:
    """Adds one to each of the arrays, twice, with other numbers in it."""
    import tensorflow as tf

    functions = import_module("dse.backends._tf_function")
    function = tf.function(
        lambda one: [one + 1], input_signature=[tf.TensorSpec(SHAPE)], autograph=False
    )
    call = functions.caller(function.get_concrete_function(), [SHAPE], ["float32"])
    told: dict[str, dict[str, Any]] = {"shares": {}, "right": {}}
    for name, array in arrays().items():
        tensor, copy = functions.shared(array)
        told["shares"][name] = copy is None
        right = []
        for factor in (1, 2):
            if array.flags.writeable:
                np.multiply(array, factor, out=array)
            if copy is not None:
                copy()
            right.append(np.array_equal(call([tensor])[0].numpy(), array + 1))
        told["right"][name] = all(right)
    sys.stdout.write(json.dumps(told))
    return 0

"""The models of ONNX's own backend tests as PyTorch computes them, held against what ONNX expects.

`main` prints a JSON object: for each model an empty text where all is as expected, else why not.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import LoadError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from onnx import ModelProto

    Compute = Callable[[ModelProto, list[NDArray[Any]]], list[NDArray[Any]]]
    """What a backend's graph gives for inputs."""

TOLERANCE = 1e-3
"""Relative and absolute; some of what ONNX expects is computed in float64."""


def outcome(
    compute: Compute, model: ModelProto, inputs: list[NDArray[Any]], outputs: list[NDArray[Any]]
) -> str:
    """How a model ends, with small integers as constants where its sizes depend on them."""
    try:
        return _compared(compute, model, inputs, outputs)
    except UnsupportedError as error:
        if "depends on the numbers of an input" not in str(error):
            return f"refused: {error}"
    except LoadError as error:
        return f"refused: {error}"
    try:
        return _compared(compute, *_settled(model, inputs), outputs)
    except UnsupportedError as error:
        return f"refused: {error}"


def _settled(
    model: ModelProto, inputs: list[NDArray[Any]]
) -> tuple[ModelProto, list[NDArray[Any]]]:
    """All inputs but the first as constants."""
    from onnx import numpy_helper

    names = [one.name for one in model.graph.input]
    settled = type(model)()
    settled.CopyFrom(model)
    pairs = zip(names[1:], inputs[1:], strict=True)
    settled.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in pairs)
    return settled, inputs[:1]


def _compared(
    compute: Compute, model: ModelProto, inputs: list[NDArray[Any]], outputs: list[NDArray[Any]]
) -> str:
    if any(not isinstance(array, np.ndarray) for array in (*inputs, *outputs)):
        return "refused: there is something else than arrays"
    for array, expected in zip(compute(model, inputs), outputs, strict=True):
        if array.shape != expected.shape or array.dtype != expected.dtype:
            return f"{array.dtype} {array.shape}, not {expected.dtype} {expected.shape}"
        wide = array.astype(float), expected.astype(float)
        if not np.allclose(*wide, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            return f"off by {np.abs(wide[0] - wide[1]).max()}"
    return ""


def with_torch(model: ModelProto, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """What the graph of PyTorch's functions gives."""
    import torch

    files = import_module("dse.backends._torch_from_onnx")
    names = [one.name for one in files.inputs_of(model)]
    for one in files.inputs_of(model):
        files.dtype_name(one)
    shapes = {name: array.shape for name, array in zip(names, inputs, strict=True)}
    module = files.to_module(model, shapes, [one.name for one in model.graph.output])
    with torch.inference_mode():
        return [one.numpy() for one in module(*[torch.from_numpy(array) for array in inputs])]


def _array(one: Any) -> Any:
    """Single numbers as arrays; numpy itself has no bfloat16."""
    if isinstance(one, np.generic):
        one = np.asarray(one)
    return None if isinstance(one, np.ndarray) and one.dtype.kind == "V" else one


def main(compute: Compute = with_torch) -> int:
    """Tries every model; another backend's graph is tried by its own module."""
    from onnx.backend.test.case import node

    warnings.simplefilter("ignore")  # what is expected is computed with overflows
    found = {}
    for case in node.collect_testcases():
        if case.model is None or not case.data_sets:
            continue
        inputs, outputs = ([_array(one) for one in each] for each in case.data_sets[0])
        try:
            found[case.name] = outcome(compute, case.model, inputs, outputs)
        except Exception as error:  # noqa: BLE001  # it is the answer
            found[case.name] = f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps(found))
    return 0

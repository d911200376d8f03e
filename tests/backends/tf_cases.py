"""The models of ONNX's own backend tests as TensorFlow computes them; see `torch_cases`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.backends import torch_cases

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto


def with_tensorflow(model: ModelProto, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """What the function of TensorFlow gives."""
    files = import_module("dse.backends._tf_from_onnx")
    sessions = import_module("dse.backends._tf_session")
    names = [one.name for one in files.inputs_of(model)]
    shapes = {name: array.shape for name, array in zip(names, inputs, strict=True)}
    for one in files.inputs_of(model):
        files.dtype_name(one)
    function = files.to_function(model, shapes, [one.name for one in model.graph.output])
    session = sessions.Session(function, 1, compiled=False)
    found = [*session.run(*inputs)]
    session.close()
    return found


def main() -> int:
    """Prints how each model ends."""
    return torch_cases.main(with_tensorflow)

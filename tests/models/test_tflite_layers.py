"""Layers of TFLite files that are built in their own way, in int8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.models import quantise
from dse.models._tflite_layers import File
from tests.small_models import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

CHANNELS, CLASSES, SIDE = 4, 10, 8
SATURATES = 128  # weights that meet sum to so much at most
WITHOUT, SHARED, FAINT = "no bias", "shared weights", "faint weights"


def odd(kind: str) -> bytes:
    """Two convolutions, a mean and a dense layer, with something odd about them."""
    from ai_edge_litert import schema_py_generated as schema

    random = np.random.default_rng(3)
    writer = Writer(schema)
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = 1
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    shape = (1, SIDE, SIDE, CHANNELS)
    image, first, second = (writer.tensor(name, shape) for name in ("image", "first", "second"))
    kernels = random.standard_normal((2, CHANNELS, 3, 3, CHANNELS)).astype(np.float32) / 6
    if kind == FAINT:
        kernels[0, 0] *= 1e-7
    biases = random.standard_normal((2, CHANNELS)).astype(np.float32)
    biases[0, 0] = 3
    kernel = writer.constant("kernel", kernels[0])
    other = kernel if kind == SHARED else writer.constant("other", kernels[1])
    bias, shift = (writer.constant(f"bias{i}", biases[i]) for i in range(2))
    writer.operator("CONV_2D", [image, kernel, bias], first, options)
    writer.operator("CONV_2D", [first, other, shift], second, options)
    means, logits = writer.tensor("means", (1, CHANNELS)), writer.tensor("logits", (1, CLASSES))
    axes = writer.constant("axes", np.array([1, 2], np.int32))
    writer.operator("MEAN", [second, axes], means, schema.ReducerOptionsT())
    dense = writer.constant("dense", random.standard_normal((CLASSES, CHANNELS)).astype(np.float32))
    last = -1 if kind == WITHOUT else writer.constant("last", np.zeros(CLASSES, np.float32))
    connected = schema.FullyConnectedOptionsT()
    writer.operator("FULLY_CONNECTED", [means, dense, last], logits, connected)
    return writer.finish([image], logits)


def samples() -> list[Floats]:
    shape = (32, 1, SIDE, SIDE, CHANNELS)
    return list(np.random.default_rng(1).standard_normal(shape).astype(np.float32))


def scores(data: bytes) -> Floats:
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for sample in samples():
        interpreter.set_tensor(given["index"], sample)
        interpreter.invoke()
        found.append(interpreter.get_tensor(answer["index"]))
    return np.concatenate(found)


@pytest.mark.parametrize("kind", [WITHOUT, SHARED, FAINT])
def test_odd_layers_lose_nothing_and_never_saturate(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(odd(kind))
    made = quantise.quantise(path, "tflite", samples())
    expected = scores(path.read_bytes())
    assert np.abs(scores(made) - expected).mean() / expected.std() < 0.03
    file = File(made)
    for layer in file.layers():
        weights = file.constant(file.graph.tensors[layer.inputs[1]], np.int8)
        assert weights is not None
        rows = weights.astype(int).reshape(len(weights), -1, 2)
        assert np.abs(rows.sum(axis=2)).max() <= SATURATES

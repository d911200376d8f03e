"""Small models of many kinds, as the tests of ``dse bench`` need them, untrained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto, ValueInfoProto

    Constants = dict[str, NDArray[Any]]

WORDS, KINDS, WIDTH, CLASSES = 50, 2, 16, 3
"""Rows of the tables of `bert`, width of its hidden state, and scores."""


def bert() -> ModelProto:
    """Ids, mask and token types (batch, sequence) int64 to scores and the hidden state."""
    from onnx import TensorProto, helper

    names = ("input_ids", "attention_mask", "token_type_ids")
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["of_words"]),
        helper.make_node("Gather", ["kinds", "token_type_ids"], ["of_kinds"]),
        helper.make_node("Add", ["of_words", "of_kinds"], ["embedded"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
        helper.make_node("Mul", ["embedded", "column"], ["masked"]),
        helper.make_node("MatMul", ["masked", "dense"], ["projected"]),
        helper.make_node("Relu", ["projected"], ["hidden"]),
        helper.make_node("ReduceMean", ["hidden"], ["pooled"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["pooled", "scoring"], ["scores"]),
    ]
    constants: Constants = {
        "words": weights(WORDS, WIDTH),
        "kinds": weights(KINDS, WIDTH),
        "dense": weights(WIDTH, WIDTH),
        "scoring": weights(WIDTH, CLASSES),
        "last": np.array([-1], np.int64),
    }
    return model(
        nodes,
        [value(name, ("batch", "sequence"), "INT64") for name in names],
        [value("scores", ("batch", CLASSES)), value("hidden", ("batch", "sequence", WIDTH))],
        constants,
    )


def audio() -> ModelProto:
    """A waveform (batch, samples) float32 to scores."""
    from onnx import helper

    nodes = [
        helper.make_node("Unsqueeze", ["wave", "second"], ["channel"]),
        helper.make_node("Conv", ["channel", "filters"], ["filtered"], strides=[80]),
        helper.make_node("Relu", ["filtered"], ["features"]),
        helper.make_node("ReduceMean", ["features"], ["pooled"], axes=[2], keepdims=0),
        helper.make_node("MatMul", ["pooled", "scoring"], ["scores"]),
    ]
    constants: Constants = {
        "second": np.array([1], np.int64),
        "filters": weights(WIDTH, 1, 160),
        "scoring": weights(WIDTH, CLASSES),
    }
    given = [value("wave", ("batch", "samples"))]
    return model(nodes, given, [value("scores", ("batch", CLASSES))], constants)


def any_size(dtype: str = "FLOAT") -> ModelProto:
    """Images (batch, 3, height, width) of any size to scores."""
    from onnx import helper

    nodes = [
        helper.make_node("Conv", ["image", "filters"], ["filtered"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["filtered"], ["features"]),
        helper.make_node("GlobalAveragePool", ["features"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "scoring"], ["scores"]),
    ]
    number = np.float16 if dtype == "FLOAT16" else np.float32
    constants: Constants = {
        "filters": weights(WIDTH, 3, 3, 3).astype(number),
        "scoring": weights(WIDTH, CLASSES).astype(number),
    }
    given = [value("image", ("batch", 3, "height", "width"), dtype)]
    return model(nodes, given, [value("scores", ("batch", CLASSES), dtype)], constants)


def half() -> ModelProto:
    """The same in float16."""
    return any_size("FLOAT16")


def recogniser() -> ModelProto:
    """Images (batch, 3, height, width), which must be 48 high, to scores."""
    from onnx import helper

    nodes = [
        helper.make_node("Add", ["image", "rows"], ["placed"]),
        helper.make_node("GlobalAveragePool", ["placed"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "scoring"], ["scores"]),
    ]
    constants: Constants = {"rows": weights(1, 3, 48, 1), "scoring": weights(3, CLASSES)}
    given = [value("image", ("batch", 3, "height", "width"))]
    return model(nodes, given, [value("scores", ("batch", CLASSES))], constants)


def quantised() -> ModelProto:
    """Images to scores through an int8 convolution, in the form of QuantizeLinear pairs."""
    from onnx import helper

    nodes = [
        helper.make_node("QuantizeLinear", ["image", "step", "zero"], ["image8"]),
        helper.make_node("DequantizeLinear", ["image8", "step", "zero"], ["image32"]),
        helper.make_node("DequantizeLinear", ["filters8", "step", "zero"], ["filters"]),
        helper.make_node("Conv", ["image32", "filters"], ["filtered"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["filtered"], ["features"]),
        helper.make_node("GlobalAveragePool", ["features"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "scoring"], ["scores"]),
    ]
    constants: Constants = {
        "step": np.array(1 / 64, np.float32),
        "zero": np.array(0, np.int8),
        "filters8": (weights(WIDTH, 3, 3, 3) * 30).clip(-127, 127).astype(np.int8),
        "scoring": weights(WIDTH, CLASSES),
    }
    given = [value("image", ("batch", 3, 32, 32))]
    return model(nodes, given, [value("scores", ("batch", CLASSES))], constants)


def without_batches() -> ModelProto:
    """A state (2, batch, 4) and a single number: no batch as the first dimension."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["rate"], ["factor"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["state", "factor"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled"], ["means"], axes=[0], keepdims=0),
    ]
    given = [value("state", (2, "batch", 4)), value("rate", (), "INT64")]
    return model(nodes, given, [value("means", ("batch", 4))], {})


def of_all_types() -> ModelProto:
    """An input of each type that can be made, two numbers each, to their sum."""
    from onnx import TensorProto, helper

    types = ("FLOAT", "FLOAT16", "INT32", "INT64", "UINT8", "INT8", "BOOL")
    nodes = [
        helper.make_node("Cast", [name], [f"{name}32"], to=TensorProto.FLOAT) for name in types
    ]
    nodes.append(helper.make_node("Sum", [f"{name}32" for name in types], ["sum"]))
    given = [value(name, ("batch", 2), name) for name in types]
    return model(nodes, given, [value("sum", ("batch", 2))], {})


def finding(found: str | int = "found") -> ModelProto:
    """The places of the numbers above zero: nobody knows how many there will be."""
    from onnx import helper

    nodes = [
        helper.make_node("Relu", ["numbers"], ["positive"]),
        helper.make_node("NonZero", ["positive"], ["places"]),
    ]
    given = [value("numbers", ("batch", 8))]
    return model(nodes, given, [value("places", (2, found), "INT64")], {})


def listing() -> ModelProto:
    """A sequence, numbers in bfloat16 and what they are made of."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Relu", ["numbers"], ["positive"]),
        helper.make_node("SequenceConstruct", ["positive", "numbers"], ["both"]),
        helper.make_node("Cast", ["numbers"], ["short"], to=TensorProto.BFLOAT16),
    ]
    outputs = [
        helper.make_tensor_sequence_value_info("both", TensorProto.FLOAT, None),
        value("short", ("batch", 4), "BFLOAT16"),
        value("positive", ("batch", 4)),
    ]
    return model(nodes, [value("numbers", ("batch", 4))], outputs, {})


def stepping() -> ModelProto:
    """Adds a number to itself as often as `steps` says, then repeats the sum `copies` times."""
    from onnx import TensorProto, helper

    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Add", ["sum", "number"], ["next"]),
        ],
        "step",
        [value("turn", (), "INT64"), value("go", (), "BOOL"), value("sum", (1,))],
        [value("on", (), "BOOL"), value("next", (1,))],
    )
    nodes = [
        helper.make_node("Cast", ["steps"], ["wide"], to=TensorProto.INT64),
        helper.make_node("Loop", ["wide", "yes", "number"], ["total"], body=body),
        helper.make_node("Tile", ["total", "copies"], ["totals"]),
    ]
    given = [value("number", (1,)), value("steps", (), "INT32"), value("copies", (1,), "INT64")]
    return model(nodes, given, [value("totals", ("n",))], {"yes": np.array(1, bool)})


def reading() -> ModelProto:
    """Takes texts."""
    from onnx import helper

    nodes = [helper.make_node("Identity", ["text"], ["same"])]
    given = [value("text", ("batch", 1), "STRING")]
    return model(nodes, given, [value("same", ("batch", 1), "STRING")], {})


def weights(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def value(name: str, shape: Sequence[int | str], dtype: str = "FLOAT") -> ValueInfoProto:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, getattr(TensorProto, dtype), shape)


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    constants: Constants,
    opset: int = 15,
) -> ModelProto:
    from onnx import checker, helper, numpy_helper

    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "small", inputs, outputs, tensors)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    checker.check_model(made, full_check=True)
    return made


def write(folder: Path, make: Callable[[], ModelProto]) -> Path:
    """Writes a model into a folder, under the name of what makes it."""
    path = folder / f"{make.__name__}.onnx"
    path.write_bytes(make().SerializeToString())
    return path


def write_apart(folder: Path, make: Callable[[], ModelProto]) -> Path:
    """Writes a model with its weights in a file beside it, in a folder of their own."""
    import onnx

    path = folder / f"{make.__name__}.onnx"
    onnx.save(
        make(),
        path,
        save_as_external_data=True,
        location=f"{make.__name__}.onnx_data",
        size_threshold=100,  # as exporters do: small constants are needed to infer shapes
    )
    return path


KINDS_OF_MODELS = (bert, audio, any_size, half, quantised, without_batches, of_all_types)
"""Those that any runtime for ONNX may run."""

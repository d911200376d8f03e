"""Image classifiers of a few kilobytes, in both formats, with weights that no one trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 8
CLASSES = 10
FILTERS = 4
FEATURES = FILTERS * SIDE * SIDE
OTHER_CLASSES = 7

Rows = Literal["all", "first", "repeated"]
"""Samples that are answered for: each, the first one alone, or all with what the first one has."""


def onnx_bytes(
    *,
    fixed_batch: bool = False,
    inputs: int = 1,
    heads: int = 1,
    rows: Rows = "all",
    dense: NDArray[np.float32] | None = None,
    sums: bool = True,
) -> bytes:
    """A convolution and a dense layer as ONNX, (batch, 3, 8, 8) float32 to (batch, 10) logits.

    Args:
        fixed_batch: the batch is 1 and nothing else.
        inputs: 2 for a second input, of the same shape, that is added to the first.
        heads: 2 for an output (batch, 7) before the logits.
        rows: samples that are answered for.
        dense: other weights of the last layer, (256, 10).
        sums: whether a single input is summed, alone, which converters do not know.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    batch = 1 if fixed_batch else "batch"
    names = ["input", "other"][:inputs]
    first, usual = _weights()
    dense = usual if dense is None else dense
    constants = {
        "filters": first,
        "dense": dense,
        "shape": np.array([1 if fixed_batch else -1, dense.shape[0]]),
    }
    last = "logits" if rows == "all" else "of_each"
    nodes = [
        helper.make_node("Sum" if sums or inputs > 1 else "Identity", names, ["images"]),
        helper.make_node("Conv", ["images", "filters"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["features"], ["positive"]),
        helper.make_node("Reshape", ["positive", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "dense"], [last]),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, CLASSES])]
    if rows != "all":
        constants |= {"row": np.array([0]), "nothing": np.array(0, np.float32)}
        one = "logits" if rows == "first" else "of_first"
        nodes.append(helper.make_node("Gather", [last, "row"], [one]))
        outputs[0].type.tensor_type.shape.dim[0].Clear()
    if rows == "repeated":
        nodes.append(helper.make_node("Mul", [last, "nothing"], ["zeros"]))
        nodes.append(helper.make_node("Add", ["of_first", "zeros"], ["logits"]))
    if heads == 2:
        constants["other"] = dense[:, :OTHER_CLASSES].copy()
        nodes.append(helper.make_node("MatMul", ["flat", "other"], ["aside"]))
        shape = [batch, OTHER_CLASSES]
        outputs.insert(0, helper.make_tensor_value_info("aside", TensorProto.FLOAT, shape))
    shape = [batch, 3, SIDE, SIDE]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def tflite_bytes(
    *,
    fixed_batch: bool = False,
    inputs: int = 1,
    heads: int = 1,
    rows: Rows = "all",
    dense: NDArray[np.float32] | None = None,
) -> bytes:
    """The same for TFLite, from (batch, 8, 8, 3); the arguments are those of `onnx_bytes`."""
    from ai_edge_litert import schema_py_generated as schema

    first, usual = _weights()
    dense = usual if dense is None else dense
    flat = dense.shape[0]
    writer = Writer(schema)
    images = [writer.tensor(f"input{i}", (1, SIDE, SIDE, 3)) for i in range(inputs)]
    last = images[0]
    if inputs == 2:
        last = writer.tensor("images", (1, SIDE, SIDE, 3))
        writer.operator("ADD", images, last, schema.AddOptionsT())
    convolution = schema.Conv2DOptionsT()
    convolution.strideH = convolution.strideW = 1
    convolution.fusedActivationFunction = schema.ActivationFunctionType.RELU
    filters = writer.constant("filters", np.ascontiguousarray(first.transpose(0, 2, 3, 1)))
    nothing = writer.constant("bias", np.zeros(FILTERS, np.float32))
    features = writer.tensor("features", (1, SIDE, SIDE, FILTERS))
    writer.operator("CONV_2D", [last, filters, nothing], features, convolution)
    if fixed_batch:  # as in the published quantised files of MobileNet V1
        reshape = schema.ReshapeOptionsT()
        reshape.newShape = [1, flat]
        shape = writer.constant("shape", np.array([1, flat], np.int32))
        reshaped = writer.tensor("flat", (1, flat))
        writer.operator("RESHAPE", [features, shape], reshaped, reshape)
        features = reshaped
    weights = writer.constant("dense", np.ascontiguousarray(dense.T))
    connected = schema.FullyConnectedOptionsT()
    logits = writer.tensor("logits", (1, CLASSES))
    writer.operator("FULLY_CONNECTED", [features, weights, -1], logits, connected)
    outputs = [logits]
    if rows != "all":
        outputs[0] = one = writer.tensor("of_first", (1, CLASSES))
        row = writer.constant("row", np.array([0], np.int32))
        writer.operator("GATHER", [logits, row], one, schema.GatherOptionsT())
    if rows == "repeated":
        zeros, repeated = (writer.tensor(name, (1, CLASSES)) for name in ("zeros", "repeated"))
        writer.operator(
            "MUL",
            [logits, writer.constant("nothing", np.array([0], np.float32))],
            zeros,
            schema.MulOptionsT(),
        )
        writer.operator("ADD", [outputs[0], zeros], repeated, schema.AddOptionsT())
        outputs[0] = repeated
    if heads == 2:
        other = np.ascontiguousarray(dense.T[:OTHER_CLASSES])
        aside = writer.tensor("aside", (1, OTHER_CLASSES))
        inputs_of_it = [features, writer.constant("other", other), -1]
        writer.operator("FULLY_CONNECTED", inputs_of_it, aside, connected)
        outputs.insert(0, aside)
    return writer.finish(images, *outputs)


def classifier_bytes(
    resolution: int,
    classes: int,
    dtype: str = "float32",
    quantisation: tuple[float, int] | None = None,
) -> bytes:
    """As TFLite, the mean of each channel and a dense layer: (1, pixels, pixels, 3) to scores.

    Args:
        resolution: pixels on a side.
        classes: number of scores.
        dtype: ``float32``, or ``uint8`` or ``int8`` for an input that stands for (n - zero) / 128.
        quantisation: another scale and zero point of such an input.
    """
    from ai_edge_litert import schema_py_generated as schema

    writer = Writer(schema)
    types = schema.TensorType
    kind = {"float32": types.FLOAT32, "uint8": types.UINT8, "int8": types.INT8}[dtype]
    shape = (1, resolution, resolution, 3)
    given = images = writer.tensor("input", shape, kind=kind)
    if dtype != "float32":
        writer.quantise(given, *(quantisation or (1 / 128, 127 if dtype == "uint8" else 0)))
        images = writer.tensor("images", shape)
        writer.operator("DEQUANTIZE", [given], images, schema.DequantizeOptionsT())
    means = writer.tensor("means", (1, 3))
    axes = writer.constant("axes", np.array([1, 2], np.int32))
    writer.operator("MEAN", [images, axes], means, schema.ReducerOptionsT())
    weights = np.random.default_rng(resolution).standard_normal((classes, 3)).astype(np.float32)
    scores = writer.tensor("scores", (1, classes))
    inputs = [means, writer.constant("weights", weights), -1]
    writer.operator("FULLY_CONNECTED", inputs, scores, schema.FullyConnectedOptionsT())
    return writer.finish([given], scores)


def tiling_bytes() -> bytes:
    """As TFLite, (1, 4) float32 repeated as often as an input of two int32 says."""
    from ai_edge_litert import schema_py_generated as schema

    writer = Writer(schema)
    given = writer.tensor("given", (1, 4))
    times = writer.tensor("times", (2,), kind=schema.TensorType.INT32)
    tiled = writer.tensor("tiled", (1, 4))
    writer.operator("TILE", [given, times], tiled)
    return writer.finish([given, times], tiled)


def with_signatures(**files: bytes) -> bytes:
    """A TFLite file that has all these files as subgraphs, each with a signature of its name."""
    from ai_edge_litert import schema_py_generated as schema

    whole, *others = (schema.ModelT.InitFromPackedBuf(data, 0) for data in files.values())
    for other in others:
        (graph,) = other.subgraphs
        for tensor in graph.tensors:
            tensor.buffer += len(whole.buffers)
        for operator in graph.operators:
            operator.opcodeIndex += len(whole.operatorCodes)
        whole.buffers += other.buffers
        whole.operatorCodes += other.operatorCodes
        whole.subgraphs.append(graph)
    whole.signatureDefs = []
    for number, name in enumerate(files):
        graph = whole.subgraphs[number]
        ends = [
            [schema.TensorMapT(name=f"{kind}{i}", tensorIndex=each) for i, each in enumerate(own)]
            for kind, own in (("in", graph.inputs), ("out", graph.outputs))
        ]
        whole.signatureDefs.append(
            schema.SignatureDefT(
                inputs=ends[0], outputs=ends[1], signatureKey=name, subgraphIndex=number
            )
        )
    builder = schema.flatbuffers.Builder(4096)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _weights() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of the convolution (filters, 3, 3, 3), and of the dense layer (features, classes)."""
    generator = np.random.default_rng(7)
    first = generator.standard_normal((FILTERS, 3, 3, 3)).astype(np.float32)
    dense = generator.standard_normal((FEATURES, CLASSES)).astype(np.float32)
    return first, dense


class Writer:
    """Collects a subgraph with the objects of the TFLite schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.operatorCodes = []
        self._model.buffers = [schema.BufferT()]  # the first one is empty by convention
        self._model.subgraphs = [self._graph]

    def tensor(self, name: str, shape: tuple[int, ...], buffer: int = 0, kind: int = 0) -> int:
        """A tensor of float32, or of another type of the schema; its number."""
        made = self._schema.TensorT()
        made.name, made.shape, made.buffer, made.type = name, list(shape), buffer, kind
        self._graph.tensors.append(made)
        return len(self._graph.tensors) - 1

    def constant(self, name: str, value: NDArray[Any]) -> int:
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        types = self._schema.TensorType
        kind = types.INT32 if value.dtype == np.int32 else types.FLOAT32
        return self.tensor(name, value.shape, len(self._model.buffers) - 1, kind)

    def quantise(self, tensor: int, scale: float, zero: int) -> None:
        """Says of a tensor that its integers stand for (integer - zero) * scale."""
        made = self._schema.QuantizationParametersT()
        made.scale, made.zeroPoint = [scale], [zero]
        self._graph.tensors[tensor].quantization = made

    def operator(self, name: str, inputs: list[int], output: int, options: Any = None) -> None:
        code = self._schema.OperatorCodeT()
        code.builtinCode = getattr(self._schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = code.builtinCode, 1
        self._model.operatorCodes.append(code)
        made = self._schema.OperatorT()
        made.opcodeIndex = len(self._model.operatorCodes) - 1
        made.inputs, made.outputs = inputs, [output]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            made.builtinOptionsType = getattr(self._schema.BuiltinOptions, kind)
            made.builtinOptions = options
        self._graph.operators.append(made)

    def finish(self, inputs: list[int], *outputs: int) -> bytes:
        self._graph.inputs, self._graph.outputs = inputs, list(outputs)
        builder = self._schema.flatbuffers.Builder(4096)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

"""Writes a graph with its weights as a TFLite file.

The input is ``input``, float32, (batch, resolution, resolution, 3); the output is ``logits``,
float32, (batch, classes). The file has batch 1, and a runtime may resize it: no operator contains
or computes a shape. Untrained weights are those of the ONNX file, in TFLite's order of axes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dse.models.tflite_packing import SIGNATURE, packed
from dse.tasks.image_classification.models._weights import make_untrained
from dse.tasks.image_classification.models.graph import (
    Add,
    Conv,
    Dense,
    GlobalPool,
    MaxPool,
    Scale,
    same_padding,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.tasks.image_classification.models._weights import Weights
    from dse.tasks.image_classification.models.graph import Activation, Graph, GraphLayer, Tensor

SCHEMA_VERSION = 3
PRODUCER = "mlperf-dse"

# Activations that an operator computes itself; the others are separate operators.
_FUSED = {"none": "NONE", "relu": "RELU", "relu6": "RELU6", "hswish": "NONE", "hsigmoid": "NONE"}


def tflite_bytes(
    graph: Graph, weights: Iterable[tuple[Conv | Dense, Weights]] | None = None
) -> bytes:
    """The bytes of a graph's file, with untrained weights where none are given.

    The same graph and weights give the same bytes, in any process.

    Raises:
        ImportError: ai-edge-litert, which brings the schema, is not installed.
    """
    from ai_edge_litert import schema_py_generated as schema

    file = _File(schema)
    file.activation(graph.input)
    for layer, own in make_untrained(graph) if weights is None else weights:
        # (outputs, inputs, height, width) becomes (outputs, height, width, inputs), or
        # (1, height, width, channels) with one filter per channel.
        depthwise = isinstance(layer, Conv) and layer.depthwise
        kernel = own.kernel.transpose((1, 2, 3, 0) if depthwise else (0, 2, 3, 1))
        if isinstance(layer, Dense):
            kernel = kernel[:, 0, 0]
        file.constant(f"{layer.name}/kernel", kernel)
        file.constant(f"{layer.name}/bias", own.bias)
    _constants(file, graph)
    for step in graph.layers:
        _operators(file, step)
    return packed(file.model(graph), file.buffers)


def _constants(file: _File, graph: Graph) -> None:
    import numpy as np

    file.constant("height and width", np.array([1, 2], "<i4"))
    if any(isinstance(one, Conv) and one.activation == "hsigmoid" for one in graph.layers):
        file.constant("three", np.array(3, "<f4"))
        file.constant("sixth", np.array(1 / 6, "<f4"))


def _operators(file: _File, layer: GraphLayer) -> None:
    """Appends the operators of one layer."""
    match layer:
        case Conv():
            _conv(file, layer)
        case Add():
            inputs = [layer.source.name, layer.other.name]
            fused = file.fused(_FUSED[layer.activation])
            options = file.schema.AddOptionsT(fusedActivationFunction=fused)
            file.operator("ADD", inputs, layer.output, options)
        case MaxPool():
            options = file.schema.Pool2DOptionsT(
                padding=file.schema.Padding.SAME,
                strideH=layer.stride,
                strideW=layer.stride,
                filterHeight=layer.kernel,
                filterWidth=layer.kernel,
            )
            file.operator("MAX_POOL_2D", [layer.source.name], layer.output, options)
        case GlobalPool():
            # Not AVERAGE_POOL_2D, whose window is a number of pixels; XNNPACK supports both.
            options = file.schema.ReducerOptionsT(keepDims=True)
            file.operator("MEAN", [layer.source.name, "height and width"], layer.output, options)
        case Scale():
            inputs = [layer.source.name, layer.gate.name]
            file.operator("MUL", inputs, layer.output, file.schema.MulOptionsT())
        case Dense():
            file.activation(layer.output, flat=True)
            file.operator(
                "FULLY_CONNECTED",
                [layer.source.name, f"{layer.name}/kernel", f"{layer.name}/bias"],
                layer.output,
                file.schema.FullyConnectedOptionsT(),
            )


def _conv(file: _File, layer: Conv) -> None:
    schema = file.schema
    source, padding = layer.source, schema.Padding.SAME
    if layer.padding != same_padding(source.size, layer.kernel, layer.stride):
        source, padding = _padded(file, layer), schema.Padding.VALID
    common = {
        "padding": padding,
        "strideH": layer.stride,
        "strideW": layer.stride,
        "fusedActivationFunction": file.fused(_FUSED[layer.activation]),
    }
    if layer.depthwise:
        name, options = "DEPTHWISE_CONV_2D", schema.DepthwiseConv2DOptionsT(**common)
        options.depthMultiplier = 1
    else:
        name, options = "CONV_2D", schema.Conv2DOptionsT(**common)
    inputs = [source.name, f"{layer.name}/kernel", f"{layer.name}/bias"]
    if layer.activation not in ("hswish", "hsigmoid"):
        file.operator(name, inputs, layer.output, options)
        return
    linear = replace(layer.output, name=f"{layer.output.name}/linear")
    file.operator(name, inputs, linear, options)
    _activation(file, layer.activation, linear, layer.output)


def _padded(file: _File, layer: Conv) -> Tensor:
    """A layer's input with its padding, which TFLite's convolutions can't have in this form."""
    import numpy as np

    source, padding = layer.source, layer.padding
    sizes = f"{layer.name}/padding"
    file.constant(sizes, np.array([(0, 0), padding, padding, (0, 0)], "<i4"))
    output = replace(source, name=f"{layer.name}/padded", size=source.size + sum(padding))
    file.operator("PAD", [source.name, sizes], output, file.schema.PadOptionsT())
    return output


def _activation(file: _File, kind: Activation, source: Tensor, output: Tensor) -> None:
    schema = file.schema
    if kind == "hswish":
        file.operator("HARD_SWISH", [source.name], output, schema.HardSwishOptionsT())
        return
    # TFLite has no hard sigmoid. TensorFlow exports relu6(x + 3) / 6 as these two, so published
    # files have them as well; on one pixel per channel they cost almost nothing.
    moved = replace(output, name=f"{output.name}/moved")
    relu6 = schema.AddOptionsT(fusedActivationFunction=file.fused("RELU6"))
    file.operator("ADD", [source.name, "three"], moved, relu6)
    file.operator("MUL", [moved.name, "sixth"], output, schema.MulOptionsT())


@dataclass(slots=True)
class _File:
    """Collects tensors, constants and operators as objects of the schema's classes."""

    schema: Any
    buffers: list[bytes] = field(default_factory=lambda: [b""])  # number 0 means: no constant
    _tensors: dict[str, tuple[int, Any]] = field(default_factory=dict)
    _codes: dict[str, int] = field(default_factory=dict)
    _steps: list[Any] = field(default_factory=list)

    def fused(self, name: str) -> int:
        """The number of an activation that an operator computes itself."""
        number: int = getattr(self.schema.ActivationFunctionType, name)
        return number

    def activation(self, tensor: Tensor, *, flat: bool = False) -> None:
        """Declares the output of an operator; with ``flat`` it is (batch, channels)."""
        shape = [tensor.channels] if flat else [tensor.size, tensor.size, tensor.channels]
        signature = [-1, *shape]
        kind = self.schema.TensorType.FLOAT32
        self._tensor(tensor.name, [1, *shape], type=kind, shapeSignature=signature)

    def constant(self, name: str, value: NDArray[np.generic]) -> None:
        """Declares a constant of type float32 or int32."""
        kind = self.schema.TensorType
        self._tensor(
            name,
            list(value.shape),
            type=kind.FLOAT32 if value.dtype.kind == "f" else kind.INT32,
            buffer=len(self.buffers),
        )
        little = value.astype(value.dtype.newbyteorder("<"), copy=False)
        self.buffers.append(little.tobytes())

    def operator(self, name: str, inputs: Sequence[str], output: Tensor, options: Any) -> None:
        """Appends an operator with declared inputs; declares its output if necessary."""
        if output.name not in self._tensors:
            self.activation(output)
        # The class of the options is named after their number in the schema, plus T.
        kind = getattr(self.schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self._steps.append(
            self.schema.OperatorT(
                opcodeIndex=self._codes.setdefault(name, len(self._codes)),
                inputs=[self._tensors[one][0] for one in inputs],
                outputs=[self._tensors[output.name][0]],
                builtinOptionsType=kind,
                builtinOptions=options,
            )
        )

    def model(self, graph: Graph) -> Any:
        """The root of the file, without the buffers."""
        ends = [self._tensors[one.name][0] for one in (graph.input, graph.output)]
        inputs, outputs = (
            [self.schema.TensorMapT(name=one.name, tensorIndex=index)]
            for one, index in zip((graph.input, graph.output), ends, strict=True)
        )
        return self.schema.ModelT(
            version=SCHEMA_VERSION,
            operatorCodes=[self._code(name) for name in self._codes],
            subgraphs=[
                self.schema.SubGraphT(
                    tensors=[tensor for _, tensor in self._tensors.values()],
                    inputs=ends[:1],
                    outputs=ends[1:],
                    operators=self._steps,
                    name=graph.name,
                )
            ],
            description=PRODUCER,
            signatureDefs=[
                self.schema.SignatureDefT(
                    inputs=inputs, outputs=outputs, signatureKey=SIGNATURE, subgraphIndex=0
                )
            ],
        )

    def _tensor(self, name: str, shape: list[int], **fields: Any) -> None:
        tensor = self.schema.TensorT(name=name, shape=shape, **fields)
        self._tensors[name] = (len(self._tensors), tensor)

    def _code(self, name: str) -> Any:
        number = getattr(self.schema.BuiltinOperator, name)
        # Old runtimes, and OpenVINO for small numbers, read only the first of the two fields.
        return self.schema.OperatorCodeT(
            deprecatedBuiltinCode=number, builtinCode=number, version=1
        )

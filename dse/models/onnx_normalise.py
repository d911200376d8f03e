"""Brings an ONNX file of any origin into the plain form that the rest of this package works on.

Exporters differ in opset, write paddings as operators of their own, compute constants, leave batch
normalisation beside its convolution. onnxruntime's basic optimisation undoes all of that; it is
called in a process of its own only.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.formats.data_files import find_data_files

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

OPSET, IR_VERSION = 15, 8
"""The opset that all supported runtimes read, old ones included."""
SCALES_OPSET = 13
"""The first in which DequantizeLinear takes a scale for each channel."""
_OWN_DOMAINS = ("", "ai.onnx")


def plain(path: Path) -> ModelProto:
    """The model of a file, with one float32 input and nothing computed that is constant.

    Its opset is `OPSET`, it imports no other domain, and a batch normalisation or a padding next to
    a convolution is part of it.

    Raises:
        SystemExit: the file is not such a model; the message says why.
    """
    model = _read(path)
    source = _source(model.graph)
    optimised = _optimised(model)
    if (opset := _opset(optimised)) != OPSET:
        # Only now: what was optimised away needs no counterpart in the other opset.
        optimised = _optimised(_converted(optimised, opset))
    if strange := {node.domain for node in optimised.graph.node} - {""}:
        raise SystemExit(f"it has operators of the domain {min(strange)}")
    if [one.name for one in optimised.graph.input] != [source]:
        raise SystemExit("its output does not depend on its input")
    return optimised


def scalable(path: Path) -> ModelProto:
    """The model of a file as it is, in an opset in which weights have a scale for each channel.

    The optimisation of `plain` would fuse what encoders of text consist of into operators of later
    opsets.

    Raises:
        SystemExit: the file is not such a model; the message says why.
    """
    model = _read(path)
    opset = _opset(model)
    return model if opset >= SCALES_OPSET else _converted(model, opset)


def _read(path: Path) -> ModelProto:
    """The model of a file, without inputs that are constants."""
    import onnx

    try:
        find_data_files(path, "onnx")  # before anything is read from wherever the file's paths lead
        model = onnx.load(path)
    except (RequestError, onnx.checker.ValidationError) as error:
        raise SystemExit(getattr(error, "problem", None) or str(error)) from error
    _check(model)
    _refuse_nan(model.graph)
    _drop_constant_inputs(model.graph)
    model.ir_version = max(model.ir_version, IR_VERSION)
    return model


def input_name(model: ModelProto) -> str:
    """The name of a plain model's one input."""
    name: str = model.graph.input[0].name
    return name


def tidy(model: ModelProto) -> None:
    """Takes out what no operator uses: some runtimes refuse it, some warn of it."""
    domains = {node.domain for node in model.graph.node}
    imports = [one for one in model.opset_import if one.domain in domains]
    del model.opset_import[:]
    model.opset_import.extend(imports)
    used = {name for node in model.graph.node for name in node.input}
    constants = [one for one in model.graph.initializer if one.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(constants)
    del model.metadata_props[:]


def _check(model: ModelProto) -> None:
    for node in model.graph.node:
        if node.domain not in _OWN_DOMAINS:
            raise SystemExit(f"it has the operator {node.domain}.{node.op_type}")


def _refuse_nan(graph: GraphProto) -> None:
    """Refuses weights of which no range can be told; a single number may be meant as NaN."""
    import numpy as np
    from onnx import TensorProto, numpy_helper

    kinds = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
    for one in graph.initializer:
        values = numpy_helper.to_array(one) if one.data_type in kinds else np.zeros(0)
        if values.size > 1 and np.isnan(values).any():
            raise SystemExit(f"its weights '{one.name}' hold NaN")


def _source(graph: GraphProto) -> str:
    """The name of the one input, which must be float32."""
    from onnx import TensorProto

    if len(graph.input) != 1:
        raise SystemExit(f"it has {len(graph.input)} inputs, not one")
    kind = graph.input[0].type.tensor_type.elem_type
    if kind != TensorProto.FLOAT:
        raise SystemExit(f"its input is {TensorProto.DataType.Name(kind).lower()}, not float32")
    name: str = graph.input[0].name
    return name


def _drop_constant_inputs(graph: GraphProto) -> None:
    """Early exporters list the weights among the inputs, where their value is but a default."""
    constants = {one.name for one in graph.initializer}
    kept = [one for one in graph.input if one.name not in constants]
    del graph.input[:]
    graph.input.extend(kept)


def _opset(model: ModelProto) -> int:
    return next((one.version for one in model.opset_import if one.domain in _OWN_DOMAINS), 0)


def _converted(model: ModelProto, opset: int) -> ModelProto:
    from onnx import version_converter

    try:
        converted: ModelProto = version_converter.convert_version(model, OPSET)
    except (RuntimeError, ValueError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise SystemExit(f"opset {opset} can't be brought to {OPSET}: {reason}") from error
    converted.ir_version = IR_VERSION
    for node in converted.graph.node:
        # The converter takes what is new in ReduceMean of opset 18 along.
        kept = [a for a in node.attribute if (a.name, a.i) != ("noop_with_empty_axes", 0)]
        del node.attribute[:]
        node.attribute.extend(kept)
    return converted


def _optimised(model: ModelProto) -> ModelProto:
    import onnx
    import onnxruntime

    target = Path(tempfile.mkdtemp()) / "plain.onnx"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # The extended level would bring in operators of onnxruntime's own.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    optimised = onnx.load(target)
    tidy(optimised)
    return optimised

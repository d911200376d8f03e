"""The failure that an exception amounts to, by what was raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest
from onnx import helper

from dse.core.backend import LoadError, LoadRequest, Runtime, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.measurement import FailureKind
from dse.core.registry import backend
from dse.measure._run_result import RunFailedError, to_failure

if TYPE_CHECKING:
    from pathlib import Path


class RefusedError(Exception):
    """What a runtime raises to refuse."""


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (UnsupportedError("no"), "unsupported", "no"),
        (UnsupportedError(), "unsupported", "UnsupportedError"),
        (ImportError("no"), "unsupported", "no"),
        (RefusedError("no"), "unsupported", "RefusedError: no"),
        (RefusedError("Failed to allocate"), "out_of_memory", "RefusedError: Failed to allocate"),
        (LoadError("no"), "load", "no"),
        (LoadError("std::bad_alloc"), "out_of_memory", "std::bad_alloc"),
        (LoadError("No conversion rule found for operations: X"), "unsupported", None),
        (MemoryError(), "out_of_memory", "MemoryError"),
        (RuntimeError("no"), "crash", "RuntimeError: no"),
        (KeyError(), "crash", "KeyError"),
        (RunFailedError(FailureKind.INVALID_RUN, "no"), "invalid_run", "no"),
    ],
)
def test_the_kind_follows_from_what_was_raised(
    error: Exception, kind: str, message: str | None
) -> None:
    failure = to_failure(error, (RefusedError,))
    assert failure.kind.value == kind
    assert str(failure) == (message or str(error))


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_an_operator_that_a_runtime_lacks_is_unsupported(name: str, tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3])
    node = helper.make_node("Nothing", ["x"], ["x2"], domain="nowhere")
    output = helper.make_tensor_value_info("x2", onnx.TensorProto.FLOAT, [1, 3])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("nowhere", 1)]
    graph = helper.make_graph([node], "g", [value], [output])
    file = tmp_path / "model.onnx"
    file.write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    )
    runtime = backend(name)
    assert isinstance(runtime, Runtime)
    with pytest.raises((LoadError, UnsupportedError)) as caught:
        runtime.load(LoadRequest(Configuration("m", "fp32", name, 1, 1, ()), file, {}))
    assert to_failure(caught.value).kind is FailureKind.UNSUPPORTED

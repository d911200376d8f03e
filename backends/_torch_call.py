"""One operator of an ONNX file, as what translates it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from dse.core.backend import UnsupportedError

from ._onnx_file import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._torch_graph import Value

    Translator = Callable[["Call"], "Value | Sequence[Value]"]
    """Writes an operator; returns its output, or all of several."""

DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
    16: torch.bfloat16,
}
"""By the number that ONNX has for a type."""


def dtype_of(number: int) -> torch.dtype:
    """PyTorch's type for a type of ONNX.

    Raises:
        UnsupportedError: it computes with no such type.
    """
    if number not in DTYPES:
        raise UnsupportedError(f"the type {number} of ONNX is none that is computed with here")
    return DTYPES[number]


@dataclass(frozen=True, slots=True)
class Call(Operator["Value"]):
    """An operator with its inputs; see `Operator`."""

    def write(self, function: Callable[..., Any], *given: Any, **named: Any) -> Value:
        """See `Graph.call`."""
        found: Value = self.graph.call(function, *given, **named)
        return found


def to_type(call: Call, value: Value, dtype: torch.dtype) -> Value:
    """The numbers of a tensor in a type."""
    return value if value.dtype == dtype else call.write(_converted, value, dtype)


def _converted(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return tensor.to(dtype)

"""One operator of an ONNX file, as what translates it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from dse.core.backend import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._torch_graph import Graph, Value

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
class Call:
    """An operator with its inputs.

    Attributes:
        graph: to write into.
        kind: the operator's name, such as ``Conv``.
        inputs: None for one that is left out.
        attributes: numbers, texts, lists of them, and constants.
        outputs: how many of its outputs are asked for.
        opset: the version of the operators.
    """

    graph: Graph
    kind: str
    inputs: Sequence[Value | None]
    attributes: Mapping[str, Any]
    outputs: int
    opset: int

    def write(self, function: Callable[..., Any], *given: Any, **named: Any) -> Value:
        """See `Graph.call`."""
        return self.graph.call(function, *given, **named)

    def value(self, index: int = 0) -> Value:
        """An input that must be there.

        Raises:
            UnsupportedError: it is left out.
        """
        found = self.optional(index)
        if found is None:
            raise UnsupportedError(f"{self.kind} lacks its input {index}")
        return found

    def optional(self, index: int) -> Value | None:
        """An input that may be left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def values(self) -> list[Value]:
        """All inputs, none of which may be left out."""
        return [self.value(index) for index in range(len(self.inputs))]

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute, or what stands for one that is left out."""
        return self.attributes.get(name, default)

    def numbers(self, index: int, name: str) -> list[Any] | None:
        """Numbers that later versions have as an input and earlier ones as an attribute.

        Returns:
            None where both are left out.

        Raises:
            UnsupportedError: they depend on an input of the model.
        """
        given = self.optional(index)
        if given is not None:
            return given.numbers(f"'{name}' of {self.kind}")
        found = self.attributes.get(name)
        return found if found is None or isinstance(found, list) else [found]

    def refuse(self, what: str) -> UnsupportedError:
        """The complaint about something that an operator asks for."""
        return UnsupportedError(f"operator {self.kind}: {what} is not supported")


def to_type(call: Call, value: Value, dtype: torch.dtype) -> Value:
    """The numbers of a tensor in a type."""
    return value if value.dtype == dtype else call.write(_converted, value, dtype)


def _converted(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return tensor.to(dtype)

"""A graph of PyTorch's own functions, written node by node for inputs of fixed shapes.

What depends on no input is computed as the graph is written: sizes, paddings, folded weights. What
does is computed on the meta device, which knows shapes and types and holds no numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import fx

from dse.core.backend import UnsupportedError

from ._onnx_operators import filled, values_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LARGEST_CONSTANT = 1 << 28
"""Elements of a constant that is computed from others; a file could ask for any number."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor in the graph.

    Attributes:
        tensor: the numbers of a constant; for all else shape and type alone.
        node: what computes it; None for a constant.
    """

    tensor: torch.Tensor
    node: fx.Node | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Its dimensions."""
        return tuple(self.tensor.shape)

    @property
    def rank(self) -> int:
        """The number of its dimensions."""
        return len(self.tensor.shape)

    @property
    def dtype(self) -> torch.dtype:
        """The type of its elements."""
        return self.tensor.dtype

    @property
    def constant(self) -> bool:
        """Whether it is the same for all inputs."""
        return self.node is None

    def numbers(self, what: str) -> list[Any]:
        """The elements of a constant, as Python has them, in one row.

        Args:
            what: they are, for the complaint about a value that depends on the inputs.

        Raises:
            UnsupportedError: it is no constant.
        """
        if not self.constant:
            raise UnsupportedError(f"{what} depends on the numbers of an input")
        found: list[Any] = self.tensor.reshape(-1).tolist()
        return found


class Graph:
    """A graph while it is written."""

    def __init__(self) -> None:
        self._graph = fx.Graph()
        self._held: dict[str, torch.Tensor] = {}
        self._nodes: dict[int, fx.Node] = {}

    def input(self, shape: Sequence[int], dtype: torch.dtype) -> Value:
        """An input of the graph, after those that are there."""
        number = sum(node.op == "placeholder" for node in self._graph.nodes)
        node = self._graph.placeholder(f"input_{number}")  # a file's names may be anything
        node.meta["dtype"] = dtype
        return Value(torch.empty(tuple(shape), dtype=dtype, device="meta"), node)

    def call(self, function: Callable[..., Any], *given: Any, **named: Any) -> Value:
        """What a function of PyTorch gives for values and anything else, at once if it can be.

        Args:
            function: returns one tensor; changes none.
            given: its arguments; `Value` alone or in a list stands for a tensor.
            named: others of its arguments.
        """
        values = list(values_in((given, named), Value))
        with torch.device("meta"):  # for what makes a tensor of numbers alone
            meta = function(*filled(given, Value, _shaped), **filled(named, Value, _shaped))
        if all(value.constant for value in values):
            if meta.numel() > LARGEST_CONSTANT:
                raise UnsupportedError(f"a constant would have {meta.numel()} elements")
            return Value(function(*filled(given, Value, _tensor), **filled(named, Value, _tensor)))
        args, kwargs = filled(given, Value, self._node), filled(named, Value, self._node)
        node = self._graph.call_function(function, tuple(args), kwargs)
        node.meta["dtype"] = meta.dtype
        return Value(meta, node)

    def hold(self, value: Value) -> Value:
        """A constant as an attribute of the module, so that nothing is computed of it at once."""
        return Value(_shaped(value), self._node(value))

    def _node(self, value: Value) -> fx.Node:
        """The node of a value; a constant becomes an attribute of the module."""
        if value.node is not None:
            return value.node
        key = id(value.tensor)
        if key not in self._nodes:
            name = f"constant_{len(self._held)}"
            self._held[name] = value.tensor
            # The graph would warn of an attribute that its module does not have yet.
            self._nodes[key] = node = self._graph.create_node("get_attr", name)
            node.meta["dtype"] = value.dtype
        return self._nodes[key]

    def finish(self, outputs: Sequence[Value]) -> fx.GraphModule:
        """The module that takes the inputs and gives a tuple of these outputs."""
        self._graph.output(tuple(self._node(value) for value in outputs))
        module = torch.nn.Module()
        for name, tensor in self._held.items():
            module.register_buffer(name, tensor)
        self._graph.eliminate_dead_code()
        made = fx.GraphModule(module, self._graph, class_name="Model")
        return made.eval()


def _tensor(value: Value) -> torch.Tensor:
    return value.tensor


def _shaped(value: Value) -> torch.Tensor:
    return value.tensor.to("meta") if value.constant else value.tensor

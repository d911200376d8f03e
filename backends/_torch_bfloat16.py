"""A graph whose convolutions and products of matrices are computed in bfloat16."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch
from torch import fx
from torch.fx.node import map_arg
from torch.nn import functional

from ._torch_fusions import tidy

if TYPE_CHECKING:
    from collections.abc import Callable

LOWERED: tuple[Callable[..., Any], ...] = (
    *(functional.conv1d, functional.conv2d, functional.conv3d, functional.linear, torch.matmul),
    *(functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d),
)
KEPT: tuple[Callable[..., Any], ...] = (
    *(functional.relu, functional.hardtanh, functional.hardswish, functional.hardsigmoid),
    *(functional.gelu, functional.silu, functional.leaky_relu, torch.sigmoid, torch.tanh),
    *(functional.max_pool1d, functional.max_pool2d, functional.max_pool3d, functional.pad),
    *(operator.add, operator.sub, operator.mul, torch.maximum, torch.minimum, torch.cat),
    *(torch.reshape, torch.permute, torch.squeeze, torch.unsqueeze, torch.narrow, torch.select),
    *(torch.index_select, torch.broadcast_to, torch.flatten, torch.t),
)
"""What takes numbers in the precision they have; the result of two has the higher one."""


def to_bfloat16(module: fx.GraphModule) -> None:
    """Lowers the precision of a graph; its inputs and outputs keep their types.

    All that is neither a product nor a mere movement is computed in float32 as before.
    """
    low: set[fx.Node] = set()
    lowered: dict[fx.Node, fx.Node] = {}

    def lower(node: fx.Node) -> fx.Node:
        if node in low or node.meta.get("dtype") != torch.float32:
            return node
        if node not in lowered:
            lowered[node] = _lower(module, node)
            low.add(lowered[node])
        return lowered[node]

    def raised(node: fx.Node) -> fx.Node:
        return _cast(module, node, torch.float32) if node in low else node

    for node in list(module.graph.nodes):
        with module.graph.inserting_before(node):
            floats = [each for each in node.all_input_nodes if _is_float(each)]
            if node.target in LOWERED and node.meta.get("dtype") == torch.float32:
                node.args = map_arg(node.args, lower)
                low.add(node)
            elif node.target in KEPT and floats:
                # A constant of a sum is lowered with it; what was computed in float32 is not.
                others = [each for each in floats if each.op != "get_attr"]
                if others and all(each in low for each in others):
                    node.args = map_arg(node.args, lower)
                    low.add(node)
            else:
                node.args = map_arg(node.args, raised)
                node.kwargs = map_arg(node.kwargs, raised)
    tidy(module)


def _is_float(node: fx.Node) -> bool:
    return bool(node.meta.get("dtype") == torch.float32)


def _lower(module: fx.GraphModule, node: fx.Node) -> fx.Node:
    """A node's numbers in bfloat16; those of a constant for good."""
    if node.op != "get_attr":
        with module.graph.inserting_after(node):
            return _cast(module, node, torch.bfloat16)
    name = f"{node.target}_lowered"
    module.register_buffer(name, getattr(module, str(node.target)).to(torch.bfloat16))
    with module.graph.inserting_after(node):
        return module.graph.get_attr(name)


def _cast(module: fx.GraphModule, node: fx.Node, dtype: torch.dtype) -> fx.Node:
    return module.graph.call_function(_converted, (node, dtype))


def _converted(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return tensor.to(dtype)

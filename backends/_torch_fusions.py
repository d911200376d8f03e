"""What makes a graph of PyTorch's functions quicker, without a compiler.

The functions of a layer take its bias, and a normalisation of known means is part of the weights
before it; a number that nobody else reads is overwritten.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch
from torch import fx
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONVOLUTIONS = (functional.conv1d, functional.conv2d, functional.conv3d)
FRESH = (
    *CONVOLUTIONS,
    *(functional.linear, functional.batch_norm, operator.add, operator.sub, operator.mul),
    *(operator.truediv, torch.matmul),
)
"""Functions whose result lies in memory of its own."""
IN_PLACE: dict[Callable[..., Any], Callable[..., Any]] = {
    functional.relu: torch.relu_,
    functional.hardtanh: functional.hardtanh_,
    functional.hardswish: torch._C._nn.hardswish_,  # noqa: SLF001
    functional.hardsigmoid: torch._C._nn.hardsigmoid_,  # noqa: SLF001
    torch.sigmoid: torch.sigmoid_,
    torch.tanh: torch.tanh_,
}
"""The functions that overwrite their argument."""


def fuse(module: fx.GraphModule) -> None:
    """Makes one function of what one can compute; sums may differ in the last bits."""
    for node in list(module.graph.nodes):
        if node.target is functional.batch_norm:
            _fold_normalisation(module, node)
        elif node.target is operator.add:
            _fold_bias(module, node)
    tidy(module)


def tidy(module: fx.GraphModule) -> None:
    """Frees what is no longer computed with."""
    module.graph.eliminate_dead_code()
    used = {str(node.target) for node in module.graph.nodes if node.op == "get_attr"}
    for name in [name for name, _ in module.named_buffers() if name not in used]:
        delattr(module, name)
    module.recompile()


def lay_out(module: fx.GraphModule) -> None:
    """Lays the weights of convolutions out by pixel; their results follow suit."""
    for node in module.graph.nodes:
        weight = _constant(module, node.args[1]) if node.target is functional.conv2d else None
        if weight is not None:
            laid = weight.contiguous(memory_format=torch.channels_last)
            setattr(module, str(node.args[1].target), laid)


def overwrite(module: fx.GraphModule) -> None:
    """Lets activations overwrite what they are given, where nothing else reads it."""
    for node in module.graph.nodes:
        if node.target in IN_PLACE:
            source = node.args[0]
            if _is_fresh(source) and len(source.users) == 1:
                node.target = IN_PLACE[node.target]
    module.recompile()


def _is_fresh(node: Any) -> bool:
    return isinstance(node, fx.Node) and node.target in FRESH


def _constant(module: fx.GraphModule, node: Any) -> torch.Tensor | None:
    if not isinstance(node, fx.Node) or node.op != "get_attr":
        return None
    found: torch.Tensor = getattr(module, str(node.target))
    return found


def _hold(module: fx.GraphModule, before: fx.Node, tensor: torch.Tensor) -> fx.Node:
    """A node for another constant."""
    name = next(_free_names(module))
    module.register_buffer(name, tensor)
    with module.graph.inserting_before(before):
        return module.graph.get_attr(name)


def _free_names(module: fx.GraphModule) -> Iterator[str]:
    number = 0
    while True:
        if not hasattr(module, f"folded_{number}"):
            yield f"folded_{number}"
        number += 1


def _fold_normalisation(module: fx.GraphModule, node: fx.Node) -> None:
    """Puts a batch normalisation into the convolution before it."""
    source = node.args[0]
    if not isinstance(source, fx.Node) or source.target not in CONVOLUTIONS:
        return
    weight, bias = _constant(module, source.args[1]), _constant(module, source.args[2])
    parts = [_constant(module, part) for part in node.args[1:5]]
    if weight is None or None in parts or len(source.users) != 1:
        return
    if source.args[2] is not None and bias is None:
        return
    mean, variance, scale, offset = parts
    epsilon: Any = node.args[7]
    fused = fuse_conv_bn_weights(weight, bias, mean, variance, epsilon, scale, offset)
    held = [_hold(module, source, one.detach()) for one in fused]
    source.args = (source.args[0], *held, *source.args[3:])
    node.replace_all_uses_with(source)


def _fold_bias(module: fx.GraphModule, node: fx.Node) -> None:
    """Puts a constant that is added into the dense layer before it."""
    for source, added in (node.args[:2], node.args[1::-1]):
        bias = _constant(module, added)
        if (
            isinstance(source, fx.Node)
            and source.target is functional.linear
            and len(source.users) == 1
            and source.args[2:] in ((), (None,))
            and bias is not None
            and (weight := _constant(module, source.args[1])) is not None
            and bias.shape == weight.shape[:1]
            and bias.dtype == weight.dtype
        ):
            held = _hold(module, source, bias)
            source.args = (*source.args[:2], held)
            node.replace_all_uses_with(source)
            return

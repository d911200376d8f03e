"""Operators of ONNX that make few numbers of many, or put them in order, in PyTorch's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ._torch_call import to_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._torch_call import Call, Translator
    from ._torch_graph import Value


def reduction(function: Callable[..., Any], before: Callable[..., Any] | None = None) -> Translator:
    """The operator that makes one number of many, along some dimensions or all.

    Args:
        function: takes a tensor, dimensions and whether they stay, of size 1.
        before: done with each number before.
    """

    def translate(call: Call) -> Value:
        value, axes = call.value(), call.numbers(1, "axes")
        if not axes:
            if call.attribute("noop_with_empty_axes", 0):
                return value if before is None else call.write(before, value)
            axes = list(range(value.rank))
        dtype = value.dtype
        if before is not None:
            value = call.write(before, value)
        kept = bool(call.attribute("keepdims", 1))
        return to_type(call, call.write(function, value, axes, kept), dtype)

    return translate


def _mean(tensor: torch.Tensor, axes: Sequence[int], kept: bool) -> torch.Tensor:
    if tensor.dtype.is_floating_point:
        return torch.mean(tensor, axes, kept)
    return torch.mean(tensor.double(), axes, kept).trunc()


def _product(tensor: torch.Tensor, axes: Sequence[int], kept: bool) -> torch.Tensor:
    for axis in sorted((axis % tensor.dim() for axis in axes), reverse=True):
        tensor = torch.prod(tensor, axis, kept)
    return tensor


def _root(tensor: torch.Tensor, axes: Sequence[int], kept: bool) -> torch.Tensor:
    return torch.sqrt(torch.sum(tensor, axes, kept))


def _log_of_sum(tensor: torch.Tensor, axes: Sequence[int], kept: bool) -> torch.Tensor:
    return torch.log(torch.sum(tensor, axes, kept))


def place_of(function: Callable[..., Any]) -> Translator:
    """The index of the greatest or least number along a dimension."""

    def translate(call: Call) -> Value:
        if call.attribute("select_last_index", 0):
            raise call.refuse("select_last_index")
        axis, kept = call.attribute("axis", 0), bool(call.attribute("keepdims", 1))
        return call.write(function, call.value(), axis, kept)

    return translate


def top_k(call: Call) -> list[Value]:
    """The greatest or least numbers along a dimension, and their places."""
    value, count = call.value(), (call.numbers(1, "k") or [0])[0]
    axis, largest = call.attribute("axis", -1), bool(call.attribute("largest", 1))
    order = call.write(_order, value, axis, largest)
    index = call.write(torch.narrow, order, axis, 0, count)
    return [call.write(torch.gather, value, axis, index), index]


def _order(tensor: torch.Tensor, axis: int, largest: bool) -> torch.Tensor:
    """Equal numbers stay in their order."""
    return torch.sort(tensor, dim=axis, descending=largest, stable=True).indices


def cumulative_sum(call: Call) -> Value:
    """Sums of all up to each."""
    if call.attribute("exclusive", 0) or call.attribute("reverse", 0):
        raise call.refuse("exclusive or reverse")
    (axis,) = call.value(1).numbers("the axis of CumSum")
    return to_type(call, call.write(torch.cumsum, call.value(), axis), call.value().dtype)


REDUCTIONS: dict[str, Translator] = {
    "ReduceMean": reduction(_mean),
    "ReduceSum": reduction(torch.sum),
    "ReduceMax": reduction(torch.amax),
    "ReduceMin": reduction(torch.amin),
    "ReduceProd": reduction(_product),
    "ReduceL1": reduction(torch.sum, torch.abs),
    "ReduceL2": reduction(_root, torch.square),
    "ReduceSumSquare": reduction(torch.sum, torch.square),
    "ReduceLogSum": reduction(_log_of_sum),
    "ReduceLogSumExp": reduction(torch.logsumexp),
    "ArgMax": place_of(torch.argmax),
    "ArgMin": place_of(torch.argmin),
    "TopK": top_k,
    "CumSum": cumulative_sum,
}

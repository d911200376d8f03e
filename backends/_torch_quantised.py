"""ONNX's steps between numbers of 8 bits and float32, in PyTorch's functions.

A product of two dequantised tensors stays a product in float32, as the file has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ._torch_call import dtype_of

if TYPE_CHECKING:
    from ._torch_call import Call, Translator
    from ._torch_graph import Value

RANGES = {torch.uint8: (0, 255), torch.int8: (-128, 127)}


def quantise(call: Call) -> Value:
    """To the nearest of 256 steps."""
    value, scale = call.value(0), call.value(1)
    zero = call.optional(2)
    dtype = zero.dtype if zero is not None else _asked(call)
    if dtype not in RANGES:
        raise call.refuse(f"the type {dtype}")
    offset = _offset(call, zero, value)
    return call.write(_quantised, value, _along(call, scale, value), offset, dtype)


def _asked(call: Call) -> torch.dtype:
    number = call.attribute("output_dtype", 0)
    return dtype_of(number) if number else torch.uint8


def dequantise(call: Call) -> Value:
    """From steps to numbers."""
    value, scale = call.value(0), call.value(1)
    if value.dtype not in (*RANGES, torch.int32):
        raise call.refuse(f"the type {value.dtype}")
    offset = _offset(call, call.optional(2), value)
    return call.write(_dequantised, value, _along(call, scale, value), offset)


def _offset(call: Call, zero: Value | None, value: Value) -> Value | None:
    if zero is None or (zero.constant and not zero.tensor.any()):
        return None
    return call.write(_as_float, _along(call, zero, value))


def _along(call: Call, steps: Value, value: Value) -> Value:
    """A scale for each place along a dimension lies along it; one for all stays what it is."""
    if call.attribute("block_size", 0) or steps.rank > 1:
        raise call.refuse("a scale for each block")
    if steps.rank == 0 or steps.shape == (1,):
        return call.write(torch.reshape, steps, [])
    shape = [1] * value.rank
    shape[call.attribute("axis", 1)] = -1
    return call.write(torch.reshape, steps, shape)


def _as_float(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float()


def _quantised(
    tensor: torch.Tensor, scale: torch.Tensor, offset: torch.Tensor | None, dtype: torch.dtype
) -> torch.Tensor:
    steps = torch.round(tensor / scale)
    if offset is not None:
        steps = steps + offset
    return steps.clamp(*RANGES[dtype]).to(dtype)


def _dequantised(
    tensor: torch.Tensor, scale: torch.Tensor, offset: torch.Tensor | None
) -> torch.Tensor:
    numbers = tensor.to(scale.dtype)
    return (numbers if offset is None else numbers - offset) * scale


QUANTISED: dict[str, Translator] = {
    "QuantizeLinear": quantise,
    "DequantizeLinear": dequantise,
}

"""Operators of ONNX that move, count or choose elements, in PyTorch's functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from ._onnx_operators import reshaped, takes_whole_pixels
from ._torch_call import to_type
from ._torch_graph import Value

if TYPE_CHECKING:
    from ._torch_call import Call, Translator

ALL = 1 << 62
"""From here on a bound of a slice stands for the end."""


def constant(call: Call) -> Value:
    """Numbers that stand in the file."""
    if "value" in call.attributes:
        return Value(call.attribute("value"))
    for name, dtype in (("int", torch.int64), ("float", torch.float32)):
        for found in (call.attribute(f"value_{name}"), call.attribute(f"value_{name}s")):
            if found is not None:
                return Value(torch.tensor(found, dtype=dtype))
    raise call.refuse("a constant that is no tensor of numbers")


def constant_of_shape(call: Call) -> Value:
    """One number everywhere."""
    number = call.attribute("value", torch.zeros(1))
    shape = call.value().numbers("the shape of ConstantOfShape")
    return call.write(torch.full, shape, number.item(), dtype=number.dtype)


def shape(call: Call) -> Value:
    """The sizes are known."""
    found = list(call.value().shape)
    start, end = call.attribute("start", 0), call.attribute("end", len(found))
    return Value(torch.tensor(found[start:end], dtype=torch.int64))


def size(call: Call) -> Value:
    """The number of elements."""
    return Value(torch.tensor(math.prod(call.value().shape), dtype=torch.int64))


def reshape(call: Call) -> Value:
    """To other sizes."""
    return call.write(torch.reshape, call.value(), reshaped(call))


def flatten(call: Call) -> Value:
    """To a matrix."""
    value, axis = call.value(), call.attribute("axis", 1)
    axis = axis + value.rank if axis < 0 else axis
    rows = math.prod(value.shape[:axis])
    return call.write(torch.reshape, value, [rows, math.prod(value.shape[axis:])])


def transpose(call: Call) -> Value:
    """Dimensions in another order."""
    value = call.value()
    order = call.attribute("perm", list(reversed(range(value.rank))))
    return call.write(torch.permute, value, order)


def squeeze(call: Call) -> Value:
    """Without dimensions of size 1."""
    value, axes = call.value(), call.numbers(1, "axes")
    if axes is None:
        return call.write(torch.squeeze, value)
    return call.write(torch.squeeze, value, tuple(axes))


def unsqueeze(call: Call) -> Value:
    """With dimensions of size 1 at these places of the result."""
    value, axes = call.value(), call.numbers(1, "axes") or []
    rank = value.rank + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        value = call.write(torch.unsqueeze, value, axis)
    return value


def concat(call: Call) -> Value:
    """One behind the other."""
    return call.write(torch.cat, call.values(), call.attribute("axis"))


def split(call: Call) -> list[Value]:
    """Into parts of given sizes, or of the same size."""
    value, axis = call.value(), call.attribute("axis", 0)
    sizes, count = call.numbers(1, "split"), call.attribute("num_outputs", call.outputs)
    if sizes is None:
        each = math.ceil(value.shape[axis] / count)
        sizes = [each] * (count - 1) + [value.shape[axis] - each * (count - 1)]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    parts = zip(starts, sizes, strict=True)
    return [call.write(torch.narrow, value, axis, start, length) for start, length in parts]


def slice_(call: Call) -> Value:
    """From start to end along some dimensions, perhaps backwards."""
    value = call.value()
    starts, ends = call.numbers(1, "starts") or [], call.numbers(2, "ends") or []
    axes = call.numbers(3, "axes") or list(range(len(starts)))
    steps = call.numbers(4, "steps") or [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        places = range(value.shape[axis])[_bound(start) : _bound(end) : step]
        if step == 1:
            first = places.start if len(places) else 0
            if len(places) != value.shape[axis]:
                value = call.write(torch.narrow, value, axis, first, len(places))
        else:
            index = Value(torch.tensor(list(places), dtype=torch.int64))
            value = call.write(torch.index_select, value, axis, index)
    return value


def _bound(number: int) -> int:
    return max(-ALL, min(ALL, number))


def gather(call: Call) -> Value:
    """Rows along a dimension, by index; a negative one counts from the end."""
    table, index = call.value(0), call.value(1)
    axis = call.attribute("axis", 0) % table.rank
    count = table.shape[axis]
    if index.constant and index.rank == 0:
        return call.write(torch.select, table, axis, index.tensor.item())
    if index.constant:
        index = Value(torch.remainder(index.tensor, count))
    elif axis == 0 and table.constant and table.rank == 2:
        # A negative index would be refused; no file has been seen to look up words by one.
        return call.write(functional.embedding, index, table)
    else:
        index = call.write(torch.remainder, index, count)
    flat = call.write(torch.reshape, index, [-1])
    found = call.write(torch.index_select, table, axis, flat)
    wanted = [*table.shape[:axis], *index.shape, *table.shape[axis + 1 :]]
    return call.write(torch.reshape, found, wanted)


def gather_elements(call: Call) -> Value:
    """An element for each index."""
    table, index, axis = call.value(0), call.value(1), call.attribute("axis", 0)
    index = to_type(call, call.write(torch.remainder, index, table.shape[axis]), torch.int64)
    return call.write(torch.gather, table, axis, index)


def expand(call: Call) -> Value:
    """Broadcast in both directions."""
    value = call.value()
    wanted = torch.broadcast_shapes(value.shape, tuple(call.numbers(1, "shape") or ()))
    return call.write(torch.broadcast_to, value, tuple(wanted))


def tile(call: Call) -> Value:
    """Repeated along each dimension."""
    return call.write(torch.tile, call.value(), tuple(call.numbers(1, "repeats") or ()))


def pad(call: Call) -> Value:
    """With a border of one number, or of what lies near it."""
    value, pads = call.value(), call.numbers(1, "pads") or []
    mode, number = call.attribute("mode", "constant"), (call.numbers(2, "value") or [0])[0]
    axes = call.numbers(3, "axes") or list(range(value.rank))
    before, after = [0] * value.rank, [0] * value.rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = pads[place], pads[place + len(axes)]
    if mode == "constant":
        sides = [
            side for axis in reversed(range(value.rank)) for side in (before[axis], after[axis])
        ]
        return call.write(functional.pad, value, sides, value=number)
    for axis in range(value.rank):
        places = [
            _mirrored(n, value.shape[axis], mode, call)
            for n in range(-before[axis], value.shape[axis] + after[axis])
        ]
        if before[axis] or after[axis]:
            index = Value(torch.tensor(places, dtype=torch.int64))
            value = call.write(torch.index_select, value, axis, index)
    return value


def _mirrored(place: int, count: int, mode: str, call: Call) -> int:
    """The place within a dimension that stands for one outside it."""
    if mode == "edge":
        return min(max(place, 0), count - 1)
    if mode == "wrap":
        return place % count
    if mode != "reflect":
        raise call.refuse(f"mode {mode!r}")
    period = max(2 * (count - 1), 1)
    return min(place % period, -place % period)


def range_(call: Call) -> Value:
    """Numbers from a first one to a last one."""
    start, end, step = (call.value(n).numbers("a bound of Range")[0] for n in range(3))
    return call.write(torch.arange, start, end, step, dtype=call.value().dtype)


def einsum(call: Call) -> Value:
    """A sum of products by a formula."""
    return call.write(torch.einsum, call.attribute("equation"), call.values())


def triangle(call: Call) -> Value:
    """The upper or lower triangle of a matrix."""
    offset = (call.numbers(1, "k") or [0])[0]
    function = torch.triu if call.attribute("upper", 1) else torch.tril
    return call.write(function, call.value(), offset)


def depth_to_space(call: Call) -> Value:
    """Channels become pixels."""
    block, value = call.attribute("blocksize"), call.value()
    batch, channels, height, width = value.shape
    rest = channels // block**2
    last = call.attribute("mode", "DCR") == "CRD"
    parts = [batch, rest, block, block, height, width]
    order = [0, 1, 4, 2, 5, 3]
    if not last:
        parts, order = [batch, block, block, rest, height, width], [0, 3, 4, 1, 5, 2]
    moved = call.write(torch.permute, call.write(torch.reshape, value, parts), order)
    return call.write(torch.reshape, moved, [batch, rest, height * block, width * block])


def space_to_depth(call: Call) -> Value:
    """Pixels become channels."""
    if call.attribute("mode", "DCR") != "DCR":
        raise call.refuse("another mode than DCR")
    block, value = call.attribute("blocksize"), call.value()
    batch, channels, height, width = value.shape
    parts = [batch, channels, height // block, block, width // block, block]
    moved = call.write(torch.permute, call.write(torch.reshape, value, parts), [0, 3, 5, 1, 2, 4])
    return call.write(
        torch.reshape, moved, [batch, channels * block**2, height // block, width // block]
    )


def resize(call: Call) -> Value:
    """Pixels to another number, in the two ways that PyTorch shares with ONNX."""
    value, sizes = call.value(), call.numbers(3, "sizes")
    if sizes is None:
        scales = call.numbers(1 if call.kind == "Upsample" else 2, "scales") or []
        wanted = [size * scale for size, scale in zip(value.shape, scales, strict=True)]
        sizes = [int(size) for size in wanted]
        if sizes != wanted:
            raise call.refuse("a size that is no whole number")
    if list(sizes[:2]) != list(value.shape[:2]) or value.rank != 4:
        raise call.refuse("anything but height and width")
    mode = call.attribute("mode", "nearest")
    usual = "asymmetric" if call.kind == "Upsample" else "half_pixel"
    places = call.attribute("coordinate_transformation_mode", usual)
    if call.attribute("antialias", 0) or call.attribute("axes"):
        raise call.refuse("antialias or axes")
    if mode == "nearest" and takes_whole_pixels(call, places, sizes):
        return call.write(functional.interpolate, value, sizes[2:], mode="nearest")
    if mode == "linear" and places in ("half_pixel", "align_corners"):
        corners = places == "align_corners"
        return call.write(
            functional.interpolate, value, sizes[2:], mode="bilinear", align_corners=corners
        )
    raise call.refuse(f"mode {mode!r} with {places!r}")


SHAPES: dict[str, Translator] = {
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "Shape": shape,
    "Size": size,
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Gather": gather,
    "GatherElements": gather_elements,
    "Expand": expand,
    "Tile": tile,
    "Pad": pad,
    "Range": range_,
    "Einsum": einsum,
    "Trilu": triangle,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Resize": resize,
    "Upsample": resize,
}

"""Operators of ONNX that move, count or choose elements, in TensorFlow's functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from ._onnx_operators import reshaped
from ._tf_graph import Value, channels_last, channels_second, check_size, constant

if TYPE_CHECKING:
    from ._tf_call import Call, Translator

ALL = 1 << 62
"""From here on a bound of a slice stands for the end."""


def constant_in_file(call: Call) -> Value:
    """Numbers that stand in the file."""
    if "value" in call.attributes:
        return constant(call.attribute("value"))
    for name, dtype in (("int", np.int64), ("float", np.float32)):
        for found in (call.attribute(f"value_{name}"), call.attribute(f"value_{name}s")):
            if found is not None:
                return constant(found, dtype)
    raise call.refuse("a constant that is no tensor of numbers")


def constant_of_shape(call: Call) -> Value:
    """One number everywhere."""
    number = np.asarray(call.attribute("value", np.zeros(1, np.float32)))
    sizes = call.value().numbers("the shape of ConstantOfShape")
    check_size(sizes)
    return constant(np.full(sizes, number.item(), number.dtype))


def shape(call: Call) -> Value:
    """The sizes are known."""
    found = call.value().shape
    start, end = call.attribute("start", 0), call.attribute("end", len(found))
    return constant(found[start:end], np.int64)


def size(call: Call) -> Value:
    """The number of elements."""
    return constant(math.prod(call.value().shape), np.int64)


def reshape(call: Call) -> Value:
    """To other sizes."""
    return call.write(tf.reshape, call.value(), reshaped(call))


def flatten(call: Call) -> Value:
    """To a matrix."""
    value, axis = call.value(), call.attribute("axis", 1)
    axis = axis + value.rank if axis < 0 else axis
    rows = math.prod(value.shape[:axis])
    return call.write(tf.reshape, value, [rows, math.prod(value.shape[axis:])])


def transpose(call: Call) -> Value:
    """Dimensions in another order; what only changes the layout moves nothing."""
    value = call.value()
    order = tuple(call.attribute("perm", list(reversed(range(value.rank)))))
    if not value.constant and value.rank > 2:
        if order == channels_last(value.rank) and value.last is not None:
            return call.graph.wrap(value.last)
        if order == channels_second(value.rank) and value.plain is not None:
            return call.graph.wrap(value.plain, last=True)
    return call.write(tf.transpose, value, order)


def squeeze(call: Call) -> Value:
    """Without dimensions of size 1."""
    value, axes = call.value(), call.numbers(1, "axes")
    if axes is None:
        axes = [axis for axis, length in enumerate(value.shape) if length == 1]
    gone = {axis % value.rank for axis in axes}
    if any(value.shape[axis] != 1 for axis in gone):
        raise call.refuse("a dimension of another size than 1")
    kept = [length for axis, length in enumerate(value.shape) if axis not in gone]
    return call.write(tf.reshape, value, kept)


def unsqueeze(call: Call) -> Value:
    """With dimensions of size 1 at these places of the result."""
    value, axes = call.value(), call.numbers(1, "axes") or []
    rank, there = value.rank + len(axes), iter(value.shape)
    added = {axis % rank for axis in axes}
    sizes = [1 if axis in added else next(there) for axis in range(rank)]
    return call.write(tf.reshape, value, sizes)


def concat(call: Call) -> Value:
    """One behind the other, in the layout of most."""
    values, axis = call.values(), call.attribute("axis")
    if 2 * sum(value.channels_last for value in values) > len(values):
        place = channels_last(values[0].rank).index(axis % values[0].rank)
        return call.graph.wrap(tf.concat([*map(call.graph.last, values)], place), last=True)
    return call.write(tf.concat, values, axis)


def split(call: Call) -> list[Value]:
    """Into parts of given sizes, or of the same size."""
    value, axis = call.value(), call.attribute("axis", 0)
    sizes, count = call.numbers(1, "split"), call.attribute("num_outputs", call.outputs)
    if sizes is None:
        each = math.ceil(value.shape[axis] / count)
        sizes = [each] * (count - 1) + [value.shape[axis] - each * (count - 1)]
    if sum(sizes) != value.shape[axis]:
        raise call.refuse(f"{sum(sizes)} elements of {value.shape[axis]}")
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    parts = zip(starts, sizes, strict=True)
    return [_part(call, value, axis, slice(start, start + length)) for start, length in parts]


def _part(call: Call, value: Value, axis: int, part: slice) -> Value:
    """Some elements along a dimension."""

    def taken(tensor: Any, places: list[int]) -> Any:
        return tensor[(*[slice(None)] * places[0], part)]

    return call.along(taken, value, [axis])


def slice_(call: Call) -> Value:
    """From start to end along some dimensions, perhaps backwards."""
    value = call.value()
    starts, ends = call.numbers(1, "starts") or [], call.numbers(2, "ends") or []
    axes = call.numbers(3, "axes") or list(range(len(starts)))
    steps = call.numbers(4, "steps") or [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        places = range(value.shape[axis])[_bound(start) : _bound(end) : step]
        if places == range(value.shape[axis]):
            continue
        stop = places.start + len(places) * step
        part = slice(places.start, stop if stop >= 0 else None, step)
        value = _part(call, value, axis, part if len(places) else slice(0, 0))
    return value


def _bound(number: int) -> int:
    return max(-ALL, min(ALL, number))


def gather(call: Call) -> Value:
    """Rows along a dimension, by index; a negative one counts from the end."""
    table, index = call.value(0), call.value(1)
    axis = call.attribute("axis", 0) % table.rank
    count = table.shape[axis]
    if index.array is not None:
        places = np.where(index.array < 0, index.array + count, index.array)
        if ((places < 0) | (places >= count)).any():
            raise call.refuse(f"an index beyond {count} elements")
        index = constant(places)
    elif not (axis == 0 and table.constant and table.rank == 2):
        # No file has been seen to look up words by a negative index, which would be refused.
        index = call.write(tf.math.floormod, index, np.array(count, index.dtype.as_numpy_dtype))
    return call.write(tf.gather, table, index, axis=axis)


def gather_elements(call: Call) -> Value:
    """An element for each index."""
    table, index, axis = call.value(0), call.value(1), call.attribute("axis", 0)
    axis %= table.rank
    count = np.array(table.shape[axis], index.dtype.as_numpy_dtype)
    index = call.write(tf.math.floormod, index, count)
    grid = np.meshgrid(*[np.arange(length) for length in index.shape], indexing="ij")

    def gathered(numbers: Any, at: Any) -> Any:
        parts = [tf.constant(each, at.dtype) for each in grid]
        parts[axis] = at
        return tf.gather_nd(numbers, tf.stack(parts, -1))

    return call.write(gathered, table, index)


def expand(call: Call) -> Value:
    """Broadcast in both directions."""
    value = call.value()
    wanted = np.broadcast_shapes(value.shape, tuple(call.numbers(1, "shape") or ()))
    check_size(wanted)
    return call.write(tf.broadcast_to, value, wanted)


def tile(call: Call) -> Value:
    """Repeated along each dimension."""
    value, repeats = call.value(), call.numbers(1, "repeats") or []
    check_size([*value.shape, *repeats])
    return call.write(tf.tile, value, repeats)


def pad(call: Call) -> Value:
    """With a border of one number, or of what lies near it."""
    value, pads = call.value(), call.numbers(1, "pads") or []
    mode, number = call.attribute("mode", "constant"), (call.numbers(2, "value") or [0])[0]
    axes = [axis % value.rank for axis in call.numbers(3, "axes") or range(value.rank)]
    if mode == "constant" and all(side >= 0 for side in pads):
        half = len(axes)
        sides = {axis: [pads[n], pads[n + half]] for n, axis in enumerate(axes)}
        check_size(length + sum(sides.get(axis, [0])) for axis, length in enumerate(value.shape))

        def padded(tensor: Any, places: list[int]) -> Any:
            borders = dict(zip(places, sides.values(), strict=True))
            whole = [borders.get(place, [0, 0]) for place in range(value.rank)]
            return tf.pad(tensor, whole, constant_values=tf.cast(number, tensor.dtype))

        return call.along(padded, value, axes)
    for place, axis in enumerate(axes):
        before, after, length = pads[place], pads[place + len(axes)], value.shape[axis]
        wanted = range(-before, length + after)
        if mode == "constant" and min(before, after) < 0:
            raise call.refuse("a negative border")
        if before or after:
            index = [_mirrored(n, length, mode, call) for n in wanted]
            value = call.write(tf.gather, value, np.array(index), axis=axis)
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
    check_size([max(0, math.ceil((end - start) / step))])
    found: Any = np.arange(start, end, step)
    return constant(found.astype(call.value().dtype.as_numpy_dtype))


def einsum(call: Call) -> Value:
    """A sum of products by a formula."""
    return call.write(lambda *all_: tf.einsum(call.attribute("equation"), *all_), *call.values())


def triangle(call: Call) -> Value:
    """The upper or lower triangle of a matrix."""
    value, offset = call.value(), (call.numbers(1, "k") or [0])[0]
    function = np.triu if call.attribute("upper", 1) else np.tril
    mask = function(np.ones(value.shape[-2:], bool), offset)
    return call.write(lambda one: tf.where(mask, one, tf.zeros_like(one)), value)


SHAPES: dict[str, Translator] = {
    "Constant": constant_in_file,
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
}

"""Operators of ONNX that make other pixels of channels, or of pixels, in TensorFlow's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from ._onnx_operators import takes_whole_pixels
from ._tf_graph import SPATIAL

if TYPE_CHECKING:
    from ._tf_call import Call, Translator
    from ._tf_graph import Value


def depth_to_space(call: Call) -> Value:
    """Channels become pixels."""
    value, block = call.value(), call.attribute("blocksize")
    tensor = call.graph.last(value)
    if call.attribute("mode", "DCR") == "CRD":
        batch, height, width, channels = tensor.shape
        parts = [batch, height, width, channels // block**2, block**2]
        swapped = tf.transpose(tf.reshape(tensor, parts), (0, 1, 2, 4, 3))
        tensor = tf.reshape(swapped, [batch, height, width, channels])
    return call.graph.wrap(tf.nn.depth_to_space(tensor, block), last=True)


def space_to_depth(call: Call) -> Value:
    """Pixels become channels."""
    if call.attribute("mode", "DCR") != "DCR":
        raise call.refuse("another mode than DCR")
    tensor = call.graph.last(call.value())
    found = tf.nn.space_to_depth(tensor, call.attribute("blocksize"))
    return call.graph.wrap(found, last=True)


def resize(call: Call) -> Value:
    """Pixels to another number, in the ways that TensorFlow shares with ONNX."""
    value, sizes = call.value(), call.numbers(3, "sizes")
    if sizes is None:
        scales = call.numbers(1 if call.kind == "Upsample" else 2, "scales") or []
        wanted = [size * scale for size, scale in zip(value.shape, scales, strict=True)]
        sizes = [int(size) for size in wanted]
        if sizes != wanted:
            raise call.refuse("a size that is no whole number")
    if list(sizes[:2]) != list(value.shape[:2]) or value.rank != SPATIAL + 1:
        raise call.refuse("anything but height and width")
    mode = call.attribute("mode", "nearest")
    usual = "asymmetric" if call.kind == "Upsample" else "half_pixel"
    places = call.attribute("coordinate_transformation_mode", usual)
    if call.attribute("antialias", 0) or call.attribute("axes"):
        raise call.refuse("antialias or axes")
    tensor = call.graph.last(value)
    given = {"images": tensor, "size": sizes[2:]}
    if mode == "nearest" and takes_whole_pixels(call, places, sizes):
        found = tf.raw_ops.ResizeNearestNeighbor(**given)
    elif mode == "linear" and places in ("half_pixel", "align_corners", "asymmetric"):
        corners, centres = places == "align_corners", places == "half_pixel"
        found = tf.raw_ops.ResizeBilinear(
            **given, align_corners=corners, half_pixel_centers=centres
        )
        found = tf.cast(found, tensor.dtype)
    else:
        raise call.refuse(f"mode {mode!r} with {places!r}")
    return call.graph.wrap(found, last=True)


PIXELS: dict[str, Translator] = {
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Resize": resize,
    "Upsample": resize,
}

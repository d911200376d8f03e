"""Compares the manifest's description of a file with what the file declares.

Integer inputs take raw pixels (``int8``: minus 128) if these stand for values of 0 to 255, 0 to 1
or -1 to 1 by the file's scale and zero point, or if the file has none. Otherwise the manifest must
state how pixels are normalised, and the values are quantised with that scale and zero point.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from dse.tasks.image_classification.labels import PLAIN, WITH_BACKGROUND, offset_problem
from dse.tasks.image_classification.preprocessing import INPUT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dse.formats.interface import Interface, TensorInfo
    from dse.models.manifest import Fault
    from dse.tasks.image_classification.models.manifest_entry import ImageEntry
    from dse.tasks.image_classification.preprocessing import Layout

INTEGERS, FLOATS = ("uint8", "int8"), ("float32", "float16")
_BLACK = {"uint8": 0, "int8": -128}
"""Raw value of a black pixel by type of the input."""
IMAGE_RANK, _SCORES_RANK, CHANNELS = 4, 2, 3
CHANNEL_AXIS: dict[Layout, int] = {"NHWC": 3, "NCHW": 1}
_USUAL_RANGES = ((0.0, 255.0), (0.0, 1.0), (-1.0, 1.0))
_TOLERANCE = 0.02
"""Tolerance as a share of a range: files have -1 to 0.992 or -0.996 to 1 for the same pixels."""


def contradictions(entry: ImageEntry, found: Interface | None) -> Iterator[Fault]:
    """What in an entry its file contradicts.

    Args:
        entry: an entry with all required fields.
        found: what the file declares; None if it can't be read.
    """
    if found is not None and len(found.inputs) == 1:
        given = found.inputs[0]
        yield from _of_type(entry, given)
        yield from _of_shape(entry, given)
    if entry.dtype in INTEGERS:
        yield from _of_values(entry, _stated(found))
    if found is not None:
        yield from _of_outputs(entry, found.outputs)


def quantisation(entry: ImageEntry, found: Interface | None) -> tuple[float, int] | None:
    """Scale and zero point that values are quantised with; None if the input takes raw pixels."""
    stated = _stated(found) if entry.dtype in INTEGERS else None
    if stated is None or (_neutral(entry) and takes_pixels(entry.dtype, stated)):
        return None
    return stated


def takes_pixels(dtype: str, stated: tuple[float, int]) -> bool:
    """Whether raw pixels stand for a usual range by an input's scale and zero point."""
    low, high = _pixel_range(dtype, stated)
    return any(
        max(abs(low - first), abs(high - last)) <= _TOLERANCE * (last - first)
        for first, last in _USUAL_RANGES
    )


def find_widths(outputs: tuple[TensorInfo, ...]) -> list[int]:
    """The numbers of scores of outputs, first that of the one that is taken without `classes`.

    Returns:
        Empty if the file leaves the shape of one open.
    """
    shapes = [one.shape for one in outputs if one.shape is not None]
    widths = [shape[-1] for shape in shapes if len(shape) == _SCORES_RANK]
    known = [width for width in widths if width is not None]
    if len(shapes) < len(outputs) or len(known) < len(widths):
        return []
    return sorted(known, key=lambda width: width not in (PLAIN, WITH_BACKGROUND))


def _of_type(entry: ImageEntry, given: TensorInfo) -> Iterator[Fault]:
    if given.dtype not in INPUT_BYTES:
        problem = f"its input '{given.name}' is {given.words}, which can't take images"
        yield "file", problem, f"export it with an input of {', '.join(INPUT_BYTES)}"
    elif given.dtype != entry.dtype:
        problem = f"the input '{given.name}' of '{entry.file}' is {given.words}, not {entry.dtype}"
        yield "dtype", problem, f"set `dtype: {given.dtype}`"


def _of_shape(entry: ImageEntry, given: TensorInfo) -> Iterator[Fault]:
    if given.shape is None:
        return
    named = f"the input '{given.name}' of '{entry.file}' is {given.words}"
    if len(given.shape) != IMAGE_RANK:
        yield "file", f"{named}, not a batch of images", "give an image classifier"
        return
    other: Layout = "NCHW" if entry.layout == "NHWC" else "NHWC"
    channels, others = (given.shape[CHANNEL_AXIS[one]] for one in (entry.layout, other))
    side = entry.pixels
    if channels != CHANNELS and others == CHANNELS and side != CHANNELS:
        yield "layout", f"{named}, which is {other}", f"set `layout: {other}`"
        return
    if channels not in (None, CHANNELS):
        yield "file", f"{named}: images have 3 channels", "give a classifier of colour images"
    axes = [axis for axis in (1, 2, 3) if axis != CHANNEL_AXIS[entry.layout]]
    sizes = [size for size in (given.shape[axis] for axis in axes) if size is not None]
    if len(set(sizes)) > 1:
        yield "file", f"{named}: images are square here", "export it with a square input"
    elif wrong := next((size for size in sizes if size != side), None):
        remedy = "rename the model" if entry.variant else f"set `resolution: {wrong}`"
        yield "resolution", f"{named}, not {side} x {side} pixels", remedy


def _of_values(entry: ImageEntry, stated: tuple[float, int] | None) -> Iterator[Fault]:
    """Contradictions about the values that an integer input stands for."""
    for field, neutral, channels in (("mean", 0.0, entry.mean), ("scale", 1.0, entry.scale)):
        if stated is None and set(channels or ()) - {neutral}:
            problem = f"a {entry.dtype} input takes raw pixels if the file has no quantisation"
            yield field, problem, f"use {neutral:g}"
        elif stated is not None and channels is None and not _neutral(entry):
            yield field, "is missing", "add it, since mean and scale belong together"
    unstated = entry.mean is None or entry.scale is None
    if stated is not None and unstated and not takes_pixels(entry.dtype, stated):
        low, high = _pixel_range(entry.dtype, stated)
        problem = (
            f"is missing: by the file's scale {stated[0]:g} and zero point {stated[1]} raw pixels "
            f"would stand for {low:.4g} to {high:.4g}"
        )
        yield "mean", problem, "add mean and scale, by which (pixel - mean) / scale is quantised"


def _of_outputs(entry: ImageEntry, outputs: tuple[TensorInfo, ...]) -> Iterator[Fault]:
    """Contradictions about the number of scores, if the file states that of every output."""
    widths = find_widths(outputs)
    if not widths:
        return
    if entry.scores is None:
        if problem := offset_problem(widths[0], entry.preprocessing().label_offset):
            yield ("label_offset", *problem)
    elif entry.scores not in widths:
        listed = ", ".join(f"{one.name} {one.words}" for one in outputs)
        remedy = "rename the model" if entry.variant else f"set `classes: {widths[0]}`"
        yield "classes", f"no output of '{entry.file}' has {entry.scores} scores: {listed}", remedy


def _stated(found: Interface | None) -> tuple[float, int] | None:
    if found is None or len(found.inputs) != 1:
        return None
    given = found.inputs[0]
    if given.quantisation is None:
        return None
    scale, zero = given.quantisation
    black = _BLACK.get(given.dtype, 0)
    return given.quantisation if 0 < scale < inf and black <= zero <= black + 255 else None


def _neutral(entry: ImageEntry) -> bool:
    """Whether the manifest asks for raw pixels."""
    return not (set(entry.mean or ()) - {0.0} or set(entry.scale or ()) - {1.0})


def _pixel_range(dtype: str, stated: tuple[float, int]) -> tuple[float, float]:
    """The values that black and white raw pixels stand for."""
    scale, zero = stated
    black = _BLACK[dtype]
    return (black - zero) * scale, (black + 255 - zero) * scale

"""Images as a model takes them. Imports only numpy: the worker needs them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from dse.core.alignment import aligned
from dse.core.errors import DseError, RequestError
from dse.core.wording import format_count
from dse.tasks.image_classification.preprocessing import INPUT_BYTES, Interpolation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.tasks.image_classification.preprocessing import Layout, Preprocessing

_MAX_RESOLUTION = 4096
INTEGERS = ("uint8", "int8")
"""Types of inputs that take pixels as they are, or quantised."""


class ImageInputs:
    """The images of a cache file.

    Args:
        cache_file: ``.npy``, uint8, (n, resolution, resolution, 3); mapped, not read.
        count: n, the number of images.
        preprocessing: of the model.

    Raises:
        DseError: the file is not such a cache or holds another number of images.
        RequestError: the preprocessing makes no sense.
    """

    def __init__(self, cache_file: Path, count: int, preprocessing: Preprocessing) -> None:
        check_preprocessing(preprocessing)
        try:
            mapped = np.load(cache_file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DseError(f"{cache_file}: not a cache of images: {error}") from error
        side = preprocessing.resolution
        if mapped.dtype != np.uint8 or mapped.shape != (count, side, side, 3):
            raise DseError(
                f"{cache_file}: holds {mapped.dtype} {mapped.shape} instead of "
                f"{format_count(count, 'image')} of {side} x {side} pixels"
            )
        self.count = count
        self._pixels: NDArray[np.uint8] = np.asarray(mapped)
        self._preprocessing = preprocessing

    def call(self, indices: Sequence[int], out: Any = None) -> NDArray[Any]:
        """See `dse.tasks.task.Inputs.call`; the layout is that of `prepare`."""
        pixels = self._pixels[np.asarray(indices, dtype=np.intp)]
        return prepare(pixels, self._preprocessing, out)


class RandomInputs:
    """Noise in place of images, for speed without a data set: there is nothing to be right about.

    A sample depends on the seed and its index alone, on any machine and in any order.

    Args:
        count: the number of samples.
        preprocessing: of the model.
        seed: not negative.

    Raises:
        RequestError: the preprocessing makes no sense.
    """

    def __init__(self, count: int, preprocessing: Preprocessing, seed: int) -> None:
        check_preprocessing(preprocessing)
        self.count = count
        self._seed = seed
        self._preprocessing = preprocessing

    def call(self, indices: Sequence[int], out: Any = None) -> NDArray[Any]:
        """See `dse.tasks.task.Inputs.call`; the layout is that of `prepare`."""
        side = self._preprocessing.resolution
        pixels = np.empty((len(indices), side, side, 3), np.uint8)
        for image, index in zip(pixels, indices, strict=True):
            image[...] = self._image(index)
        return prepare(pixels, self._preprocessing, out)

    def _image(self, index: int) -> NDArray[np.uint8]:
        """Pixels spread evenly over 0..255, the range that photographs fill."""
        if not 0 <= index < self.count:
            raise IndexError(f"sample {index} of {self.count}")
        side = self._preprocessing.resolution
        size = side * side * 3
        # The raw bits of a generator are what numpy promises to keep through its versions.
        words = np.random.PCG64([self._seed, index]).random_raw(-(-size // 8))
        return words.astype("<u8").view(np.uint8)[:size].reshape(side, side, 3)


def prepare(
    pixels: NDArray[np.uint8], preprocessing: Preprocessing, out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Brings images into a model's layout and dtype.

    Args:
        pixels: (n, height, width, 3), RGB.
        preprocessing: of the model.
        out: where they go instead of into a new array.

    Returns:
        C-contiguous, NHWC or NCHW. Floating-point inputs are ``(pixel - mean) / scale``, computed
        in float32. Integer inputs are the pixels themselves (less 128 for int8), or, with a
        quantisation, the integers that stand for the normalised values.
    """
    if preprocessing.layout == "NCHW":
        pixels = pixels.transpose(0, 3, 1, 2)
    if out is None:
        out = aligned(pixels.shape, preprocessing.dtype)
    if preprocessing.dtype in INTEGERS:
        _to_integers(pixels, preprocessing, out)
        return out
    mean, scale = (
        _per_channel(values, preprocessing.layout)
        for values in (preprocessing.mean, preprocessing.scale)
    )
    wide = None if out.dtype == np.float32 else np.empty(pixels.shape[1:], np.float32)
    for image, values in zip(pixels, out, strict=True):  # one at a time stays in the CPU's cache
        target = values if wide is None else wide
        np.subtract(image, mean, out=target, dtype=np.float32)
        np.divide(target, scale, out=target)
        if wide is not None:
            values[...] = wide
    return out


def _to_integers(
    pixels: NDArray[np.uint8], preprocessing: Preprocessing, out: NDArray[Any]
) -> None:
    """Writes images, which are laid out already, as the integers that the model takes."""
    if preprocessing.quantisation is None and preprocessing.dtype == "uint8":
        out[...] = pixels
        return
    table = integer_table(preprocessing)
    if (table == table[0]).all():
        out[...] = table[0][pixels]
        return
    axis = 1 if preprocessing.layout == "NCHW" else 3
    for channel, values in enumerate(table):
        where = (slice(None),) * axis + (channel,)
        out[where] = values[pixels[where]]


def integer_table(preprocessing: Preprocessing) -> NDArray[Any]:
    """What each pixel becomes in an integer input.

    Args:
        preprocessing: of a model that takes uint8 or int8.

    Returns:
        (3, 256) of that dtype, by channel and pixel.
    """
    dtype = np.dtype(preprocessing.dtype)
    lowest, highest = np.iinfo(dtype).min, np.iinfo(dtype).max
    ramp = np.tile(np.arange(256), (3, 1))
    if preprocessing.quantisation is None:
        return (ramp + lowest).astype(dtype)
    step, zero = preprocessing.quantisation
    mean, scale = (
        np.array(values, np.float32)[:, None]
        for values in (preprocessing.mean, preprocessing.scale)
    )
    values = (ramp.astype(np.float32) - mean) / scale
    nearest: NDArray[Any] = np.rint(values / step) + zero
    return nearest.clip(lowest, highest).astype(dtype)


def _per_channel(values: Sequence[float], layout: Layout) -> NDArray[np.float32]:
    """As an array that spreads over one image; a single number is by far the fastest to spread."""
    array = np.array(values, np.float32)
    if (array == array[0]).all():
        return array[:1].reshape(())
    return array.reshape((3, 1, 1) if layout == "NCHW" else (3,))


def check_preprocessing(preprocessing: Preprocessing) -> None:
    """Refuses a preprocessing that can't be carried out.

    Raises:
        RequestError: names the field.
    """

    def wrong(field: str, problem: str, remedy: str) -> RequestError:
        return RequestError(problem, field=f"preprocessing.{field}", remedy=remedy)

    p = preprocessing
    choices = {
        "layout": ("NHWC", "NCHW"),
        "dtype": tuple(INPUT_BYTES),
        "interpolation": get_args(Interpolation),
    }
    for field, allowed in choices.items():
        if getattr(p, field) not in allowed:
            raise wrong(field, f"{getattr(p, field)!r}", f"use one of {', '.join(allowed)}")
    if not 1 <= p.resolution <= _MAX_RESOLUTION:
        raise wrong("resolution", f"{p.resolution} pixels", f"use 1 to {_MAX_RESOLUTION}")
    if not 0 < p.crop <= 1:
        raise wrong("crop", f"{p.crop}", "use a fraction above 0 and up to 1")
    # As float32, in which they are used: there 1e-50 is zero and 1e50 infinite.
    with np.errstate(all="ignore"):
        mean, scale = np.array(p.mean).astype(np.float32), np.array(p.scale).astype(np.float32)
    if mean.shape != (3,) or not np.isfinite(mean).all():
        raise wrong("mean", f"{p.mean}", "use three finite numbers")
    if scale.shape != (3,) or not np.isfinite(scale).all() or not scale.all():
        raise wrong("scale", f"{p.scale}", "use three finite numbers other than 0")
    if p.quantisation is not None:
        _check_quantisation(p, wrong)
    elif p.dtype in INTEGERS and (any(p.mean) or any(s != 1 for s in p.scale)):
        raise wrong(
            "dtype",
            f"{p.dtype} pixels can't be normalised without the input's scale and zero point",
            "use mean 0 and scale 1, or float32",
        )


def _check_quantisation(p: Preprocessing, wrong: Callable[[str, str, str], RequestError]) -> None:
    step, zero = p.quantisation or (1.0, 0)
    if p.dtype not in INTEGERS:
        raise wrong("quantisation", f"of {p.dtype} pixels", "leave it out")
    limits = np.iinfo(p.dtype)
    if not (math.isfinite(step) and step > 0 and limits.min <= zero <= limits.max):
        raise wrong(
            "quantisation",
            f"{p.quantisation}",
            f"use a scale above 0 and a zero point of {limits.min} to {limits.max}",
        )

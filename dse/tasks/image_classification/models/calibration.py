"""The images, or the noise, on which int8 models are calibrated, and what is made with them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dse.core.checksums import digest
from dse.models.calibration import Calibration, spread_indices
from dse.models.quantised import Quantised
from dse.tasks.image_classification.models._conversion import Converted
from dse.tasks.image_classification.preprocessing import from_form, input_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.signature import Form
    from dse.models.provider import Provider
    from dse.tasks.image_classification.data.dataset import Dataset

MAX_IMAGES = 64
"""The most images to calibrate on: with min-max ranges 16 do nearly as well, and 128 no better."""
RANDOM_SAMPLES = 16
"""The number of random images that untrained weights are calibrated on."""


def with_conversions(provider: Provider, dataset: Dataset | None) -> Provider:
    """A provider of trained models that also makes TFLite and int8 files of what it has.

    Args:
        provider: has the files; one with untrained weights stays as it is.
        dataset: has the images that int8 is calibrated on.
    """
    if not provider.trained:
        return provider
    images = calibration(dataset) if dataset else None
    return Quantised(Converted(provider), images, input_type, "images")


def calibration(dataset: Dataset) -> Calibration:
    """Calibrates on images spread evenly over a data set."""
    from dse.tasks.image_classification.data.pixel_cache import DECODER, image_cache
    from dse.tasks.image_classification.inputs import ImageInputs

    indices = calibration_indices(len(dataset))

    def samples(form: Form) -> Iterator[NDArray[np.float32]]:
        preprocessing, _ = from_form(form)
        pixels = image_cache(dataset, preprocessing)
        images = ImageInputs(pixels, len(dataset), preprocessing)
        for index in indices:
            yield images.call([index])

    return Calibration(
        description=f"{len(indices)} of the {len(dataset)} images of the data set",
        identity=_identity(digest(["images", dataset.fingerprint, indices, DECODER])),
        samples=samples,
        count=len(indices),
    )


def calibration_indices(count: int) -> list[int]:
    """The images that calibrate."""
    return spread_indices(count, MAX_IMAGES)


def _identity(images: str) -> Callable[[Form], list[Any]]:
    """What samples depend on: the images, and the form but for the number of scores."""
    return lambda form: [images, from_form(form)[0].as_dict()]


def _random_samples(form: Form) -> Iterator[NDArray[np.float32]]:
    """Pixels spread evenly over 0 to 255; the same in both layouts, on every machine."""
    import numpy as np

    preprocessing, _ = from_form(form)
    size = preprocessing.resolution
    mean, scale = (np.array(one, np.float32) for one in (preprocessing.mean, preprocessing.scale))
    # The generator's raw bits, whose stream numpy guarantees, unlike that of its distributions.
    generator = np.random.PCG64(0)
    for _ in range(RANDOM_SAMPLES):
        bits = generator.random_raw(math.ceil(size * size * 3 / 8)).astype("<u8", copy=False)
        pixels = bits.view(np.uint8)[: size * size * 3].reshape(1, size, size, 3)
        sample = (pixels.astype(np.float32) - mean) / scale
        if preprocessing.layout == "NCHW":
            sample = np.ascontiguousarray(sample.transpose(0, 3, 1, 2))
        yield sample


RANDOM_PIXELS = Calibration(
    "random pixels", _identity(f"random/{RANDOM_SAMPLES}/0"), _random_samples
)
"""Calibration of untrained weights, for which any image will do."""

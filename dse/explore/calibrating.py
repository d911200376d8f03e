"""Trained models and what can be made of them with the images of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.checksums import digest
from dse.models.calibration import Calibration
from dse.models.quantised import Quantised
from dse.tasks.image_classification.data.pixel_cache import DECODER, image_cache
from dse.tasks.image_classification.inputs import ImageInputs
from dse.tasks.image_classification.models.conversion import Converted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from dse.models.provider import Provider
    from dse.tasks.image_classification.data.dataset import Dataset
    from dse.tasks.image_classification.preprocessing import Preprocessing

IMAGES = 64
"""With min-max ranges 16 do nearly as well, and 128 no better."""


def with_conversions(provider: Provider, dataset: Dataset | None) -> Provider:
    """A provider of trained models that also makes TFLite and int8 files of what it has.

    Args:
        provider: has the files; one with untrained weights stays as it is.
        dataset: has the images that int8 is calibrated on.
    """
    if not provider.trained:
        return provider
    return Quantised(Converted(provider), calibration(dataset) if dataset else None)


def calibration(dataset: Dataset) -> Calibration:
    """Calibrates on images spread evenly over a data set."""
    indices = calibration_indices(len(dataset))

    def samples(preprocessing: Preprocessing) -> Iterator[NDArray[np.float32]]:
        pixels = image_cache(dataset, preprocessing)
        images = ImageInputs(pixels, len(dataset), preprocessing)
        for index in indices:
            yield images.call([index])

    return Calibration(
        description=f"{len(indices)} of the {len(dataset)} images of the data set",
        identity=digest(["images", dataset.fingerprint, indices, DECODER]),
        samples=samples,
        images=len(indices),
    )


def calibration_indices(count: int) -> list[int]:
    """The images that calibrate: at most `IMAGES`, evenly spaced, each once."""
    chosen = min(count, IMAGES)
    return [(2 * place + 1) * count // (2 * chosen) for place in range(chosen)]

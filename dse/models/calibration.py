"""The inputs from which a static quantisation learns how far each activation reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from dse.tasks.image_classification.preprocessing import Preprocessing

RANDOM_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where calibration samples come from.

    Attributes:
        description: in words, after "calibrated on".
        identity: changes with anything the samples depend on but the preprocessing: two with the
            same one give the same samples.
        samples: gives inputs of a model with that preprocessing: float32, of batch 1 each, in its
            layout.
        images: number of images of the data set among them.
    """

    description: str
    identity: str
    samples: Callable[[Preprocessing], Iterable[NDArray[np.float32]]]
    images: int = 0


def _random_samples(preprocessing: Preprocessing) -> Iterator[NDArray[np.float32]]:
    """Pixels spread evenly over 0 to 255; the same in both layouts, on every machine."""
    import numpy as np

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


RANDOM_PIXELS = Calibration("random pixels", f"random/{RANDOM_SAMPLES}/0", _random_samples)
"""For untrained weights, to which no image means more than another."""

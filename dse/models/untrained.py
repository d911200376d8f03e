"""Random numbers for untrained weights, the same on every machine.

Speed equals that with trained weights only if no number is denormal, since such arithmetic can be a
hundred times slower. So their magnitude has a lower bound.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def random_bits(seed: str, count: int) -> NDArray[np.uint64]:
    """The raw bits of a generator, whose stream numpy guarantees, unlike its distributions'."""
    import numpy as np

    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16], "little")
    return np.random.PCG64(number).random_raw(count)


def make_uniform(seed: str, shape: tuple[int, ...], energy: float) -> NDArray[np.float32]:
    """Uniform float32 values of mean square 1 / ``energy``.

    Odd numerators exclude zero: the least magnitude is 2**-23 of the greatest.
    """
    import numpy as np

    bits = random_bits(seed, math.prod(shape)) >> np.uint64(41)
    steps = bits.astype(np.int64) * 2 + 1 - (1 << 23)
    scale = np.float32(math.sqrt(3 / energy) / (1 << 23))
    return (steps.astype(np.float32) * scale).reshape(shape)

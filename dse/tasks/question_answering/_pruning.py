"""Which weights of an untrained layer are zero, the same on every machine.

What a runtime gains from zeros depends on how many there are and how they lie, not on which they
are: they are picked at random, with the same share in each layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.models.untrained import random_bits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dse.tasks.question_answering._architectures import Pruning


def make_mask(seed: str, shape: tuple[int, int], pruning: Pruning) -> NDArray[np.bool_]:
    """Which weights of a layer are kept.

    Args:
        seed: of the layer.
        shape: (inputs, outputs) of its weights; blocks divide the inputs.
        pruning: how many are zero, and how they lie.
    """
    import numpy as np

    inputs, outputs = shape
    blocks = inputs // pruning.block * outputs
    zeros = round(blocks * pruning.percent / 100)
    kept = np.ones(blocks, np.bool_)
    kept[np.argpartition(random_bits(f"{seed}/zeros", blocks), zeros)[:zeros]] = False
    return kept.reshape(-1, outputs).repeat(pruning.block, axis=0)

"""The inputs from which a static quantisation learns how far each activation reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.signature import Form


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where calibration samples come from.

    Attributes:
        description: in words, after "calibrated on".
        identity: all that the samples for a form depend on, as JSON values.
        samples: gives inputs of a model of that form: float32, of batch 1 each.
        count: number of samples of the data set among them.
    """

    description: str
    identity: Callable[[Form], list[Any]]
    samples: Callable[[Form], Iterable[NDArray[np.float32]]]
    count: int = 0

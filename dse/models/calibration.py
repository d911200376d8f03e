"""The inputs from which a static quantisation learns how far each activation reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dse.core.signature import Form


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where calibration samples come from.

    Attributes:
        description: in words, after "calibrated on".
        identity: all that the samples for a form depend on, as JSON values.
        samples: gives inputs of a model of that form, of batch 1 each: an array, or for a model of
            several inputs a tuple of them.
        count: number of samples of the data set among them.
        products_only: whether nothing but matrix products by weights is to compute in 8 bits, as in
            encoders of text: what stands between these loses more there than it gains.
    """

    description: str
    identity: Callable[[Form], list[Any]]
    samples: Callable[[Form], Iterable[Any]]
    count: int = 0
    products_only: bool = False


def spread_indices(count: int, most: int) -> list[int]:
    """Indices below ``count``: ``most`` of them at most, evenly spaced, each once."""
    chosen = min(count, most)
    return [(2 * place + 1) * count // (2 * chosen) for place in range(chosen)]

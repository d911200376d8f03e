"""Confidence intervals of measured values."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(good: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Args:
        good: how many of the trials succeeded.
        total: how many there were, at least one.
        confidence: coverage, as a fraction.

    Returns:
        Lower and upper bound, as fractions.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = good / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    # Rounding must not put the share itself outside where it is 0 or 1.
    return (
        min(share, max(0.0, (centre - spread) / scale)),
        max(share, min(1.0, (centre + spread) / scale)),
    )

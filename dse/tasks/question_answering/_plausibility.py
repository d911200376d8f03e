"""Whether the F1 of a model can be what it is taken for.

A wrong vocabulary, or inputs and outputs that are taken for others, give a number like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.plausibility import Note

if TYPE_CHECKING:
    from dse.core.measurement import Measurement

PUBLISHED = "published_percent"
"""The detail with the F1 that others measured of the same variant."""
USELESS_PERCENT = 20.0
"""Answers that are picked at random reach 5 to 15 %."""
FAR_POINTS = 5.0
"""Percentage points below a published F1 that no other precision explains."""


def f1_notes(quality: Measurement) -> tuple[Note, ...]:
    """What speaks against a measured F1."""
    if "exact_match" not in quality.details:
        return ()
    highest = quality.interval[1] if quality.interval else quality.value
    figures = f"{quality.value:.3g} %"
    published = quality.details.get(PUBLISHED)
    if highest < USELESS_PERCENT:
        remedy = "look at the vocabulary, and at what inputs and outputs are for"
        return (Note("hardly an answer is right", figures, remedy),)
    if published is not None and highest < float(published) - FAR_POINTS:
        figures += f", published {float(published):.3g} %"
        remedy = "look at the file, the vocabulary and the questions"
        return (Note("F1 is far below the published one", figures, remedy),)
    return ()

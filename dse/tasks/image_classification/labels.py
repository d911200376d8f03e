"""How many scores a classifier of ImageNet has, and what that says about its label offset."""

from __future__ import annotations

TOP_LABEL = 999
"""The last of its labels, which begin with 0."""
PLAIN, WITH_BACKGROUND = 1000, 1001
"""Scores of its classes alone, and after one for a background."""


def offset_problem(width: int, label_offset: int) -> tuple[str, str] | None:
    """What speaks against a label offset where nobody says how many classes there are.

    Args:
        width: the number of scores.
        label_offset: 1 where score 0 is for a background class, else 0.

    Returns:
        The problem and the remedy; None where nothing does.
    """
    if (width, label_offset) == (WITH_BACKGROUND, 0):
        return (
            "1001 scores are a background and ImageNet's 1000 classes, not those from score 0 on",
            "set `label_offset: 1`",
        )
    if (width, label_offset) == (PLAIN, 1):
        return (
            "1000 scores are ImageNet's 1000 classes, without a background before them",
            "set `label_offset: 0`",
        )
    return None

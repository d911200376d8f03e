"""The number of scores of an ImageNet classifier, and what it implies for the label offset."""

from __future__ import annotations

TOP_LABEL = 999
"""ImageNet's last label; the first is 0."""
PLAIN, WITH_BACKGROUND = 1000, 1001
"""Number of scores without and with a background class before ImageNet's classes."""


def offset_problem(width: int, label_offset: int) -> tuple[str, str] | None:
    """Why a label offset is wrong, if the number of classes is not stated.

    Args:
        width: the number of scores.
        label_offset: 1 if score 0 belongs to a background class, else 0.

    Returns:
        The problem and the remedy; None if there is no problem.
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

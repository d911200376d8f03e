"""The images of a data set, listed before any is read."""

from __future__ import annotations

from dataclasses import dataclass

VAL_MAP = "val_map.txt"
CLASSES = 1000
"""Number of ImageNet's classes; labels are 0 to 999."""


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image of a data set.

    Attributes:
        name: path relative to the data set's folder, with forward slashes.
        label: the class, 0..999.
        size: size in bytes.
        mtime_ns: modification time in nanoseconds.
    """

    name: str
    label: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The images of a data set, in its order.

    Attributes:
        entries: the images, at least one.
        origin: origin of the labels, in words.
        notes: short notes about what was left out or assumed.
    """

    entries: tuple[ImageEntry, ...]
    origin: str
    notes: tuple[str, ...] = ()


def quote(text: str) -> str:
    """Quotes a text for display: short, on one line, without control characters."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def quote_some(names: list[str]) -> str:
    """Quotes the first three names for display, with the number of the others."""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(map(quote, names[:3])) + more

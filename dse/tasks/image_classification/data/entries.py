"""The images of a data set as they were found, before any is read."""

from __future__ import annotations

from dataclasses import dataclass

VAL_MAP = "val_map.txt"
CLASSES = 1000
"""Of ImageNet; labels go from 0 to 999."""


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image of a data set.

    Attributes:
        name: the path relative to the data set's folder, with forward slashes.
        label: the class, 0..999.
        size: bytes.
        mtime_ns: time of the last change, in nanoseconds.
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
        origin: where the labels come from, in words.
        notes: what was left out or taken for granted, a few words each.
    """

    entries: tuple[ImageEntry, ...]
    origin: str
    notes: tuple[str, ...] = ()


def quote(text: str) -> str:
    """The text as it may be shown: short, on one line, without control characters."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def quote_some(names: list[str], most: int = 3) -> str:
    """Names as they may be shown, of which there may be many."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(quote, names[:most])) + more

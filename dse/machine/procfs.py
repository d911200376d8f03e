"""Reading the small files of ``/proc`` and ``/sys``, any of which a machine may not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_text(path: Path) -> str:
    """A small file's text without the white space around it; empty where it can't be read."""
    try:
        return path.read_text(errors="replace").replace("\0", " ").strip()
    except OSError:
        return ""


def parse_number(text: str) -> int | None:
    """A whole number that is not negative; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() else None

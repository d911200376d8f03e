"""Reads the small files of ``/proc`` and ``/sys``, any of which may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_text(path: Path) -> str:
    """Reads a small file and strips the white space around its text; empty if it can't be read."""
    try:
        return path.read_text(errors="replace").replace("\0", " ").strip()
    except OSError:
        return ""


def read_meminfo(root: Path) -> dict[str, int]:
    """Reads ``/proc/meminfo``: bytes by name.

    Args:
        root: the folder that contains ``proc``.
    """
    lines = (line.split() for line in read_text(root / "proc/meminfo").splitlines())
    sizes = {line[0].rstrip(":"): parse_number(line[1]) for line in lines if line[2:] == ["kB"]}
    return {name: kib * 1024 for name, kib in sizes.items() if kib is not None}


def parse_number(text: str) -> int | None:
    """Parses a non-negative whole number; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() else None

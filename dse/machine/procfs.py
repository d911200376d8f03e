"""Reading the small files of ``/proc`` and ``/sys``, any of which a machine may not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> str:
    """A small file's text without the white space around it; empty where it can't be read."""
    try:
        return path.read_text(errors="replace").replace("\0", " ").strip()
    except OSError:
        return ""


def meminfo(root: Path) -> dict[str, int]:
    """Bytes by name, of ``/proc/meminfo``.

    Args:
        root: folder that holds ``proc``.
    """
    lines = (line.split() for line in read(root / "proc/meminfo").splitlines())
    sizes = {line[0].rstrip(":"): number(line[1]) for line in lines if line[2:] == ["kB"]}
    return {name: kib * 1024 for name, kib in sizes.items() if kib is not None}


def number(text: str) -> int | None:
    """A whole number that is not negative; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() else None

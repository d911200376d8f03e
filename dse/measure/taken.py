"""What a run gave, before it becomes a measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dse.types import KnobValue


@dataclass(frozen=True, slots=True)
class Taken:
    """A value in its metric's unit, further figures of the run, and an interval if known."""

    value: float
    details: dict[str, KnobValue]
    interval: tuple[float, float] | None = None


def logs_of_try(folder: Path, attempt: int) -> Path:
    """Where the logs of a further try of the same run go; the first one is attempt 0."""
    return folder if attempt == 0 else folder.with_name(f"{folder.name}-{attempt + 1}")

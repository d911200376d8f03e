"""What the description of a system says in figures: MLPerf has them as texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NONE = ("", "0", "n/a", "none")
"""What stands in place of a number of accelerators, or of their name, where there are none."""
FASTEST_GHZ = 20.0
"""More than any CPU has; a larger figure is a mistake."""


def cores(description: Mapping[str, str]) -> int | None:
    """Physical cores of all sockets; a text such as ``6 (4 big; 2 LITTLE)`` begins with a number.

    Args:
        description: texts by the names that MLPerf gives them, as are the others.
    """
    each = re.match(r"\d{1,4}\b", description.get("host_processor_core_count", ""))
    sockets = re.match(r"\d{1,2}\b", description.get("host_processors_per_node", ""))
    return int(each[0]) * int(sockets[0]) or None if each and sockets else None


def ghz(description: Mapping[str, str]) -> float | None:
    """The highest clock that is told; None where none is."""
    text = description.get("host_processor_frequency", "")
    found = re.findall(r"(\d{1,5}(?:\.\d{1,5})?)\s*([GM])Hz", text, re.IGNORECASE)
    clocks = (float(value) / (1000 if unit in "mM" else 1) for value, unit in found)
    return max((clock for clock in clocks if 0 < clock <= FASTEST_GHZ), default=None)


def accelerator(description: Mapping[str, str]) -> str:
    """What the system has beside its CPU; empty for nothing, and where it is not told."""
    count = description.get("accelerators_per_node", "").strip()
    name = description.get("accelerator_model_name", "").strip()
    if count.lower() in NONE or name.lower() in NONE:
        return ""
    return f"{count} x {name}"

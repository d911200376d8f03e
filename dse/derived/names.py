"""The names that expressions may use, and those that users may give."""

from __future__ import annotations

import keyword
import re

from dse.core.configuration import CONFIGURATION_FIELDS
from dse.core.metrics import METRICS
from dse.derived.operations import CONSTANTS, FUNCTIONS

FORM = re.compile(r"[a-z][a-z0-9_]{0,63}")
ENDS = ("low", "high")
SYSTEM = ("cpu", "cpus", "cores", "ghz")
"""Of the system: the name of the CPU; CPUs that can be kept busy; physical cores; highest clock."""
_COLUMNS = frozenset({"id", "failure", "failure_message", "notes", "label", "system"})
_ENDINGS = ("_low", "_high", "_source")


def all_bounds() -> frozenset[str]:
    """The names of both ends of every metric's interval."""
    return frozenset(f"{name}_{end}" for name in METRICS for end in ENDS)


def known_names() -> frozenset[str]:
    """What there may be of every point, whatever its backend."""
    return frozenset({*METRICS, *all_bounds(), *CONFIGURATION_FIELDS, *SYSTEM})


def bounds(name: str) -> tuple[str, str]:
    """The names of the lower and the upper end of a metric's interval."""
    return f"{name}_low", f"{name}_high"


def why_invalid(name: str) -> tuple[str, str] | None:
    """What is wrong with a name that a user gives to a number of his own, and the remedy."""
    other = "choose another name"
    if FORM.fullmatch(name) is None:
        return (
            "is not a name",
            "use lower-case letters, digits and _, at most 64, and a letter first",
        )
    if keyword.iskeyword(name) or name in FUNCTIONS or name in CONSTANTS:
        return "has a meaning in expressions", other
    if name in known_names():
        return "is a name of what is measured, configured or known of the system", other
    if name in _COLUMNS or name.endswith(_ENDINGS):
        return "is the name of a column of the tables", other
    return None

"""What an expression can know of a point, and what is made of it."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.core.configuration import CONFIGURATION_FIELDS, DEVICE
from dse.core.metrics import METRICS
from dse.derived._operations import CONSTANTS, FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.configuration import KnobValue

FORM = re.compile(r"[a-z][a-z0-9_]{0,63}")
ENDS = ("low", "high")
SYSTEM = ("cpu", "cpus", "cores", "ghz")
"""Names of facts: the name of the CPU, available CPUs, physical cores, the highest clock."""
_COLUMNS = frozenset({"id", "failure", "failure_message", "notes", "label", "system"})
_ENDINGS = ("_low", "_high", "_source")
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Machine:
    """A system, as expressions and the user's file know it.

    Attributes:
        names: what the user's file may call it: the name of its CPU, its fingerprint.
        facts: by name in `dse.derived.point.SYSTEM`; what is not known is left out.
    """

    names: tuple[str, ...]
    facts: Mapping[str, KnobValue]

    @classmethod
    def of(
        cls,
        *names: str,
        cpu: str,
        cpus: int | None = None,
        cores: int | None = None,
        ghz: float | None = None,
    ) -> Machine:
        """A machine of which some may not be known.

        Args:
            names: what it is called beside the name of its CPU.
            cpu: that name; empty where it is not known.
            cpus: CPUs that it can keep busy.
            cores: physical ones.
            ghz: highest clock.
        """
        facts = {"cpu": cpu or None, "cpus": cpus, "cores": cores, "ghz": ghz}
        return cls((cpu, *names), {name: fact for name, fact in facts.items() if fact is not None})


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is known of a point.

    Attributes:
        configuration: flat; what is not told is left out.
        values: by metric.
        intervals: by metric, where one is known.
        keys: by metric, what was measured (`dse.core.pareto.Point`).
    """

    configuration: Mapping[str, KnobValue]
    values: Mapping[str, float]
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a defined metric.

    Attributes:
        value: in the unit that its definition gives.
        interval: None where it is not known.
        key: of what it was computed; None where that is not known.
    """

    value: float
    interval: Interval | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A point as the definitions and conditions see it.

    Attributes:
        amounts: of the defined metrics that have a value.
        missing: of those that have none, by name: what they lack.
        kept: whether all conditions hold.
        undecided: what the conditions lack to be decided, or None.
    """

    amounts: Mapping[str, Value]
    missing: Mapping[str, str]
    kept: bool
    undecided: str | None


def all_bounds() -> frozenset[str]:
    """The names of both ends of every metric's interval."""
    return frozenset(f"{name}_{end}" for name in METRICS for end in ENDS)


def known_names() -> frozenset[str]:
    """What there may be of every point, whatever its backend."""
    return frozenset({*METRICS, *all_bounds(), *CONFIGURATION_FIELDS, DEVICE, *SYSTEM})


def bounds(name: str) -> tuple[str, str]:
    """The names of the lower and the upper end of a metric's interval."""
    return f"{name}_low", f"{name}_high"


def why_invalid(name: str) -> tuple[str, str] | None:
    """What is wrong with a name that a user gives to a number of their own, and the remedy."""
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

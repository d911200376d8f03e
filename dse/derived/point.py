"""What an expression can know of a point, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.configuration import KnobValue

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Machine:
    """A system, as far as expressions and the user's file can tell of it.

    Attributes:
        names: what the user's file may call it: the name of its CPU, its fingerprint.
        facts: by name in `dse.derived.names.SYSTEM`; what is not known is left out.
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

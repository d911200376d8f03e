"""Which system is the best for a given accuracy, by each criterion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.compare.agreement import agreements
from dse.compare.criteria import criteria

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.compare.agreement import Agreement
    from dse.compare.criteria import Criterion
    from dse.compare.systems import ComparedSystem, Gathered, SystemPoint

STEP_PERCENT, LEVELS = 5, 6
"""Accuracies that are compared where none are asked for: how far apart, and how many at most."""


@dataclass(frozen=True, slots=True)
class RankedSystem:
    """A system's best configuration of a ranking.

    Attributes:
        system: whose it is.
        entry: the configuration.
        value: by the criterion, in its unit.
    """

    system: ComparedSystem
    entry: SystemPoint
    value: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Systems by a criterion, at an accuracy.

    Attributes:
        criterion: what counts.
        accuracy: that a configuration has to have at least, in percent.
        standings: the best first.
        absent: the other systems, and what each lacks.
    """

    criterion: Criterion
    accuracy: float
    standings: tuple[RankedSystem, ...]
    absent: tuple[tuple[ComparedSystem, str], ...]

    @property
    def certain(self) -> bool | None:
        """Whether the first is better beyond the intervals; None where they are not known."""
        if len(self.standings) < 2:
            return None
        name = self.criterion.name
        first, *others = (each.entry.interval(name) for each in self.standings)
        if first is None or None in others:
            return None
        worst = max(map(self.criterion.loss, first))
        best = min(self.criterion.loss(bound) for each in others if each for bound in each)
        return worst < best


@dataclass(frozen=True, slots=True)
class Comparison:
    """Systems side by side.

    Attributes:
        gathered: the systems.
        accuracies: the levels, in percent, rising.
        criteria: those that some system has a value of.
        rankings: one for each criterion and accuracy, in that order.
        uncompared: the criteria that no system has a value of, and what is lacking.
        agreements: of accuracies with published ones.
    """

    gathered: Gathered
    accuracies: tuple[float, ...]
    criteria: tuple[Criterion, ...]
    rankings: tuple[Ranking, ...]
    uncompared: tuple[tuple[Criterion, str], ...]
    agreements: tuple[Agreement, ...]

    @property
    def systems(self) -> tuple[ComparedSystem, ...]:
        """In the order given."""
        return self.gathered.systems

    def ranking(self, criterion: Criterion, accuracy: float) -> Ranking:
        """That of a criterion at one of the accuracies."""
        wanted = (criterion, accuracy)
        return next(r for r in self.rankings if (r.criterion, r.accuracy) == wanted)


def compare(gathered: Gathered, accuracies: Sequence[float] = ()) -> Comparison:
    """Compares systems.

    Args:
        gathered: the systems.
        accuracies: qualities that a configuration has to have at least, in their unit; empty for
            some that there are.
    """
    systems = gathered.systems
    levels = tuple(sorted(set(accuracies))) or default_levels(systems)
    known, unknown = [], []
    for criterion in criteria(gathered.derivation):
        if any(system.able(criterion) for system in systems):
            known.append(criterion)
        else:
            unknown.append((criterion, _lacking(criterion, systems)))
    rankings = (_ranking(criterion, level, systems) for criterion in known for level in levels)
    return Comparison(
        gathered, levels, tuple(known), tuple(rankings), tuple(unknown), agreements(gathered)
    )


def default_levels(systems: Sequence[ComparedSystem]) -> tuple[float, ...]:
    """The highest multiples of 5 % that some configuration reaches."""
    best = max((each.accuracy for system in systems for each in system.entries), default=0.0)
    highest = math.floor(best / STEP_PERCENT)
    return tuple(float(STEP_PERCENT * n) for n in range(1, highest + 1))[-LEVELS:]


def _ranking(criterion: Criterion, accuracy: float, systems: Sequence[ComparedSystem]) -> Ranking:
    standings, absent = [], []
    for system in systems:
        able = system.able(criterion, accuracy)
        if able:
            value = able[0].value(criterion.name)
            standings.append(RankedSystem(system, able[0], value or 0.0))
        else:
            absent.append((system, _reason(criterion, accuracy, system)))
    standings.sort(key=lambda each: (criterion.loss(each.value), each.system.number))
    return Ranking(criterion, accuracy, tuple(standings), tuple(absent))


def _reason(criterion: Criterion, accuracy: float, system: ComparedSystem) -> str:
    """Why a system is in no ranking."""
    if not any(each.accuracy >= accuracy for each in system.entries):
        return f"no configuration reaches {accuracy:g} %"
    if system.able(criterion):
        return f"none that reaches {accuracy:g} % has a value"
    return f"{_lacking(criterion, [system])} is not known"


def _lacking(criterion: Criterion, systems: Sequence[ComparedSystem]) -> str:
    """The name for want of which there is no value."""
    causes = (
        each.assessed.missing.get(criterion.name)
        or next((name for name in criterion.metrics if name not in each.row.values), "")
        for system in systems
        for each in system.entries
    )
    return next(filter(None, causes), criterion.name)

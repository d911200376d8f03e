"""Ranks systems at given accuracies, by each criterion."""

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
"""Distance and largest number of the accuracies that are compared by default."""


@dataclass(frozen=True, slots=True)
class RankedSystem:
    """A system's best configuration in a ranking.

    Attributes:
        system: the system.
        entry: the configuration.
        value: value of the criterion, in its unit.
    """

    system: ComparedSystem
    entry: SystemPoint
    value: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Systems ranked by a criterion at an accuracy.

    Attributes:
        criterion: the criterion.
        accuracy: lowest accuracy of a configuration that counts, in percent.
        standings: the ranked systems, the best first.
        absent: the other systems, and what each lacks.
    """

    criterion: Criterion
    accuracy: float
    standings: tuple[RankedSystem, ...]
    absent: tuple[tuple[ComparedSystem, str], ...]

    @property
    def certain(self) -> bool | None:
        """Whether the first is better beyond the intervals; None if these are unknown."""
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
    """A comparison of systems.

    Attributes:
        gathered: the systems.
        accuracies: the compared accuracies in percent, rising.
        criteria: the criteria that some system has a value of.
        rankings: a ranking for each criterion and accuracy, in that order.
        uncompared: the criteria that no system has a value of, and what is missing.
        agreements: agreement of accuracies with published ones.
    """

    gathered: Gathered
    accuracies: tuple[float, ...]
    criteria: tuple[Criterion, ...]
    rankings: tuple[Ranking, ...]
    uncompared: tuple[tuple[Criterion, str], ...]
    agreements: tuple[Agreement, ...]

    @property
    def systems(self) -> tuple[ComparedSystem, ...]:
        """The systems in the order given."""
        return self.gathered.systems

    def ranking(self, criterion: Criterion, accuracy: float) -> Ranking:
        """The ranking by a criterion at one of the accuracies."""
        wanted = (criterion, accuracy)
        return next(r for r in self.rankings if (r.criterion, r.accuracy) == wanted)


def compare(gathered: Gathered, accuracies: Sequence[float] = ()) -> Comparison:
    """Compares systems.

    Args:
        gathered: the systems.
        accuracies: lowest qualities of a configuration, in their unit; empty for
            `default_levels`.
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
    """Why a system is not in a ranking."""
    if not any(each.accuracy >= accuracy for each in system.entries):
        return f"no configuration reaches {accuracy:g} %"
    if system.able(criterion):
        return f"none that reaches {accuracy:g} % has a value"
    return f"{_lacking(criterion, [system])} is not known"


def _lacking(criterion: Criterion, systems: Sequence[ComparedSystem]) -> str:
    """The name that is missing for a value."""
    causes = (
        each.assessed.missing.get(criterion.name)
        or next((name for name in criterion.metrics if name not in each.row.values), "")
        for system in systems
        for each in system.entries
    )
    return next(filter(None, causes), criterion.name)

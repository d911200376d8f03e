"""Ranks systems at given accuracies, by each criterion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.compare._agreement import agreements
from dse.compare.criteria import criteria

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.compare._agreement import Agreement
    from dse.compare.criteria import Criterion
    from dse.compare.systems import ComparedSystem, Gathered, SystemPoint

STEP_PERCENT, LEVELS = 5, 6
"""Distance and largest number of the accuracies that are compared by default."""
COMMON_SHARE = 0.9
"""Share of the systems with a value that reach an accuracy at which they are sorted."""
MAX_COLUMNS = 3
"""Largest number of accuracies that one table shows."""


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
class SystemOrder:
    """Systems sorted by a criterion at an accuracy.

    Attributes:
        criterion: the criterion.
        accuracy: the highest of `accuracies` that `COMMON_SHARE` of the systems reach, in percent.
        accuracies: the accuracies to show, rising.
        systems: those with a value at one of `accuracies`; the best at `accuracy` comes first,
            and those without a value there come last.
    """

    criterion: Criterion
    accuracy: float
    accuracies: tuple[float, ...]
    systems: tuple[ComparedSystem, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of systems.

    Attributes:
        gathered: the systems.
        ranked: the systems that count in rankings, in the order given.
        left_out: the others, which have an accelerator.
        accuracies: the compared accuracies in percent, rising.
        criteria: the criteria that some ranked system has a value of.
        rankings: a ranking for each criterion and accuracy, in that order.
        uncompared: the criteria that no ranked system has a value of, and what is missing.
        agreements: agreement of accuracies with published ones.
    """

    gathered: Gathered
    ranked: tuple[ComparedSystem, ...]
    left_out: tuple[ComparedSystem, ...]
    accuracies: tuple[float, ...]
    criteria: tuple[Criterion, ...]
    rankings: tuple[Ranking, ...]
    uncompared: tuple[tuple[Criterion, str], ...]
    agreements: tuple[Agreement, ...]

    @property
    def systems(self) -> tuple[ComparedSystem, ...]:
        """All systems in the order given."""
        return self.gathered.systems

    def ranking(self, criterion: Criterion, accuracy: float) -> Ranking:
        """The ranking by a criterion at one of the accuracies."""
        wanted = (criterion, accuracy)
        return next(r for r in self.rankings if (r.criterion, r.accuracy) == wanted)

    def others(self, criterion: Criterion) -> list[Criterion]:
        """All criteria but one."""
        return [each for each in self.criteria if each != criterion]

    def sort(
        self, criterion: Criterion | None = None, accuracies: Sequence[float] = ()
    ) -> SystemOrder | None:
        """Sorts the ranked systems.

        Args:
            criterion: one of `criteria`; None for the first.
            accuracies: the ones to show; empty for at most `MAX_COLUMNS` around the one to sort at.

        Returns:
            The order; None if no system has a value.
        """
        if not self.criteria or not self.accuracies:
            return None
        criterion = criterion or self.criteria[0]
        shown = tuple(accuracies) or self._middle(criterion)
        accuracy = self._common(criterion, shown)
        found = {
            standing.system.number: standing.system
            for level in (accuracy, *reversed(shown))
            for standing in self.ranking(criterion, level).standings
        }
        return SystemOrder(criterion, accuracy, shown, tuple(found.values())) if found else None

    def _middle(self, criterion: Criterion) -> tuple[float, ...]:
        index = self.accuracies.index(self._common(criterion, self.accuracies))
        last = max(0, len(self.accuracies) - MAX_COLUMNS)
        first = min(max(0, index - MAX_COLUMNS // 2), last)
        return self.accuracies[first : first + MAX_COLUMNS]

    def _common(self, criterion: Criterion, accuracies: Sequence[float]) -> float:
        """The highest accuracy at which `COMMON_SHARE` of the systems have a value."""
        counts = {each: len(self.ranking(criterion, each).standings) for each in accuracies}
        enough = COMMON_SHARE * counts[accuracies[0]]
        return max(each for each, count in counts.items() if count >= enough)


def compare(
    gathered: Gathered, accuracies: Sequence[float] = (), *, accelerators: bool = False
) -> Comparison:
    """Compares systems.

    Args:
        gathered: the systems.
        accuracies: lowest qualities of a configuration, in their unit; empty for
            `default_levels`.
        accelerators: whether systems with an accelerator count in rankings.
    """
    # A study's points on another device than the CPU are there only as they were asked for.
    with_one = (s for s in gathered.systems if s.hardware.kind == "accelerator" and not s.measured)
    left_out = () if accelerators else tuple(with_one)
    numbers = {system.number for system in left_out}
    systems = tuple(s for s in gathered.systems if s.number not in numbers)
    levels = tuple(sorted(set(accuracies))) or default_levels(systems)
    known, unknown = [], []
    for criterion in criteria(gathered.derivation):
        if any(system.able(criterion) for system in systems):
            known.append(criterion)
        else:
            unknown.append((criterion, _lacking(criterion, systems)))
    rankings = (_ranking(criterion, a, systems, left_out) for criterion in known for a in levels)
    return Comparison(
        gathered,
        systems,
        left_out,
        levels,
        tuple(known),
        tuple(rankings),
        tuple(unknown),
        agreements(gathered),
    )


def default_levels(systems: Sequence[ComparedSystem]) -> tuple[float, ...]:
    """The highest multiples of 5 % that some configuration reaches."""
    best = max((each.accuracy for system in systems for each in system.entries), default=0.0)
    highest = math.floor(best / STEP_PERCENT)
    return tuple(float(STEP_PERCENT * n) for n in range(1, highest + 1))[-LEVELS:]


def _ranking(
    criterion: Criterion,
    accuracy: float,
    systems: Sequence[ComparedSystem],
    left_out: Sequence[ComparedSystem],
) -> Ranking:
    standings = []
    absent = [(system, "has an accelerator") for system in left_out]
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

"""Which points were left out, and which metrics are missing: counted by what they lack."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dse.derived.derivation import Derivation
    from dse.derived.point import Evaluated


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many points were kept, and what the others lack; counts are by what is lacking.

    Attributes:
        points: that were assessed.
        kept: of them, by the conditions.
        undecided: how many were left out since nothing decides the conditions.
        missing: how many of those kept have no value of a metric of the user, by metric.
        lacking: how many were left out since they have no value of an objective.
    """

    points: int
    kept: int
    undecided: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    lacking: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, assessed: Sequence[Evaluated], lacking: Counter[str] | None = None) -> Coverage:
        """Counts what was assessed."""
        kept = [each for each in assessed if each.kept]
        missing: dict[str, Counter[str]] = {}
        for each in kept:
            for name, cause in each.missing.items():
                missing.setdefault(name, Counter())[cause] += 1
        undecided = Counter(each.undecided for each in assessed if each.undecided)
        return cls(
            len(assessed),
            len(kept),
            _sorted(undecided),
            {name: _sorted(causes) for name, causes in missing.items()},
            _sorted(lacking or Counter()),
        )

    def lines(self, derivation: Derivation) -> Iterator[str]:
        """What a reader has to know: definitions, conditions, and what was left out."""
        yield from map(str, derivation.definitions)
        for name, causes in self.missing.items():
            yield f"{name} is missing for {_points(causes)}: {_causes(causes)}"
        if derivation.conditions:
            texts = [f"({each.text})" for each in derivation.conditions]
            told = " and ".join(texts) if len(texts) > 1 else derivation.conditions[0].text
            yield f"only where {told}: {self.kept} of {format_count(self.points, 'point')}"
        if self.undecided:
            told = f"{_points(self.undecided)} left out, for which that can't be decided"
            yield f"{told}: {_causes(self.undecided)}"
        if self.lacking:
            told = f"{_points(self.lacking)} left out that have no value of an objective"
            yield f"{told}: {_causes(self.lacking)}"

    @property
    def why_none(self) -> str:
        """Why no point is left, where none is."""
        if self.lacking:
            return f"none has a value of every objective (lacking: {_causes(self.lacking)})"
        told = f"--where holds for none of {format_count(self.points, 'point')}"
        if not self.undecided:
            return told
        return f"{told} for certain (unknown: {_causes(self.undecided)})"

    def as_dict(self, derivation: Derivation) -> dict[str, Any]:
        """The same as a JSON object, with the parts that were asked for."""
        found: dict[str, Any] = {}
        if derivation.definitions:
            found["derived"] = [
                {"name": each.name, "unit": each.unit, "expression": each.expression.text}
                for each in derivation.definitions
            ]
            found["missing"] = {name: dict(causes) for name, causes in self.missing.items()}
        if derivation.conditions:
            found["where"] = {
                "conditions": [each.text for each in derivation.conditions],
                "points": self.points,
                "kept": self.kept,
                "undecided": dict(self.undecided),
            }
        if derivation.objectives:
            found["lacking"] = dict(self.lacking)
        return found


def _sorted(counts: Counter[str]) -> dict[str, int]:
    """The most frequent first."""
    return dict(counts.most_common())


def _points(causes: Mapping[str, int]) -> str:
    return format_count(sum(causes.values()), "point")


def _causes(causes: Mapping[str, int]) -> str:
    return ", ".join(f"{cause} ({count})" for cause, count in causes.items())

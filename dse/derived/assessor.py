"""Computes the metrics of a user, their intervals and the conditions, point by point."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.core.checksums import canonical_json
from dse.core.metrics import METRICS
from dse.derived._expression import Values
from dse.derived._operations import UndefinedError
from dse.derived.point import Evaluated, Value, all_bounds, bounds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.derived._expression import Expression
    from dse.derived.definitions import Definition
    from dse.derived.point import Inputs, Interval


@dataclass(frozen=True, slots=True)
class Chain:
    """A defined metric with all that it is computed from.

    Attributes:
        steps: the definitions that it needs, in order; its own is the last.
        names: what they need beside each other, sorted.
    """

    steps: tuple[Definition, ...]
    names: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether it uses no end of an interval: the uncertainty of such an end is not known."""
        own = {end for step in self.steps for end in bounds(step.name)}
        return own.isdisjoint(self.names) and all_bounds().isdisjoint(self.names)

    def timed(self, measured: Collection[str]) -> bool:
        """Whether it varies from one run to the next, as one of these metrics in it does."""
        return any(name in measured and varies(name) for name in self.names)

    @property
    def estimated(self) -> bool:
        """Whether it is an estimate, because one of the metrics in it is."""
        return any(name in METRICS and METRICS[name].estimated for name in self.names)

    def value(self, values: Values) -> float:
        """Computes it from the values of `names`.

        Raises:
            UndefinedError: it has none.
        """
        known = Values(values, values.causes)
        number = math.nan
        for step in self.steps:
            known[step.name] = number = step.expression.number(known)
        return number


def chains(definitions: Sequence[Definition]) -> dict[str, Chain]:
    """By name, how each metric is computed from what is not defined itself."""
    found: dict[str, Chain] = {}
    for definition in definitions:
        steps: dict[str, Definition] = {}
        names: set[str] = set()
        for name in definition.expression.names:
            if name in found:
                steps |= {step.name: step for step in found[name].steps}
                names.update(found[name].names)
            else:
                names.add(name)
        steps[definition.name] = definition
        found[definition.name] = Chain(tuple(steps.values()), tuple(sorted(names)))
    return found


def varies(metric: str) -> bool:
    """Whether a metric comes out differently in the next run; an unknown one counts as such."""
    return metric not in METRICS or METRICS[metric].timed


class Evaluator:
    """Assesses the points of one machine.

    Args:
        facts: of the machine, by name.
        definitions: of metrics; each may use those before it.
        conditions: all of them have to hold.

    Attributes:
        facts: as they were given.
    """

    def __init__(
        self,
        facts: Mapping[str, KnobValue],
        definitions: Sequence[Definition],
        conditions: Sequence[Expression],
    ) -> None:
        self.facts = facts
        self._definitions = definitions
        self._conditions = conditions
        self._chains = chains(definitions)

    def assess(self, known: Inputs) -> Evaluated:
        """Computes everything of a point.

        Raises:
            RequestError: an expression mixes numbers and texts.
        """
        values = self._values(known)
        amounts: dict[str, Value] = {}
        for definition in self._definitions:
            name = definition.name
            try:
                number = definition.expression.number(values)
            except UndefinedError as error:
                values.causes[name] = error.cause
                values.causes |= dict.fromkeys(bounds(name), error.cause)
                continue
            interval = self._interval(name, number, values, known)
            amounts[name] = Value(number, interval, self._key(name, values, known))
            values[name] = number
            values |= dict(zip(bounds(name), interval or (), strict=False))
        missing = {
            d.name: values.causes[d.name] for d in self._definitions if d.name not in amounts
        }
        return Evaluated(amounts, missing, *self._verdict(values))

    def holds_in_interval(self, known: Inputs) -> bool:
        """Whether the conditions hold wherever one of the values lies in its interval."""
        ends = [(name, end) for name, interval in known.intervals.items() for end in interval]
        return not self._conditions or all(
            self.assess(replace(known, values={**known.values, name: end})).kept
            for name, end in ends
        )

    def _values(self, known: Inputs) -> Values:
        values = Values({**self.facts, **known.configuration, **known.values})
        for metric, interval in known.intervals.items():
            values |= dict(zip(bounds(metric), interval, strict=True))
        return values

    def _interval(self, name: str, number: float, values: Values, known: Inputs) -> Interval | None:
        """The interval, from those of the measured metrics that it is computed from.

        Each of these is moved to both of its ends while the others stay; the distances to the
        value add up as independent ones do, in squares (G. Y. Zou and A. Donner, Statistics in
        Medicine 27 (2008), 1693-1702). What does not vary from run to run and has no interval is
        exact.
        """
        chain = self._chains[name]
        if not chain.exact:
            return None
        below: list[float] = []
        above: list[float] = []
        for metric in chain.names:
            if metric not in known.values:
                continue
            interval = known.intervals.get(metric)
            if interval is None and varies(metric):
                return None
            try:
                moved = [
                    chain.value(Values({**values, metric: end}, values.causes))
                    for end in interval or ()
                ]
            except UndefinedError:
                return None  # such as a division by 0 at one of the ends
            below.append(number - min([number, *moved]))
            above.append(max([number, *moved]) - number)
        low, high = number - math.hypot(*below), number + math.hypot(*above)
        return (low, high) if math.isfinite(low) and math.isfinite(high) else None

    def _key(self, name: str, values: Values, known: Inputs) -> str | None:
        """The inputs of the value: equal for points that differ in none of them."""
        names = self._chains[name].names
        measured = [each for each in names if each in known.values]
        if not self._chains[name].exact or any(each not in known.keys for each in measured):
            return None
        return canonical_json([known.keys.get(each, values.get(each)) for each in names])

    def _verdict(self, values: Values) -> tuple[bool, str | None]:
        """Whether all conditions hold, and what they lack to be decided."""
        undecided: str | None = None
        for condition in self._conditions:
            try:
                if not condition.holds(values):
                    return False, None
            except UndefinedError as error:
                undecided = undecided or error.cause
        return undecided is None, undecided

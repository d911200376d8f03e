"""The configurations that have no outcome yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.space.plan import parameter_values

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping

    from dse.space.plan import Plan
    from dse.types import Configuration, KnobValue


class Pool:
    """What is left of a plan, in the plan's order.

    Args:
        plan: the configurations that can run here.
        done: keys of those that need no measuring.
    """

    def __init__(self, plan: Plan, done: Iterable[str]) -> None:
        self.plan = plan
        done = set(done)
        self._left = {c.key: c for c in plan.configurations if c.key not in done}
        self._values = {key: parameter_values(c) for key, c in self._left.items()}

    def __len__(self) -> int:
        return len(self._left)

    def take(self, configuration: Configuration) -> None:
        """Removes a configuration; one that is not in the pool is an error.

        Raises:
            KeyError: it was taken before.
        """
        del self._left[configuration.key]
        del self._values[configuration.key]

    def first(self) -> Configuration:
        """The first in the plan's order."""
        return next(iter(self._left.values()))

    def draw(self, rng: random.Random) -> Configuration:
        """Any one, each as likely as the others."""
        return rng.choice(list(self._left.values()))

    def nearest(self, values: Mapping[str, KnobValue], rng: random.Random) -> Configuration:
        """The configuration that differs from these parameter values in the fewest parameters.

        Args:
            values: by name of parameter.
            rng: decides between several.
        """
        found = self._left.get(self.plan.configuration(values).key)
        if found is not None:
            return found
        distances = {key: _distance(own, values) for key, own in self._values.items()}
        least = min(distances.values())
        return self._left[rng.choice([key for key, d in distances.items() if d == least])]


def _distance(one: Mapping[str, KnobValue], other: Mapping[str, KnobValue]) -> int:
    """In how many parameters two configurations differ; one that only one of them has counts."""
    return sum(one.get(name) != other.get(name) for name in {**one, **other})

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

    def __len__(self) -> int:
        return len(self._left)

    def take(self, configuration: Configuration) -> None:
        """Removes a configuration; one that is not in the pool is an error.

        Raises:
            KeyError: it was taken before.
        """
        del self._left[configuration.key]

    def first(self) -> Configuration:
        """The first in the plan's order."""
        return next(iter(self._left.values()))

    def draw(self, rng: random.Random) -> Configuration:
        """Any one, each as likely as the others."""
        return rng.choice(list(self._left.values()))

    def find(self, values: Mapping[str, KnobValue]) -> Configuration | None:
        """The configuration with these parameter values; None if it is not in the pool."""
        return self._left.get(self.plan.configuration(values).key)

    @staticmethod
    def values(configuration: Configuration) -> dict[str, KnobValue]:
        """The parameter values of a configuration."""
        return parameter_values(configuration)

"""The configurations that have no outcome yet, and of them those that nobody measures now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Container, Iterable, Mapping

    from numpy.typing import NDArray

    from dse.core.configuration import Configuration, KnobValue
    from dse.space.plan import Plan


class Pool:
    """What is left of a plan, in the plan's order.

    Args:
        plan: the configurations that can run here.
        done: keys of those that need no measuring.
        only: keys of those that may be measured; None for all.
    """

    def __init__(self, plan: Plan, done: Iterable[str], only: Container[str] | None = None) -> None:
        self.plan = plan
        done = set(done)
        self._places = {c.key: place for place, c in enumerate(plan.configurations)}
        wanted = (key not in done and (only is None or key in only) for key in self._places)
        self._left = np.fromiter(wanted, np.bool_, len(self._places))
        self._aside: frozenset[int] = frozenset()
        self._open = self._left.copy()
        self._codes = _Codes(plan)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._open))

    def __contains__(self, configuration: Configuration) -> bool:
        place = self._places.get(configuration.key)
        return place is not None and bool(self._left[place])

    @property
    def left(self) -> int:
        """How many there are, with those that are set aside."""
        return int(np.count_nonzero(self._left))

    @property
    def reserved(self) -> int:
        """How many are set aside."""
        return len(self._aside)

    @property
    def available_indices(self) -> NDArray[np.intp]:
        """The places in the plan of what may be taken."""
        return np.flatnonzero(self._open)

    @property
    def reserved_indices(self) -> NDArray[np.intp]:
        """The places in the plan of what is set aside."""
        return np.array(sorted(self._aside), dtype=np.intp)

    def index_of(self, configuration: Configuration) -> int | None:
        """The place of a configuration in the plan, taken or not; None where it is not there."""
        return self._places.get(configuration.key)

    def reserve(self, busy: Callable[[Configuration], bool]) -> None:
        """Sets the busy configurations aside, and offers all others again."""
        every = self.plan.configurations
        places = np.flatnonzero(self._left).tolist()
        self._aside = frozenset(place for place in places if busy(every[place]))
        self._open = self._left.copy()
        self._open[list(self._aside)] = False

    def take(self, configuration: Configuration) -> None:
        """Removes a configuration; one that is not in the pool is an error.

        Raises:
            KeyError: it was taken before.
        """
        place = self._places[configuration.key]
        if not self._left[place]:
            raise KeyError(configuration.key)
        self._left[place] = self._open[place] = False
        self._aside -= {place}

    def first(self) -> Configuration:
        """The first in the plan's order."""
        return self.plan.configurations[int(np.argmax(self._open))]

    def draw(self, rng: random.Random) -> Configuration:
        """Any one, each as likely as the others."""
        return self._any(self._open, rng)

    def nearest(self, values: Mapping[str, KnobValue], rng: random.Random) -> Configuration:
        """The configuration that differs from these parameter values in the fewest parameters.

        A parameter that only one of two configurations has counts; values of inactive ones don't.
        """
        distances = self._codes.distances(values)
        least = distances[self._open].min()
        return self._any(self._open & (distances == least), rng)

    def _any(self, among: NDArray[np.bool_], rng: random.Random) -> Configuration:
        return self.plan.configurations[int(rng.choice(np.flatnonzero(among)))]


class _Codes:
    """The configurations of a plan as numbers, one row per parameter.

    A parameter's choices are counted from 1; 0 is for configurations that don't have it.
    """

    def __init__(self, plan: Plan) -> None:
        self._parameters = plan.parameters
        self._numbers = [
            {choice: number for number, choice in enumerate(p.choices, start=1)}
            for p in plan.parameters
        ]
        most = max(len(p.choices) for p in plan.parameters)
        shape = len(plan.parameters), len(plan.configurations)
        self._rows: NDArray[Any] = np.zeros(shape, np.min_scalar_type(most))
        rows = {p.name: row for row, p in enumerate(plan.parameters)}
        for place, configuration in enumerate(plan.configurations):
            for name, value in plan.values(configuration).items():
                row = rows[name]
                self._rows[row, place] = self._numbers[row][value]

    def distances(self, values: Mapping[str, KnobValue]) -> NDArray[np.uint16]:
        """In how many parameters each configuration differs from these values."""
        found = np.zeros(self._rows.shape[1], np.uint16)
        for parameter, numbers, row in zip(
            self._parameters, self._numbers, self._rows, strict=True
        ):
            found += row != (numbers[values[parameter.name]] if parameter.active(values) else 0)
        return found

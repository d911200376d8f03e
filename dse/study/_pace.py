"""How long members of rounds take, as those before them did."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(slots=True)
class _Taken:
    """Members of rounds: their number, and how long they took in all, in seconds."""

    count: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Pace:
    """How long members of rounds took, by the key of their configuration.

    Loading a model and starting its runtime takes as long for a brief run as for a probe, so the
    times of probes alone tell too little.
    """

    _taken: dict[str, _Taken] = field(default_factory=lambda: defaultdict(_Taken))

    def note(self, key: str, seconds: float) -> None:
        """Takes in how long a member took, in seconds."""
        self._taken[key].count += 1
        self._taken[key].seconds += seconds

    def mean(self, key: str) -> float | None:
        """How long a member takes by those before it, in seconds; None where there was none."""
        found = self._taken.get(key)
        return found.seconds / found.count if found else None

    def factor(self, expected: Callable[[str], float | None]) -> float:
        """How many times as long members took as was expected of them; 1 without any.

        Args:
            expected: the seconds that a member is expected to take, by its key; None for those
                that don't count.
        """
        known: Mapping[str, float] = {
            key: seconds for key in self._taken if (seconds := expected(key)) is not None
        }
        supposed = sum(self._taken[key].count * seconds for key, seconds in known.items())
        return sum(self._taken[key].seconds for key in known) / supposed if supposed else 1.0

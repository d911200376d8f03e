"""What to explore, and how: the same for the command line and for Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError
from dse.core.worker_environment import why_refused

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from dse.space.space import SearchSpace

BORROWER = "frontier"
"""The sampler that learns from other systems as well."""
SAMPLERS = ("grid", "random", "nsga2", "tpe", BORROWER)
"""The names of the samplers."""
MAX_TIE_PERCENT = 50.0
"""Values that differ by more are no tie by any measure."""


@dataclass(frozen=True, slots=True)
class ExploreRequest:
    """What to explore, and how.

    Attributes:
        space: the search space: a file, a name, or what a file holds.
        study: name or folder of the study; None for the name of the space.
        dataset: the folder of a data set; None for published qualities.
        models: a folder of model files; None for the builtin models.
        storage: URL of the study's Optuna storage; None for a database in its folder.
        n_trials: the number of configurations to stop after; None for no limit.
        timeout: seconds after which no new configuration and no round is started; None for no
            limit.
        sampler: one of `SAMPLERS`.
        seed: of everything random.
        run_timeout: the longest time for one configuration, in seconds.
        memory_limit: the most memory for one configuration, in bytes; None for what is free.
        settle: the longest time to compare what is undecided on the frontier, in seconds; None
            for as long as the study was explored, 0 to measure everything once.
        tie: values that differ by less than this percentage are a tie; None for what the study
            has, or 2 in a new one.
        retry_failed: whether to try again what failed for a reason that may pass.
        stop_gain: the rest is left out when it is expected to add less than this percentage to
            the frontier's hypervolume; 0 to measure everything.
        warm_start: studies and tables whose results lead the search.
        environment: variables for the processes that measure, by name.
        per_cpu: whether each CPU has a study of its own.
        only: keys of the configurations that may be explored; None for all of the space.

    Raises:
        RequestError: a value is out of its range; names the field.
    """

    space: str | os.PathLike[str] | Mapping[str, Any] | SearchSpace
    study: str | os.PathLike[str] | None = None
    dataset: Path | None = None
    models: Path | None = None
    storage: str | None = None
    n_trials: int | None = None
    timeout: float | None = None
    sampler: str = "frontier"
    seed: int = 0
    run_timeout: float = 300.0
    memory_limit: int | None = None
    settle: float | None = None
    tie: float | None = None
    retry_failed: bool = False
    stop_gain: float = 1.0
    warm_start: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    per_cpu: bool = False
    only: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            problem, known = f"unknown sampler '{self.sampler}'", ", ".join(SAMPLERS)
            raise RequestError(problem, field="sampler", remedy=f"known are {known}")
        self._refuse_wrong_types()
        memory, settle, tie = self.memory_limit, self.settle, self.tie
        for name, value, fits, expected in (
            ("n_trials", self.n_trials, self.n_trials is None or self.n_trials >= 1, "at least 1"),
            ("timeout", self.timeout, self.timeout is None or self.timeout > 0, "more than 0"),
            ("seed", self.seed, self.seed >= 0, "at least 0"),
            ("run_timeout", self.run_timeout, self.run_timeout > 0, "more than 0"),
            ("memory_limit", memory, memory is None or memory >= 1, "at least 1"),
            ("settle", settle, settle is None or settle >= 0, "at least 0"),
            ("tie", tie, tie is None or 0 <= tie <= MAX_TIE_PERCENT, f"0 to {MAX_TIE_PERCENT:g}"),
            ("stop_gain", self.stop_gain, 0 <= self.stop_gain <= 100, "0 to 100"),
        ):
            if not fits:
                raise RequestError(f"expected {expected}, not {value}", field=name)
        for variable, text in self.environment.items():
            if against := why_refused(variable, text):
                raise RequestError(against, field="environment")

    def _refuse_wrong_types(self) -> None:
        """Python passes on anything; the command line has converted what it was given."""
        whole, number = ("a whole number", int), ("a number", int | float)
        for name, (expected, kind), optional in (
            ("n_trials", whole, True),
            ("timeout", number, True),
            ("seed", whole, False),
            ("run_timeout", number, False),
            ("memory_limit", whole, True),
            ("settle", number, True),
            ("tie", number, True),
            ("stop_gain", number, False),
            ("retry_failed", ("True or False", bool), False),
            ("per_cpu", ("True or False", bool), False),
        ):
            value = getattr(self, name)
            if not (isinstance(value, kind) or (optional and value is None)):
                raise RequestError(f"expected {expected}, not {value!r}", field=name)
        if not (self.only is None or isinstance(self.only, frozenset)):
            raise RequestError(f"expected a frozenset of keys, not {self.only!r}", field="only")
        if not isinstance(self.environment, Mapping) or not all(
            isinstance(text, str) for pair in self.environment.items() for text in pair
        ):
            problem = f"expected texts by name, not {self.environment!r}"
            raise RequestError(problem, field="environment")

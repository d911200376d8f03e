"""Optuna's Gaussian process, for comparison: the project does without what it needs."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dse.core.errors import UnavailableError
from dse.exploration._optuna_samplers import OptunaSampler

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from dse.exploration._pool import Pool
    from dse.space.space import SearchSpace

NAME = "optuna-gp"
NEEDS = ("scipy", "torch")


def available() -> bool:
    """Whether it can be used here."""
    return all(find_spec(name) for name in NEEDS)


def require() -> None:
    """Checks that it can be used here.

    Raises:
        UnavailableError: a library is missing.
    """
    if not available():
        needs = " ".join(NEEDS)
        raise UnavailableError(
            f"{NAME} needs {' and '.join(NEEDS)}",
            field="--samplers",
            remedy=f"pip install {needs}, in an environment of its own, or leave it out",
        )


def make(pool: Pool, space: SearchSpace, seed: int) -> OptunaSampler:
    """The sampler, with Optuna's own defaults: the first ten proposals are random."""
    import optuna

    def sampler(own: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.GPSampler(seed=own)

    return OptunaSampler(pool, space, sampler, seed)

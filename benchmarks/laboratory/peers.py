"""Samplers of other projects, for comparison: this one does without what they need."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dse.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optuna.samplers import BaseSampler

    from dse.exploration._pool import Pool
    from dse.exploration._samplers import Sampler
    from dse.space.space import SearchSpace
    from dse.tasks.prior import ModelPrior

GP = "optuna-gp"


@dataclass(frozen=True, slots=True)
class Task:
    """What a sampler is made for.

    Attributes:
        pool: what may be proposed.
        space: has the objectives.
        seed: of everything random.
        rows: how many are to be measured.
        models: what is counted in the models' files; empty where nothing tells of them.
    """

    pool: Pool
    space: SearchSpace
    seed: int
    rows: int
    models: Mapping[str, ModelPrior]


@dataclass(frozen=True, slots=True)
class Peer:
    """A sampler of another project.

    Attributes:
        needs: the modules that it imports, each called like what is installed.
        make: makes one; imports them.
    """

    needs: tuple[str, ...]
    make: Callable[[Task], Sampler]

    @property
    def missing(self) -> list[str]:
        """What is not installed here."""
        return [name for name in self.needs if find_spec(name) is None]

    @property
    def versions(self) -> str:
        """What is installed here, such as ``botorch 0.18.1, torch 2.13.0``."""
        return ", ".join(f"{name} {version(name).partition('+')[0]}" for name in self.needs)


def require(name: str) -> None:
    """Checks that a peer can be used here.

    Raises:
        UnavailableError: a library is missing.
    """
    missing = PEERS[name].missing
    if missing:
        raise UnavailableError(
            f"{name} needs {' and '.join(missing)}",
            field="--samplers",
            remedy="'make peers' has an environment of its own for them (or: pip install "
            f"{' '.join(missing)}), or leave it out",
        )


def _optuna_gp(task: Task) -> Sampler:
    """With Optuna's own defaults: the first ten proposals are random."""
    import optuna

    from dse.exploration._optuna_samplers import OptunaSampler

    def sampler(own: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.GPSampler(seed=own)

    return OptunaSampler(task.pool, task.space, sampler, task.seed)


def _botorch(task: Task) -> Sampler:
    from benchmarks.laboratory.botorch_sampler import BotorchSampler

    return BotorchSampler(task.pool, task.space, task.seed, task.models)


def _smac(task: Task) -> Sampler:
    from benchmarks.laboratory.smac_sampler import SmacSampler

    return SmacSampler(task.pool, task.space, task.seed, task.rows)


PEERS: Mapping[str, Peer] = {
    GP: Peer(("optuna", "torch", "scipy"), _optuna_gp),
    "botorch": Peer(("botorch", "gpytorch", "torch"), _botorch),
    "smac": Peer(("smac", "ConfigSpace"), _smac),
}

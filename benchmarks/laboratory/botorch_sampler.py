"""BoTorch's qLogNEHVI over what is left of a table, for comparison."""

from __future__ import annotations

import random
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.exceptions import BotorchWarning, InputDataWarning, ModelFittingError
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.sampling import draw_sobol_samples
from gpytorch.mlls import SumMarginalLogLikelihood
from linear_operator.utils.warnings import NumericalWarning

from benchmarks.laboratory.encoding import encode, losses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.core.configuration import Configuration
    from dse.exploration._pool import Pool
    from dse.space.space import SearchSpace
    from dse.study.record import Record
    from dse.tasks.prior import ModelPrior

SAMPLES = 32
"""Of the outcomes' joint distribution; BoTorch's tutorial has 128, for which boxes take four times
as long."""
ENOUGH = 1e-5
"""The relative gain of likelihood at which a fit ends; with SciPy's own 2e-9 it takes much longer,
and ends at about the same constants."""
BEYOND = 0.1
"""How far the reference point lies behind the worst that was seen, as a share of the range."""
RAN = 0.5
"""What predicts that a configuration runs must exceed this; 1 was one that ran, 0 a failure."""


class BotorchSampler:
    """Gaussian processes over numbers and one-hot names, and the noisy hypervolume improvement.

    The first ``2 (d + 1)`` proposals follow a Sobol sequence over the ``d`` parameters that vary.
    Then each objective has a model. What is proposed has the largest value of the acquisition
    function times the probability that it runs, for which there is a model once something failed.
    The kernel is BoTorch's own, a squared exponential with a length for each column; its kernel for
    mixed spaces takes four times as long to fit.

    Args:
        pool: what may be proposed.
        space: has the objectives.
        seed: of everything random.
        models: what is counted in the files of the models; empty where nothing tells of them.
    """

    def __init__(
        self, pool: Pool, space: SearchSpace, seed: int, models: Mapping[str, ModelPrior]
    ) -> None:
        self._pool = pool
        self._objectives = space.objectives
        self._rng = random.Random(seed)  # noqa: S311
        encoding = encode(pool.plan, models)
        self._points = torch.tensor(encoding.one_hot)
        self._choices = {
            p.name: p.choices for p in pool.plan.parameters if p.name in encoding.parameters
        }
        self._first = self._design(2 * (len(self._choices) + 1), seed)
        self._places: list[int] = []
        self._gains: list[list[float]] = []  # of those that ran, the higher the better
        self._ran: list[bool] = []
        self._before: dict[int, ModelListGP] = {}  # by the number of columns
        torch.manual_seed(seed)

    def propose(self) -> Configuration:
        """A configuration that is left."""
        if len(self._ran) < len(self._first):
            return self._near(self._first[len(self._ran)])
        if len(self._gains) < 2:
            return self._pool.draw(self._rng)
        with _quiet():
            return self._best()

    def learn(self, record: Record) -> None:
        """Takes in values and failures alike."""
        place = self._pool.index_of(record.configuration)
        assert place is not None
        ran = record.outcome.failure is None
        self._places.append(place)
        self._ran.append(ran)
        if ran:
            self._gains.append([-loss for loss in losses(self._objectives, record.outcome)])

    def remaining(self) -> None:
        """It does not tell."""

    def _design(self, count: int, seed: int) -> list[list[float]]:
        bounds = torch.tensor([[0.0], [1.0]]).expand(2, max(1, len(self._choices)))
        found: list[list[float]] = draw_sobol_samples(bounds, count, 1, seed=seed)[:, 0].tolist()
        return found

    def _near(self, point: list[float]) -> Configuration:
        """The configuration that is left and shares most values with a point of the unit cube."""
        values = {p.name: p.choices[0] for p in self._pool.plan.parameters}
        for (name, choices), share in zip(self._choices.items(), point, strict=False):
            values[name] = choices[min(int(share * len(choices)), len(choices) - 1)]
        return self._pool.nearest(values, self._rng)

    def _best(self) -> Configuration:
        ran = self._points[self._places][self._ran]
        gains = torch.tensor(self._gains, dtype=torch.double)
        model = self._fitted(*((ran, column[:, None]) for column in gains.T))
        worst, best = gains.amin(0), gains.amax(0)
        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            model=model,
            ref_point=worst - BEYOND * (best - worst),
            X_baseline=ran,
            sampler=SobolQMCNormalSampler(torch.Size([SAMPLES]), seed=self._rng.getrandbits(31)),
            prune_baseline=True,
        )
        left = self._pool.available_indices
        with torch.no_grad():
            found = acquisition(self._points[left][:, None]) + self._log_runs(self._points[left])
        return self._pool.plan.configurations[int(left[int(found.argmax())])]

    def _log_runs(self, points: torch.Tensor) -> torch.Tensor:
        """The logarithm of the probability that configurations run."""
        if all(self._ran):
            return torch.zeros(len(points))
        ran = torch.tensor(self._ran, dtype=torch.double)[:, None]
        with torch.enable_grad():
            model = self._fitted((self._points[self._places], ran))
        found = model.posterior(points)
        return torch.special.log_ndtr((found.mean - RAN) / found.variance.sqrt())[:, 0]

    def _fitted(self, *values: tuple[torch.Tensor, torch.Tensor]) -> ModelListGP:
        """A model for each column; the fit goes on where that of the step before ended."""
        model = ModelListGP(*(SingleTaskGP(*each) for each in values))
        before = self._before.get(len(values))
        if before is not None:  # as Ax does
            for own, other in zip(model.models, before.models, strict=True):
                for part in ("mean_module", "covar_module", "likelihood"):
                    getattr(own, part).load_state_dict(getattr(other, part).state_dict())
        try:
            fit_gpytorch_mll(
                SumMarginalLogLikelihood(model.likelihood, model),
                optimizer_kwargs={"options": {"ftol": ENOUGH}},
            )
        except ModelFittingError:
            model.eval()  # goes on with the last constants
        self._before[len(values)] = model
        return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings of numerics: what they are about is tried again with other numbers."""
    with warnings.catch_warnings():
        for kind in (BotorchWarning, InputDataWarning, NumericalWarning, RuntimeWarning):
            warnings.simplefilter("ignore", kind)
        yield

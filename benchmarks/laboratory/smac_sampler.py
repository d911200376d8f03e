"""SMAC3's random forests over what is left of a table, for comparison."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ConfigSpace import (
    AndConjunction,
    CategoricalHyperparameter,
    Configuration,
    ConfigurationSpace,
    Constant,
    InCondition,
    OrdinalHyperparameter,
)
from smac import HyperparameterOptimizationFacade as Facade
from smac import Scenario
from smac.acquisition.maximizer import AbstractAcquisitionMaximizer
from smac.initial_design import SobolInitialDesign
from smac.model.random_forest.random_forest import RandomForest
from smac.multi_objective.parego import ParEGO
from smac.runhistory.dataclasses import TrialValue
from smac.runhistory.enumerations import StatusType

from benchmarks.laboratory.encoding import is_numeric, losses
from dse.space.plan import parameter_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from smac.random_design import AbstractRandomDesign
    from smac.runhistory.dataclasses import TrialInfo

    from dse.core import configuration
    from dse.core.configuration import KnobValue
    from dse.exploration._pool import Pool
    from dse.space._enumeration import Parameter
    from dse.space.plan import Plan
    from dse.space.space import SearchSpace
    from dse.study.record import Record

RETRAINED_AFTER = 1
"""Proposals between two models; SMAC's facade has 8, its one for costly functions 1."""


class SmacSampler:
    """The facade that SMAC recommends, with ParEGO for the objectives.

    What it may propose is what is left: its first design, its random proposals and the maximum of
    its acquisition function are taken from there.

    Args:
        pool: what may be proposed.
        space: has the objectives.
        seed: of everything random.
        rows: how many are to be measured; a quarter of them at most follow a Sobol sequence.
    """

    def __init__(self, pool: Pool, space: SearchSpace, seed: int, rows: int) -> None:
        self._objectives = space.objectives
        self._worst: list[float] = []
        self._folder = TemporaryDirectory()  # SMAC notes its settings there
        left = _Left(pool, seed)
        scenario = Scenario(
            left.space,
            output_directory=Path(self._folder.name),
            deterministic=True,
            objectives=list(space.objectives),
            n_trials=max(rows, 1),
            seed=seed,
        )
        self._left = left
        self._facade = Facade(
            scenario,
            model=_forest(scenario, len(pool.plan.configurations)),
            initial_design=_Design(scenario, left=left),
            acquisition_maximizer=_Maximizer(left, seed),
            multi_objective_algorithm=ParEGO(scenario),
            config_selector=Facade.get_config_selector(scenario, retrain_after=RETRAINED_AFTER),
            logging_level=False,
            overwrite=True,
        )
        self._asked: list[TrialInfo] = []

    def propose(self) -> configuration.Configuration:
        """A configuration that is left."""
        asked = self._facade.ask()
        if asked.config not in self._left:  # without any values, SMAC draws from its whole space
            asked = replace(asked, config=self._left.nearest(asked.config))
        self._asked.append(asked)
        return self._left.of(asked.config)

    def learn(self, record: Record) -> None:
        """Takes in values; a failure counts as the worst of each objective so far.

        SMAC is not told of failures before the first values.
        """
        outcome = record.outcome
        if outcome.failure is None:
            found = losses(self._objectives, outcome)
            self._worst = list(map(max, found, self._worst or found))
            self._facade.tell(self._asked.pop(), TrialValue(found), save=False)
        if self._worst:
            for failed in self._asked:
                value = TrialValue(self._worst, status=StatusType.CRASHED)
                self._facade.tell(failed, value, save=False)
            self._asked.clear()

    def remaining(self) -> None:
        """It does not tell."""


def _forest(scenario: Scenario, leaves: int) -> RandomForest:
    """The facade's own, but for a number of leaves that no tree can have.

    The facade allows a million of them in each tree, whose memory takes most of its time.
    """
    return RandomForest(
        log_y=True,
        n_trees=10,
        ratio_features=1.0,
        min_samples_split=2,
        min_samples_leaf=1,
        bootstrapping=True,
        max_leaf_nodes=leaves + 1,
        configspace=scenario.configspace,
        seed=scenario.seed,
    )


class _Left:
    """The configurations of a pool as those of ConfigSpace."""

    def __init__(self, pool: Pool, seed: int) -> None:
        self.space = config_space(pool.plan, seed)
        self._pool = pool
        self._rng = random.Random(seed)  # noqa: S311
        self._every = [
            Configuration(self.space, values=_written(parameter_values(each)))
            for each in pool.plan.configurations
        ]
        self._places = {each: place for place, each in enumerate(self._every)}

    def __iter__(self) -> Iterator[Configuration]:
        return (self._every[place] for place in self._pool.available_indices)

    def __contains__(self, one: Configuration) -> bool:
        place = self._places.get(one)
        return place is not None and self._pool.plan.configurations[place] in self._pool

    def of(self, one: Configuration) -> configuration.Configuration:
        """The plan's configuration."""
        return self._pool.plan.configurations[self._places[one]]

    def nearest(self, one: Configuration) -> Configuration:
        """The configuration that differs from one of ConfigSpace in the fewest parameters."""
        values = {p.name: p.choices[0] for p in self._pool.plan.parameters}
        texts = {p.name: {_text(c): c for c in p.choices} for p in self._pool.plan.parameters}
        for name, value in one.items():
            values[name] = texts[name].get(value, value)
        found = self._pool.index_of(self._pool.nearest(values, self._rng))
        assert found is not None
        return self._every[found]

    def draw(self) -> Configuration:
        """Any one."""
        return self._rng.choice(list(self))


class _Design(SobolInitialDesign):  # type: ignore[misc]  # untyped where SMAC is not installed
    """SMAC's Sobol sequence, each point moved to the nearest configuration of the table."""

    def __init__(self, scenario: Scenario, left: _Left) -> None:
        super().__init__(scenario)
        self._left = left

    def _select_configurations(self) -> list[Configuration]:
        return [self._left.nearest(each) for each in super()._select_configurations()]


class _Maximizer(AbstractAcquisitionMaximizer):  # type: ignore[misc]  # likewise
    """Takes the acquisition function of everything that is left."""

    def __init__(self, left: _Left, seed: int) -> None:
        super().__init__(left.space, seed=seed)
        self._left = left

    def maximize(
        self,
        previous_configs: list[Configuration],
        n_points: int | None = None,
        random_design: AbstractRandomDesign | None = None,
    ) -> Iterator[Configuration]:
        """The best first; where the design says so, a random one between them."""
        found = self._maximize(previous_configs, n_points or 0)
        if random_design is not None:
            random_design.next_iteration()
        for number, (_, one) in enumerate(found, start=1):
            if random_design is not None and random_design.check(number):
                yield self._left.draw()
            yield one

    def _maximize(
        self,
        previous_configs: list[Configuration],  # noqa: ARG002
        n_points: int,  # noqa: ARG002
    ) -> list[tuple[float, Configuration]]:
        found: list[tuple[float, Configuration]] = self._sort_by_acquisition_value(list(self._left))
        return found


def config_space(plan: Plan, seed: int) -> ConfigurationSpace:
    """A plan's parameters for ConfigSpace: numbers in their order, names, and conditions."""
    space = ConfigurationSpace(seed=seed)
    found = {p.name: _hyperparameter(p) for p in plan.parameters}
    space.add(list(found.values()))
    for parameter in plan.parameters:
        child = found[parameter.name]
        conditions = [
            InCondition(child, found[name], [_text(value) for value in allowed])
            for name, allowed in parameter.condition
        ]
        if len(conditions) > 1:
            space.add(AndConjunction(*conditions))
        elif conditions:
            space.add(conditions[0])
    return space


def _hyperparameter(parameter: Parameter) -> Constant | OrdinalHyperparameter:
    choices = parameter.choices
    if len(choices) == 1:
        return Constant(parameter.name, _text(choices[0]))
    if is_numeric(parameter):
        return OrdinalHyperparameter(parameter.name, sorted(choices))
    return CategoricalHyperparameter(parameter.name, list(map(_text, choices)))


def _written(values: Mapping[str, KnobValue]) -> dict[str, str | int | float]:
    return {name: _text(value) for name, value in values.items()}


def _text(value: KnobValue) -> str | int | float:
    """A value as ConfigSpace has it, which takes no truth values."""
    return str(value) if isinstance(value, bool) else value

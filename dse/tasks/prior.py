"""What is known of a task's models before anything is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dse.core.inference_cost import InferenceCost


@dataclass(frozen=True, slots=True)
class ModelPrior:
    """What one inference of a model takes, by its architecture.

    Attributes:
        family: the architecture.
        log_input: natural logarithm of the size of an input.
        gated: whether the model has gates that runtimes handle very differently, such as
            squeeze-and-excite and hard swish.
        published: published quality by precision; empty where none is published.
        cost: multiply-accumulates, parameters and what else an inference takes.
        zeros: share of the weights that are zero, 0 to 1; only some runtimes skip them.
        foretold: quality in fp32 that known architectures of about the same size lead to expect,
            where none is published; None where there are no such.
    """

    family: str
    log_input: float
    gated: bool
    published: Mapping[str, float]
    cost: InferenceCost
    zeros: float = 0.0
    foretold: float | None = None

    @property
    def log_macs(self) -> float:
        """Natural logarithm of the multiply-accumulates."""
        return math.log(self.cost.macs)

    @property
    def log_parameters(self) -> float:
        """Natural logarithm of the weights and biases."""
        return math.log(self.cost.parameters)

    @property
    def depthwise(self) -> float:
        """Share of the multiply-accumulates in depthwise convolutions, 0 to 1."""
        return self.cost.depthwise_macs / self.cost.macs


@dataclass(frozen=True, slots=True)
class Priors:
    """What is known of the models of a task.

    Attributes:
        of: the prior of a model by its name; None where the name tells no known architecture.
        typical_log_macs: natural logarithm of the multiply-accumulates of a typical model.
        typical_quality: the quality of a typical model, in the unit of the task's metric.
        quality_per_log_macs: how much better a model is for each unit of the logarithm of its
            multiply-accumulates.
        quality_lost: how much worse a model is in a precision than in fp32.
        typical_costs: the costs of common models, whose mean stands for that of an unknown one;
            empty where none are known.
        architectures: known ones, with which a model's file is compared.
    """

    of: Callable[[str], ModelPrior | None]
    typical_log_macs: float = 0.0
    typical_quality: float = 0.0
    quality_per_log_macs: float = 0.0
    quality_lost: Mapping[str, float] = field(default_factory=dict)
    typical_costs: tuple[InferenceCost, ...] = ()
    architectures: tuple[ModelPrior, ...] = ()

    def with_models(self, known: Mapping[str, ModelPrior]) -> Priors:
        """The same, but for models of which more than a name is known.

        Where no model is typical, these are.
        """
        by_name = self.of
        found = replace(self, of=lambda model: known.get(model) or by_name(model))
        if self.typical_costs or not known:
            return found
        costs = tuple(one.cost for one in known.values())
        middle = sum(one.log_macs for one in known.values()) / len(known)
        return replace(found, typical_costs=costs, typical_log_macs=middle)


def contained(name: str, known: Iterable[str]) -> str | None:
    """The longest of known names that a name contains, with anything before and after it.

    A digit must not follow: it would be another size.
    """
    places = ((each, name.find(each) + len(each)) for each in known if each in name)
    fitting = (each for each, end in places if not name[end : end + 1].isdigit())
    return max(fitting, key=len, default=None)


NO_PRIORS = Priors(of=lambda _: None)
"""The priors of a task whose models nothing is known of."""

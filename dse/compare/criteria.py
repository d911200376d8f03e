"""The criteria of comparisons: performance, alone or relative to what it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.core.metrics import ENERGY, LATENCY, METRICS, THROUGHPUT, Metric
from dse.derived.assessor import chains
from dse.derived.definitions import Definition
from dse.results.table import OFFLINE_POWER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dse.core.metrics import Direction
    from dse.derived.derivation import Derivation

MAX_ACCURACY = 100.0
PRICE, PRICE_PER_HOUR = "price", "price_per_hour"
"""Names of the user's facts about prices, which are in one currency for all systems."""
TITLES = {
    ENERGY.name: "energy per SingleStream inference, of the whole machine",
    "throughput_per_core": "Offline throughput per physical core",
    "throughput_per_core_ghz": "Offline throughput per physical core and GHz of its highest clock",
    "throughput_per_watt": "Offline throughput per watt of the whole system",
    "throughput_per_price": "Offline throughput per unit of the price",
    "samples_per_price": "Offline samples per unit of the price of their time",
}
DEFINITIONS = tuple(
    Definition.parse(text)
    for text in (
        f"throughput_per_core [samples/s/core] = {THROUGHPUT.name} / cores",
        f"throughput_per_core_ghz [samples/s/core/GHz] = {THROUGHPUT.name} / (cores * ghz)",
        f"throughput_per_watt [samples/J] = {THROUGHPUT.name} / {OFFLINE_POWER}",
        f"throughput_per_price = {THROUGHPUT.name} / {PRICE}",
        f"samples_per_price = {THROUGHPUT.name} * 3600 / {PRICE_PER_HOUR}",
    )
)
"""Metrics that are always compared if possible, in the language of the user's own metrics."""
DEFAULT_CRITERIA = (LATENCY.name, THROUGHPUT.name, ENERGY.name)


@dataclass(frozen=True, slots=True)
class Criterion:
    """A metric by which configurations of different systems are compared.

    Attributes:
        name: name of the metric, measured or defined.
        unit: unit of its values.
        direction: direction of better values.
        title: description; if the user has defined it, the definition.
        metrics: the measured metrics that it depends on; it shares their sources and marks.
    """

    name: str
    unit: str
    direction: Direction
    title: str
    metrics: tuple[str, ...]

    @property
    def words(self) -> str:
        """The title, or the bare name of a metric that the user has defined."""
        return self.title if self.name in METRICS or self.name in TITLES else self.name

    @property
    def best(self) -> str:
        """What the best value is called: ``lowest`` or ``highest``."""
        return "lowest" if self.direction == "minimize" else "highest"

    def loss(self, value: float) -> float:
        """The value, turned so that less is better."""
        return -value if self.direction == "maximize" else value


def parse_accuracies(text: str) -> tuple[float, ...]:
    """The accuracies to compare at, of a text such as ``70`` or ``65,70``.

    Raises:
        ValueError: the text is not such a list; says so.
    """
    plain = re.fullmatch(r"\d{1,3}(\.\d{1,9})?(,\d{1,3}(\.\d{1,9})?)*", text)
    found = tuple(map(float, text.split(","))) if plain else ()
    if not found or max(found) > MAX_ACCURACY:
        raise ValueError(f"'{text}' is not a list of percentages; write 70 or 65,70")
    return found


def complete(derivation: Derivation) -> Derivation:
    """Puts `DEFINITIONS` before the user's metrics, except those of facts that the user lacks."""
    told = set(derivation.facts.names)
    prices = {PRICE, PRICE_PER_HOUR} - told
    own = (each for each in DEFINITIONS if prices.isdisjoint(each.expression.names))
    return replace(derivation, definitions=(*own, *derivation.definitions))


def criteria(derivation: Derivation) -> tuple[Criterion, ...]:
    """The user's objectives, or else everything that is always compared.

    Args:
        derivation: result of `complete`.
    """
    made = {each.name: each for each in derivation.definitions}
    rests_on = {name: chain.names for name, chain in chains(derivation.definitions).items()}
    if derivation.objectives:
        wanted: Iterable[Metric] = derivation.metrics(())
    else:
        own = (made[each.name] for each in DEFINITIONS if each.name in made)
        computed = (Metric(each.name, each.unit, "maximize", each.name) for each in own)
        plain = (METRICS[name] for name in DEFAULT_CRITERIA)
        wanted = (*plain, *computed)
    return tuple(
        Criterion(
            metric.name,
            metric.unit,
            metric.direction,
            _title(metric, made),
            _measured(rests_on.get(metric.name, (metric.name,))),
        )
        for metric in wanted
    )


def _title(metric: Metric, made: Mapping[str, Definition]) -> str:
    if metric.name in TITLES:
        return TITLES[metric.name]
    return made[metric.name].expression.text if metric.name in made else metric.title


def _measured(names: Iterable[str]) -> tuple[str, ...]:
    """The measured metrics among names; some names may be bounds of their intervals.

    All else in an expression is a fact of the user, or belongs to the configuration.
    """
    plain = (name.removesuffix("_low").removesuffix("_high") for name in names)
    return tuple(dict.fromkeys(name for name in plain if name in METRICS or name == OFFLINE_POWER))

"""What other systems tell of a plan: the results that ``--warm-start`` names.

They lead the search and are never results themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError
from dse.core.metrics import LATENCY
from dse.results.read import read_results

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dse.core.configuration import Configuration, KnobValue
    from dse.results.table import ResultTable


@dataclass(frozen=True, slots=True)
class WarmStart:
    """What one system tells of a plan.

    Attributes:
        results: of the system.
        values: by configuration of the plan and metric.
    """

    results: ResultTable
    values: Mapping[Configuration, Mapping[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """What a study keeps of it: where it is from and how much it tells, not the values."""
        found = self.results
        return {
            "name": found.name,
            "origin": found.origin,
            "cpu": found.cpu,
            "software": found.software,
            "configurations": len(self.values),
        }


def load_warm_starts(
    sources: Iterable[str], plan: Sequence[Configuration], metrics: Sequence[str], task: str
) -> tuple[WarmStart, ...]:
    """What names of studies, folders, or files of published results tell, a system each.

    Args:
        sources: the names.
        plan: configurations to be measured.
        metrics: what is to be measured of them.
        task: the name of their task.

    Raises:
        RequestError: a source can't be used, or tells nothing of these configurations.
    """
    wanted = {*metrics, LATENCY.name}
    found: list[WarmStart] = []
    for source in sources:
        results = read_results(source, task=task, option="--warm-start")
        systems = [WarmStart(each, _told(each, plan, wanted)) for each in results]
        telling = [each for each in systems if each.values]
        if not telling:
            raise RequestError(
                f"'{source}' tells nothing of the configurations of this space",
                field="--warm-start",
                remedy="name results of some of its models in its precisions",
            )
        found += telling
    return tuple(found)


def _told(
    results: ResultTable, plan: Sequence[Configuration], wanted: set[str]
) -> dict[Configuration, dict[str, float]]:
    """What a system tells of a plan.

    A row tells of all configurations that agree with it in what it says of itself: a published
    one, which names model and precision only, of every runtime. A configuration takes the first
    row there is for it.
    """
    flat: dict[tuple[KnobValue, KnobValue], list[tuple[Configuration, dict[str, KnobValue]]]] = {}
    for each in plan:
        flat.setdefault((each.model, each.precision), []).append((each, each.as_dict()))
    found: dict[Configuration, dict[str, float]] = {}
    for row in results.rows:
        told = {m: v for m, v in row.values.items() if m in wanted and m not in row.inferred}
        key = row.configuration["model"], row.configuration.get("precision", "")
        for configuration, own in flat.get(key, ()) if told else ():
            if all(own.get(name, value) == value for name, value in row.configuration.items()):
                found.setdefault(configuration, told)
    return found

"""A task that MLPerf has a benchmark of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dse.core.errors import RequestError
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dse.core.metrics import Metric
    from dse.tasks.task import Quality, Rules, Task

MAX_NAMED = 5
"""The most names in a complaint."""
OPEN, CLOSED = "open", "closed"
DIVISIONS = (OPEN, CLOSED)
CLOSED_CATEGORY = "edge"
"""The category of the closed division: no round that is known has these benchmarks in another."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A task with its quality and with MLPerf's numbers for it, in a division.

    Attributes:
        task: what the models are for.
        quality: how good their answers are.
        rules: MLPerf's numbers.
        division: one of `DIVISIONS`.
    """

    task: Task
    quality: Quality
    rules: Rules
    division: str = OPEN

    @classmethod
    def of(cls, name: str = registry.DEFAULT, division: str = OPEN) -> Self:
        """The benchmark of a task.

        Args:
            name: of the task.
            division: one of `DIVISIONS`.

        Raises:
            RequestError: there is no such task, or MLPerf has no benchmark of it, or nothing is
                known of it in that division.
        """
        task = registry.task(name)
        if task.quality is None or task.rules is None:
            raise RequestError(
                f"MLPerf has no benchmark of the task '{name}'",
                remedy="name a study or results of another task",
            )
        if division == CLOSED and not (task.rules.reference_model and task.quality.target):
            raise RequestError(
                f"the task '{name}' says nothing of the closed division",
                field="--division",
                remedy="leave it out",
            )
        return cls(task, task.quality, task.rules, division)

    @property
    def metric(self) -> Metric:
        """The metric of the quality."""
        return self.quality.metric

    def covers(self, name: str) -> bool:
        """Whether results under this name are of the task: bert-99.9 as well as bert-99."""
        return name.startswith(self.rules.benchmark)

    @property
    def closed(self) -> bool:
        """Whether it is in the closed division."""
        return self.division == CLOSED

    @property
    def tests(self) -> tuple[str, ...]:
        """The compliance tests that the division asks for."""
        return self.rules.compliance_tests if self.closed else ()


def benchmarks() -> tuple[Benchmark, ...]:
    """All tasks that MLPerf has a benchmark of.

    Raises:
        RequestError: a task of another package can't be used.
    """
    tasks = map(registry.task, registry.task_names())
    return tuple(
        Benchmark(task, task.quality, task.rules)
        for task in tasks
        if task.quality is not None and task.rules is not None
    )


def unknown_benchmark(file: Path, met: Iterable[str], known: Iterable[Benchmark]) -> RequestError:
    """The complaint about a file without a result of a known benchmark.

    Args:
        file: a table or a tree.
        met: the benchmarks, or else the models, that it has results of.
        known: the benchmarks that there are tasks for.
    """
    names = sorted(set(met))
    told = ", ".join(f"'{name}'" for name in names[:MAX_NAMED])
    more = f" and {len(names) - MAX_NAMED} others" if len(names) > MAX_NAMED else ""
    only = f", only of {told}{more}" if names else ""
    titles = (f"{each.rules.benchmark} ({each.task.title})" for each in known)
    problem = f"has no result of a known benchmark{only}"
    return RequestError(problem, file=file, remedy=f"known are {', '.join(titles)}")

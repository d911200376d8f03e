"""A task that MLPerf has a benchmark of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dse.core.errors import RequestError
from dse.tasks import registry

if TYPE_CHECKING:
    from dse.core.metrics import Metric
    from dse.tasks.task import Quality, Rules, Task

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

    @property
    def closed(self) -> bool:
        """Whether it is in the closed division."""
        return self.division == CLOSED

    @property
    def tests(self) -> tuple[str, ...]:
        """The compliance tests that the division asks for."""
        return self.rules.compliance_tests if self.closed else ()

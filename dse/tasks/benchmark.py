"""A task that MLPerf has a benchmark of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dse.core.errors import RequestError
from dse.tasks import registry

if TYPE_CHECKING:
    from dse.core.metrics import Metric
    from dse.tasks.task import Quality, Rules, Task


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A task with its quality and with MLPerf's numbers for it.

    Attributes:
        task: what the models are for.
        quality: how good their answers are.
        rules: MLPerf's numbers.
    """

    task: Task
    quality: Quality
    rules: Rules

    @classmethod
    def of(cls, name: str = registry.DEFAULT) -> Self:
        """The benchmark of a task.

        Args:
            name: of the task.

        Raises:
            RequestError: there is no such task, or MLPerf has no benchmark of it.
        """
        task = registry.task(name)
        if task.quality is None or task.rules is None:
            raise RequestError(
                f"MLPerf has no benchmark of the task '{name}'",
                remedy="name a study or results of another task",
            )
        return cls(task, task.quality, task.rules)

    @property
    def metric(self) -> Metric:
        """The metric of the quality."""
        return self.quality.metric

"""What a run gave, before it becomes a measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.measurement import Measurement, Source

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import KnobValue
    from dse.measure.spec import MetricRequest, Spec


@dataclass(frozen=True, slots=True)
class RunResult:
    """A value in its metric's unit, further figures of the run, and an interval if known."""

    value: float
    details: dict[str, KnobValue]
    interval: tuple[float, float] | None = None


def measurement(taken: RunResult, task: MetricRequest, spec: Spec, seconds: float) -> Measurement:
    """What a task of a spec gave, as it is stored.

    Args:
        taken: value and figures.
        task: the metric and its key.
        spec: the run that it is of.
        seconds: what taking it cost.
    """
    return Measurement(
        metric=task.metric,
        value=taken.value,
        key=task.key,
        source=Source.MEASURED,
        fidelity=spec.fidelity.name,
        run=spec.run,
        interval=taken.interval,
        seconds=round(seconds, 3),
        details=taken.details,
    )


def logs_of_try(folder: Path, attempt: int) -> Path:
    """Where the logs of a further try of the same run go; the first one is attempt 0."""
    return folder if attempt == 0 else folder.with_name(f"{folder.name}-{attempt + 1}")

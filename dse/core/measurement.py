"""What a configuration gave: measurements, or a failure.

Standard library only: a worker imports this in an interpreter that may hold nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Self

from dse.core.metrics import is_quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.configuration import KnobValue


class FailureKind(StrEnum):
    """The ways in which a configuration can fail."""

    UNSUPPORTED = "unsupported"  # the runtime refuses the configuration
    LOAD = "load"  # the model can't be loaded
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CRASH = "crash"  # an exception or a signal in the middle of the work
    INVALID_RUN = "invalid_run"  # LoadGen calls the run INVALID or logs an error


TRANSIENT_FAILURES = frozenset(
    {FailureKind.OUT_OF_MEMORY, FailureKind.TIMEOUT, FailureKind.CRASH, FailureKind.INVALID_RUN}
)
"""Kinds that may go another way at a second try."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a configuration has no complete measurement.

    Attributes:
        kind: the way it failed.
        message: the reason in the runtime's words.
        stderr_tail: the last lines of the worker's stderr.
        attempts: how often it was tried; 0 where a failure with the same key was remembered.
        key: the key of the measurement that failed.
        run: the run folder of the last try, empty where there was none.
    """

    kind: FailureKind
    message: str
    stderr_tail: str = ""
    attempts: int = 1
    key: str = ""
    run: str = ""


class Source(StrEnum):
    """Where a value comes from."""

    MEASURED = "measured"
    PUBLISHED = "published"
    REPLAYED = "replayed"  # read from a table of recorded measurements


FidelityName = Literal["brief", "probe", "standard", "rehearsal", "compliance", "valid"]

FIDELITY_ORDER: tuple[FidelityName, ...] = ("probe", "standard", "valid")
"""The fidelities that tell of a configuration, from the shortest to MLPerf's own."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one metric.

    Attributes:
        metric: a name in `METRICS`; the value is in that metric's unit.
        key: the hash of everything the value depends on.
        source: measured here, published by others, or replayed from a table.
        fidelity: how long the run was: a ``probe`` or a ``standard`` one, or one by MLPerf's own
            rules (``valid``); or else a ``brief`` one, which counts in ratios only, or a
            ``rehearsal`` of a valid one or a ``compliance`` test, which count for nothing.
        run: the run folder that holds the LoadGen logs, empty where there was no run.
        interval: the confidence interval (95 %) of the value, where one is known.
        seconds: what taking it cost, in seconds of wall time.
        details: further figures of the run and where the value was published, as they are stored;
            `dse.core.details` has their names.
    """

    metric: str
    value: float
    key: str
    source: Source
    fidelity: FidelityName = "probe"
    run: str = ""
    interval: tuple[float, float] | None = None
    seconds: float = 0.0
    details: Mapping[str, KnobValue] = field(default_factory=dict)

    @property
    def disturbed(self) -> str:
        """What disturbed the run, in words; empty where nothing did."""
        return str(self.details.get("disturbed", ""))

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; the inverse of `from_dict`."""
        return {
            "metric": self.metric,
            "value": self.value,
            "key": self.key,
            "source": self.source.value,
            "fidelity": self.fidelity,
            "run": self.run,
            "interval": list(self.interval) if self.interval else None,
            "seconds": self.seconds,
            "details": dict(self.details),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote."""
        interval = data["interval"]
        return cls(
            metric=data["metric"],
            value=float(data["value"]),
            key=data["key"],
            source=Source(data["source"]),
            fidelity=data["fidelity"],
            run=data["run"],
            interval=(float(interval[0]), float(interval[1])) if interval else None,
            seconds=float(data["seconds"]),
            details=dict(data["details"]),
        )


@dataclass(frozen=True, slots=True)
class PublishedQuality:
    """A quality that others measured.

    Attributes:
        value: in the unit of the task's quality.
        source: where the figure was published, in words.
    """

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a configuration after its run: its measurements, and why it failed if so."""

    measurements: tuple[Measurement, ...] = ()
    failure: Failure | None = None

    @property
    def values(self) -> dict[str, float]:
        """Value by metric name, each in its metric's unit."""
        return {m.metric: m.value for m in self.measurements}

    def measurement(self, metric: str) -> Measurement | None:
        """The measurement of a metric, if there is one."""
        return next((m for m in self.measurements if m.metric == metric), None)

    @property
    def quality(self) -> Measurement | None:
        """The measurement of the task's quality, if there is one."""
        return next((m for m in self.measurements if is_quality(m.metric)), None)

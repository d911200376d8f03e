"""What a run gave before it becomes a measurement, or how it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.backend import LoadError, UnsupportedError
from dse.core.measurement import FailureKind, Measurement, Source
from dse.core.remedies import says_missing_operator
from dse.core.thread_limit import says_thread_limit

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.details import Details
    from dse.measure.spec import MetricRequest, Spec


OUT_OF_MEMORY_SIGNS = (
    *("bad_alloc", "Failed to allocate", "Cannot allocate memory", "MemoryError"),
    *("failed to map segment", "cannot map zero-fill pages"),
)
"""Messages of C++ runtimes, the C library and its loader when memory runs out."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A value in its metric's unit, further figures of the run, and an interval if known."""

    value: float
    details: Details
    interval: tuple[float, float] | None = None


def measurement(
    result: RunResult, request: MetricRequest, spec: Spec, took_s: float
) -> Measurement:
    """A result as it is stored; its run took ``took_s`` seconds."""
    return Measurement(
        metric=request.metric,
        value=result.value,
        key=request.key,
        source=Source.MEASURED,
        fidelity=spec.fidelity.name,
        run=spec.run,
        interval=result.interval,
        seconds=round(took_s, 3),
        details=result.details.as_dict(),
    )


def logs_of_try(folder: Path, attempt: int) -> Path:
    """Where the logs of a further try of the same run go; the first one is attempt 0."""
    return folder if attempt == 0 else folder.with_name(f"{folder.name}-{attempt + 1}")


class RunFailedError(Exception):
    """A run ended without a usable measurement."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def says_out_of_memory(text: str) -> bool:
    """Whether an error text or a stderr tail tells of memory that ran out."""
    return any(sign in text for sign in OUT_OF_MEMORY_SIGNS)


def thread_limit_failure(text: str) -> RunFailedError:
    """The failure of a run that could not start its threads; another try may find room."""
    return RunFailedError(FailureKind.CRASH, f"thread limit: {text}")


def to_failure(error: BaseException, refusals: tuple[type[Exception], ...] = ()) -> RunFailedError:
    """The failure that an exception amounts to: the same one whenever it is raised.

    Args:
        error: what was raised.
        refusals: what the runtime raises where it refuses; see `dse.core.backend.Refusing`.
    """
    if isinstance(error, RunFailedError):
        return error
    name, text = type(error).__name__, str(error)
    if not isinstance(error, (UnsupportedError, LoadError, ImportError)) or not text:
        text = f"{name}: {text}" if text else name
    if isinstance(error, MemoryError) or says_out_of_memory(text):
        return RunFailedError(FailureKind.OUT_OF_MEMORY, text)
    if says_thread_limit(text):
        return thread_limit_failure(text)
    if isinstance(error, LoadError) and not says_missing_operator(text):
        return RunFailedError(FailureKind.LOAD, text)
    if isinstance(error, (UnsupportedError, LoadError, ImportError, *refusals)):
        return RunFailedError(FailureKind.UNSUPPORTED, text)
    return RunFailedError(FailureKind.CRASH, text)

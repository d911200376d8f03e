"""Answers from a recording, which runs nothing and so needs no worker process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.backend import LoadError, LoadRequest, UnsupportedError
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.core.backend import Recording
    from dse.measure.spec import Spec


def recall(recording: Recording, spec: Spec, keep: Callable[[Measurement], None]) -> Outcome:
    """The recorded outcome of a configuration.

    Args:
        recording: the backend that knows it.
        spec: the configuration and the metrics to look up.
        keep: called with each measurement.
    """
    wanted = LoadRequest(spec.configuration, spec.model.path, spec.settings)
    try:
        values = recording.recall(wanted, tuple(request.metric for request in spec.requests))
    except UnsupportedError as error:
        return Outcome(failure=Failure(FailureKind.UNSUPPORTED, str(error)))
    except LoadError as error:
        return Outcome(failure=Failure(FailureKind.LOAD, str(error)))
    measurements = tuple(
        Measurement(
            metric=request.metric,
            value=values[request.metric],
            key=request.key,
            source=Source.REPLAYED,
            fidelity=spec.fidelity.name,
            run=spec.run,
        )
        for request in spec.requests
    )
    for measurement in measurements:
        keep(measurement)
    return Outcome(measurements)

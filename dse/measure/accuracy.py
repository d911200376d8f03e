"""The accuracy of a model, on the images of the data set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.backend import UnsupportedError
from dse.core.intervals import wilson
from dse.core.measurement import FailureKind
from dse.core.metrics import Scenario
from dse.core.plausibility import counted
from dse.loadgen.logs import accuracy_percent, read_detail, read_predictions
from dse.loadgen.settings import RunSettings
from dse.machine.affinity import available_cpus
from dse.measure.failures import RunFailedError
from dse.measure.loaded_model import LoadSettings
from dse.measure.run_result import RunResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dse.measure.loaded_model import LoadedModel

ACCURACY_BATCH = 16
"""Large enough for full speed, small enough for any memory."""


def take_accuracy(bench: LoadedModel, folder: Path) -> RunResult:
    """Top-1 of the data set, through LoadGen's accuracy mode.

    Raises:
        RunFailedError: there is no data set, or the run failed.
        UnsupportedError, LoadError: the runtime refused the configuration or the model.
    """
    labels = bench.inputs.labels
    if labels is None:
        raise RunFailedError(FailureKind.UNSUPPORTED, "accuracy needs a data set")
    setup = _accuracy_setup(bench)
    settings = RunSettings(
        Scenario.OFFLINE,
        accuracy=True,
        batch_size=setup.batch_size,
        performance_samples=bench.inputs.count,
        label_offset=bench.preprocessing.label_offset,
    )
    taken = scored(bench.run(setup, settings, folder / "accuracy"), labels.tolist())
    return replace(taken, details={**taken.details, "batch_size": setup.batch_size})


def scored(logs: Path, labels: Sequence[int]) -> RunResult:
    """The top-1 accuracy that the logs of an accuracy run tell, with its binomial interval.

    Its details hold what tells whether it is plausible, see `dse.core.plausibility.counted`.

    Raises:
        RunFailedError: LoadGen logged an error.
        LogError: see `dse.loadgen.logs`.
    """
    log = read_detail(logs)
    if log.errors:
        raise RunFailedError(FailureKind.INVALID_RUN, "; ".join(log.errors))
    predictions = read_predictions(logs)
    percent = accuracy_percent(predictions, labels)
    total = len(labels)
    good = round(percent * total / 100)
    low, high = wilson(good, total)
    details = {"good": good, "total": total, **counted(predictions, labels)}
    return RunResult(percent, details, (100 * low, 100 * high))


def _accuracy_setup(bench: LoadedModel) -> LoadSettings:
    """Batches on all CPUs; single samples where the model takes no more."""
    cpus = len(available_cpus())
    batched = LoadSettings(cpus, ACCURACY_BATCH)
    try:
        bench.warm_up(batched)
    except UnsupportedError:
        pass
    except RunFailedError as error:
        if error.kind is not FailureKind.UNSUPPORTED:
            raise
    else:
        return batched
    single = LoadSettings(cpus, 1)
    bench.warm_up(single)
    return single

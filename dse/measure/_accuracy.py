"""The quality of a model's answers, on the samples of the data set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.backend import UnsupportedError
from dse.core.details import QualityDetails
from dse.core.mcnemar import encode_right
from dse.core.measurement import FailureKind
from dse.core.metrics import Scenario
from dse.loadgen.logs import read_detail, read_responses
from dse.loadgen.settings import RunSettings
from dse.machine.affinity import available_cpus
from dse.measure._loaded_model import LoadSettings
from dse.measure._run_result import RunFailedError, RunResult

if TYPE_CHECKING:
    from pathlib import Path

    from dse.measure._loaded_model import LoadedModel

ACCURACY_BATCH = 16
"""Large enough for full speed, small enough for any memory."""


def take_accuracy(loaded: LoadedModel, folder: Path) -> RunResult:
    """The quality of the answers to the whole data set, through LoadGen's accuracy mode.

    Raises:
        RunFailedError: there is no data set, or the run failed.
        UnsupportedError, LoadError: the runtime refused the configuration or the model.
    """
    require_dataset(loaded)
    setup = _accuracy_setup(loaded)
    settings = RunSettings(
        Scenario.OFFLINE,
        accuracy=True,
        batch_size=setup.batch_size,
        performance_samples=loaded.inputs.count,
    )
    result = score(loaded, loaded.run(setup, settings, folder / "accuracy"))
    return replace(result, details=result.details.beside({"batch_size": setup.batch_size}))


def require_dataset(loaded: LoadedModel) -> None:
    """Refuses made-up samples, of which no answer is right.

    Raises:
        RunFailedError: there is no data set.
    """
    if not loaded.spec.task.inputs.files:
        raise RunFailedError(FailureKind.UNSUPPORTED, "the quality of answers needs a data set")


def score(loaded: LoadedModel, logs: Path) -> RunResult:
    """The quality of the answers that the logs of an accuracy run hold, as the task scores them.

    Raises:
        RunFailedError: LoadGen logged an error, or the answers can't be scored.
        LogError: see `dse.loadgen.logs`.
    """
    log = read_detail(logs)
    if log.errors:
        raise RunFailedError(FailureKind.INVALID_RUN, "; ".join(log.errors))
    found = loaded.task.score(read_responses(logs), loaded.inputs.count)
    details = QualityDetails.of(found.details)
    if details.total not in (None, loaded.inputs.count):
        details = replace(details, samples=loaded.inputs.count)
    if found.right is not None:
        details = replace(details, right=encode_right(found.right, loaded.spec.task.inputs.dataset))
    return RunResult(found.value, details, found.interval)


def _accuracy_setup(loaded: LoadedModel) -> LoadSettings:
    """Batches on all CPUs; single samples where the model takes no more."""
    cpus = len(available_cpus())
    batched = LoadSettings(cpus, ACCURACY_BATCH)
    try:
        loaded.warm_up(batched)
    except UnsupportedError:
        pass
    except RunFailedError as error:
        if error.kind not in (FailureKind.UNSUPPORTED, FailureKind.CRASH):
            raise
    else:
        return batched
    single = LoadSettings(cpus, 1)
    loaded.warm_up(single)
    return single

"""The measured loop: LoadGen drives loaded models.

Inside the loop stand the runtime's own call and one LoadGen completion, nothing else. Inputs are
made and bound before the clock starts. A timed run completes with a reused buffer; responses are
made in accuracy runs, and in runs by the rules of the closed division. With one caller no thread of
ours exists: LoadGen takes the interpreter lock at each callback, so any busy Python thread would be
part of the measurement.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import mlperf_loadgen as lg

from dse.core.metrics import Scenario
from dse.loadgen import _queries
from dse.loadgen._threads import threaded
from dse.loadgen.samples import Samples
from dse.loadgen.settings import RunSettings, log_settings, to_test_settings
from dse.machine.affinity import pin_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dse.loadgen._queries import Answer, Encode
    from dse.loadgen.samples import Caller
    from dse.tasks.task import Inputs

    Loader = Callable[[list[int]], None]


def run(
    callers: Sequence[Caller],
    inputs: Inputs,
    settings: RunSettings,
    log_folder: Path,
    *,
    meter: Callable[[], None] | None = None,
    encode: Encode | None = None,
) -> None:
    """Runs LoadGen once; its logs land in ``log_folder``, which must exist.

    Args:
        callers: who predicts; a SingleStream run takes the first.
        inputs: the samples.
        settings: of the run.
        log_folder: for LoadGen's logs.
        meter: called just before and just after the queries of a timed run, when its samples are
            loaded and while they still are; raises nothing.
        encode: makes the responses of a run that returns answers, which needs it.

    Raises:
        PredictionError: a prediction or what prepares it failed, or in an accuracy run its inputs
            did. The logs are then worthless, and are kept.
        Exception: whatever ``inputs`` raised; the same holds for the logs.
    """
    if settings.scenario is Scenario.SINGLE_STREAM:
        callers = callers[:1]
    samples = Samples(inputs, callers, _gathered(settings))
    load, unload = (_nothing, _nothing) if settings.accuracy else _loaders(samples, meter)
    answers = [
        _answer(caller, number, samples, settings, encode) for number, caller in enumerate(callers)
    ]
    with _issue(callers, answers, samples, settings) as issue:
        sut = lg.ConstructFastSUT(issue, _flush)
        loaded = min(settings.performance_samples, inputs.count)
        qsl = lg.ConstructQSL(inputs.count, loaded, load, unload)
        try:
            _start(sut, qsl, settings, log_folder)
        finally:
            lg.DestroyQSL(qsl)
            lg.DestroyFastSUT(sut)
    if samples.errors:
        raise samples.errors[0]


def _start(sut: Any, qsl: Any, settings: RunSettings, log_folder: Path) -> None:
    # Else it must not exist: by default LoadGen reads one from the working directory.
    audit = str(settings.audit_config or log_folder / "none")
    test, log = to_test_settings(settings), log_settings(log_folder)
    lg.StartTestWithLogSettings(sut, qsl, test, log, audit)


@contextmanager
def _issue(
    callers: Sequence[Caller], answers: Sequence[Answer], samples: Samples, settings: RunSettings
) -> Iterator[Answer]:
    """What LoadGen calls with each query."""
    size = _gathered(settings)
    if len(callers) > 1 or settings.scenario is Scenario.SERVER:
        with threaded(callers, answers, samples, size) as issue:
            yield issue
    else:
        with pin_to(callers[0].cpus):
            single_stream = settings.scenario is Scenario.SINGLE_STREAM
            yield answers[0] if single_stream else _queries.in_parts(answers[0], size)


def _gathered(settings: RunSettings) -> int:
    """The number of samples of a prediction; a single one is predicted as it was loaded."""
    return 1 if settings.scenario is Scenario.SINGLE_STREAM else settings.batch_size


def _answer(
    caller: Caller, number: int, samples: Samples, settings: RunSettings, encode: Encode | None
) -> Answer:
    if not (settings.accuracy or settings.answers):
        encode = None
    elif encode is None:
        raise ValueError("a run that returns answers needs what makes its responses")
    if settings.accuracy and encode is not None:
        return _queries.answered(caller.model, samples, settings.batch_size, encode)
    if _gathered(settings) == 1:
        return _queries.single(caller.model, samples.bound[number], samples, encode)
    return _queries.batches(caller.model, samples, number, settings.batch_size, encode)


def _nothing(_: list[int]) -> None:
    """An accuracy run makes each batch when its turn comes."""


def _loaders(samples: Samples, meter: Callable[[], None] | None) -> tuple[Loader, Loader]:
    """What LoadGen calls before the queries of a timed run and after them."""
    if meter is None:
        return samples.load, samples.unload

    def load(indices: list[int]) -> None:
        samples.load(indices)
        meter()

    def unload(indices: list[int]) -> None:
        meter()
        samples.unload(indices)

    return load, unload


def _flush() -> None:
    """Nothing is ever held back."""

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
    from collections.abc import Callable, Iterator, Mapping, Sequence
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
        _answers(caller, number, samples, settings, encode) for number, caller in enumerate(callers)
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
    callers: Sequence[Caller],
    answers: Sequence[Mapping[int, Answer]],
    samples: Samples,
    settings: RunSettings,
) -> Iterator[Answer]:
    """What LoadGen calls with each query; the answers are by caller and shape."""
    size, shapes = _gathered(settings), samples.shapes
    if len(callers) > 1 or settings.scenario is Scenario.SERVER:
        mixed = [_queries.by_shape(own, shapes) for own in answers]
        with threaded(callers, mixed, samples, size) as issue:
            yield _queries.by_shape(dict.fromkeys(answers[0], issue), shapes)
    else:
        own = answers[0]
        if settings.scenario is not Scenario.SINGLE_STREAM:
            own = {shape: _queries.in_parts(each, size) for shape, each in own.items()}
        with pin_to(callers[0].cpus):
            yield _queries.by_shape(own, shapes)


def _gathered(settings: RunSettings) -> int:
    """The number of samples of a prediction; a single one is predicted as it was loaded."""
    return 1 if settings.scenario is Scenario.SINGLE_STREAM else settings.batch_size


def _answers(
    caller: Caller, number: int, samples: Samples, settings: RunSettings, encode: Encode | None
) -> dict[int, Answer]:
    """What a caller does with samples of each shape; what was bound alone has any shape."""
    model, size = caller.model, settings.batch_size
    if not (settings.accuracy or settings.answers):
        encode = None
    elif encode is None:
        raise ValueError("a run that returns answers needs what makes its responses")
    shapes = sorted(set(samples.shapes))
    if settings.accuracy and encode is not None:
        return {shape: _queries.answered(model, samples, shape, size, encode) for shape in shapes}
    if _gathered(settings) == 1:
        return {0: _queries.single(model, samples.bound[number], samples, encode)}
    return {
        shape: _queries.batches(model, samples, samples.place(number, shape), size, encode)
        for shape in shapes
    }


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

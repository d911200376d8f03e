"""The measured loop: LoadGen drives one loaded model.

Inside the loop stand the runtime's own call and one LoadGen completion, nothing else. Inputs are
normalised and laid out before the clock starts. A performance run completes with one reused
buffer; labels are computed only in accuracy runs. No thread of ours exists: LoadGen takes the
interpreter lock at each callback, so any busy Python thread would be part of the measurement.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import mlperf_loadgen as lg
import numpy as np

from dse.tasks.inputs import top1

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.contract import Model
    from dse.tasks.inputs import Inputs

    Issue = Callable[[list[int], list[int]], None]

LABEL_BYTES = 8
SENTINEL = -2
"""The answer that stands for none, after a prediction has failed."""


class Scenario(StrEnum):
    """LoadGen's scenarios, by its own names."""

    SINGLE_STREAM = "SingleStream"
    OFFLINE = "Offline"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """One LoadGen run.

    Attributes:
        scenario: SingleStream or Offline.
        accuracy: an accuracy run over all samples instead of a timed one.
        batch_size: samples per prediction (Offline; 1 in SingleStream).
        min_duration_ms: shortest duration of a timed run.
        min_query_count: fewest queries of a timed run.
        performance_samples: how many samples stay loaded during a timed run.
        expected_latency_ns: SingleStream; LoadGen generates queries for it in advance.
        expected_samples_per_s: Offline; with the duration it fixes the number of samples.
        label_offset: what to subtract from the arg max in an accuracy run.
    """

    scenario: Scenario
    accuracy: bool = False
    batch_size: int = 1
    min_duration_ms: int = 0
    min_query_count: int = 1
    performance_samples: int = 64
    expected_latency_ns: int = 1_000_000
    expected_samples_per_s: float = 1.0
    label_offset: int = 0


class PredictionError(Exception):
    """The runtime raised in the middle of a run; the original error is the cause."""


def run(model: Model, inputs: Inputs, settings: RunSettings, log_folder: Path) -> None:
    """Runs LoadGen once; its logs land in ``log_folder``, which must exist.

    Raises:
        PredictionError: a prediction failed. The logs are then worthless, and are kept.
        Exception: whatever ``inputs`` raised; the same holds for the logs.
    """
    state = _State(inputs)
    sut = lg.ConstructFastSUT(_issue(model, state, settings), _flush)
    qsl = lg.ConstructQSL(
        inputs.count, min(settings.performance_samples, inputs.count), state.load, state.unload
    )
    try:
        # The audit file must not exist: by default LoadGen reads one from the working directory.
        lg.StartTestWithLogSettings(
            sut, qsl, _test_settings(settings), _log_settings(log_folder), str(log_folder / "none")
        )
    finally:
        lg.DestroyQSL(qsl)
        lg.DestroyFastSUT(sut)
    if state.errors:
        raise state.errors[0]


class _State:
    """The samples that are loaded, how far the query in hand is, and the first error."""

    def __init__(self, inputs: Inputs) -> None:
        self.errors: list[BaseException] = []
        self.completed = 0
        self.samples: list[NDArray[Any]] = [np.empty(0)] * inputs.count
        self.label = array("q", [0])
        self._inputs = inputs

    def load(self, indices: list[int]) -> None:
        """Keeps an error from LoadGen, as `failed` does."""
        if self.errors:
            return
        try:
            loaded = self._inputs.batch(indices)
        except BaseException as error:  # noqa: BLE001
            self.errors.append(error)
            return
        for position, index in enumerate(indices):
            self.samples[index] = loaded[position : position + 1]

    def unload(self, indices: list[int]) -> None:
        for index in indices:
            self.samples[index] = np.empty(0)

    def failed(self, error: BaseException) -> None:
        """Keeps an error from LoadGen, with which the process would crash or wait for ever.

        From then on nothing is predicted and every query is completed with a sentinel, so that the
        run ends; it is then reported as failed and no figure of it is used.
        """
        self.label[0] = SENTINEL
        if isinstance(error, Exception):
            wrapped = PredictionError(f"{type(error).__name__}: {error}")
            wrapped.__cause__ = error
            error = wrapped
        self.errors.append(error)

    def responses(self, count: int) -> list[Any]:
        """Responses that all send the one label; LoadGen copies its bytes at completion."""
        address, _ = self.label.buffer_info()
        return [lg.QuerySampleResponse(0, address, LABEL_BYTES) for _ in range(count)]


def _issue(model: Model, state: _State, settings: RunSettings) -> Issue:
    if settings.accuracy:
        return _guarded(_issue_accuracy(model, state, settings.label_offset), state)
    if settings.scenario is Scenario.SINGLE_STREAM:
        return _issue_single(model, state)
    return _guarded(_issue_batches(model, state, settings.batch_size), state)


def _issue_single(model: Model, state: _State) -> Issue:
    """One sample at a time."""
    predict, samples, complete = model.predict, state.samples, lg.QuerySamplesComplete
    responses, errors = state.responses(1), state.errors
    response = responses[0]

    def issue(ids: list[int], indices: list[int]) -> None:
        try:
            if not errors:
                predict(samples[indices[0]])
        except BaseException as error:  # noqa: BLE001  # a runtime may raise anything
            state.failed(error)
        response.id = ids[0]
        complete(responses)

    return issue


def _issue_batches(model: Model, state: _State, batch_size: int) -> Issue:
    """Full batches; the last one is padded with what the buffer held before."""
    predict, samples, complete = model.predict, state.samples, lg.QuerySamplesComplete
    responses = state.responses(batch_size)

    def issue(ids: list[int], indices: list[int]) -> None:
        batch = np.concatenate([samples[indices[0]]] * batch_size)
        for start in range(0, len(ids), batch_size):
            part = ids[start : start + batch_size]
            if batch_size == 1:
                batch = samples[indices[start]]
            else:
                parts = [samples[index] for index in indices[start : start + batch_size]]
                np.concatenate(parts, out=batch[: len(parts)])
            predict(batch)
            answered = responses[: len(part)]
            for response, query_id in zip(answered, part, strict=True):
                response.id = query_id
            complete(answered)
            state.completed = start + len(part)

    return issue


def _issue_accuracy(model: Model, state: _State, label_offset: int) -> Issue:
    """One sample at a time, answered with its label."""
    predict, samples, complete = model.predict, state.samples, lg.QuerySamplesComplete
    responses = state.responses(1)
    response, label = responses[0], state.label

    def issue(ids: list[int], indices: list[int]) -> None:
        for position, index in enumerate(indices):
            label[0] = int(top1(predict(samples[index]), label_offset)[0])
            response.id = ids[position]
            complete(responses)
            state.completed = position + 1

    return issue


def _guarded(issue: Issue, state: _State) -> Issue:
    """Keeps the errors of a query of many samples, and completes what it left open."""
    complete = lg.QuerySamplesComplete
    responses = state.responses(1)
    response = responses[0]

    def guarded(ids: list[int], indices: list[int]) -> None:
        state.completed = 0
        if not state.errors:
            try:
                issue(ids, indices)
            except BaseException as error:  # noqa: BLE001  # a runtime may raise anything
                state.failed(error)
            else:
                return
        for query_id in ids[state.completed :]:
            response.id = query_id
            complete(responses)

    return guarded


def _flush() -> None:
    """Nothing is ever queued."""


def _test_settings(settings: RunSettings) -> Any:
    test = lg.TestSettings()
    test.scenario = getattr(lg.TestScenario, settings.scenario.value)
    test.mode = lg.TestMode.AccuracyOnly if settings.accuracy else lg.TestMode.PerformanceOnly
    test.min_duration_ms = settings.min_duration_ms
    test.min_query_count = settings.min_query_count
    test.performance_sample_count_override = settings.performance_samples
    test.single_stream_expected_latency_ns = settings.expected_latency_ns
    test.offline_expected_qps = settings.expected_samples_per_s
    return test


def _log_settings(folder: Path) -> Any:
    output = lg.LogOutputSettings()
    output.outdir = str(folder)
    output.copy_summary_to_stdout = False
    log = lg.LogSettings()
    log.log_output = output
    log.enable_trace = False
    return log

"""The inputs, and the model that is loaded: what the runs of one configuration share."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dse import clocks
from dse.affinity import available_cpus, can_pin, pinned
from dse.contract import LoadRequest, Streams, UnsupportedError
from dse.loadgen.callers import Caller
from dse.loadgen.harness import run
from dse.loadgen.samples import PredictionError
from dse.measure.failures import RunFailedError, failed
from dse.tasks.generated import GeneratedInputs, call_batch
from dse.tasks.inputs import ImageInputs, RandomInputs
from dse.types import MULTI_STREAM_SAMPLES, FailureKind, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.contract import Batch, Model, Runtime
    from dse.loadgen.settings import RunSettings
    from dse.measure.meter import Meter
    from dse.measure.spec import Spec
    from dse.tasks.generated import AnyInputs
    from dse.tasks.inputs import Inputs
    from dse.types import Configuration

RANDOM_SAMPLES = 64
WARM_CALLS = 20
"""Predictions after which a model counts as warm, however short they were."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a model is loaded: the fields of a configuration that a scenario may set otherwise."""

    threads: int
    batch_size: int
    instances: int = 1
    pinned: bool = False


class Bench:
    """Keeps one setup loaded at a time.

    Args:
        runtime: loads the models.
        spec: what to measure.

    Attributes:
        inputs: the samples.
    """

    def __init__(self, runtime: Runtime, spec: Spec) -> None:
        self.spec = spec
        self.inputs: AnyInputs = _inputs(spec)
        self._runtime = runtime
        self._setup: Setup | None = None
        self._models: list[Model] = []
        self._callers: list[Caller] = []

    @property
    def configuration(self) -> Configuration:
        """What is measured."""
        return self.spec.configuration

    @property
    def whole(self) -> Setup:
        """As the configuration has it."""
        own = self.configuration
        return Setup(own.threads, own.batch_size, own.instances, own.pinned)

    @property
    def single(self) -> Setup:
        """One instance that predicts sample by sample, as SingleStream has it."""
        return replace(self.whole, batch_size=1, instances=1)

    def setup(self, scenario: Scenario) -> Setup:
        """How a scenario wants the model loaded; a MultiStream query fills no larger batch."""
        if scenario is Scenario.SINGLE_STREAM:
            return self.single
        if scenario is Scenario.MULTI_STREAM:
            return replace(self.whole, batch_size=min(self.whole.batch_size, MULTI_STREAM_SAMPLES))
        return self.whole

    def import_runtime(self) -> None:
        """Imports the runtime, which no load should have to do.

        Raises:
            ImportError: it is not installed.
        """
        self._runtime.version()

    @property
    def images(self) -> Inputs:
        """The samples of an image classifier.

        Raises:
            RunFailedError: they are no images.
        """
        if isinstance(self.inputs, GeneratedInputs):
            raise RunFailedError(FailureKind.UNSUPPORTED, "the model takes no images")
        return self.inputs

    def callers(self, setup: Setup) -> Sequence[Caller]:
        """The instances of the model, loaded that way; each stream of an instance is a caller.

        Raises:
            UnsupportedError: the runtime or the machine refuses the setup.
            LoadError: the runtime refuses the file.
        """
        if self._setup != setup:
            self.close()
            for number in range(setup.instances):
                self._load(setup, _cpus(setup, number))
            self._setup = setup
        return self._callers

    def _load(self, setup: Setup, cpus: tuple[int, ...]) -> None:
        configuration = replace(
            self.configuration,
            threads=setup.threads,
            batch_size=setup.batch_size,
            instances=setup.instances,
            pinned=setup.pinned,
        )
        spec = self.spec
        request = LoadRequest(configuration, spec.model_file, spec.settings, spec.signature)
        with pinned(cpus):  # the threads of the runtime inherit the CPUs
            model = self._runtime.load(request)
        self._models.append(model)
        lanes = model.streams() if isinstance(model, Streams) else [model]
        self._callers += [Caller(lane, cpus) for lane in lanes]

    def warm_up(self, setup: Setup, most: int | None = None) -> float:
        """Predicts with every caller until its caches are warm.

        Args:
            setup: how the model is loaded.
            most: calls of each caller, where fewer will do.

        Returns:
            The fastest call of one batch, in seconds.

        Raises:
            RunFailedError: the runtime refuses to predict in this shape.
            UnsupportedError, LoadError: see `callers`.
        """
        indices = [i % self.inputs.count for i in range(setup.batch_size)]
        batch = call_batch(self.inputs, indices)
        return min(self._warm(caller, batch, most) for caller in self.callers(setup))

    def _warm(self, caller: Caller, batch: Batch, most: int | None) -> float:
        fidelity = self.spec.fidelity
        fewest, enough = most or fidelity.warm_up_calls, most or WARM_CALLS
        fastest, calls = math.inf, 0
        with pinned(caller.cpus), _refusals():
            bound, begun = caller.model.bind(batch), time.perf_counter()
            while calls < fewest or (
                calls < enough and time.perf_counter() - begun < fidelity.warm_up_ms / 1e3
            ):
                started = time.perf_counter()
                scores = caller.model.predict(bound)
                fastest = min(fastest, time.perf_counter() - started)
                if not isinstance(batch, tuple):
                    _check_scores(scores, len(batch))
                calls += 1
        return max(fastest, 1e-6)

    def run(
        self, setup: Setup, settings: RunSettings, logs: Path, meter: Meter | None = None
    ) -> Path:
        """Runs LoadGen once; returns the folder of its logs.

        Args:
            setup: how the model is loaded.
            settings: of the run.
            logs: the folder; made where there is none.
            meter: takes a reading before the first query and one after the last.

        Raises:
            RunFailedError: a prediction failed, or the clock was set in a timed run.
            UnsupportedError, LoadError: see `callers`.
        """
        logs.mkdir(parents=True, exist_ok=True)
        callers, read = self.callers(setup), meter.read if meter else None
        offset_s = clocks.offset_s()
        try:
            run(callers, self.inputs, settings, logs, read)
        except PredictionError as error:
            raise failed(FailureKind.CRASH, error.__cause__ or error) from error
        jump_s = clocks.offset_s() - offset_s
        if not settings.accuracy and abs(jump_s) > clocks.JUMP_S:
            raise RunFailedError(
                FailureKind.INVALID_RUN,
                f"the system's clock, which LoadGen reads, jumped by {jump_s:+.2g} s in the run",
            )
        return logs

    def close(self) -> None:
        """Frees the models."""
        for model in self._models:
            model.close()
        self._models, self._callers, self._setup = [], [], None


def _cpus(setup: Setup, number: int) -> tuple[int, ...]:
    """The CPUs of an instance: as many as it has threads, none shared with another one."""
    if not setup.pinned:
        return ()
    if not can_pin():
        raise UnsupportedError("this system lets no thread choose its CPUs")
    cpus = available_cpus()
    if setup.instances * setup.threads > len(cpus):
        raise UnsupportedError(
            f"{setup.instances} x {setup.threads} threads can't be pinned to {len(cpus)} CPUs"
        )
    return tuple(cpus[number * setup.threads : (number + 1) * setup.threads])


@contextmanager
def _refusals() -> Iterator[None]:
    """What a runtime refuses before LoadGen starts, it refuses for good."""
    try:
        yield
    except UnsupportedError:
        raise
    except Exception as error:  # a runtime may raise anything
        raise failed(FailureKind.UNSUPPORTED, error) from error


def _check_scores(scores: NDArray[Any], samples: int) -> None:
    if scores.ndim != 2 or len(scores) != samples:
        raise UnsupportedError(
            f"the model answers a batch of {samples} with scores of shape {scores.shape}"
        )


def _inputs(spec: Spec) -> AnyInputs:
    source = spec.inputs
    if spec.signature is not None:
        return GeneratedInputs(spec.fidelity.performance_samples, spec.signature, source.seed)
    if source.pixels is None or source.labels is None:
        count = max(RANDOM_SAMPLES, spec.fidelity.performance_samples)
        return RandomInputs(count, spec.preprocessing, source.seed)
    labels = np.load(source.labels, allow_pickle=False)
    return ImageInputs(source.pixels, labels, spec.preprocessing)

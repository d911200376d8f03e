"""The samples and the model that is loaded: what the runs of one configuration share."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from dse.core.backend import (
    Assigned,
    LoadRequest,
    Partial,
    Preparing,
    Refusing,
    Streams,
    UnsupportedError,
)
from dse.core.measurement import FailureKind
from dse.core.metrics import MULTI_STREAM_SAMPLES, Scenario
from dse.core.signature import shape_text
from dse.core.wording import format_count
from dse.loadgen.harness import run
from dse.loadgen.samples import Caller, PredictionError
from dse.machine import clock_jump as clocks
from dse.machine.affinity import available_cpus, can_pin, pin_to
from dse.measure._guarded_task import GuardedTask
from dse.measure._look import Inspection
from dse.measure._run_result import RunFailedError, to_failure
from dse.measure._shapes import join, load_shapes, parts_of
from dse.tasks.shapes import typical_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dse.core.backend import Batch, Model, Runtime
    from dse.core.configuration import Configuration, KnobValue
    from dse.loadgen.settings import RunSettings
    from dse.measure._meter import Meter
    from dse.measure.spec import Spec
    from dse.tasks.task import Inputs

T = TypeVar("T")

WARM_CALLS = 20
"""A model counts as warm after this number of predictions, however short they were."""


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How a model is loaded: the fields of a configuration that a scenario may set otherwise."""

    threads: int
    batch_size: int
    instances: int = 1
    pinned: bool = False


class LoadedModel:
    """Keeps one setup loaded at a time.

    Args:
        runtime: loads the models.
        spec: what to measure.

    Attributes:
        task: how the model is fed, and its answers are read.
        inputs: the samples.
        remarks: what the last look at the model's answers found that belongs to each measurement.

    Raises:
        ImportError, RunFailedError: see `GuardedTask`.
    """

    def __init__(self, runtime: Runtime, spec: Spec) -> None:
        self.spec = spec
        self.task = GuardedTask(spec.task)
        rules = spec.task.rules if spec.official else None
        count = rules.performance_samples if rules else spec.fidelity.performance_samples
        self.inputs: Inputs = self.task.inputs(count, spec.task.seed)
        self.remarks: dict[str, KnobValue] = {}
        self._runtime = runtime
        self._setup: LoadSettings | None = None
        self._prepared = False
        self._models: list[Model] = []
        self._callers: list[Caller] = []
        self._clocks: defaultdict[tuple[int, int], _Clock] = defaultdict(_Clock)
        self._looked: set[int] = set()

    @property
    def configuration(self) -> Configuration:
        """What is measured."""
        return self.spec.configuration

    @property
    def whole(self) -> LoadSettings:
        """As the configuration has it."""
        own = self.configuration
        return LoadSettings(own.threads, own.batch_size, own.instances, own.pinned)

    @property
    def single(self) -> LoadSettings:
        """One instance that predicts sample by sample, as SingleStream has it."""
        return replace(self.whole, batch_size=1, instances=1)

    def setup(self, scenario: Scenario) -> LoadSettings:
        """How a scenario wants the model loaded; a MultiStream query fills no larger batch."""
        if scenario is Scenario.SINGLE_STREAM:
            return self.single
        if scenario is Scenario.MULTI_STREAM:
            return replace(self.whole, batch_size=min(self.whole.batch_size, MULTI_STREAM_SAMPLES))
        return self.whole

    def prepare(self) -> None:
        """Imports the runtime, and has it convert the file, so that no load has to do it.

        Once it is done, nothing is.

        Raises:
            ImportError: it is not installed.
            UnsupportedError, LoadError: it does not take the file.
        """
        if self._prepared:
            return
        self._runtime.version()
        if isinstance(self._runtime, Preparing):
            self._runtime.prepare(self._request(self.single))
        self._prepared = True

    def callers(self, setup: LoadSettings) -> Sequence[Caller]:
        """The instances of the model, loaded that way; each stream of an instance is a caller.

        Raises:
            UnsupportedError: the runtime or the machine refuses the setup.
            LoadError: the runtime refuses the file.
            ImportError: see `prepare`.
        """
        self.prepare()
        if self._setup != setup:
            self.close()
            for number in range(setup.instances):
                self._load(setup, _cpus(setup, number))
            self._setup = setup
        return self._callers

    def _load(self, setup: LoadSettings, cpus: tuple[int, ...]) -> None:
        request, signatures = self._request(setup), self.task.signatures
        shapes: list[Sequence[Model]] = []
        with pin_to(cpus):  # the threads of the runtime inherit the CPUs
            for model in load_shapes(self._runtime, request, signatures):
                self._models.append(model)
                shapes.append(model.streams() if isinstance(model, Streams) else [model])
        lanes = (join(models, signatures) for models in zip(*shapes, strict=True))
        self._callers += [Caller(lane, cpus) for lane in lanes]

    def _request(self, setup: LoadSettings) -> LoadRequest:
        configuration = replace(
            self.configuration,
            threads=setup.threads,
            batch_size=setup.batch_size,
            instances=setup.instances,
            pinned=setup.pinned,
        )
        spec, task = self.spec, self.task
        return LoadRequest(
            configuration, spec.model.path, spec.settings, task.signature, task.scores
        )

    def warm_up(self, setup: LoadSettings, most: int | None = None) -> float:
        """Predicts until the caches of every caller are warm, with samples of each shape.

        The first calls after a load are made with different inputs, and the answers of one caller
        looked at, unless each caller makes ``most`` calls. What is warm since an earlier run of
        the same setup is called no more.

        Returns:
            The seconds of the fastest batch of a shape, in the mean over all samples.

        Raises:
            RunFailedError: a prediction failed, or the runtime does not compute.
            UnsupportedError: the answers are of no use; see also `callers`.
            LoadError: see `callers`.
        """
        callers, size = self.callers(setup), setup.batch_size
        means_s = [0.0] * len(callers)
        for part in parts_of(self.inputs):
            clocks = [self._clocks[number, part.shape] for number in range(len(callers))]
            if most is None and part.shape not in self._looked:
                self._look(callers, part.inputs, size, clocks)
                self._looked.add(part.shape)
            batch = part.inputs.call([index % part.inputs.count for index in range(size)])
            for number, (caller, clock) in enumerate(zip(callers, clocks, strict=True)):
                self._warm(caller, batch, most, clock)
                means_s[number] += part.share * clock.fastest_s
        return max(min(means_s), 1e-6)

    def _warm(self, caller: Caller, batch: Batch, most: int | None, clock: _Clock) -> None:
        fidelity = self.spec.fidelity
        fewest, enough = most or fidelity.warm_up_calls, most or WARM_CALLS
        before = clock.calls if most else 0
        with pin_to(caller.cpus), self._failures():
            bound = caller.model.bind(batch)
            while clock.calls - before < fewest or (
                clock.calls < enough and clock.since_start_s() < fidelity.warm_up_ms / 1e3
            ):
                clock.time(caller.model.predict, bound)

    def _look(
        self, callers: Sequence[Caller], inputs: Inputs, size: int, clocks: Sequence[_Clock]
    ) -> None:
        """Holds answers to different inputs against each other; its calls warm the model, too.

        Every caller answers, as its runtime may learn from them; those of the first are looked at.
        """
        inspection = Inspection(
            size,
            scores=self.task.scores is not None,
            # A backend that reads no model has no answer that could depend on its input.
            computes=bool(self._runtime.formats),
        )
        for batch in self.task.different_batches(inputs, size, self.spec.task.seed):
            if inspection.done:
                break
            answers = []
            for caller, clock in zip(callers, clocks, strict=True):
                with pin_to(caller.cpus), self._failures():
                    answers.append(clock.time(caller.model.outputs, caller.model.bind(batch)))
            self.task.check(answers[0], size)
            inspection.add(batch, answers[0])
        model = self._models[0]
        assigned = model.assigned if isinstance(model, Assigned) else ""
        self.remarks = inspection.judge() | self._unread(model) | self._shapes()
        self.remarks |= {"assigned": assigned} if assigned else {}

    def _shapes(self) -> dict[str, KnobValue]:
        """The inputs, in words: many of their sizes may be open in the file."""
        if self.task.signature is None:
            return {}
        inputs = self.task.signature.inputs
        return {"inputs": "; ".join(f"{one.name} {shape_text(one.shape)}" for one in inputs)}

    def _unread(self, model: Model) -> dict[str, KnobValue]:
        """The inputs that are made for nothing, in words."""
        if not isinstance(model, Partial) or not model.unread:
            return {}
        names = ", ".join(f"'{name}'" for name in model.unread)
        many = "inputs" if len(model.unread) > 1 else "input"
        return {"unread": f"{self._runtime.name} does not read the {many} {names}"}

    def run(
        self, setup: LoadSettings, settings: RunSettings, logs: Path, meter: Meter | None = None
    ) -> Path:
        """Runs LoadGen once, with a meter's reading before the first query and after the last.

        Returns the folder of its logs, made where there is none.

        Raises:
            RunFailedError: a prediction failed, or the clock was set in a timed run.
            UnsupportedError, LoadError: see `callers`.
        """
        logs.mkdir(parents=True, exist_ok=True)
        callers, read = self.callers(setup), meter.read if meter else None
        inputs = self.inputs
        if not (settings.accuracy or self.spec.official):  # MLPerf has LoadGen choose
            inputs = typical_samples(inputs, settings.performance_samples)
        offset_s = clocks.offset_s()
        try:
            run(callers, inputs, settings, logs, meter=read, encode=self.task.encode)
        except PredictionError as error:
            raise self._failure(error.__cause__ or error) from error
        jump_s = clocks.offset_s() - offset_s
        if not settings.accuracy and abs(jump_s) > clocks.JUMP_S:
            raise RunFailedError(
                FailureKind.INVALID_RUN,
                f"the system's clock, which LoadGen reads, jumped by {jump_s:+.2g} s in the run",
            )
        return logs

    def _failure(self, error: BaseException) -> Exception:
        """What an exception of the runtime amounts to, in the warm-up as in a run."""
        if isinstance(error, UnsupportedError):
            return error
        refusals = self._runtime.refusals() if isinstance(self._runtime, Refusing) else ()
        return to_failure(error, refusals)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turns what the runtime raises before LoadGen starts into a failure."""
        try:
            yield
        except UnsupportedError:
            raise
        except Exception as error:  # a runtime may raise anything
            raise self._failure(error) from error

    def close(self) -> None:
        """Frees the models."""
        for model in self._models:
            model.close()
        self._models, self._callers, self._setup = [], [], None
        self._clocks.clear()
        self._looked.clear()


class _Clock:
    """Counts and times the calls of a caller's warm-up.

    Attributes:
        calls: how many there were.
        fastest_s: the shortest of them, in seconds.
    """

    def __init__(self) -> None:
        self.calls, self.fastest_s = 0, math.inf
        self._first: float | None = None

    def time(self, call: Callable[[Any], T], bound: Any) -> T:
        """Makes a call."""
        started = time.perf_counter()
        if self._first is None:
            self._first = started
        answer = call(bound)
        self.fastest_s = min(self.fastest_s, time.perf_counter() - started)
        self.calls += 1
        return answer

    def since_start_s(self) -> float:
        """Seconds since the first call."""
        return 0.0 if self._first is None else time.perf_counter() - self._first


def _cpus(setup: LoadSettings, number: int) -> tuple[int, ...]:
    """The CPUs of an instance: as many as it has threads, none shared with another one."""
    if not setup.pinned:
        return ()
    if not can_pin():
        raise UnsupportedError("this system lets no thread choose its CPUs")
    cpus = available_cpus()
    if setup.instances * setup.threads > len(cpus):
        wanted = f"{setup.instances} x {format_count(setup.threads, 'thread')}"
        raise UnsupportedError(f"{wanted} can't be pinned to {format_count(len(cpus), 'CPU')}")
    return tuple(cpus[number * setup.threads : (number + 1) * setup.threads])

"""One runtime through the whole harness, beside the same runtime called straight.

On a machine that others use, two runs one after the other differ by far more than what is looked
for. So both figures come out of one run: what LoadGen measures, less the time that the model's own
calls took in that very run, is what LoadGen and the harness add; and what the backend adds is the
difference between its call and a straight one, made in turn. Taking the time costs a call in
itself, so it is taken twice, one inside the other, and the difference is left out.

Runs in the runtime's own Python: takes a JSON object as its one argument and prints the pairs of
figures as JSON. Started by `benchmarks.runtimes`.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bare import BARE
from dse.core.backend import Buffered, LoadRequest, Runtime, Scores, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.metrics import Scenario
from dse.core.registry import backend
from dse.loadgen.harness import run
from dse.loadgen.logs import DetailLog, read_detail
from dse.loadgen.samples import Caller
from dse.loadgen.settings import RunSettings
from dse.tasks.image_classification.inputs import ImageInputs, RandomInputs
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from dse.tasks.image_classification.worker import ImageClassificationWorker
from dse.tasks.task import InputFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.bare import Call
    from dse.core.backend import Model
    from dse.loadgen._queries import Encode
    from dse.tasks.task import Inputs

    Way = Callable[[], tuple[float, float]]
    """Takes a figure through the harness, and the same without it."""

SAMPLES = 64
IMAGES = 512
RUN_S = {"latency": 1.0, "rate": 3.0}
WARM_UP_CALLS = 30


class Timed:
    """A model that notes how long each of its calls takes, in nanoseconds."""

    def __init__(self, model: Model) -> None:
        self.calls: list[int] = []
        self.bind, self.outputs, self.close = model.bind, model.outputs, model.close
        if isinstance(model, Buffered):
            self.buffer = model.buffer
        self._predict = model.predict

    def predict(self, bound: Any) -> NDArray[np.generic]:
        started = time.perf_counter_ns()
        scores = self._predict(bound)
        self.calls.append(time.perf_counter_ns() - started)
        return scores


class Subject:
    """A model file on a runtime."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.name, self.file = str(wanted["backend"]), str(wanted["file"])
        pixels = wanted["preprocessing"]
        pixels |= {name: tuple(pixels[name]) for name in ("mean", "scale")}
        self.preprocessing = Preprocessing(**pixels)
        self.inputs = RandomInputs(SAMPLES, self.preprocessing, seed=0)
        self.task = ImageClassificationWorker(to_form(self.preprocessing), InputFiles())

    def model(self, threads: int, batch_size: int, instances: int = 1) -> Model:
        """One of the instances.

        Raises:
            UnsupportedError: the runtime has no several instances.
        """
        runtime = backend(self.name)
        assert isinstance(runtime, Runtime)
        configuration = Configuration("m", "fp32", self.name, threads, batch_size, (), instances)
        return runtime.load(LoadRequest(configuration, Path(self.file), {}, scores=Scores()))

    def samples(self, batch_size: int) -> list[NDArray[Any]]:
        """All samples, in batches that lie ready in memory."""
        batches = self.inputs.call(range(SAMPLES))
        return [batches[i : i + batch_size] for i in range(0, SAMPLES, batch_size)]

    def calls(self, threads: int, batch_size: int) -> list[Call]:
        """A straight call for each batch of the samples."""
        return BARE[self.name](self.file, threads, self.samples(batch_size))


def latency_us(subject: Subject) -> Way:
    """Median of a SingleStream run, and of the call without LoadGen and backend."""
    loaded, straight = subject.model(1, 1), subject.calls(1, 1)
    ours = [partial(loaded.predict, loaded.bind(sample)) for sample in subject.samples(1)]
    inner = Timed(loaded)
    outer = Timed(inner)
    fastest_ns = min(_alternating(ours, straight, WARM_UP_CALLS)[1])
    count = max(64, int(RUN_S["latency"] * 1e9 / fastest_ns))
    settings = RunSettings(
        Scenario.SINGLE_STREAM,
        min_query_count=count,
        performance_samples=SAMPLES,
        expected_latency_ns=fastest_ns,
    )

    def pair() -> tuple[float, float]:
        inner.calls.clear()
        outer.calls.clear()
        log = _run([Caller(outer)], subject.inputs, settings)
        inside, outside = statistics.median(inner.calls), statistics.median(outer.calls)
        added = log.number("result_50.00_percentile_latency_ns") - outside - (outside - inside)
        backend_ns, bare_ns = _medians(_alternating(ours, straight, count))
        return (added + backend_ns) / 1e3, bare_ns / 1e3

    return pair


def rate(subject: Subject, batch_size: int, instances: int) -> Way:
    """Samples per second of an Offline run, and of nothing but the calls in it, made straight."""
    loaded = [subject.model(1, batch_size, instances) for _ in range(instances)]
    straight, first = subject.calls(1, batch_size), loaded[0]
    ours = [partial(first.predict, first.bind(batch)) for batch in subject.samples(batch_size)]
    models = [Timed(model) for model in loaded]
    call_s = min(_alternating(ours, straight, 4)[1]) / 1e9
    batches = max(8, int(RUN_S["rate"] / call_s)) * instances
    settings = RunSettings(
        Scenario.OFFLINE,
        batch_size=batch_size,
        min_query_count=batches * batch_size,
        performance_samples=SAMPLES,
    )

    def pair() -> tuple[float, float]:
        for model in models:
            model.calls.clear()
        log = _run([Caller(model) for model in models], subject.inputs, settings)
        # Of the instance with the most to do: they share the batches, and one of them ends last.
        busy_s = max(sum(model.calls) for model in models) / 1e9
        backend_ns, bare_ns = _medians(_alternating(ours, straight, 16))
        bare_s = busy_s * bare_ns / backend_ns
        return log.number("result_samples_per_second"), batches * batch_size / bare_s

    return pair


def _alternating(
    ours: Sequence[Call], bare: Sequence[Call], count: int
) -> tuple[list[int], list[int]]:
    """Nanoseconds of the two ways to make the same call, in turn, over samples in random order.

    Neither way finds a sample in the CPU's cache because the other has just used it, and each is as
    often the first.
    """
    clock = time.perf_counter_ns
    taken: tuple[list[int], list[int]] = ([], [])
    order = np.random.default_rng(0).integers(0, len(ours), (count, 2)).tolist()
    for turn, (one, other) in enumerate(order):
        calls = [(ours[one], taken[0]), (bare[other], taken[1])]
        for call, notes in calls if turn % 2 else calls[::-1]:
            started = clock()
            call()
            notes.append(clock() - started)
    return taken


def _medians(both: tuple[list[int], list[int]]) -> tuple[float, float]:
    return statistics.median(both[0]), statistics.median(both[1])


def _repeat(calls: list[Call], count: int) -> None:
    for number in range(count):
        calls[number % len(calls)]()


def accuracy_rate(subject: Subject, batch_size: int) -> Way:
    """Images per second of an accuracy run, its logs included, and of the calls alone."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    side = subject.preprocessing.resolution
    with TemporaryDirectory() as folder:
        cache = Path(folder, "pixels.npy")
        shape = (IMAGES, side, side, 3)
        np.save(cache, np.random.default_rng(0).integers(0, 256, shape, np.uint8))
        images = ImageInputs(cache, IMAGES, subject.preprocessing)
        images.call(range(IMAGES))  # in the page cache, and mapped
    model, calls = subject.model(cpus, batch_size), subject.calls(cpus, batch_size)
    settings = RunSettings(
        Scenario.OFFLINE, accuracy=True, batch_size=batch_size, performance_samples=IMAGES
    )

    def pair() -> tuple[float, float]:
        started = time.perf_counter()
        _run([Caller(model)], images, settings, subject.task.encode)
        between = time.perf_counter()
        _repeat(calls, IMAGES // batch_size)
        ended = time.perf_counter()
        return IMAGES / (between - started), IMAGES / (ended - between)

    return pair


def _run(
    callers: list[Caller], inputs: Inputs, settings: RunSettings, encode: Encode | None = None
) -> DetailLog:
    with TemporaryDirectory() as folder:
        run(callers, inputs, settings, Path(folder), encode=encode)
        return read_detail(Path(folder))


def main() -> int:
    wanted = json.loads(sys.argv[1])
    ways: dict[str, Callable[..., Way]] = {
        "latency": latency_us,
        "rate": rate,
        "accuracy": accuracy_rate,
    }
    try:
        pair = ways[wanted["what"]](Subject(wanted), **wanted["options"])
    except UnsupportedError as error:
        sys.stderr.write(f"{error}\n")
        pairs = None
    else:
        pair()  # the first is slower
        pairs = [pair() for _ in range(wanted["pairs"])]
    sys.stdout.write(json.dumps({"pairs": pairs}) + "\n")
    return 0

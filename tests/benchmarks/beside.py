"""One runtime through the whole harness and called straight, in alternation.

Runs in the runtime's own Python: takes a JSON object as its one argument and prints the pairs of
figures as JSON. Started by `tests.benchmarks.runtimes`.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.contract import LoadRequest, Runtime
from dse.loadgen.callers import Caller
from dse.loadgen.harness import run
from dse.loadgen.logs import DetailLog, read_detail
from dse.loadgen.settings import RunSettings, Scenario
from dse.registry import backend
from dse.tasks.inputs import ImageInputs, RandomInputs
from dse.types import Configuration, Preprocessing
from tests.benchmarks.bare import BARE
from tests.benchmarks.pairs import alternate

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.contract import Model
    from dse.tasks.inputs import Inputs
    from tests.benchmarks.bare import Call

    Ways = tuple[Callable[[], float], Callable[[], float]]
    """A figure through the harness, and the same without it."""

SAMPLES = 64
IMAGES = 512
DURATION_S = 1.0
WARM_UP_CALLS = 30


class Subject:
    """A model file on a runtime, loaded by the backend and, beside it, straight."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.name, self.file = str(wanted["backend"]), str(wanted["file"])
        pixels = wanted["preprocessing"]
        pixels |= {name: tuple(pixels[name]) for name in ("mean", "scale")}
        self.preprocessing = Preprocessing(**pixels)
        self.inputs = RandomInputs(SAMPLES, self.preprocessing, seed=0)

    def model(self, threads: int, batch_size: int) -> Model:
        runtime = backend(self.name)
        assert isinstance(runtime, Runtime)
        configuration = Configuration("m", "fp32", self.name, threads, batch_size)
        return runtime.load(LoadRequest(configuration, Path(self.file), {}))

    def calls(self, threads: int, batch_size: int) -> list[Call]:
        """Over all samples, in batches that lie ready in memory."""
        batches = self.inputs.batch(range(SAMPLES))
        parts = [batches[i : i + batch_size] for i in range(0, SAMPLES, batch_size)]
        return BARE[self.name](self.file, threads, parts)


def latency_us(subject: Subject) -> Ways:
    """Median of a SingleStream run, and of the same calls without LoadGen."""
    model, calls = subject.model(1, 1), subject.calls(1, 1)
    fastest_ns = min(_latencies(calls, WARM_UP_CALLS))
    count = max(64, int(DURATION_S * 1e9 / fastest_ns))
    settings = RunSettings(
        Scenario.SINGLE_STREAM,
        min_query_count=count,
        performance_samples=SAMPLES,
        expected_latency_ns=fastest_ns,
    )

    def ours() -> float:
        log = _run([Caller(model)], subject.inputs, settings)
        return log.number("result_50.00_percentile_latency_ns") / 1e3

    def bare() -> float:
        return statistics.median(_latencies(calls, count)) / 1e3

    return ours, bare


def _latencies(calls: list[Call], count: int) -> list[int]:
    clock, latencies = time.perf_counter_ns, []
    for number in range(count):
        call = calls[number % len(calls)]
        started = clock()
        call()
        latencies.append(clock() - started)
    return latencies


def rate(subject: Subject, batch_size: int, instances: int) -> Ways:
    """Samples per second of an Offline run, and of as many loops side by side without LoadGen."""
    models = [subject.model(1, batch_size) for _ in range(instances)]
    loops = [subject.calls(1, batch_size) for _ in range(instances)]
    call_s = min(_latencies(loops[0], 4)) / 1e9
    batches = max(8, int(DURATION_S / call_s)) * instances
    settings = RunSettings(
        Scenario.OFFLINE,
        batch_size=batch_size,
        min_query_count=batches * batch_size,
        performance_samples=SAMPLES,
    )

    def ours() -> float:
        log = _run([Caller(model) for model in models], subject.inputs, settings)
        return log.number("result_samples_per_second")

    def bare() -> float:
        started = time.perf_counter()
        _side_by_side([partial(_repeat, calls, batches // instances) for calls in loops])
        return batches * batch_size / (time.perf_counter() - started)

    return ours, bare


def _repeat(calls: list[Call], count: int) -> None:
    for number in range(count):
        calls[number % len(calls)]()


def _side_by_side(works: list[Callable[[], None]]) -> None:
    if len(works) == 1:
        works[0]()
        return
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def accuracy_rate(subject: Subject, batch_size: int) -> Ways:
    """Images per second of an accuracy run, its logs included, and of the calls alone."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    side = subject.preprocessing.resolution
    with TemporaryDirectory() as folder:
        cache = Path(folder, "pixels.npy")
        shape = (IMAGES, side, side, 3)
        np.save(cache, np.random.default_rng(0).integers(0, 256, shape, np.uint8))
        images = ImageInputs(cache, np.zeros(IMAGES, np.int64), subject.preprocessing)
        images.batch(range(IMAGES))  # in the page cache, and mapped
    model, calls = subject.model(cpus, batch_size), subject.calls(cpus, batch_size)
    settings = RunSettings(
        Scenario.OFFLINE, accuracy=True, batch_size=batch_size, performance_samples=IMAGES
    )

    def ours() -> float:
        started = time.perf_counter()
        _run([Caller(model)], images, settings)
        return IMAGES / (time.perf_counter() - started)

    def bare() -> float:
        started = time.perf_counter()
        _repeat(calls, IMAGES // batch_size)
        return IMAGES / (time.perf_counter() - started)

    return ours, bare


def _run(callers: list[Caller], inputs: Inputs, settings: RunSettings) -> DetailLog:
    with TemporaryDirectory() as folder:
        run(callers, inputs, settings, Path(folder))
        return read_detail(Path(folder))


def main() -> int:
    wanted = json.loads(sys.argv[1])
    subject = Subject(wanted)
    what, options = wanted["what"], wanted["options"]
    ways: dict[str, Callable[..., Ways]] = {
        "latency": latency_us,
        "rate": rate,
        "accuracy": accuracy_rate,
    }
    ours, bare = ways[what](subject, **options)
    ours(), bare()  # the first of each is slower
    sys.stdout.write(json.dumps({"pairs": alternate(wanted["pairs"], ours, bare)}) + "\n")
    return 0

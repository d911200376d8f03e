"""How far the p90 latency of a SingleStream run is from that of the same call timed bare.

    python -m tests.benchmarks.single_stream_vs_bare [--json] [--pairs N]

For the smallest model, on one thread: MobileNet V1 0.25/128 as LiteRT's published quantised file,
where that is at hand, and as built with untrained weights in ONNX Runtime. Both figures are plain
90th percentiles, as LoadGen takes them. Exit code 1 if a median ratio is above 1.03.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dse.contract import LoadRequest, Runtime
from dse.loadgen.harness import RunSettings, Scenario, run
from dse.loadgen.logs import read_detail
from dse.models.builtin import Builtin
from dse.registry import backend
from dse.tasks.inputs import RandomInputs
from dse.types import Configuration, Preprocessing
from tests.benchmarks.pairs import Summary, alternate, arguments, report, summary
from tests.conftest import SHARED

if TYPE_CHECKING:
    from dse.contract import Model

LIMIT = 1.03
SAMPLES = 64
DURATION_MS = 1000
WARM_UP_CALLS = 200
PUBLISHED = SHARED / "models" / "mobilenet_v1_0.25_128_quant.tflite"


def main() -> int:
    options = arguments(__doc__ or "")
    with TemporaryDirectory() as cache:
        os.environ["DSE_CACHE_DIR"] = cache
        built = Builtin().artefact("mobilenet-v1-0.25-128", "fp32", ("onnx",))
        results = [compared("onnxruntime", built.path, built.preprocessing, options.pairs)]
        if PUBLISHED.exists():
            raw = Preprocessing(128, dtype="uint8", label_offset=1)
            results.insert(0, compared("litert", PUBLISHED, raw, options.pairs))
        else:
            sys.stderr.write("litert is left out: its model file is not at hand\n")
    return report(results, as_json=options.json)


def compared(name: str, file: Path, preprocessing: Preprocessing, count: int) -> Summary:
    runtime = backend(name)
    assert isinstance(runtime, Runtime)
    configuration = Configuration("mobilenet-v1-0.25-128", "", name, 1, 1)
    model = runtime.load(LoadRequest(configuration, file, {}))
    inputs = RandomInputs(SAMPLES, preprocessing, seed=0)
    fastest_ns = min(bare_latencies(model, inputs, WARM_UP_CALLS))
    calls = max(WARM_UP_CALLS, DURATION_MS * 1_000_000 // fastest_ns)
    settings = RunSettings(
        Scenario.SINGLE_STREAM,
        min_duration_ms=DURATION_MS,
        min_query_count=calls // 2,
        performance_samples=SAMPLES,
        expected_latency_ns=fastest_ns,
    )

    def through_loadgen() -> float:
        with TemporaryDirectory() as folder:
            run(model, inputs, settings, Path(folder))
            log = read_detail(Path(folder))
        return log.number("result_90.00_percentile_latency_ns") / 1e3

    def bare() -> float:
        latencies = sorted(bare_latencies(model, inputs, calls))
        return latencies[len(latencies) * 9 // 10] / 1e3

    pairs = alternate(count, through_loadgen, bare)
    model.close()
    return summary(f"p90 through LoadGen over bare, {name}", "x", LIMIT, pairs, lambda a, b: a / b)


def bare_latencies(model: Model, inputs: RandomInputs, calls: int) -> list[int]:
    """Nanoseconds of each call, over the samples in turn."""
    batches = inputs.batch(range(SAMPLES))
    samples = [batches[i : i + 1] for i in range(SAMPLES)]
    predict, clock = model.predict, time.perf_counter_ns
    latencies = []
    for call in range(calls):
        sample = samples[call % SAMPLES]
        started = clock()
        predict(sample)
        latencies.append(clock() - started)
    return latencies


if __name__ == "__main__":
    sys.exit(main())

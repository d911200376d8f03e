"""Writes the logs in ``golden/``: python -m tests.loadgen.make_golden FOLDER.

Each is what LoadGen wrote, with nothing taken away.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dse.core.backend import LoadRequest, Runtime
from dse.core.configuration import Configuration
from dse.core.metrics import Scenario
from dse.core.registry import backend
from dse.loadgen.harness import run
from dse.loadgen.samples import Caller
from dse.loadgen.settings import RunSettings
from dse.tasks.image_classification.inputs import RandomInputs
from dse.tasks.image_classification.preprocessing import Preprocessing
from dse.tasks.image_classification.worker import ImageClassificationWorker
from dse.tasks.task import InputFiles
from tests.loadgen.doubles import Echo, Numbers

BATCH_SIZE = 8


def main(folder: Path) -> None:
    for name in ("single_stream", "offline", "accuracy"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    null = backend("null")
    assert isinstance(null, Runtime)
    configuration = Configuration("m", "fp32", "null", 1, BATCH_SIZE, (("delay_ms", 0.2),))
    model = null.load(LoadRequest(configuration, None, {}))
    images = RandomInputs(32, Preprocessing(8), seed=0)
    single = RunSettings(
        Scenario.SINGLE_STREAM,
        min_duration_ms=50,
        min_query_count=128,
        performance_samples=32,
        expected_latency_ns=100_000,
    )
    run([Caller(model)], images, single, folder / "single_stream")
    offline = RunSettings(
        Scenario.OFFLINE,
        batch_size=BATCH_SIZE,
        min_query_count=25 * BATCH_SIZE,
        performance_samples=32,
    )
    run([Caller(model)], images, offline, folder / "offline")
    accuracy = RunSettings(Scenario.SINGLE_STREAM, accuracy=True, performance_samples=24)
    encode = ImageClassificationWorker({"resolution": 8, "label_offset": 1}, InputFiles()).encode
    run([Caller(Echo())], Numbers(64), accuracy, folder / "accuracy", encode=encode)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The CPUs that OpenVINO's threads may use while it is called, told as JSON.

In a process of its own: threads that other models have left behind may be pinned as well.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np

from dse.core.backend import LoadRequest, Runtime, Scores
from dse.core.configuration import Configuration
from dse.core.registry import backend

CALLS = 200
SHAPE = (8, 3, 128, 128)


def main() -> int:
    """Calls the model of a file, one of so many instances of one thread."""
    file, instances = Path(sys.argv[1]), int(sys.argv[2])
    configuration = Configuration("m", "fp32", "openvino", 1, SHAPE[0], (), instances)
    runtime = backend("openvino")
    assert isinstance(runtime, Runtime)
    loaded = runtime.load(LoadRequest(configuration, file, {}, scores=Scores()))
    bound = loaded.bind(np.zeros(SHAPE, np.float32))

    def call() -> None:
        for _ in range(CALLS):
            loaded.predict(bound)

    caller, seen = threading.Thread(target=call), set()
    caller.start()
    while caller.is_alive():
        for thread in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):
                seen.add(tuple(sorted(os.sched_getaffinity(int(thread.name)))))
    sys.stdout.write(json.dumps(sorted(seen)) + "\n")
    return 0

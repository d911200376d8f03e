"""Loads a model file cut at many places, in a process of its own since a runtime may crash.

    BACKEND FILE SCRATCH LENGTH...

prints one JSON object: by length, the name of what loading or the first prediction raised.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from dse.core.backend import LoadRequest, Runtime, Scores
from dse.core.configuration import Configuration
from dse.core.registry import backend


def outcome(runtime: Runtime, file: Path) -> str:
    configuration = Configuration("m", "fp32", runtime.name, 1, 1)
    try:
        runtime.load(LoadRequest(configuration, file, {}, scores=Scores())).close()
    except Exception as error:  # noqa: BLE001
        return type(error).__name__
    return "loaded"


def main() -> int:
    answer = os.dup(1)
    os.dup2(2, 1)  # what a runtime prints is no answer
    name, file, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    runtime = backend(name)
    assert isinstance(runtime, Runtime)
    data = file.read_bytes()
    cut = scratch / f"cut{file.suffix}"
    outcomes = {}
    for length in map(int, sys.argv[4:]):
        cut.write_bytes(data[:length])
        outcomes[length] = outcome(runtime, cut)
    os.write(answer, json.dumps(outcomes).encode())
    return 0

"""Loads a model file cut at many places, in a process of its own since a runtime may crash.

    python -m tests.backends.truncated BACKEND FILE BATCH SCRATCH LENGTH...

prints one JSON object: by length, the name of what loading or the first prediction raised.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dse.contract import LoadRequest, Runtime
from dse.registry import backend
from dse.types import Configuration


def outcome(runtime: Runtime, file: Path) -> str:
    configuration = Configuration("m", "fp32", runtime.name, 1, 1)
    try:
        runtime.load(LoadRequest(configuration, file, {})).close()
    except Exception as error:  # noqa: BLE001
        return type(error).__name__
    return "loaded"


def main(name: str, file: Path, scratch: Path, lengths: list[int]) -> None:
    runtime = backend(name)
    assert isinstance(runtime, Runtime)
    data = file.read_bytes()
    cut = scratch / f"cut{file.suffix}"
    outcomes = {}
    for length in lengths:
        cut.write_bytes(data[:length])
        outcomes[length] = outcome(runtime, cut)
    print(json.dumps(outcomes))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), [int(word) for word in sys.argv[4:]])

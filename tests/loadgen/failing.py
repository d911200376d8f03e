"""One LoadGen run that fails, and one after it that does not, in a process of their own.

    python -m tests.loadgen.failing FOLDER SCENARIO accuracy|performance BATCH WHAT CALL

prints one JSON object: what was raised, its cause, how many calls of the model there were.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.core.metrics import Scenario
from dse.loadgen.harness import run
from dse.loadgen.logs import read_detail
from dse.loadgen.samples import Caller
from dse.loadgen.settings import RunSettings
from tests.loadgen.doubles import Echo, Numbers, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

SAMPLES = 12
QUERIES = 70
ROUND = 5
"""Samples that are loaded at a time."""

ERRORS: dict[str, BaseException] = {
    "RuntimeError": RuntimeError("the runtime says no"),
    "MemoryError": MemoryError(),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "SystemExit": SystemExit(),
}


class Failing(Echo):
    """Raises at one call, and at every later one."""

    def __init__(self, what: str, call: int) -> None:
        super().__init__()
        self.what, self.call, self.calls = what, call, 0

    def predict(self, batch: NDArray[Any]) -> NDArray[np.generic]:
        self.calls += 1
        if self.calls >= self.call:
            if self.what == "shape":
                return super().predict(batch).ravel()
            raise ERRORS[self.what]
        return super().predict(batch)


class Unreadable(Numbers):
    """Samples that can't be loaded from one round on."""

    def __init__(self, count: int, fails_at: int) -> None:
        super().__init__(count)
        self.fails_at = fails_at

    def call(self, indices: Sequence[int], out: Any = None) -> NDArray[Any]:
        if len(self.loaded) + 1 >= self.fails_at:
            raise OSError("the samples are gone")
        return super().call(indices, out)


def main(folder: Path, scenario: str, mode: str, batch: int, what: str, call: int) -> None:
    settings = RunSettings(
        Scenario(scenario),
        accuracy=mode == "accuracy",
        batch_size=batch,
        min_query_count=QUERIES,
        performance_samples=ROUND,
        expected_samples_per_s=20_000.0,
    )
    if what == "inputs":
        model, inputs = Failing("RuntimeError", sys.maxsize), Unreadable(SAMPLES, call)
    else:
        model, inputs = Failing(what, call), Unreadable(SAMPLES, sys.maxsize)
    raised: BaseException | None = None
    try:
        run([Caller(model)], inputs, settings, folder, encode=encode)
    except BaseException as error:  # noqa: BLE001
        raised = error
    cause = raised.__cause__ if raised else None
    answer = {
        "raised": type(raised).__name__,
        "message": str(raised),
        "cause": repr(cause),
        "calls": model.calls,
    }
    again = folder / "again"
    again.mkdir()
    healthy = Echo()
    run([Caller(healthy)], Numbers(SAMPLES), settings, again, encode=encode)
    answer["errors_again"] = len(read_detail(again).errors)
    answer["calls_again"] = len(healthy.batches)
    print(json.dumps(answer))  # noqa: T201


if __name__ == "__main__":
    main(
        Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5], int(sys.argv[6])
    )

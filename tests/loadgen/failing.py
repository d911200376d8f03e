"""LoadGen runs that fail, each with one after it that does not, in a process of their own.

    python -m tests.loadgen.failing

reads JSON lists of the arguments of `fail`, one a line, forks for each, and prints how the process
ended. What it has to say lands in its folder: in ``answer``, one JSON object, and ``stderr``.
"""

from __future__ import annotations

import json
import os
import signal
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

HANG_S = 60
"""Long past what any of the runs takes."""

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


def fail(
    folder: Path, scenario: str, mode: str, batch: int, what: str, call: int
) -> dict[str, Any]:
    """What was raised, its cause, and how many calls of the model there were."""
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
    return answer


def main() -> None:
    """LoadGen is imported once for all runs."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            place, *arguments = json.loads(line)
            folder = Path(place)
            with (folder / "stderr").open("w") as errors:
                os.dup2(errors.fileno(), sys.stderr.fileno())
            signal.alarm(HANG_S)
            (folder / "answer").write_text(json.dumps(fail(folder, *arguments)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

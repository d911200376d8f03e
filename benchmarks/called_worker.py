"""A worker that remembers when each call of a model began and ended; see `benchmarks.run_lengths`.

The two stamps are part of what is measured, about 0.1 us. Runs in the runtime's own Python.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.loadgen import _queries
from dse.measure import worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.loadgen._queries import Answer

CALLS_FILE = "calls.npz"


class Stamped:
    """A model that takes down the beginning and the end of each call, in nanoseconds."""

    def __init__(self, model: Any, calls: list[tuple[int, int]]) -> None:
        self._model, now, add = model, time.perf_counter_ns, calls.append
        call = model.predict

        def predict(bound: Any) -> Any:
            began = now()
            answer = call(bound)
            add((began, now()))
            return answer

        self.predict = predict

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def main() -> int:
    """Runs the worker; the calls of each of its runs land beside the spec, run by run."""
    runs: list[list[tuple[int, int]]] = []

    def stamped(answers: Callable[..., Answer]) -> Callable[..., Answer]:
        def made(model: Any, *more: Any) -> Answer:
            runs.append([])
            return answers(Stamped(model, runs[-1]), *more)

        return made

    _queries.single, _queries.batches = stamped(_queries.single), stamped(_queries.batches)
    code = worker.main()
    named = {f"run{number}": np.array(calls, np.int64) for number, calls in enumerate(runs)}
    np.savez(Path(sys.argv[1]).parent / CALLS_FILE, allow_pickle=False, **named)
    return code

"""The pool of threads that models of ExecuTorch find, told as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import LoadRequest, Runtime, Scores
from dse.core.configuration import Configuration
from dse.core.registry import backend

if TYPE_CHECKING:
    from dse.core.backend import Model


def main() -> int:
    """Loads models with one, two and again two threads; each predicts, in turn."""
    from executorch.extension.pybindings import _C

    runtime = backend("executorch")
    assert isinstance(runtime, Runtime)
    batch = np.random.default_rng(0).standard_normal((2, 3, 8, 8), np.float32)

    def load(threads: int) -> Model:
        configuration = Configuration("m", "fp32", "executorch", threads, 2)
        return runtime.load(LoadRequest(configuration, Path(sys.argv[1]), {}, scores=Scores()))

    def told(model: Model) -> list[Any]:
        scores = model.predict(model.bind(batch)).tolist()
        return [scores, _C._threadpool_get_thread_count(), len(list(TASKS.iterdir())) - before]

    before = len(list(TASKS.iterdir()))
    one = load(1)
    answers = [told(one)]
    two, again = load(2), load(2)
    answers += [told(model) for model in (two, again, one, two)]
    sys.stdout.write(json.dumps(answers))
    return 0


TASKS = Path("/proc/self/task")
"""Where Linux lists the threads of a process."""

"""What threads that call PyTorch find, told as JSON: its number of threads, and its mode."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import LoadRequest, Runtime, Scores
from dse.core.configuration import Configuration
from dse.core.registry import backend

if TYPE_CHECKING:
    from dse.core.backend import Model


def main() -> int:
    """Loads two instances with a number of threads; each predicts in a thread of its own."""
    import torch

    file, threads = Path(sys.argv[1]), int(sys.argv[2])
    runtime = backend("pytorch")
    assert isinstance(runtime, Runtime)
    configuration = Configuration("m", "fp32", "pytorch", threads, 2)
    request = LoadRequest(configuration, file, {}, scores=Scores())
    models = [runtime.load(request) for _ in range(2)]
    batch = np.random.default_rng(0).standard_normal((2, 3, 8, 8), np.float32)

    def predict(model: Model) -> list[Any]:
        scores = model.predict(model.bind(batch))
        mode = torch.is_inference_mode_enabled()
        return [scores.tolist(), torch.get_num_threads(), mode]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(predict, models))
    told = {"answers": answers, "interop": torch.get_num_interop_threads()}
    sys.stdout.write(json.dumps(told))
    return 0

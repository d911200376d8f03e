"""The code that a backend shows runs as it stands, and predicts what the backend does."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core.backend import Deployable, LoadRequest, Runtime, Scores
from dse.core.configuration import Configuration, KnobValue
from dse.core.registry import BACKENDS, backend
from dse.core.signature import Input
from tests.small_models import SIDE, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BATCH = 3
FURTHER: dict[str, dict[str, KnobValue]] = {
    "onnxruntime": {
        "graph_optimization": "basic",
        "spinning": False,
        "arena": False,
        "exact_int8": True,
        "execution_mode": "parallel",
        "inter_op_threads": 2,
    },
    "onnxruntime-openvino": {"exact_int8": True},
    "openvino": {"performance_hint": "throughput", "exact_int8": True, "streams": 2},
    "mnn": {"winograd": "none"},
    "litert": {"xnnpack": False},
    "tflite-runtime": {"xnnpack": False},
    "deepsparse": {},
    "ncnn": {"winograd": False, "packing": False},
}
"""Values of knobs that are not the default."""
UNSHOWN = {"pytorch", "executorch", "tensorflow"}
"""Those that read no file by themselves: the backend writes the graph."""
PRINTED = """
import json
print(json.dumps([np.asarray(each).tolist() for each in outputs]))
"""


READ = [(name, kind) for name in FURTHER for kind in backend(name).formats]
"""Backends, each with every format that it reads."""


@pytest.mark.parametrize("further", [False, True], ids=["defaults", "knobs"])
@pytest.mark.parametrize(("name", "kind"), READ)
def test_code_does_what_is_measured(
    name: str,
    kind: str,
    further: bool,
    tmp_path: Path,
    pythons: Callable[[str], str],
    runtimes: Callable[[str], Runtime],
) -> None:
    onnx = kind == "onnx"
    path = tmp_path / f"a 'model'.{kind}"
    path.write_bytes(onnx_bytes(sums=False) if onnx else tflite_bytes())
    shape = (BATCH, 3, SIDE, SIDE) if onnx else (BATCH, SIDE, SIDE, 3)
    knobs = tuple(FURTHER[name].items()) if further else ()
    request = LoadRequest(
        Configuration("m", "fp32", name, 2, BATCH, knobs), path, {}, scores=Scores()
    )
    shown = backend(name)
    assert isinstance(shown, Deployable)
    lines = shown.code(request, [Input("", "float32", shape)])
    assert all(len(line) < 80 or str(path) in line for line in lines)
    found = outputs(pythons(name), "\n".join(lines), tmp_path)

    model = runtimes(name).load(request)
    expected = model.outputs(model.bind(np.zeros(shape, np.float32)))
    arrays = [array for _, array in expected if array is not None]
    model.close()
    assert len(found) >= len(arrays)
    np.testing.assert_allclose(found[0], arrays[0], rtol=1e-4, atol=1e-5)


def outputs(python: str, code: str, folder: Path) -> list[Any]:
    """What the code leaves in ``outputs``, run as a user would."""
    ended = subprocess.run(
        [python, "-c", code + PRINTED], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    found: list[Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_every_runtime_shows_code() -> None:
    runtimes = [name for name in BACKENDS if backend(name).formats and name not in UNSHOWN]
    assert set(FURTHER) == set(runtimes)
    assert all(isinstance(backend(name), Deployable) for name in runtimes)

"""From a backend's name to the backend, with and without its runtime."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dse.core.backend import Recording, Runtime
from dse.core.errors import RequestError, UnavailableError
from dse.core.registry import BACKENDS, backend

RUNTIMES = {
    "onnxruntime",
    "ai_edge_litert",
    "openvino",
    "MNN",
    "ncnn",
    "deepsparse",
    "tflite_runtime",
    "torch",
    "executorch",
    "tensorflow",
}
"""The modules that the backends' runtimes are imported as."""


def in_a_new_interpreter(code: str) -> object:
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_is_found_by_its_name(name: str) -> None:
    found = backend(name)
    assert found.name == name
    assert isinstance(found, Runtime) != isinstance(found, Recording)
    assert type(backend(name)) is type(found)


@pytest.mark.parametrize("name", ["", "ONNXRUNTIME", "caffe", "null ", "dse.backends.null"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(RequestError, match=f"unknown backend '{name}'") as caught:
        backend(name)
    assert all(known in str(caught.value) for known in BACKENDS)
    assert not isinstance(caught.value, UnavailableError)


@pytest.mark.parametrize("name", BACKENDS)
def test_what_it_needs_is_said(name: str) -> None:
    entry = BACKENDS[name]
    ways = [way for way in (entry.extra, entry.python, entry.environment) if way]
    assert entry.has_runtime == bool(ways)
    assert len(ways) <= 1


def test_what_a_backend_offers_is_known_without_its_runtime() -> None:
    loaded = in_a_new_interpreter(
        "import json, sys\n"
        "from dse.core.registry import BACKENDS, backend\n"
        "for name in BACKENDS: backend(name).knobs, backend(name).formats\n"
        "print(json.dumps(sorted({module.partition('.')[0] for module in sys.modules})))\n"
    )
    assert isinstance(loaded, list)
    assert not {*RUNTIMES, "numpy", "mlperf_loadgen"} & set(loaded)


def test_the_large_and_the_old_runtimes_have_environments_of_their_own() -> None:
    names = ("deepsparse", "tflite-runtime", "ncnn", "pytorch", "executorch", "tensorflow")
    assert {*names, "onnxruntime-openvino"} == {n for n in BACKENDS if BACKENDS[n].apart}

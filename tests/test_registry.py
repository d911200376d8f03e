"""From a backend's name to the backend, with and without its runtime."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dse.contract import Recording, Runtime
from dse.errors import RequestError, UnavailableError
from dse.registry import BACKENDS, backend, remedy, runtime_version

RUNTIME_MODULES = {"onnxruntime": "onnxruntime", "litert": "ai_edge_litert"}
"""The module that each backend's runtime is imported as."""


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


@pytest.mark.parametrize("name", ["", "ONNXRUNTIME", "tensorflow", "null ", "dse.backends.null"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(RequestError, match=f"unknown backend '{name}'") as caught:
        backend(name)
    assert all(known in str(caught.value) for known in BACKENDS)
    assert not isinstance(caught.value, UnavailableError)


@pytest.mark.parametrize("name", BACKENDS)
def test_the_version_of_what_is_installed(name: str) -> None:
    assert runtime_version(name).strip()


def test_what_a_backend_offers_is_known_without_its_runtime() -> None:
    loaded = in_a_new_interpreter(
        "import json, sys\n"
        "from dse.registry import BACKENDS, backend\n"
        "for name in BACKENDS: backend(name).knobs, backend(name).formats\n"
        "print(json.dumps(sorted({module.partition('.')[0] for module in sys.modules})))\n"
    )
    assert isinstance(loaded, list)
    assert not {*RUNTIME_MODULES.values(), "numpy", "mlperf_loadgen"} & set(loaded)


@pytest.mark.parametrize("name", RUNTIME_MODULES)
def test_a_missing_runtime_comes_with_its_remedy(name: str) -> None:
    told = in_a_new_interpreter(
        "import json, sys\n"
        f"sys.modules['{RUNTIME_MODULES[name]}'] = None  # as if it were not installed\n"
        "from dse.errors import UnavailableError\n"
        "from dse.registry import runtime_version\n"
        f"try: print(json.dumps(runtime_version('{name}')))\n"
        "except UnavailableError as error: print(json.dumps([str(error), error.exit_code]))\n"
    )
    assert isinstance(told, list)
    line, exit_code = told
    assert line.startswith(f"backend '{name}' is not usable here: ")
    assert line.endswith(f"; pip install 'mlperf-dse[{name}]'")
    assert exit_code == 2


def test_the_remedy_where_nothing_more_is_to_be_installed() -> None:
    assert remedy("null") == "reinstall mlperf-dse"

"""Environments are installed as a whole or not at all, whatever happens on the way."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dse.core.errors import DseError, RequestError
from dse.environments import store
from dse.environments.install import LOG_FILE, install
from dse.environments.store import Environment
from tests.measure.specs import wait_for

PYTHON = "3.11"


def in_force() -> Environment:
    found = store.read_environment(PYTHON)
    assert found is not None
    return found


def installed(environment: Environment) -> set[str]:
    return {path.stem for path in environment.folder.glob("lib/*/site-packages/*.dist-info")}


def folders() -> set[Path]:
    return {path for path in store.folder_of(PYTHON).iterdir() if path.is_dir()}


@pytest.mark.long
@pytest.mark.usefixtures("index")
def test_one_environment_that_grows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    install(["tflite-runtime"])
    first = in_force()
    assert caplog.messages[0].startswith(f"installing tflite-runtime in {first.folder}")
    assert first.serves("tflite-runtime")
    assert not first.serves("deepsparse")
    assert {"numpy-1.26.4", "tflite_runtime-2.14.0"} <= installed(first)
    assert "onnx-1.14.1" not in installed(first)

    install(["deepsparse"])
    second = in_force()
    assert second.serves("tflite-runtime")
    assert second.serves("deepsparse")
    assert {"deepsparse-1.8.0", "onnx-1.14.1", "tflite_runtime-2.14.0"} <= installed(second)
    assert first.python.exists()  # a worker may still run there

    caplog.clear()
    install(["deepsparse", "tflite-runtime"])
    assert caplog.messages == [f"deepsparse, tflite-runtime: installed in {second.folder}"]
    assert in_force() == second


@pytest.mark.usefixtures("index")
def test_a_killed_installation_is_none_and_the_next_one_mends_it() -> None:
    code = "from dse.cli import run; run(['backends', 'install', 'tflite-runtime'])"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        wait_for(lambda: any(store.folder_of(PYTHON).glob("*/lib/python3.11/site-packages/pip")))
        os.killpg(process.pid, signal.SIGKILL)
    [left] = folders()
    assert store.read_environment(PYTHON) is None
    install(["tflite-runtime"])
    assert folders() == {in_force().folder}
    assert left not in folders()


@pytest.mark.usefixtures("index")
def test_a_failed_installation_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Environment(store.folder_of(PYTHON) / "before", {})
    before.python.parent.mkdir(parents=True)
    before.python.touch()
    store.write_environment(PYTHON, before)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(DseError) as caught:
        install(["deepsparse"])
    log = store.folder_of(PYTHON) / LOG_FILE
    assert not isinstance(caught.value, RequestError)
    assert str(caught.value).startswith("the installation failed: ERROR: No matching distribution")
    assert str(caught.value).endswith(f"; the whole output is in {log}")
    assert "No matching distribution" in log.read_text()
    assert in_force() == before
    assert folders() == {before.folder}


@pytest.mark.long
@pytest.mark.usefixtures("index")
def test_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # where no one listens
    with pytest.raises(DseError, match="failed: the package index can't be reached; the whole"):
        install(["tflite-runtime"])
    assert folders() == set()


@pytest.mark.usefixtures("own_cache")
def test_without_room(own_cache: Path) -> None:
    own_cache.mkdir()
    (own_cache / "environments").write_text("a file in the way")
    with pytest.raises(DseError, match="environments") as caught:
        install(["tflite-runtime"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("onnxruntime", r"onnxruntime is installed by pip install 'mlperf-dse\[onnxruntime\]'"),
        ("null", "null has no runtime to install"),
        ("tflite", "unknown backend 'tflite'"),
    ],
)
def test_what_needs_no_environment_is_refused(name: str, told: str, own_cache: Path) -> None:
    with pytest.raises(RequestError, match=f"^{told}"):
        install(["deepsparse", name])
    assert not own_cache.exists()


@pytest.mark.usefixtures("own_cache")
def test_a_python_of_another_version_is_refused() -> None:
    shell = shutil.which("sh")
    assert shell is not None
    with pytest.raises(RequestError, match=r"can't be run as a Python; name a Python 3\.11"):
        install(["deepsparse"], python=Path(shell))
    assert store.read_environment(PYTHON) is None

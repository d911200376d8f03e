"""What is usable: asked in the Python where it would run, whatever happens there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.core.registry import BACKENDS
from dse.environments.availability import RuntimeAvailability, runtime_availabilities

if TYPE_CHECKING:
    from pathlib import Path

    from tests.environments.pythons import OtherPython

OWN = [name for name, entry in BACKENDS.items() if not (entry.python or entry.environment)]
WARNS = "import os, sys; print('hello'); os.write(1, b'noise')\n"


def litert(settings: Path, python: str) -> RuntimeAvailability:
    settings.write_text(f"interpreters: {{litert: {python}}}\n")
    return runtime_availabilities(["litert"])["litert"]


def problem(found: RuntimeAvailability) -> str:
    assert found.version is None
    assert found.error is not None
    assert found.error.exit_code == 2
    start = "backend 'litert' is not usable here: "
    assert found.error.problem.startswith(start)
    assert found.error.remedy
    return found.error.problem.removeprefix(start)


def test_what_is_installed_here() -> None:
    found = runtime_availabilities(OWN)
    assert list(found) == OWN
    for availability in found.values():
        assert availability.error is None
        assert (availability.version or "").strip() == availability.version != ""
        assert (availability.python, availability.environment) == (sys.executable, "own")


def test_the_old_runtimes(environments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE_DIR", str(environments))
    found = runtime_availabilities(["deepsparse", "tflite-runtime"])
    assert [found[name].version for name in found] == ["1.8.0", "2.14.0"]
    assert len({availability.environment for availability in found.values()}) == 1
    assert found["deepsparse"].environment != "own"


def test_an_unknown_name() -> None:
    with pytest.raises(RequestError, match="unknown backend 'x'"):
        runtime_availabilities(["null", "x"])


def test_a_runtime_in_another_python(
    settings: Path, other: OtherPython, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ai_edge_litert.py").write_text("raise ImportError('of the wrong Python')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    found = litert(settings, other.path)
    assert found.error is None
    monkeypatch.delenv("PYTHONPATH")
    monkeypatch.delenv("PYTHONHOME")
    assert found.version == runtime_availabilities(["openvino", "litert"])["litert"].version
    assert found.environment == other.path


def test_a_python_that_has_nothing(settings: Path, empty: OtherPython) -> None:
    found = litert(settings, empty.path)
    assert problem(found) == "ModuleNotFoundError: No module named 'mlperf_loadgen'"
    assert found.error is not None
    assert found.error.remedy == (
        f"install the runtime, numpy and mlcommons-loadgen for {empty.path}"
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("raise OSError('no such instruction')", "OSError: no such instruction"),
        ("raise SystemExit(3)", "importing its runtime ended with exit code 3"),
        ("raise ImportError('of two\\nlines')", "lines"),
    ],
)
def test_a_runtime_that_breaks_breaks_nothing_else(
    settings: Path, other: OtherPython, code: str, reason: str
) -> None:
    other.put("ai_edge_litert", code)
    found = litert(settings, other.path)
    assert problem(found).endswith(reason)
    assert found.python == other.path


def test_what_a_runtime_prints_is_not_its_version(settings: Path, other: OtherPython) -> None:
    other.put("ai_edge_litert", WARNS)
    (other.libraries / "ai_edge_litert" / "interpreter.py").write_text(WARNS)
    assert litert(settings, other.path).error is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#!/bin/sh\necho 3.11\n", "is not a Python"),
        ("#!/nowhere/python\n", "can't be started"),
        ("#!/bin/sh\necho 'Unknown option: -P' >&2; exit 2\n", "its Python is older than 3.11"),
    ],
)
def test_what_is_no_python(settings: Path, tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "python"
    path.write_text(text)
    path.chmod(0o755)
    assert reason in problem(litert(settings, str(path)))


def test_what_was_named_and_is_gone(settings: Path) -> None:
    found = litert(settings, "/gone/python")
    assert problem(found) == "/gone/python is not an executable file"
    assert found.environment is None

"""Which Python a backend gets, and what is said where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dse.core.errors import RequestError, UnavailableError
from dse.environments import _store, config, interpreters
from dse.environments._store import Environment
from dse.environments.interpreters import find_python, interpreter, remedy

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


def in_force(digest: str) -> Environment:
    environment = Environment(_store.folder_of("3.11") / "made", {"deepsparse": digest})
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    _store.write_environment("3.11", environment)
    return environment


@pytest.mark.usefixtures("own_cache")
def test_a_runtime_beside_dse_runs_in_this_python() -> None:
    assert interpreter("litert", {}) == sys.executable
    assert remedy("litert", sys.executable) == "pip install 'mlperf-dse[litert]'"
    assert remedy("null", sys.executable) == "reinstall mlperf-dse"


@pytest.mark.usefixtures("own_cache")
def test_an_old_runtime_runs_in_its_environment() -> None:
    environment = in_force(_store.digest_of("deepsparse"))
    python = str(environment.python)
    assert interpreter("deepsparse", {}) == python
    assert remedy("deepsparse", python) == "dse backends install deepsparse --reinstall"
    with pytest.raises(UnavailableError, match="environment is not installed; dse backends inst"):
        interpreter("tflite-runtime", {})


@pytest.mark.usefixtures("own_cache")
def test_pins_that_have_changed_ask_for_an_installation() -> None:
    in_force("another digest")
    with pytest.raises(UnavailableError) as caught:
        interpreter("deepsparse", {})
    assert str(caught.value) == (
        "backend 'deepsparse' is not usable here: its environment was installed for another "
        "version of mlperf-dse; dse backends install deepsparse"
    )


@pytest.mark.usefixtures("own_cache")
def test_without_the_python_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))  # as on a machine that is ahead
    with pytest.raises(UnavailableError) as caught:
        interpreter("deepsparse", {})
    assert str(caught.value) == (
        "backend 'deepsparse' is not usable here: Python 3.11 is needed, and there is no "
        "python3.11 on the PATH; install it, such as with uv python install 3.11, or name one with "
        "dse backends install --python PATH"
    )


@pytest.mark.usefixtures("own_cache")
def test_the_users_word_wins(settings: Path) -> None:
    settings.write_text(f"interpreters:\n  litert: {sys.executable}\n  deepsparse: /gone\n")
    in_force(_store.digest_of("deepsparse"))
    named = config.interpreters()
    assert interpreter("litert", named) == sys.executable
    assert interpreter("onnxruntime", named) == sys.executable
    with pytest.raises(UnavailableError) as caught:
        interpreter("deepsparse", named)
    assert str(caught.value).startswith(f"{settings}:3: interpreters.deepsparse: backend 'deep")
    assert "/gone is not an executable file; name a Python" in str(caught.value)
    assert "mlcommons-loadgen for /opt/python" in interpreters.remedy("litert", "/opt/python")


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_this_python_serves_for_its_own_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_python(THIS) == sys.executable


def test_the_first_on_the_path_that_is_what_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(
        tmp_path / "a", "python3.99", "echo 'pyenv: python3.99: command not found' >&2; exit 127"
    )
    script(tmp_path / "b", "python3.99", "echo 3.98")
    good = script(tmp_path / "c", "python3.99", "echo 3.99")
    script(tmp_path / "d", "python3.99", "echo 3.99")
    monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in "abcd"))
    assert find_python("3.99") == str(good)


def test_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        UnavailableError, match=r"Python 3\.99 is needed, and there is no python3\.99"
    ):
        find_python("3.99")


def test_the_one_that_is_named(tmp_path: Path) -> None:
    assert find_python(THIS, Path(sys.executable)) == sys.executable
    with pytest.raises(RequestError, match=rf"is Python {THIS}; name a Python 3\.99"):
        find_python("3.99", Path(sys.executable))
    for path in (tmp_path, tmp_path / "missing", script(tmp_path, "bad", "exit 3")):
        with pytest.raises(RequestError, match=r"--python: .* can't be run as a Python"):
            find_python(THIS, path)

"""Which Python a backend gets, and what is said where there is none."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import UnavailableError
from dse.environments import config, interpreters, store
from dse.environments.interpreters import interpreter, remedy
from dse.environments.store import Environment

if TYPE_CHECKING:
    from pathlib import Path


def in_force(digest: str) -> Environment:
    environment = Environment(store.home("3.11") / "made", {"deepsparse": digest})
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    store.write("3.11", environment)
    return environment


@pytest.mark.usefixtures("own_cache")
def test_a_runtime_beside_dse_runs_in_this_python() -> None:
    assert interpreter("litert", {}) == sys.executable
    assert remedy("litert", sys.executable) == "pip install 'mlperf-dse[litert]'"
    assert remedy("null", sys.executable) == "reinstall mlperf-dse"


@pytest.mark.usefixtures("own_cache")
def test_an_old_runtime_runs_in_its_environment() -> None:
    environment = in_force(store.required("deepsparse"))
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
        "python3.11 on the PATH; install it, or give dse backends install deepsparse --python PATH"
    )


@pytest.mark.usefixtures("own_cache")
def test_the_users_word_wins(settings: Path) -> None:
    settings.write_text(f"interpreters:\n  litert: {sys.executable}\n  deepsparse: /gone\n")
    in_force(store.required("deepsparse"))
    named = config.interpreters()
    assert interpreter("litert", named) == sys.executable
    assert interpreter("onnxruntime", named) == sys.executable
    with pytest.raises(UnavailableError) as caught:
        interpreter("deepsparse", named)
    assert str(caught.value).startswith(f"{settings}:3: interpreters.deepsparse: backend 'deep")
    assert "/gone is not an executable file; name a Python" in str(caught.value)
    assert "mlcommons-loadgen for /opt/python" in interpreters.remedy("litert", "/opt/python")

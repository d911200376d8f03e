"""A study measures each configuration in the Python of its backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.measure.specs import wrapper

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


@pytest.mark.usefixtures("shared_cache")
def test_the_interpreter_that_the_user_names(
    command: Command, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its notes are of the last process it became: the one that measured.
    python = wrapper(tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(f"interpreters: {{litert: {python.path}}}\n")
    monkeypatch.setenv("DSE_CONFIG", str(config))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    space = {
        "models": "mobilenet-v1-0.25-128",
        "backends": ["litert"],
        "threads": 1,
        "objectives": "latency_p90_ms",
    }
    (here / "space.yaml").write_text(yaml.safe_dump(space))
    command.good("explore", "--settle", 0, "space.yaml")
    assert command.counts("space")[:3] == (1, 0, 0)
    names = {line.partition("=")[0] for line in python.environment.splitlines()}
    assert {"PATH", "DSE_CACHE_DIR"} <= names
    assert names.isdisjoint({"PYTHONPATH", "OMP_NUM_THREADS", "DSE_CONFIG"})


@pytest.mark.usefixtures("here")
def test_an_interpreter_that_is_gone_is_a_reason(
    command: Command, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("interpreters:\n  litert: /gone/python\n")
    monkeypatch.setenv("DSE_CONFIG", str(config))
    (here / "space.yaml").write_text("models: mobilenet-v1-0.25-128\nbackends: [litert]\n")
    answer = command("explore", "--settle", 0, "space.yaml")
    assert answer.code == 2
    assert answer.last == (
        "dse: backend 'litert' is not usable here: /gone/python is not an executable file: "
        "name a Python, or remove the line"
    )

"""``dse backends``: what is usable, in which Python; and the installation of the others."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.registry import BACKENDS
from dse.core.wording import WIDTH
from tests.commandline import unwrapped

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


def rows(command: Command) -> dict[str, dict[str, Any]]:
    found = json.loads(command.good("backends", "--json").out)
    return {row["backend"]: row for row in found["backends"]}


def told(command: Command) -> list[str]:
    """What is said of each backend; paths alone are wider than the lines it is wrapped to."""
    lines = command.good("backends").out.splitlines()
    assert all(len(line) <= WIDTH or " " not in line.strip() for line in lines)
    return unwrapped("\n".join(lines))


def test_all_runtimes_are_usable(
    command: Command, environments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE_DIR", str(environments))
    found = {name: row for name, row in rows(command).items() if row["formats"]}
    for name in [name for name, entry in BACKENDS.items() if entry.environment]:
        del found[name]  # it may not be installed
    own = {"onnxruntime", "litert", "openvino", "mnn"}
    assert set(found) == {*own, "deepsparse", "tflite-runtime", "ncnn"}
    assert all(row["usable"] for row in found.values())
    assert {found[name]["environment"] for name in own} == {"own"}
    [python] = {found[name]["environment"] for name in set(found) - own}
    shown = told(command)
    assert f"deepsparse: 1.8.0 in {python} (reads onnx; knobs: streams)" in shown
    [line] = [line for line in shown if line.startswith("onnxruntime: ")]
    assert "not here: provider=openvino, provider=dnnl, provider=xnnpack, device=cuda)" in line
    answer = command.good("backends", "install", "deepsparse", "tflite-runtime")
    assert [line.partition(" ")[0] for line in answer.out.splitlines() if line[0] != " "] == [
        "deepsparse:",
        "tflite-runtime:",
    ]
    assert answer.err.startswith("deepsparse, tflite-runtime: installed in ")


def test_what_is_not_installed_has_a_remedy(
    command: Command, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = rows(command)["deepsparse"]
    assert (missing["usable"], missing["version"], missing["environment"]) == (False, None, None)
    if missing["remedy"] == "dse backends install deepsparse":
        assert (
            "deepsparse: not usable: its environment is not installed; dse backends install "
            "deepsparse (reads onnx; knobs: streams)"
        ) in told(command)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    assert "Python 3.11 is needed" in rows(command)["deepsparse"]["problem"]
    [line] = [line for line in told(command) if line.startswith("deepsparse: ")]
    assert line == (
        "deepsparse: not usable: Python 3.11 is needed, and there is no python3.11 on the PATH; "
        "install it, such as with uv python install 3.11, or name one with dse backends install "
        "--python PATH (reads onnx; knobs: streams)"
    )
    assert not own_cache.exists()


def test_a_backend_elsewhere(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("interpreters:\n  litert: /gone/python\n")
    monkeypatch.setenv("DSE_CONFIG", str(file))
    row = rows(command)["litert"]
    assert not row["usable"]
    assert "/gone/python is not an executable file" in row["problem"]
    assert (
        f"litert: not usable: {file}:2: interpreters.litert: /gone/python is not an executable "
        "file; name a Python, or remove the line (reads tflite; knobs: xnnpack)"
    ) in told(command)
    file.write_text("interpreters:\n  litrt: /gone/python\n")
    answer = command("backends")
    assert answer.code == 2
    assert answer.err == (
        f"dse: {file}:2: interpreters.litrt: unknown backend; did you mean 'litert'?\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["install"], "Missing argument 'NAME...'"),
        (["install", "x"], "unknown backend 'x'; known are "),
        (["install", "litert"], "litert is installed by pip install 'mlperf-dse[litert]'"),
        (["install", "null"], "null has no runtime to install"),
        (["install", "deepsparse", "--python", "/gone"], "/gone can't be run as a Python; name a"),
        (["--json", "install", "deepsparse"], "--json does not go with 'install'"),
        (["instal"], "No such command 'instal'"),
    ],
)
def test_a_wrong_request(command: Command, own_cache: Path, words: list[str], told: str) -> None:
    answer = command("backends", *words)
    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err
    assert len(answer.err.splitlines()) == 1
    assert not list(own_cache.glob("environments/*/*/bin"))

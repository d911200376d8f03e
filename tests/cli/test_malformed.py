"""What is wrong with a request is told in one line, and nothing that existed is lost."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.cli.malformed import DATASETS, MANIFEST, MANIFESTS, OPTIONS, SPACES
from tests.replays import failures, outcomes, taken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.commandline import Command

CASES = {**SPACES, **MANIFESTS, **DATASETS, **OPTIONS}


def lay_out(files: Mapping[str, str | bytes], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_it_is_one_line_and_nothing_is_lost(
    command: Command, here: Path, kept: Path, name: str
) -> None:
    case = CASES[name]
    database = kept / "study.db"
    before, taken_before = outcomes(database), taken(database)
    lay_out(case.files, here)
    answer = command(*shlex.split(case.command))
    assert answer.code == 2
    assert answer.out == ""
    if not case.begun:
        assert len(answer.err.splitlines()) == 1
        assert list((here / "studies").iterdir()) == [kept]
    assert answer.last.startswith("dse: ")
    assert "Traceback" not in answer.err
    for words in case.words:
        assert words in answer.last
    assert len(before) == 4
    assert sum(taken_before.values()) == 12
    assert outcomes(database) == before
    assert taken(database) == taken_before


def test_of_several_reasons_each_has_a_line(command: Command, here: Path) -> None:
    cpus = "threads: 4096\nobjectives: [latency_p90_ms]\n"
    space = "models: [quickstart, mobilenet-v1-0.25-128]\nbackends: [onnxruntime]\n"
    lay_out({"s.yaml": space + cpus}, here)
    answer = command("explore", "s.yaml")
    assert answer.code == 2
    head, *reasons = answer.err.splitlines()
    assert head == (
        "dse: s.yaml: nothing in this space can run here; change the space, or offer models"
    )
    assert all(line.startswith("  ") and len(line) <= 80 for line in reasons)
    assert "no model of that name is on offer" in " ".join(reasons)
    assert "4096 threads are more than the" in " ".join(reasons)


@pytest.mark.parametrize(
    ("file", "content", "backend"),
    [
        ("m.tflite", b"\x1c\0\0\0TFL3" + b"garbage" * 9, "litert"),
        ("m.onnx", b"\x08\x08\x3a\x04\x0a\x02\x0a\x00", "onnxruntime"),
    ],
)
def test_a_model_that_only_looks_like_one_is_a_failure(
    command: Command, here: Path, file: str, content: bytes, backend: str
) -> None:
    manifest = MANIFEST.replace("m.tflite", file)
    space = f"models: all\nbackends: [{backend}]\nthreads: 1\nobjectives: [latency_p90_ms]\n"
    lay_out({"models/models.yaml": manifest, f"models/{file}": content, "s.yaml": space}, here)
    answer = command("explore", "s.yaml", "--models", "models")
    assert answer.code == 1
    assert "Traceback" not in answer.err
    (failure,) = failures(here / "studies/s/study.db")
    assert (failure["kind"], failure["attempts"]) == ("load", 1)
    assert failure["message"]
    assert "Traceback" in failure["stderr_tail"]
    assert command.status("s")["failures"] == {"load": 1}

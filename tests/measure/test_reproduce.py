"""The command that does a run again: pasted into a shell, it ends as the run did."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from dse.core.metrics import LATENCY
from dse.measure.reproduce import command
from dse.measure.runner import Limits, run_worker
from dse.measure.spec import SPEC_FILE
from dse.tasks.image_classification._quality import ACCURACY
from tests.measure.specs import spec, wrapper
from tests.measure.test_guarded_task import Dividing

EARLIER = Path(__file__).parent / "golden" / "earlier_spec.json"
LIMITS = Limits(60.0, 0)
AWKWARD = 'it\'s a "folder" with $HOME; and\tmore'


def test_a_failed_run_fails_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / AWKWARD
    folder.mkdir()
    python = wrapper(folder)
    given = {"KMP_BLOCKTIME": AWKWARD, "LD_LIBRARY_PATH": "/of/the/study"}
    wanted = replace(spec(folder, LATENCY.name, knobs={"fault": "raise"}), environment=given)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/shell")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "of this Python alone"))
    failure = run_worker(wanted, LIMITS, interpreter=str(python.path)).failure
    assert failure is not None
    before = sorted(wanted.folder.rglob("*"))
    line = command(wanted.folder)
    assert line is not None
    (python.notes / "environment").unlink()
    ended = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, cwd="/", env=os.environ, timeout=60
    )
    assert ended.returncode == 1
    answer = json.loads(ended.stdout.splitlines()[-1])
    assert answer == {
        "kind": "failure",
        "body": {"kind": failure.kind.value, "message": failure.message},
    }
    assert ended.stderr.splitlines()[-1] == failure.stderr_tail.splitlines()[-1]
    assert sorted(wanted.folder.rglob("*")) == before
    assert "OMP_NUM_THREADS" not in python.environment
    assert "PYTHONPATH" not in python.environment
    assert f"KMP_BLOCKTIME={AWKWARD}\n" in python.environment
    assert "LD_LIBRARY_PATH=/of/the/study\n" in python.environment


def test_the_packages_of_other_distributions_come_along(tmp_path: Path) -> None:
    wanted = spec(tmp_path, ACCURACY.name, labels=[0, 1])
    worker = f"{Dividing.__module__}:{Dividing.__name__}"
    wanted = replace(wanted, task=replace(wanted.task, worker=worker))
    wanted.folder.mkdir()
    (wanted.folder / SPEC_FILE).write_text(wanted.to_json())
    line = command(wanted.folder)
    assert line is not None
    ended = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    answer = json.loads(ended.stdout.splitlines()[-1])
    assert "failed in score: ZeroDivisionError" in answer["body"]["message"]
    gone = replace(wanted, task=replace(wanted.task, worker="not_here:Worker"))
    (wanted.folder / SPEC_FILE).write_text(gone.to_json())
    assert "not_here" not in str(command(wanted.folder))


def test_what_the_shell_has_is_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = spec(tmp_path, LATENCY.name, knobs={"delay_ms": 0.1})
    assert run_worker(wanted, LIMITS).failure is None
    monkeypatch.setenv("USER", "somebody")
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    line = command(wanted.folder)
    assert line is not None
    assert line.startswith("env -i ")
    assert ' USER="$USER" ' in line
    assert not {"somebody", "SECRET_TOKEN"} & set(line.replace('"', " ").split())


@pytest.mark.parametrize("text", [None, "", "{", "[]", "\udcff"])
def test_a_run_folder_without_its_spec_can_not_be_run_again(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / SPEC_FILE).write_text(text, errors="surrogateescape")
    assert command(tmp_path) is None


def test_an_older_spec_runs_in_this_python(tmp_path: Path) -> None:
    """It does not say which one it was."""
    stored = json.loads(EARLIER.read_text())
    configuration = {**stored["configuration"], "backend": "null", "delay_ms": 0.1}
    del configuration["arena"], stored["interpreter"], stored["official"]
    nothing = {"pixels": None, "labels": None, "seed": 0}
    stored |= {"configuration": configuration, "model_file": None, "inputs": nothing}
    stored |= {"tasks": [{"metric": LATENCY.name, "key": "k"}], "classes": None}
    stored["preprocessing"]["label_offset"] = 0
    stored["fidelity"] |= {"name": "probe", "min_duration_ms": 20, "min_query_count": 64}
    (tmp_path / SPEC_FILE).write_text(json.dumps(stored))
    line = command(tmp_path)
    assert line is not None
    ended = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    assert json.loads(ended.stdout.splitlines()[-1]) == {"kind": "done", "body": {}}

"""A module of the package runs in a Python that has nothing of it installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from dse.core.launcher import launch_command
from dse.core.worker_environment import worker_environment

ROOT = Path(__file__).parents[2]
TELL = """
import json, sys
def main():
    import dse.core.registry
    backend = dse.core.registry.backend("null")
    said = {"dse": dse.__file__, "backends": sys.modules[type(backend).__module__].__file__}
    print(json.dumps({**said, "path": sys.path, "arguments": sys.argv[1:]}))
    return 3
"""
COUNT = """
import os, sys
def main():
    print(len(os.listdir("/proc/self/task")), os.environ.get("OPENBLAS_NUM_THREADS"))
    return "numpy" not in sys.modules
"""
LEAVE = """
import atexit, os
class Kept:
    def __del__(self):
        os.write(1, b"taken apart ")
kept = Kept()
def main():
    atexit.register(print, "tidied up")
    print("worked", end=" ")
    return 3
"""
BUILD = """
import json, sys
from dse.environments import _store
from dse.core.launcher import launch_command
assert all(_store.requirements_file(name).is_file() for name in ("deepsparse", "tflite-runtime"))
print(json.dumps(launch_command(sys.executable, "sample.tell", folders={"sample": sys.argv[1]})))
"""


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """The folder of a package whose module tells what it sees."""
    folder = tmp_path / "sample"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "tell.py").write_text(TELL)
    return folder


def test_only_the_package_itself_is_seen(
    tmp_path: Path, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "empty", symlinks=True)
    python = str(tmp_path / "empty" / "bin" / "python")
    for name in ("json", "dse", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('the wrong one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    words = launch_command(python, "sample.tell", "a b", "--c", folders={"sample": str(told)})
    ended = subprocess.run(words, capture_output=True, text=True, env=worker_environment(python))
    assert (ended.returncode, ended.stderr) == (3, "")
    seen = json.loads(ended.stdout)
    assert Path(seen["dse"]) == ROOT / "dse" / "__init__.py"
    assert Path(seen["backends"]) == ROOT / "backends" / "null.py"
    assert seen["arguments"] == ["a b", "--c"]
    libraries = [Path(path) for path in sys.path if path.endswith("-packages")]
    assert libraries
    assert not {str(path) for path in [*libraries, ROOT, ROOT / "dse", tmp_path]} & set(
        seen["path"]
    )


def test_this_python_finds_what_pythonpath_leads_to_and_runs_nothing_of_it(
    tmp_path: Path, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('a tracer in the worker')")
    (tmp_path / "found_there.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f":{tmp_path.name}/../{tmp_path.name}:.")
    folders = {"sample": str(told)}
    words = launch_command(sys.executable, "sample.tell", folders=folders)
    variables = worker_environment(sys.executable)
    ended = subprocess.run(words, capture_output=True, text=True, env=variables)
    assert (ended.returncode, ended.stderr) == (3, "")
    assert str(tmp_path) in json.loads(ended.stdout)["path"]


def test_a_bound_process_without_its_parent_does_nothing(told: Path) -> None:
    words = launch_command(sys.executable, "sample.tell", folders={"sample": str(told)}, bound=True)
    known = {**json.loads(words[3]), "parent": os.getpid() + 1}
    words[3] = json.dumps(known)
    ended = subprocess.run(words, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "the parent process is gone\n"


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_numpy_starts_no_threads_but_those_that_are_given(tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(COUNT)
    words = launch_command(sys.executable, "count", folders={"count": str(tmp_path / "count.py")})
    counted = [
        subprocess.run(words, capture_output=True, text=True, env=variables, check=True).stdout
        for given in ({}, {"OPENBLAS_NUM_THREADS": "2"})
        for variables in [worker_environment(sys.executable, given)]
    ]
    assert counted[0] == "1 None\n"
    assert counted[1].endswith(" 2\n")


def test_a_process_tidies_up_and_does_not_take_itself_apart(tmp_path: Path) -> None:
    (tmp_path / "leave.py").write_text(LEAVE)
    words = launch_command(sys.executable, "leave", folders={"leave": str(tmp_path / "leave.py")})
    ended = subprocess.run(
        words, capture_output=True, text=True, env=worker_environment(sys.executable)
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "worked tidied up\n", "")


def test_from_an_installed_wheel(tmp_path: Path, told: Path) -> None:
    source, installed = tmp_path / "source", tmp_path / "installed"
    for name in ("dse", "backends", "search_spaces"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    if int(metadata.version("setuptools").partition(".")[0]) < 77:
        pytest.skip("building the wheel needs setuptools 77 or newer")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(source)], check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    variables = {**worker_environment(sys.executable), "PYTHONPATH": str(installed)}
    words = subprocess.run(
        [sys.executable, "-P", "-c", BUILD, str(told)],
        capture_output=True,
        text=True,
        env=variables,
    )
    assert words.returncode == 0, words.stderr
    ended = subprocess.run(json.loads(words.stdout), capture_output=True, text=True)
    assert ended.returncode == 3, ended.stderr
    seen = json.loads(ended.stdout)
    assert Path(seen["dse"]) == installed / "dse" / "__init__.py"
    assert Path(seen["backends"]) == installed / "dse" / "backends" / "null.py"

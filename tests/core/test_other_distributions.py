"""Backends of other distributions: installed, broken, and under a name that is taken."""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from dse.core.worker_environment import worker_environment
from tests.commandline import here, tmp_path, unwrapped
from tests.toy_task import dse, python

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["here", "tmp_path"]

TELL = """
import json, sys
def main():
    from dse.core.registry import backend
    found = backend("toy")
    file = sys.modules[type(found).__module__].__file__
    print(json.dumps([found.version(), file, "importlib.metadata" in sys.modules]))
    return 0
"""
COMMAND = """
import json, sys
from dse.core.launcher import launch_command
print(json.dumps(launch_command(sys.argv[1], "tell", backend="toy", folders={"tell": sys.argv[2]})))
"""


def test_it_is_listed_measured_and_told_of(installed: Path, here: Path) -> None:
    code, out, err = dse(installed, "backends", "--json")
    assert (code, err) == (0, "")
    [toy] = [row for row in json.loads(out)["backends"] if row["backend"] == "toy"]
    assert (toy["usable"], toy["version"], toy["knobs"]) == (True, "7", ["rounds"])
    space = {
        "models": "toy",
        "backends": {"toy": {"rounds": [1, 4]}},
        "threads": 1,
        "batch_sizes": 1,
        "objectives": ["latency_p90_ms"],
    }
    (here / "space.yaml").write_text(yaml.safe_dump(space))
    words = ["explore", "space.yaml", "--settle", "0", "--sampler", "grid"]
    code, out, err = dse(installed, *words, folder=here)
    assert code == 0, err
    assert "runtimes: toy 7" in err
    assert "2 measured, 0 failed, 0 remaining" in " ".join(err.split())
    code, out, err = dse(installed, "status", "space", folder=here)
    assert code == 0, err


def test_another_python_gets_its_folder_and_its_class(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "tell.py").write_text(TELL)
    venv.create(tmp_path / "empty", symlinks=True)
    other = str(tmp_path / "empty" / "bin" / "python")
    _, out, err = python(installed, "-c", COMMAND, other, tmp_path / "tell.py")
    assert err == ""
    ended = subprocess.run(
        json.loads(out), capture_output=True, text=True, env=worker_environment(other)
    )
    assert ended.returncode == 0, ended.stderr
    version, file, scanned = json.loads(ended.stdout)
    assert (version, Path(file)) == ("7", installed / "toy_dse" / "backend.py")
    assert not scanned  # nothing is looked for in a worker


def distribution(folder: Path, name: str, backends: Mapping[str, str]) -> None:
    """Writes the metadata of an installed distribution."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{key} = {target}\n" for key, target in backends.items())
    (metadata / "entry_points.txt").write_text(f"[dse.backends]\n{lines}")


BROKEN = {
    "gone": ("no_such_module:Backend", "can't be loaded: No module named 'no_such_module'"),
    "empty": ("broken:Missing", "can't be loaded: module 'broken' has no attribute 'Missing'"),
    "bare": ("broken:Bare", "has no 'formats', 'precisions'"),
    "renamed": ("broken:Renamed", "has the name 'other'"),
    "wrong": ("unreadable:Backend", "can't be loaded: invalid syntax"),
    "own": ("own:Backend", "can't be loaded: it has an error of its own"),
    "leaving": ("leaving:Backend", "can't be loaded: SystemExit"),
    "raising": ("raising:Backend", "can't be loaded: this CPU has no AVX-512"),
}


def test_a_broken_one_is_a_line_that_names_its_distribution(tmp_path: Path, here: Path) -> None:
    distribution(tmp_path, "faulty", {name: target for name, (target, _) in BROKEN.items()})
    (tmp_path / "unreadable.py").write_text("class Backend(:\n")
    (tmp_path / "raising.py").write_text('raise RuntimeError("this CPU has no AVX-512")\n')
    (tmp_path / "own.py").write_text(
        "class Own(Exception): ...\nraise Own('it has an error of its own')"
    )
    (tmp_path / "leaving.py").write_text("raise SystemExit")
    (tmp_path / "broken.py").write_text(
        "class Bare:\n    name = 'bare'\n"
        "class Renamed:\n"
        "    name, formats, precisions, knobs, settings = 'other', (), (), (), ()\n"
        "    def version(self): return '1'\n"
    )
    code, out, err = dse(tmp_path, "backends")
    assert (code, err) == (0, "next: dse explore quickstart\n")
    lines = dict(line.split(": ", 1) for line in unwrapped(out))
    assert lines["null"].startswith("1 (")
    for name, (target, problem) in BROKEN.items():
        assert f"backend '{name}' of faulty 1.0: {target} {problem}" in lines[name]
    (here / "space.yaml").write_text(yaml.safe_dump({"models": "a", "backends": ["gone"]}))
    code, _, err = dse(tmp_path, "explore", "space.yaml", folder=here)
    assert code == 2
    [line] = err.splitlines()
    assert "faulty 1.0" in line
    assert "uninstall it" in line


@pytest.mark.parametrize("others", [{"first": "null"}, {"first": "new", "second": "new"}])
def test_a_name_that_is_taken_is_refused(tmp_path: Path, others: dict[str, str]) -> None:
    for owner, name in others.items():
        distribution(tmp_path, owner, {name: "broken:Bare"})
    code, _, err = dse(tmp_path, "backends")
    assert code == 2
    [line] = err.splitlines()
    assert f"1.0 offers a backend '{next(iter(others.values()))}'" in line
    assert "uninstall one of the two" in line


def test_help_and_backends_of_ours_look_for_no_distribution(tmp_path: Path) -> None:
    distribution(tmp_path, "first", {"null": "broken:Bare"})
    code, _, err = dse(tmp_path, "explore", "--help")
    assert (code, err) == (0, "")
    code, out, _ = python(tmp_path, "-c", "from dse.core.registry import backend; backend('null')")
    assert (code, out) == (0, "")

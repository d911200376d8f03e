"""What is loaded, and what is not: the command line starts at once, and the sides stay apart."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.core.test_registry import RUNTIMES as MODULES
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path

RUNTIMES = {*MODULES, "onnx"}
HEAVY = {
    *RUNTIMES,
    *("optuna", "sqlalchemy", "pandas", "matplotlib", "numpy", "moocore", "mlperf_loadgen", "PIL"),
}


def modules(code: str) -> set[str]:
    """The modules that are loaded after some code has run in a fresh interpreter."""
    tell = "import json, sys; sys.stdout.flush(); print('\\n' + json.dumps(list(sys.modules)))"
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], check=True, capture_output=True, text=True
    )
    return set(json.loads(told.stdout.splitlines()[-1]))


def loaded(code: str) -> set[str]:
    """The packages that are loaded then."""
    return {name.split(".")[0] for name in modules(code)}


def ours(code: str) -> set[str]:
    """The modules of this package that are loaded then."""
    return {name for name in modules(code) if name.split(".")[0] == "dse"}


def test_importing_the_package_loads_nothing_of_it() -> None:
    assert ours("import dse") == {"dse"}


def test_the_help_loads_no_command() -> None:
    lean = {"dse", "dse.cli", "dse.core", "dse.core.errors"}
    code = "from dse.cli import run; run(['--help'])"
    assert ours(code) == lean
    others = {"logging", "importlib.metadata", "rich", "json"}
    assert modules(code) & others == modules("import click") & others
    one = ours("from dse.cli import run; run(['explore', '--help'])")
    assert {name for name in one if name.startswith("dse.cli.")} == {
        "dse.cli.completion",
        "dse.cli.explore",
        "dse.cli.options",
    }


def test_exploring_is_a_library() -> None:
    """It needs no console, no command line and no report."""
    found = modules("import dse.exploration.session")
    assert found & {"rich", "click", "dse.report", "dse.cli", "dse.commands"} == set()


WAYS = {
    "imports": """
import dse, dse.space
import dse.core.backend, dse.core.registry, dse.core.measurement, dse.core.errors
""",
    "help": """
from dse.cli import run
run(["--help"])
run(["--version"])
for name in ("explore", "status", "validate", "export"):
    run([name, "--help"])
run(["explore", "--no-such-option"])
""",
    "commands": """
from dse.cli import run
run(["system", "--json"])
run(["system", "--check", "--probes", "0"])
run(["models", "list"])
run(["models", "fetch"])
run(["backends"])
run(["backends", "install", "null"])
""",
}
"""Each of them one after the other in one interpreter."""


@pytest.mark.parametrize("way", WAYS)
def test_what_starts_at_once_loads_nothing_heavy(way: str) -> None:
    assert loaded(WAYS[way]) & HEAVY == set()


def test_the_parent_loads_no_runtime_and_no_loadgen(here: Path) -> None:
    write_table(here)
    space = write_space(here, threads=1, batch_sizes=1)
    code = f"from dse.cli import run; assert run(['explore', '{space.name}']) == 0"
    assert loaded(code) & {*RUNTIMES, "mlperf_loadgen"} == set()
    words = ["export", "space", "--submitter", "Org", "--output", "tree", "--dry-run"]
    code = "from dse.cli import run; assert run(['status', 'space']) == 0"
    code += f"; assert run({words}) == 1"
    assert loaded(code) & {*RUNTIMES, "mlperf_loadgen", "matplotlib", "pandas"} == set()


def test_the_worker_needs_little() -> None:
    others = {"optuna", "pydantic", "yaml", "rich", "click", "platformdirs", "PIL", "moocore"}
    assert loaded("import dse.measure.worker, dse.measure.runs") & (others | RUNTIMES) == set()
    assert loaded("import dse.measure.worker") & HEAVY == set()

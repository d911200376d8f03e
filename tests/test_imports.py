"""The layers: who may import whom, held against every import statement of the package."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.core.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = {"dse": ROOT / "dse", "dse.backends": ROOT / "backends"}
ANSWERING = ("_form", "_inputs", "_quality", "_scoring", "_texts", "_windows")
"""The modules of question answering that are on both sides."""
# Each line may import what it names, and from itself; the longest name that fits a module counts.
LAYERS: dict[str, set[str]] = {
    "main": {"cli"},
    "cli": {
        *("commands", "serve"),
        *("answer", "exploration", "validate", "submission", "report", "results"),
        *("bundles", "fleet", "study", "space"),
        *("compare", "derived", "environments", "models", "tasks", "config", "machine", "core"),
        *("tasks.image_classification", "download", "version"),
    },
    "commands": {
        *("serve", "answer", "fleet"),
        *("exploration", "validate", "submission", "report", "results", "study", "compare"),
        "derived",
        *("measure.runner", "measure.spec", "space", "environments", "models", "tasks"),
        *("tasks.generated", "download", "formats", "machine", "config", "core"),
    },
    # In a browser: it starts commands, and measures nothing.
    "serve": {
        *("answer", "submission", "compare", "report", "derived", "results", "study", "space"),
        *("environments", "models", "tasks", "machine", "config", "core", "version"),
    },
    # What was measured, for others.
    "submission": {
        *("report", "derived", "study", "measure.spec", "loadgen.logs", "loadgen.verdict"),
        *("loadgen.compliance", "tasks", "machine", "config", "core"),
    },
    "answer": {
        *("report", "derived", "study", "measure.spec", "models", "tasks", "config", "core"),
    },
    "compare": {"results", "derived", "report", "study", "tasks", "config", "core"},
    "notebook": {"answer", "exploration", "report", "study", "space", "tasks", "machine", "core"},
    "report": {
        *("study", "derived", "space", "tasks", "machine", "measure.reproduce", "measure.spec"),
        *("core", "version"),
    },
    "results": {
        *("bundles", "study", "tasks", "loadgen.logs", "loadgen.verdict", "machine", "config"),
        "core",
    },
    "bundles": {"study", "space", "tasks", "machine", "config", "core", "version"},
    "derived": {"config", "core"},
    # Measuring, in the parent.
    "fleet": {
        *("bundles", "exploration", "results", "study", "space", "tasks", "machine", "config"),
        *("core", "version"),
    },
    "validate": {
        *("exploration", "study", "measure.runner", "measure.spec", "loadgen.logs"),
        *("loadgen.compliance", "loadgen.verdict", "tasks", "machine", "core", "version"),
    },
    "exploration": {
        *("study", "search", "space", "environments", "measure.runner", "measure.recall"),
        "measure.spec",
        *("results", "models", "tasks", "machine", "core"),
    },
    "search": {"tasks", "core"},
    "study": {"space", "tasks", "machine", "core"},
    "environments": {"config", "machine", "core"},
    "space": {"tasks", "machine", "config", "core"},
    # Tasks; each names itself alone.
    "tasks.image_classification": {
        *("tasks", "models", "download", "formats", "machine", "config", "core"),
        *(f"tasks.image_classification.{name}" for name in ("inputs", "labels", "preprocessing")),
    },
    "tasks.image_classification.worker": {
        *(f"tasks.image_classification.{name}" for name in ("inputs", "labels", "preprocessing")),
        *("tasks", "core"),
    },
    "tasks.image_classification.inputs": {"tasks.image_classification.preprocessing", "core"},
    "tasks.image_classification.labels": {"tasks", "core"},
    "tasks.image_classification.preprocessing": {"tasks", "core"},
    "tasks.generated": {"tasks", "models", "formats", "core"},
    "tasks.generated.worker": {"tasks", "core"},
    "tasks.question_answering": {
        *("tasks", "models", "download", "formats", "config", "core"),
        *(f"tasks.question_answering.{name}" for name in ANSWERING),
    },
    "tasks.question_answering.worker": {
        *(f"tasks.question_answering.{name}" for name in ANSWERING),
        *("tasks", "core"),
    },
    **{f"tasks.question_answering.{name}": {"tasks", "core"} for name in ("_form", "_quality")},
    "tasks.question_answering._inputs": {"tasks.question_answering._form", "tasks", "core"},
    "tasks.question_answering._scoring": {
        *("tasks.question_answering._texts", "tasks.question_answering._windows", "tasks", "core"),
    },
    "tasks.question_answering._texts": set(),
    "tasks.question_answering._windows": set(),
    "tasks": {"models", "core"},
    "models": {"formats", "machine", "config", "core"},
    "download": {"formats", "core", "version"},
    "formats": {"config", "core"},
    # On both sides of the pipe: no LoadGen, no runtime.
    "measure.runner": {"measure.spec", "measure._run_result", "machine", "core"},
    "measure.recall": {"measure.spec", "core"},
    "measure.reproduce": {"measure.runner", "measure.spec", "core"},
    "measure.spec": {"tasks", "core"},
    "measure._run_result": {"measure.spec", "core"},
    "loadgen.logs": {"core"},
    "loadgen.verdict": {"loadgen.logs", "tasks", "core"},
    "loadgen.compliance": {"loadgen.logs", "loadgen.verdict", "tasks", "core"},
    # In the worker's Python only.
    "environments.probe": {"measure", "core"},
    "measure": {
        *("measure.spec", "measure._run_result", "loadgen", "loadgen.logs", "loadgen.verdict"),
        *("loadgen.compliance", "tasks", "machine", "core"),
    },
    "loadgen": {"loadgen.logs", "loadgen.verdict", "tasks", "machine", "core"},
    "backends": {"formats", "machine", "core"},
    # Under everything.
    "machine": {"core"},
    "config": {"core"},
    "core": set(),
    "version": set(),
}
# The package offers the public surface, which is loaded when it is asked for.
LAZY = {("version", "notebook"), ("version", "search")}


def modules() -> dict[str, Path]:
    found = {}
    for package, folder in PACKAGE.items():
        for path in sorted(folder.rglob("*.py")):
            words = [package, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(w for w in words if w != "__init__")] = path
    return found


MODULES = modules()


def layer(module: str) -> str:
    """The line of the table that a module belongs to."""
    words = module.removeprefix("dse").removeprefix(".").split(".")
    if words == [""]:
        return "version"
    if words == ["__main__"]:
        return "main"
    fitting = [".".join(words[:n]) for n in range(len(words), 0, -1)]
    return next((name for name in fitting if name in LAYERS), f"{fitting[-1]}, which is no layer")


@cache
def imported(module: str) -> tuple[tuple[str, int], ...]:
    """The modules that a module names in its imports, wherever they stand, and their lines."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = ".".join([*(up if node.level else []), *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{start}.{alias.name}"
                found.append((inner if inner in MODULES else start, node.lineno))
    return tuple(found)


def test_layers_point_downwards() -> None:
    for module in MODULES:
        own = layer(module)
        assert own in LAYERS, f"{own}: give {module} a line in the table"
        for name, line in imported(module):
            if name.split(".")[0] == "dse":
                other = layer(name)
                allowed = other in LAYERS[own] or other == own or (own, other) in LAZY
                assert allowed, f"{MODULES[module]}:{line}: {own} must not import {other} ({name})"


def test_the_table_has_no_circle() -> None:
    below: set[str] = set()
    while len(below) < len(LAYERS):
        # `measure` is the folder of layers that are listed on their own.
        found = {name for name, allowed in LAYERS.items() if allowed - {name} <= below} - below
        assert found, f"a circle among {sorted(set(LAYERS) - below)}"
        below |= found


def test_nobody_imports_a_backend() -> None:
    for module in MODULES:
        if layer(module) != "backends":
            named = {name for name, _ in imported(module)}
            found = [n for n in named if f"{n}.".startswith(("dse.backends.", "backends."))]
            assert not found, f"{MODULES[module]}: {', '.join(found)}"


def test_a_backend_imports_its_siblings_relatively() -> None:
    for module in (m for m in MODULES if layer(m) == "backends"):
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                named = node.module or ""
                assert not named.startswith(("dse.backends", "backends")), MODULES[module]
            elif isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
                found = {n for n in names if n.startswith(("dse.backends", "backends"))}
                assert not found, MODULES[module]


@pytest.mark.parametrize("side", ["measure.runner", "measure.spec", "exploration", "study", "cli"])
def test_the_parent_names_no_loadgen(side: str) -> None:
    for module in MODULES:
        if layer(module) == side:
            names = {name.split(".")[0] for name, _ in imported(module)}
            assert names.isdisjoint({"mlperf_loadgen", "onnxruntime", "ai_edge_litert"})


def test_only_the_harness_names_loadgen() -> None:
    naming = [m for m in MODULES if "mlperf_loadgen" in {name for name, _ in imported(m)}]
    assert {layer(module) for module in naming} == {"loadgen"}


def test_the_page_of_the_architecture_shows_the_same_order() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("| package |")[2].partition("\n\n")[0]
    rows = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in table.splitlines()[2:]]
    height = {package: -number for number, row in enumerate(rows) for package in row}
    assert set(height) == {module.split(".")[1] for module in MODULES if module.count(".") > 1}
    for name, allowed in LAYERS.items():
        own = height.get(name.split(".")[0])
        for other in allowed:
            below = height.get(other.split(".")[0])
            assert own is None or below is None or below <= own, f"{name} is shown below {other}"


def test_what_serves_any_task_names_no_image() -> None:
    for module in (m for m in MODULES if f"{m}.".split(".")[1] in (*NEUTRAL, *NAMING_LABELS)):
        for text, line in texts(module):
            assert not re.search("image", text, re.IGNORECASE), f"{MODULES[module]}:{line}: {text}"


NEUTRAL = (
    *("loadgen", "measure", "backends", "core", "models", "exploration", "study", "search"),
    *("validate", "submission", "derived", "space", "environments", "config", "machine"),
    *("download", "fleet"),
)
"""The packages that serve any task, on both sides of the pipe."""
NAMING_LABELS = ("report", "results", "compare", "commands", "formats", "notebook")
"""The others that do: in these, systems and axes have labels."""
NAMING_TASKS = {"dse.tasks.registry", "dse.cli.models"}
"""What may name a task beside itself: who finds it, and the command that lists its models."""


def texts(module: str) -> Iterator[tuple[str, int]]:
    """The identifiers and docstrings of a module, and their lines."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        line = getattr(node, "lineno", 0)
        for field in ("id", "attr", "arg", "name"):
            if isinstance(text := getattr(node, field, None), str):
                yield text, line
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value), line


def test_what_serves_any_task_names_no_image_and_no_label() -> None:
    for module in (m for m in MODULES if f"{m}.".split(".")[1] in NEUTRAL):
        for text, line in texts(module):
            found = re.search(r"image|label", text, re.IGNORECASE)
            assert not found, f"{MODULES[module]}:{line}: {text}"


@pytest.mark.parametrize("task", ["tasks.image_classification", "tasks.question_answering"])
def test_a_task_is_named_by_itself_alone(task: str) -> None:
    for module in (m for m in MODULES if m not in NAMING_TASKS):
        if layer(module).startswith(task):
            continue
        tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
        strings = [str(n.value) for n in ast.walk(tree) if isinstance(n, ast.Constant)]
        names = [name for name, _ in imported(module)]
        found = [text for text in (*names, *strings) if task in text]
        assert not found, f"{MODULES[module]}: {', '.join(found)}"


def test_a_private_module_is_used_by_its_own_package_alone() -> None:
    for module in MODULES:
        for name, line in imported(module):
            package, _, last = name.rpartition(".")
            if package.startswith("dse") and last.startswith("_") and name in MODULES:
                inside = f"{module}.".startswith(f"{package}.")
                assert inside, f"{MODULES[module]}:{line}: {name} is private to {package}"


PROGRAMS = {
    *("worker", "probe", "quantise_worker", "convert_worker", "launcher", "task", "catalogue"),
    *("assignment", "process"),
}
"""Modules that are started, or named by a string, and imported by nobody."""


def test_a_module_that_its_own_package_uses_alone_is_private() -> None:
    used = {
        name
        for user in MODULES
        for name, _ in imported(user)
        if user.rpartition(".")[0] != name.rpartition(".")[0] or layer(user) == "version"
    }
    open_ = [
        module
        for module, path in MODULES.items()
        if module.count(".") > 1
        and path.name != "__init__.py"
        and layer(module) != "cli"
        and not module.rpartition(".")[2].startswith("_")
        and module not in used
    ]
    backends = {entry.target.partition(":")[0] for entry in BACKENDS.values()}
    surprising = [m for m in open_ if m.rpartition(".")[2] not in PROGRAMS and m not in backends]
    assert not surprising, f"begin these names with an underscore: {', '.join(surprising)}"


def test_a_wheel_has_every_package() -> None:
    """An editable installation works without the list, so nothing else misses a package in it."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    folders = {name: ROOT / folder for name, folder in listed["package-dir"].items()}
    found = {
        ".".join((name, *path.parent.relative_to(folder).parts))
        for name, folder in folders.items()
        for path in folder.rglob("__init__.py")
    }
    assert set(listed["packages"]) == found | {"dse.search_spaces"}

"""The layers: who may import whom, held against every import statement of the package."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = {"dse": ROOT / "dse", "dse.backends": ROOT / "backends"}
BASE = {"types", "errors"}

# Each line may import what it names, and from itself; the longest name that fits a module counts.
LAYERS: dict[str, set[str]] = {
    "cli": {
        *("explore", "validate", "submission", "report", "results", "study"),
        *("bench", "compare", "derived", "environments", "models"),
        "registry",
        *("machine", "system", "version", "worker_environment", *BASE),
    },
    "submission": {
        *("report", "derived", "study", "measure.runner", "measure.spec"),
        *("loadgen.logs", "loadgen.verdict", "plausibility"),
        *("system", "procfs", "paths", "yamlfile", "worker_environment", *BASE),
    },
    "validate": {
        *("explore", "report", "study", "measure.runner", "measure.spec"),
        *("loadgen.logs", "loadgen.verdict", "plausibility", "turn", "version", *BASE),
        "worker_environment",
    },
    "bench": {
        *("explore", "report", "study", "measure.runner", "space", "models", "environments"),
        *("registry", "intervals", "signature", "system", "worker_environment", *BASE),
    },
    "explore": {
        *("report", "results", "study", "measure.runner", "measure.spec", "space", "search"),
        *("environments", "models", "tasks", "tasks.inputs", "registry", "contract"),
        *("frontier", "intervals", "plausibility", "machine", "rapl", "system", "turn"),
        *("signature", "instruction_sets", "cgroups", "procfs", "worker_environment", *BASE),
    },
    "compare": {
        *("results", "derived", "report", "frontier", "models", "paths", "plausibility", *BASE),
    },
    "derived": {"frontier", "yamlfile", "complaints", *BASE},
    "environments": {"yamlfile", "complaints", "paths", "start", "worker_environment", "registry"}
    | {"system", *BASE},
    "report": {
        *("study", "derived", "frontier", "space", "measure.reproduce"),
        *("intervals", "plausibility", "system", "version", "paths", "worker_environment", *BASE),
    },
    "results": {
        *("study", "system", "loadgen.logs", "loadgen.verdict", "plausibility"),
        *("intervals", "paths", "yamlfile", "worker_environment", *BASE),
    },
    "study": {"frontier", "intervals", "space", "system", "process", "paths", "worker_environment"}
    | BASE,
    "frontier": {"space", *BASE},
    "search": {"space", "models", *BASE},
    "space": {"affinity", "registry", "contract", "yamlfile", "complaints", *BASE},
    "models": {
        *("affinity", "flatbuffer", "protobuf", "paths", "yamlfile", "complaints", "version"),
        *("signature", "imagenet", "start", "worker_environment", *BASE),
    },
    "tasks": {"tasks.inputs", "affinity", "paths", *BASE},
    # On both sides of the pipe: no LoadGen, no runtime.
    "measure": BASE,
    "measure.runner": {"measure.spec", "measure.failures", "measure.watch", "start", *BASE}
    | {"worker_environment"},
    "measure.reproduce": {"measure.runner", "start", "worker_environment"},
    "measure.watch": {"machine"},
    "measure.spec": {"signature", *BASE},
    "measure.failures": BASE,
    # In the worker's Python only.
    "environments.probe": {"measure.runs", "registry", *BASE},
    "measure.worker": {"measure.runs", "measure.official", "measure.spec", "measure.failures"}
    | {"loadgen.logs", "registry", "contract", *BASE},
    "measure.runs": {"measure.accuracy", "measure.footprint", "measure.meter", "measure.server"}
    | {"measure.bench", "measure.taken", "measure.spec", "measure.failures"}
    | {"loadgen", "loadgen.logs", "contract", *BASE},
    "measure.accuracy": {"measure.bench", "measure.taken", "measure.failures", "affinity"}
    | {"loadgen", "loadgen.logs", "contract", "intervals", "plausibility", *BASE},
    "measure.footprint": {"measure.bench", "measure.taken", "procfs", *BASE},
    "measure.official": {
        "measure.accuracy",
        "measure.bench",
        "measure.taken",
        "measure.spec",
        "measure.failures",
    }
    | {"loadgen", "loadgen.logs", "loadgen.verdict", "tasks.inputs", "contract", "intervals"}
    | BASE,
    "measure.server": {"measure.bench", "measure.taken", "measure.failures"}
    | {"loadgen", "loadgen.logs", "loadgen.verdict", *BASE},
    "measure.bench": {"measure.look", "measure.look_inputs"}
    | {"measure.meter", "measure.spec", "measure.failures", "loadgen", "affinity"}
    | {"clocks", "contract", "tasks.inputs", "tasks.generated", *BASE},
    "measure.look": {"measure.failures", "contract", "imagenet", *BASE},
    "measure.look_inputs": {"measure.spec", "tasks.inputs", "tasks.generated", "contract", *BASE},
    "measure.meter": {"rapl"},
    "measure.taken": {"measure.spec", *BASE},
    # Read on both sides of the pipe.
    "loadgen.logs": BASE,
    "loadgen.verdict": {"loadgen.logs", *BASE},
    "loadgen": {"loadgen.verdict", "affinity", "contract", "tasks.inputs", "tasks.generated"}
    | BASE,
    "tasks.inputs": BASE,
    "tasks.generated": {"tasks.inputs", "contract", "signature"},
    "registry": {"contract", *BASE},
    "backends": {"contract", "flatbuffer", "imagenet", "instruction_sets", "signature", "types"},
    "contract": {"signature", *BASE},
    "signature": set(),
    # Under everything.
    "yamlfile": {"complaints", *BASE},
    "complaints": BASE,
    "system": BASE,
    "system_linux": {"system", "cpuinfo", "cpu_caches", "cgroups", "microarchitectures"}
    | {"instruction_sets", "procfs", *BASE},
    "cpuinfo": {"system_arm", "procfs", *BASE},
    "cpu_caches": {"procfs"},
    "cgroups": {"procfs"},
    "microarchitectures": {"procfs"},
    "instruction_sets": set(),
    "system_macos": {"system", "cpu_caches", "instruction_sets"},
    "system_arm": set(),
    "machine": {"affinity", "cgroups", "clocks", "cpuinfo", "procfs", "system", "system_linux"},
    "rapl": {"procfs"},
    "procfs": set(),
    "clocks": set(),
    "paths": BASE,
    "process": set(),
    "turn": {"paths"},
    "affinity": set(),
    "flatbuffer": set(),
    "protobuf": set(),
    "imagenet": set(),
    "start": set(),
    "worker_environment": set(),
    "plausibility": {"intervals", *BASE},
    "intervals": set(),
    "version": set(),
    "notebook": {"report", "study", "space", "system", *BASE},
    "errors": set(),
    "types": set(),
    "main": {"cli"},
}
# The three system modules are one: the first chooses between the others when it is asked. And the
# package offers what notebooks use, which is loaded when it is asked for.
LAZY = {("system", "system_linux"), ("system", "system_macos"), ("version", "notebook")}


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


@pytest.mark.parametrize("module", MODULES)
def test_layers_point_downwards(module: str) -> None:
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


@pytest.mark.parametrize("module", MODULES)
def test_nobody_imports_a_backend(module: str) -> None:
    if layer(module) != "backends":
        named = {name for name, _ in imported(module)}
        assert not {name for name in named if f"{name}.".startswith(("dse.backends.", "backends."))}


@pytest.mark.parametrize("module", [m for m in MODULES if layer(m) == "backends"])
def test_a_backend_imports_its_siblings_relatively(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert not (node.module or "").startswith(("dse.backends", "backends"))
        elif isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
            assert not {n for n in names if n.startswith(("dse.backends", "backends"))}


@pytest.mark.parametrize("side", ["measure.runner", "measure.spec", "explore", "study", "cli"])
def test_the_parent_names_no_loadgen(side: str) -> None:
    for module in MODULES:
        if layer(module) == side:
            names = {name.split(".")[0] for name, _ in imported(module)}
            assert names.isdisjoint({"mlperf_loadgen", "onnxruntime", "ai_edge_litert"})


def test_only_the_harness_names_loadgen() -> None:
    naming = [m for m in MODULES if "mlperf_loadgen" in {name for name, _ in imported(m)}]
    assert {layer(module) for module in naming} == {"loadgen"}

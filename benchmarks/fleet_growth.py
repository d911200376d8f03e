"""What a fleet's coordinator and scheduler use as its nodes become many.

    python -m benchmarks.fleet_growth [--nodes N ...] [--limit SECONDS] [--write]

Scheduler and coordinator are the real ones, over TLS on this machine, each in a process of its own.
The nodes are simulated: a few processes hold many Dask workers, each connected as a node is, but
**nothing is measured**. The function that a coordinator calls on a node answers at once, with ten
configurations of a bundle that was prepared (`benchmarks.growing.nodes`). Ten nodes share a CPU,
and each CPU has a study of 400 configurations. So the fleet is as busy as it can be: real nodes
would answer once in ten minutes.

Three phases are looked at: all nodes join and plan; nobody answers for a while; all nodes explore
until every configuration of every CPU has its outcome, or until the time of `--limit` is up.
`--write` puts the table into docs/fleet.md.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.growing.prepared import prepare, write_space
from dse.fleet.certificates import make_certificates
from dse.machine.detect import detect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PAGE = Path(__file__).parents[1] / "docs" / "fleet.md"
BEGIN, END = "<!-- fleet growth: begin -->", "<!-- fleet growth: end -->"
"""Between these lines of the page the table stands."""
NODES = (10, 100, 1000)
NODES_OF_A_CPU = 10
NODES_OF_A_PROCESS = 250
REST_S = 20.0
"""How long nobody answers."""
POLL_S = 0.25
PATIENCE_S = 900.0
"""How long nodes may take to join."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Use:
    """What a process has used.

    Attributes:
        cpu_s: CPU time.
        peak_mib: the most resident memory.
        files: how many are open.
    """

    cpu_s: float
    peak_mib: float
    files: int

    @classmethod
    def of(cls, pid: int) -> Use:
        """That of a running process."""
        place = Path(f"/proc/{pid}")
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        status = (place / "status").read_text()
        peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        files = len(list((place / "fd").iterdir()))
        return cls((int(fields[11]) + int(fields[12])) / TICKS, peak, files)


@dataclass(frozen=True, slots=True)
class Moment:
    """What both processes have used at a moment.

    Attributes:
        at: by the monotonic clock.
        coordinator: that of the one.
        scheduler: that of the other.
    """

    at: float
    coordinator: Use
    scheduler: Use


@contextmanager
def process(folder: Path, name: str, module: str, order: dict[str, Any]) -> Iterator[int]:
    """Starts a process for the block; its number."""
    environment = {**os.environ, "TMPDIR": str(folder), "DSE_CACHE_DIR": str(folder / "cache")}
    words = [sys.executable, "-m", module, json.dumps(order)]
    with (folder / f"{name}.log").open("wb") as log:
        started = subprocess.Popen(
            words,
            cwd=folder if name == "coordinator" else None,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=log,
            stderr=log,
        )
        try:
            yield started.pid
        finally:
            started.send_signal(signal.SIGTERM)
            try:
                started.wait(30)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes within a time."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def grown(nodes: int, folder: Path, limit_s: float) -> dict[str, Any]:
    """The figures of a fleet of so many nodes, in a folder of its own."""
    kinds = max(1, nodes // NODES_OF_A_CPU)
    certificates = folder / "certificates"
    make_certificates(certificates)
    made = folder / "made"
    made.mkdir()
    prepare(made).write(folder / "prepared.json")
    common = {"certificates": str(certificates)}
    ready, go, told = folder / "ready", folder / "go", folder / "told.json"
    with ExitStack() as running:
        order: dict[str, Any] = {**common, "role": "scheduler", "address": "tls://127.0.0.1:0"}
        order["ready"] = str(ready)
        scheduler = running.enter_context(process(folder, "scheduler", "dse.fleet.process", order))
        assert wait_for(ready.exists, 60), (folder / "scheduler.log").read_text()
        common["address"] = ready.read_text().split()[0]
        order = {**common, "space": str(write_space(folder)), "nodes": nodes, "told": str(told)}
        coordinator = running.enter_context(
            process(folder, "coordinator", "benchmarks.growing.coordinating", order)
        )

        def moment() -> Moment:
            return Moment(time.monotonic(), Use.of(coordinator), Use.of(scheduler))

        begun = moment()
        with ExitStack() as simulated:
            parts = _start_nodes(simulated, folder, common, nodes, kinds, go)
            joined = _joined(folder, parts, nodes)
            first = moment()
            time.sleep(REST_S)
            rest = moment()
            go.touch()
            whole = wait_for(told.exists, limit_s)
            last = moment()
        answers = [json.loads(Path(part).read_text()) for part in parts]
    done = json.loads(told.read_text()) if whole else {"cpus": kinds, "explored": 0}
    return {
        "nodes": nodes,
        **done,
        "whole": whole,
        **_figures(nodes, (begun, first, rest, last), answers),
        "joined": joined,
        "node_mib": sum(each["peak_kib"] for each in answers) / 1024 / nodes,
    }


def _start_nodes(
    simulated: ExitStack,
    folder: Path,
    common: dict[str, Any],
    nodes: int,
    kinds: int,
    go: Path,
) -> list[str]:
    """Starts the processes of all nodes; the files that each leaves behind."""
    parts = []
    for first in range(0, nodes, NODES_OF_A_PROCESS):
        place = folder / f"nodes-{first}"
        place.mkdir()
        order = {
            **common,
            "first": first,
            "count": min(NODES_OF_A_PROCESS, nodes - first),
            "kinds": kinds,
            "folder": str(place),
            "prepared": str(folder / "prepared.json"),
            "ready": str(place / "ready"),
            "go": str(go),
            "told": str(place / "told.json"),
        }
        module = "benchmarks.growing.nodes"
        simulated.enter_context(process(folder, f"nodes-{first}", module, order))
        parts.append(order["told"])
    return parts


def _joined(folder: Path, parts: Sequence[str], nodes: int) -> int:
    """Waits until all nodes have planned; how many have."""
    status = folder / "studies" / "grown.fleet" / "nodes.json"
    planned = 0

    def all_have() -> bool:
        nonlocal planned
        if not status.exists() or not all(Path(p).with_name("ready").exists() for p in parts):
            return False
        found = json.loads(status.read_text())["nodes"]
        planned = sum(each["state"] in ("explores", "idle") for each in found)
        return planned == nodes

    wait_for(all_have, PATIENCE_S)
    return planned


def _figures(
    nodes: int, moments: tuple[Moment, Moment, Moment, Moment], answers: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    begun, first, rest, last = moments
    assignments = max(1, sum(each["explored"] for each in answers))
    latencies = [each for part in answers for each in part["latencies"]] or [0.0, 0.0]
    found: dict[str, Any] = {
        "join_s": first.at - begun.at,
        "work_s": last.at - rest.at,
        "assignments": assignments,
        "latency_s": median(latencies),
        "latency_p95_s": quantiles(latencies, n=20)[-1],
    }
    for name in ("coordinator", "scheduler"):
        a, b, c, d = (getattr(each, name) for each in (begun, first, rest, last))
        found |= {
            f"{name}_join_ms": 1e3 * (b.cpu_s - a.cpu_s) / nodes,
            f"{name}_rest_percent": 100 * (c.cpu_s - b.cpu_s) / (rest.at - first.at),
            f"{name}_ms": 1e3 * (d.cpu_s - c.cpu_s) / assignments,
            f"{name}_mib": d.peak_mib,
            f"{name}_files": d.files,
        }
    return found


ROWS = {
    "nodes": ("nodes", "{:,}"),
    "cpus": ("CPUs, each with a study", "{:,}"),
    "explored": ("configurations explored", "{:,}"),
    "assignments": ("assignments", "{:,}"),
    "coordinator_ms": ("coordinator: CPU time for each [ms]", "{:.0f}"),
    "coordinator_mib": ("coordinator: peak memory [MiB]", "{:.0f}"),
    "coordinator_join_ms": ("coordinator: CPU time for each node that joins [ms]", "{:.0f}"),
    "coordinator_rest_percent": ("coordinator: CPU at rest [%]", "{:.1f}"),
    "scheduler_ms": ("scheduler: CPU time for each assignment [ms]", "{:.0f}"),
    "scheduler_mib": ("scheduler: peak memory [MiB]", "{:.0f}"),
    "scheduler_join_ms": ("scheduler: CPU time for each node that joins [ms]", "{:.0f}"),
    "scheduler_rest_percent": ("scheduler: CPU at rest [%]", "{:.1f}"),
    "scheduler_files": ("scheduler: open files", "{:,}"),
    "latency_s": ("from an answer to the next assignment, median [s]", "{:.1f}"),
    "latency_p95_s": ("the same, 95th percentile [s]", "{:.1f}"),
}


def table(found: Sequence[dict[str, Any]]) -> str:
    """A row for each figure, a column for each size, in Markdown."""
    rows = [
        [title, *(form.format(each[name]) for each in found)]
        for name, (title, form) in ROWS.items()
    ]
    rows.insert(1, ["---", *(["---:"] * len(found))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def section(found: Sequence[dict[str, Any]], machine: str) -> str:
    """What stands between the marks of the page."""
    return f"On {machine}:\n\n{table(found)}\n"


def write_page(text: str, page: Path = PAGE) -> None:
    """Puts a text between the marks of a page.

    Raises:
        ValueError: the page has no such marks.
    """
    whole = page.read_text(encoding="utf-8")
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, nargs="+", default=NODES)
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds; default 1800")
    parser.add_argument("--json", action="store_true", help="one JSON object for each size as well")
    parser.add_argument("--write", action="store_true", help="into docs/fleet.md")
    options = parser.parse_args()
    found = []
    for nodes in options.nodes:
        with tempfile.TemporaryDirectory(prefix="dse-growth-") as folder:
            found.append(grown(nodes, Path(folder), options.limit))
        last = found[-1]
        if options.json:
            sys.stdout.write(json.dumps(last) + "\n")
        if last["joined"] < nodes:
            sys.stdout.write(f"{last['joined']} of {nodes} nodes have joined and planned\n")
        if not last["whole"]:
            sys.stdout.write(f"{nodes} nodes: not through after {options.limit:g} s\n")
        sys.stdout.flush()
    sys.stdout.write(table(found) + "\n")
    if options.write:
        system = detect()
        write_page(section(found, f"{system.cpu} with {system.available_cpus} CPUs"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

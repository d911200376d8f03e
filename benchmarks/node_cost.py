"""What a node of a fleet that waits costs a measurement on its machine.

    python -m benchmarks.node_cost [--json] [--rounds N] [--threads N] [BACKEND ...]

A real `dse fleet node` is connected over TLS to a real scheduler on this machine. In each round one
configuration is measured by three brief runs, each in a process of its own, in random order: one
with the node **running**, and two with the node **stopped** (SIGSTOP). The ratio of running to
stopped is what the node costs. The ratio of the two stopped ones, which do not differ, says what
the method can tell. Each ratio is a geometric mean over all rounds, with a 95 % confidence interval
of Student's t. The scheduler runs on the same machine all the time, and has less to do while the
node is stopped; a fleet's scheduler is mostly elsewhere, so the cost is rather overstated.

Before that, the CPU time and the wake-ups of the waiting node are counted. The machine has to be
quiet.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.probe_cost import LIMITS, probe_spec
from dse.core.intervals import student_t
from dse.core.metrics import METRICS
from dse.environments.availability import runtime_availabilities
from dse.fleet.certificates import make_certificates
from dse.machine.affinity import available_cpus
from dse.measure.runner import run_worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RUNNING, STOPPED, AGAIN = "running", "stopped", "stopped again"
RATIOS = {"node running / stopped": (RUNNING, STOPPED), "stopped / stopped": (AGAIN, STOPPED)}
FIGURES = ("latency_p90_ms", "throughput_samples_per_s")
MIN_ROUNDS = 5
WATCHED_S = 60.0
"""How long the waiting node is watched."""
READY_S = 120.0
SETTLING_S = 0.3
"""A pause after the node was stopped or goes on: what it missed is made up for."""
TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Ratio:
    """What the rounds say of two ways.

    Attributes:
        backend: that was measured.
        figure: the metric.
        name: which ways.
        ratio: the geometric mean over the rounds.
        low: the lower end of its interval.
        high: the upper end.
        rounds: how many.
    """

    backend: str
    figure: str
    name: str
    ratio: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, backend: str, figure: str, name: str, logs: Sequence[float]) -> Ratio:
        """From the logarithm of each round's ratio."""
        mean = statistics.fmean(logs)
        half = student_t(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
        low, high = math.exp(mean - half), math.exp(mean + half)
        return cls(backend, figure, name, math.exp(mean), low, high, len(logs))

    def __str__(self) -> str:
        low, high = (100 * (each - 1) for each in (self.low, self.high))
        return (
            f"{self.backend:12} {self.figure:26} {self.name:24} {100 * (self.ratio - 1):+.2f} %"
            f"  [{low:+.2f}, {high:+.2f}]"
        )


@dataclass(frozen=True, slots=True)
class Idle:
    """What the waiting node uses.

    Attributes:
        cpu_ms: CPU time in each second.
        wake_ups: how often its threads begin to run in each second.
        threads: how many it has.
        memory_mib: resident.
    """

    cpu_ms: float
    wake_ups: float
    threads: int
    memory_mib: float

    def __str__(self) -> str:
        return (
            f"a waiting node: {self.cpu_ms:.2f} ms CPU time and {self.wake_ups:.1f} wake-ups in "
            f"each second, {self.threads} threads, {self.memory_mib:.0f} MiB"
        )


class Node:
    """A connected node.

    Args:
        pid: of its process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Does not run for the block."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)

    def watch(self, seconds: float) -> Idle:
        """What it uses while it waits."""
        before = self._used()
        time.sleep(seconds)
        after = self._used()
        ticks, switches = (b - a for a, b in zip(before, after, strict=True))
        status = Path(f"/proc/{self._pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return Idle(
            cpu_ms=1e3 * ticks / TICKS / seconds,
            wake_ups=switches / seconds,
            threads=int(fields["Threads"]),
            memory_mib=int(fields["VmRSS"].split()[0]) / 1024,
        )

    def _used(self) -> tuple[int, int]:
        """CPU time in ticks, and how often its threads have begun to wait."""
        place = Path(f"/proc/{self._pid}")
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        switches = 0
        for thread in (place / "task").iterdir():
            status = (thread / "status").read_text()
            switches += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
        return int(fields[11]) + int(fields[12]), switches


@contextmanager
def connected(folder: Path) -> Iterator[Node]:
    """A node at a scheduler, both of this machine, for the block."""
    certificates = folder / "certificates"
    make_certificates(certificates)
    with ExitStack() as ending:
        given = ["--certificates", str(certificates)]
        words = ["scheduler", "--port", "0", *given]
        scheduler = _start(ending, folder / "scheduler.log", words)
        address = _wait_for(folder / "scheduler.log", "scheduler: ", scheduler).split()[0]
        words = ["node", address, *given, "--folder", str(folder / "node")]
        node = _start(ending, folder / "node.log", words)
        _wait_for(folder / "node.log", "joined the fleet at ", node)
        yield Node(node.pid)


def _start(ending: ExitStack, log: Path, words: Sequence[str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        command = [sys.executable, "-m", "dse", "fleet", *words]
        process = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream)

    def end() -> None:
        process.kill()
        process.wait()

    ending.callback(end)
    return process


def _wait_for(log: Path, words: str, process: subprocess.Popen[bytes]) -> str:
    """What follows some words in what a process says."""
    deadline = time.monotonic() + READY_S
    while words not in (text := log.read_text()):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{log.stem} has ended:\n{text}")
        time.sleep(0.1)
    return text.partition(words)[2]


def measured(backend: str, python: str, threads: int, folder: Path) -> dict[str, float]:
    """The figures of a brief run.

    Raises:
        SystemExit: it failed.
    """
    spec = probe_spec(backend, folder, threads=threads, metrics=FIGURES, fidelity="brief")
    outcome = run_worker(spec, LIMITS, interpreter=python)
    if outcome.failure is not None:
        sys.exit(f"{spec.configuration}: {outcome.failure.message}")
    return {each.metric: each.value for each in outcome.measurements if each.metric in FIGURES}


def compared(
    node: Node, backend: str, python: str, *, rounds: int, threads: int, folder: Path
) -> list[Ratio]:
    """The ratios of a backend."""
    order = random.Random(0)  # noqa: S311
    logs: dict[tuple[str, str], list[float]] = {(f, n): [] for f in FIGURES for n in RATIOS}
    for number in range(rounds + 1):
        found: dict[str, Mapping[str, float]] = {}
        ways = [RUNNING, STOPPED, AGAIN]
        order.shuffle(ways)
        for way in ways:
            place = folder / f"{backend}-{number}-{way.replace(' ', '-')}"
            with ExitStack() as held:
                if way != RUNNING:
                    held.enter_context(node.stopped())
                time.sleep(SETTLING_S)
                found[way] = measured(backend, python, threads, place)
        if number:  # the first one fills the caches of the system
            for (figure, name), values in logs.items():
                one, other = RATIOS[name]
                values.append(math.log(found[one][figure] / found[other][figure]))
    return [Ratio.of(backend, figure, name, values) for (figure, name), values in logs.items()]


def main() -> int:
    """Prints the ratios."""
    options = _options()
    assert all(figure in METRICS for figure in FIGURES)
    results: list[Ratio] = []
    with tempfile.TemporaryDirectory(prefix="dse-node-cost-") as name:
        folder = Path(name)
        with connected(folder) as node:
            time.sleep(5)  # what begins with it is over
            idle = node.watch(options.watch)
            if not options.json:
                sys.stdout.write(f"{idle}\n")
            for backend, available in runtime_availabilities(options.backends).items():
                if available.python is None or available.error is not None:
                    sys.stderr.write(f"{backend} is left out: {available.error}\n")
                    continue
                found = compared(
                    node,
                    backend,
                    available.python,
                    rounds=options.rounds,
                    threads=options.threads,
                    folder=folder,
                )
                results += found
                if not options.json:
                    sys.stdout.writelines(f"{each}\n" for each in found)
                    sys.stdout.flush()
    if options.json:
        told = {"idle": asdict(idle), "ratios": [asdict(each) for each in results]}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.add_argument("--rounds", type=int, default=100, help="of three runs; default 100")
    cpus = len(available_cpus())
    parser.add_argument("--threads", type=int, default=cpus, help="of a run; default: all CPUs")
    parser.add_argument("--watch", type=float, default=WATCHED_S, help="seconds; default 60")
    parser.add_argument("backends", nargs="*", default=["onnxruntime"], metavar="BACKEND")
    found = parser.parse_args()
    if found.rounds < MIN_ROUNDS:
        parser.error(f"--rounds: at least {MIN_ROUNDS}")
    return found


if __name__ == "__main__":
    sys.exit(main())

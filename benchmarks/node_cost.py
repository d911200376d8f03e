"""What a node of a fleet that waits costs a measurement on its machine.

    python -m benchmarks.node_cost [--json] [--rounds N] [--threads N] [BACKEND ...]

A real `dse fleet node` is connected over TLS to a real scheduler on this machine. In each round one
configuration is measured by three brief runs, each in a process of its own, in random order: one
with the node **running**, and two with the node **stopped** (SIGSTOP). The ratio of running to
stopped is what the node costs, as `benchmarks.contrasts` says. The scheduler runs on the same
machine all the time, and has less to do while the node is stopped; a fleet's scheduler is mostly
elsewhere, so the cost is rather overstated.

Before that, the CPU time and the wake-ups of the waiting node are counted. The machine has to be
quiet.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contrasts import Ratio, Subject, contrasts, parser, usable
from dse.fleet.certificates import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUNNING, STOPPED, AGAIN = "running", "stopped", "stopped again"
RATIOS = {"node running / stopped": (RUNNING, STOPPED), "stopped / stopped": (AGAIN, STOPPED)}
WATCHED_S = 60.0
"""How long the waiting node is watched."""
READY_S = 120.0
SETTLING_S = 0.3
"""A pause after the node was stopped or goes on: what it missed is made up for."""
TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).parents[1]


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


def compared(node: Node, subject: Subject, rounds: int) -> list[Ratio]:
    """The ratios of a backend."""

    @contextmanager
    def running() -> Iterator[None]:
        time.sleep(SETTLING_S)
        yield

    @contextmanager
    def stopped() -> Iterator[None]:
        with node.stopped():
            time.sleep(SETTLING_S)
            yield

    ways = {RUNNING: running, STOPPED: stopped, AGAIN: stopped}
    return contrasts(subject, ways, RATIOS, rounds)


def main() -> int:
    """Prints the ratios."""
    words = parser(__doc__, rounds=100)
    words.add_argument("--watch", type=float, default=WATCHED_S, help="seconds; default 60")
    options = words.parse_args()
    results: list[Ratio] = []
    with tempfile.TemporaryDirectory(prefix="dse-node-cost-") as name:
        folder = Path(name)
        with connected(folder) as node:
            time.sleep(5)  # what begins with it is over
            idle = node.watch(options.watch)
            if not options.json:
                sys.stdout.write(f"{idle}\n")
            for backend, python in usable(options.backends):
                subject = Subject(backend, python, options.threads, folder)
                found = compared(node, subject, options.rounds)
                results += found
                if not options.json:
                    sys.stdout.writelines(f"{each}\n" for each in found)
                    sys.stdout.flush()
    if options.json:
        told = {"idle": asdict(idle), "ratios": [asdict(each) for each in results]}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

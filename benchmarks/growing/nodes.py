"""Many simulated nodes in one process: each a Dask worker of its own, which measures nothing.

    python -m benchmarks.growing.nodes ORDER

where the order is a JSON object. The worker, its connections, its signs of life and its arguments
are those of `dse fleet node`. What a coordinator calls there (`dse.fleet._work.do`) is another
function: it takes what the node would take in, and answers at once from what was prepared.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import secrets
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.growing.prepared import Prepared, sessions_in
from dse import __version__
from dse.exploration.explorer import StopReason
from dse.fleet import _dask, _work
from dse.fleet.certificates import Certificates
from dse.fleet.node import HEARTBEAT, INFORMATION, JOIN_S
from dse.fleet.scheduler import stop_event
from dse.fleet.spec import Answer, AssignmentSpec, Kind

AT_ONCE = 10
"""So many configurations a node explores before it reports."""
JOINING = 20
"""So many nodes of a process join at a time."""
POLL_S = 0.2


@dataclass
class Node:
    """A simulated node.

    Attributes:
        number: tells it from others.
        kind: of its CPU.
        known: what it has of its CPU's study.
        latencies: the seconds from each answer to the next assignment.
        answered: when it has given its last answer, by the monotonic clock.
        assignments: how many it was given, by kind.
    """

    number: int
    kind: int
    known: dict[str, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    answered: float | None = None
    assignments: dict[str, int] = field(default_factory=dict)

    def about(self, prepared: Prepared) -> dict[str, Any]:
        """What it says of itself; see `dse.fleet.node.describe`."""
        system = prepared.system(self.kind)
        return {
            "version": __version__,
            "node": f"{self.number:010x}",
            "host": f"host-{self.number}",
            "machine": f"{self.number:064x}",
            "cpu": system.title,
            "fingerprint": system.fingerprint,
            "python": sys.version.split()[0],
            "folder": f"/nowhere/{self.number}",
        }


@dataclass
class Simulation:
    """What the nodes of this process have in common.

    Attributes:
        prepared: what they answer.
        nodes: by the names of their workers.
        go: set when the first of them may answer what it has explored.
    """

    prepared: Prepared
    nodes: dict[str, Node] = field(default_factory=dict)
    go: threading.Event = field(default_factory=threading.Event)

    def do(self, text: str, bundle: bytes) -> tuple[str, bytes]:
        """Stands where `dse.fleet._work.do` is."""
        now = time.monotonic()
        node = self.nodes[_dask.load().get_worker().name]
        spec = AssignmentSpec.from_json(text)
        node.assignments[spec.kind.value] = node.assignments.get(spec.kind.value, 0) + 1
        node.known |= sessions_in(bundle)
        if spec.kind is Kind.PLAN:
            answer = Answer(spec.id, known=node.known, planned=self.prepared.planned(node.kind))
            return answer.to_json(), self.prepared.bundle(node.kind, (), {})
        if node.answered is not None:
            node.latencies.append(now - node.answered)
        self.go.wait()
        keys = (spec.only or ())[:AT_ONCE]
        session = secrets.token_hex(8)
        owner = {"session": session, "host": f"host-{node.number}", "machine": f"{node.number:x}"}
        content = self.prepared.bundle(node.kind, keys, owner)
        node.known[session] = len(keys) - 1
        whole = len(keys) == len(spec.only or ())
        end = StopReason.COMPLETE if whole else StopReason.TIMEOUT
        told = Answer(spec.id, end=end.name, explored=len(keys), known=node.known)
        node.answered = time.monotonic()
        return told.to_json(), content


def _nothing_lacks(_: str) -> list[str]:
    return []


def _assembled(_: str) -> None:
    """The files of an exploration are not used."""


async def _serve(order: dict[str, Any], simulation: Simulation) -> None:
    distributed = _dask.load()
    security = _dask.security(Certificates(Path(order["certificates"])), "node")
    stopped = stop_event()
    many = asyncio.Semaphore(JOINING)

    async def join(node: Node) -> Any:
        name = f"simulated-{node.number}"
        simulation.nodes[name] = node
        about = node.about(simulation.prepared)
        async with many:
            return await distributed.Worker(
                order["address"],
                nthreads=1,
                name=name,
                security=security,
                resources={_dask.RESOURCE: 1},
                memory_limit=0,
                local_directory=order["folder"],
                host="127.0.0.1",
                heartbeat_interval=HEARTBEAT,
                death_timeout=10 * JOIN_S,
                startup_information={INFORMATION: lambda _: about},
                **_dask.NO_PAGES,
            )

    numbers = range(order["first"], order["first"] + order["count"])
    nodes = [Node(number, number % order["kinds"]) for number in numbers]
    workers = await asyncio.gather(*(join(node) for node in nodes))
    Path(order["ready"]).touch()
    go = Path(order["go"])
    while not stopped.is_set():
        if go.exists():
            simulation.go.set()
        await asyncio.sleep(POLL_S)
    simulation.go.set()
    _tell(Path(order["told"]), nodes)
    await asyncio.gather(*(worker.close() for worker in workers))


def _tell(file: Path, nodes: list[Node]) -> None:
    found = {
        "latencies": [each for node in nodes for each in node.latencies],
        "plans": sum(node.assignments.get("plan", 0) for node in nodes),
        "explored": sum(node.assignments.get("explore", 0) for node in nodes),
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    file.write_text(json.dumps(found), encoding="utf-8")


def main() -> int:
    """Serves until it is told to end."""
    order = json.loads(sys.argv[1])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    simulation = Simulation(Prepared.read(Path(order["prepared"])))
    replaced = {"do": simulation.do, "lacking": _nothing_lacks, "assemble": _assembled}
    for name, function in replaced.items():
        setattr(_work, name, function)
    asyncio.run(_serve(order, simulation))
    return 0


if __name__ == "__main__":
    os._exit(main())

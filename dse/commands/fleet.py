"""What ``dse fleet explore`` does: starts what is asked for, coordinates, and says how it ended."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.commands.console import console, print_lines
from dse.commands.interrupts import INTERRUPTED, interrupts
from dse.commands.log import messages
from dse.commands.next_step import print_next, study_word
from dse.core.errors import RequestError
from dse.fleet.address import parse_address
from dse.fleet.certificates import Certificates
from dse.fleet.clusters import Cluster, local_cluster, slurm_cluster, ssh_cluster
from dse.fleet.coordinator import Coordinator, End
from dse.fleet.link import DaskLink
from dse.fleet.request import prepare_job
from dse.fleet.status import at
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dse.fleet.folder import FleetFolder
    from dse.fleet.request import FleetRequest

WAYS = ("--scheduler", "--local", "--hosts", "--slurm")


@dataclass(frozen=True, slots=True)
class Nodes:
    """Where the nodes come from: one of these is given.

    Attributes:
        scheduler: the address of one that runs.
        certificates: for that.
        local: how many nodes are started on this machine.
        hosts: a file of machines that are reached by ``ssh``.
        slurm: a job script.
        listen: under which name machines of these two reach this one.
    """

    scheduler: str | None = None
    certificates: Path | None = None
    local: int | None = None
    hosts: Path | None = None
    slurm: Path | None = None
    listen: str | None = None

    def __post_init__(self) -> None:
        values = (self.scheduler, self.local, self.hosts, self.slurm)
        given = [name for name, value in zip(WAYS, values, strict=True) if value is not None]
        if len(given) != 1:
            problem = f"{' and '.join(given)} exclude each other" if given else "no nodes are named"
            remedy = f"say where they are with one of {', '.join(WAYS)}"
            raise RequestError(problem, field=given[0] if given else "--scheduler", remedy=remedy)
        if self.certificates is not None and self.scheduler is None:
            problem = "certificates are made for this fleet alone"
            raise RequestError(problem, field="--certificates", remedy="leave it out")
        if self.listen is not None and self.scheduler is not None:
            raise RequestError("has no effect with --scheduler", field="--listen", remedy="omit it")


def explore(request: FleetRequest, nodes: Nodes) -> int:
    """Explores by a fleet; everything that is told goes to stderr, the studies' names to stdout.

    Returns:
        The exit code: 0, 1 if nothing could be measured, or 130 if interrupted.

    Raises:
        DseError: the request or the work failed; what was measured is stored.
    """
    err = messages()

    def say(line: str) -> None:
        print_lines([line], err)

    job = prepare_job(request)
    folder = job.folder
    with (
        folder.alone(),
        _cluster(nodes, folder) as cluster,
        DaskLink(cluster.address, cluster.certificates) as link,
        interrupts(say) as asked,
    ):
        coordinator = Coordinator(
            job,
            link,
            say,
            scheduler=str(cluster.address),
            expected=cluster.expected,
            one_machine=nodes.local is not None,
            check=cluster.check,
        )
        end = coordinator.run(asked)
    say(f"{end.value}; dse fleet status {folder.name_or_path} shows the nodes")
    measured = _conclude(coordinator)
    if end is End.INTERRUPTED:
        say("the same command goes on where this one ended")
        return INTERRUPTED
    return 0 if measured and end is not End.REFUSED else 1


def _conclude(coordinator: Coordinator) -> bool:
    """Prints the study of each CPU; whether anything was measured."""
    names, measured = [], False
    for cpu in coordinator.cpus:
        status = cpu.status()
        study = Study.load(cpu.study)
        found = len(study.frontier())
        measured |= any(not record.outcome.failure for record in study.records.values())
        names.append(study_word(study))
        failed = f", {status.failed} failed" if status.failed else ""
        done = f"{status.explored} of {status.configurations} done{failed}"
        print_lines([f"{status.study}: {done}, {found} on the frontier"], console())
    if len(names) == 1:
        print_next(f"dse frontier {names[0]}")
    elif names:
        print_next(f"dse compare {' '.join(names)}")
    return measured


@contextmanager
def _cluster(nodes: Nodes, folder: FleetFolder) -> Iterator[Cluster]:
    """The scheduler that nodes are at, or are started with."""
    if nodes.local is not None:
        with local_cluster(folder, nodes.local) as cluster:
            yield cluster
    elif nodes.hosts is not None:
        with ssh_cluster(folder, nodes.hosts, nodes.listen) as cluster:
            yield cluster
    elif nodes.slurm is not None:
        with slurm_cluster(folder, nodes.slurm, nodes.listen) as cluster:
            yield cluster
    else:
        given = nodes.certificates
        address = parse_address(nodes.scheduler or "", certificates=given is not None)
        yield Cluster(address, Certificates(given) if given else None)


def live_lines(scheduler: str, certificates: Path | None) -> list[str]:
    """The nodes that a scheduler knows at this moment, a line for each.

    Raises:
        RequestError: it can't be asked.
    """
    address = parse_address(scheduler, certificates=certificates is not None)
    with DaskLink(address, Certificates(certificates) if certificates else None) as link:
        found = link.nodes()
    return [
        f"now at {address}: {each.about.get('host', '?')}-{each.about.get('node', each.address)}, "
        f"dse {each.about.get('version', '?')}, seen {at(each.seen)}"
        for each in found or ()
    ] or [f"now at {address}: no node"]

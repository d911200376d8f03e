"""Nodes of several CPUs in one process: they do what real ones do, one after the other."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from unittest import mock

from dse import __version__
from dse.exploration import prepare, session
from dse.exploration.stopping import Interrupts
from dse.fleet import _files, _work, assignment
from dse.fleet.coordinator import Coordinator
from dse.fleet.link import Joined, LostError
from dse.fleet.request import FleetRequest, Job, prepare_job
from dse.fleet.spec import Answer, AssignmentSpec, Kind, Options
from dse.machine.detect import detect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from dse.fleet._files import Manifest
    from dse.fleet.coordinator import End
    from dse.fleet.link import Pending
    from dse.fleet.place import Place

SEEN = 1e9


class Done:
    """What was done at once; a `dse.fleet.link.Pending`."""

    def __init__(self, result: tuple[str, bytes] | Exception | None) -> None:
        self.kept = result

    def done(self) -> bool:
        return self.kept is not None

    def result(self) -> tuple[str, bytes]:
        assert self.kept is not None
        if isinstance(self.kept, Exception):
            raise self.kept
        return self.kept

    def cancel(self) -> None:
        """Nothing is waited for."""


@dataclass
class Node:
    """A node of a CPU of its own, if it is said.

    Attributes:
        place: its folder.
        cpu: the name of its CPU.
        machine: tells the machine from others.
        address: where it is reached.
        about: fields of what it says of itself that are others.
        there: whether it is there.
        fails: called before each assignment; what it returns is the result in the place of its own.
        did: the kinds of what it was given, with the numbers of configurations.
    """

    place: Place
    cpu: str = "one CPU"
    machine: str = ""
    address: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    there: bool = True
    fails: Callable[[AssignmentSpec], Done | None] = lambda _: None
    did: list[tuple[Kind, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place.create()
        self.system = replace(detect(), cpu=self.cpu)
        self.machine = self.machine or self.place.path.name
        self.address = self.address or f"tls://{self.place.path.name}:1"

    def describe(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "node": self.place.identity(),
            "host": self.place.path.name,
            "machine": self.machine,
            "cpu": self.cpu,
            "fingerprint": self.system.fingerprint,
            **self.about,
        }

    def do(self, text: str, bundle: bytes) -> Done:
        spec = AssignmentSpec.from_json(text)
        self.did.append((spec.kind, len(spec.only or ())))
        if (instead := self.fails(spec)) is not None:
            return instead
        folder = self.place.assignments / spec.id
        folder.mkdir()
        (folder / _work.KNOWN).write_bytes(bundle)
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.chdir(self.place.path))
            for module in (assignment, prepare, session):
                stack.enter_context(mock.patch.object(module, "detect", return_value=self.system))
            stack.enter_context(mock.patch.object(assignment, "check_machine", return_value=[]))
            answer = assignment.answer(spec, self.place, folder, Interrupts())
        file = folder / _work.BUNDLE
        return Done((answer.to_json(), file.read_bytes() if file.exists() else b""))


class InProcess:
    """Reaches nodes of this process; a `dse.fleet.link.Link`."""

    def __init__(self, *nodes: Node) -> None:
        self.by_address = {node.address: node for node in nodes}
        self.stopped: list[str] = []

    def nodes(self) -> list[Joined] | None:
        there = ((a, n) for a, n in self.by_address.items() if n.there)
        return [Joined(address, node.describe(), SEEN) for address, node in there]

    def submit(self, address: str, key: str, spec: str, bundle: bytes) -> Pending:
        assert key
        return self.by_address[address].do(spec, bundle)

    def ship(self, address: str, manifests: Sequence[tuple[Path, Manifest]]) -> Pending:
        place = self.by_address[address].place
        for source, manifest in manifests:
            entries = {entry.sha256: entry for entry in manifest.entries}
            for sha256 in _files.lacking(place, manifest):
                entry = entries[sha256]
                path = source if manifest.single else source / entry.path
                for offset, content in _files.chunks(path):
                    _files.take(place, sha256, offset, content, entry.size)
            _files.assemble(place, manifest)
        return Done(("", b""))

    def stop(self, addresses: Iterable[str]) -> None:
        self.stopped += addresses


def lost(_: AssignmentSpec) -> Done:
    """A node that is lost at work."""
    return Done(LostError("gone"))


def silent(_: AssignmentSpec) -> Done:
    """A node that never answers."""
    return Done(None)


def failing(error: str, *kinds: Kind) -> Callable[[AssignmentSpec], Done | None]:
    """A node that fails at some kinds of assignments."""

    def fails(spec: AssignmentSpec) -> Done | None:
        return Done((Answer(spec.id, error=error).to_json(), b"")) if spec.kind in kinds else None

    return fails


def job_of(space: Path, **fields: Any) -> Job:
    """A job of a space, in the working folder; nothing is settled and nothing left out."""
    return prepare_job(FleetRequest(str(space), options=Options(settle=0, stop_gain=0), **fields))


def explore(job: Job, *nodes: Node, **arguments: Any) -> tuple[End, list[str], Coordinator]:
    """Explores by these nodes; why that ended, what was said, and the coordinator."""
    said: list[str] = []
    with mock.patch("dse.fleet.coordinator.POLL_S", 0.0), job.folder.alone():
        coordinator = Coordinator(job, InProcess(*nodes), said.append, **arguments)
        return coordinator.run(Interrupts()), said, coordinator

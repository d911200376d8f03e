"""What is known of the nodes of a fleet, in a file that `dse fleet status` reads."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # messages are checked by their annotations
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from dse.core.errors import RequestError
from dse.core.paths import atomic_write, read_regular
from dse.core.wording import format_count
from dse.fleet._message import Message
from dse.machine.process_identity import is_alive, process_identity

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 24


class State(StrEnum):
    """What a node does."""

    SENDING = "receives files"
    PLANNING = "plans"
    EXPLORING = "explores"
    SETTLING = "settles"
    IDLE = "idle"
    REFUSED = "refused"
    LEAVING = "leaves"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node as its coordinator knows it.

    Attributes:
        node: its name: the host, and what tells it from others there.
        state: what it does.
        cpu: the name of its CPU.
        fingerprint: of that.
        version: of this package on it.
        runtimes: version by backend, once it has planned.
        why: why it is idle, refused or lost, with the remedy.
        since: when it came to this state, in UTC.
        seen: its last sign of life, in UTC.
        explored: how many configurations it has explored for this coordinator.
        warnings: what of the machine may disturb measurements.
    """

    node: str
    state: State
    cpu: str = ""
    fingerprint: str = ""
    version: str = ""
    runtimes: Mapping[str, str] = field(default_factory=dict)
    why: str = ""
    since: str = ""
    seen: str = ""
    explored: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CpuStatus:
    """A CPU as the coordinator knows it.

    Attributes:
        study: the name of its study.
        cpu: its name.
        fingerprint: of it.
        configurations: how many can run there.
        explored: how many of them have an outcome.
        left_out: how many of them are not expected to add to the frontier.
        settled: whether there is nothing left to compare.
        failed: how many of those with an outcome have failed.
    """

    study: str
    cpu: str
    fingerprint: str
    configurations: int
    explored: int
    left_out: int = 0
    settled: bool = False
    failed: int = 0


@dataclass(frozen=True, slots=True)
class FleetStatus(Message):
    """A fleet as its coordinator knows it.

    Attributes:
        study: the name of the space's study, without a CPU.
        scheduler: the address.
        nodes: all that were there.
        cpus: those of the nodes.
        changed: when this was written, in UTC.
        coordinator: the identity of the process that wrote it.
    """

    study: str
    scheduler: str
    nodes: tuple[NodeStatus, ...]
    cpus: tuple[CpuStatus, ...]
    changed: str = ""
    coordinator: Mapping[str, str | int] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """Writes it, whole or not at all.

        Raises:
            DseError: the file can't be written.
        """
        told = replace(self, changed=now(), coordinator=process_identity())
        with atomic_write(file) as stream:
            stream.write(f"{told.to_json(indent=1)}\n".encode())

    @classmethod
    def read(cls, file: Path) -> Self:
        """Reads what `write` wrote.

        Raises:
            RequestError: there is none, or it is damaged.
        """
        try:
            return cls.from_json(read_regular(file, MAX_BYTES))
        except FileNotFoundError as error:
            name = file.parent.name.removesuffix(".fleet")
            raise RequestError(
                f"no fleet has explored '{name}' from here",
                remedy="begin with `dse fleet explore`",
            ) from error
        except (OSError, RequestError) as error:
            problem = "does not say what the nodes of a fleet do"
            raise RequestError(problem, file=file, remedy="remove it") from error

    @property
    def running(self) -> bool | None:
        """Whether its coordinator is at work; None where that can't be told from here."""
        return is_alive(self.coordinator)

    def lines(self) -> list[str]:
        """What a reader wants to know, a line for each thing."""
        words = {True: "at work", False: "not at work", None: "on another machine"}
        nodes = format_count(len(self.nodes), "node")
        lines = [
            f"fleet {self.study}: {nodes}, as of {self.changed}",
            f"coordinator {words[self.running]}, scheduler {self.scheduler}",
        ]
        for cpu in self.cpus:
            settled = ", settled" if cpu.settled else ""
            out = f", {cpu.left_out} left out" if cpu.left_out else ""
            failed = f", {cpu.failed} failed" if cpu.failed else ""
            done = f"{cpu.explored} of {cpu.configurations} done{failed}"
            lines.append(f"{cpu.study}: {done}{out}{settled}")
            lines.append(f"  {cpu.cpu}")
        for node in self.nodes:
            lines += _lines(node)
        return lines


def _lines(node: NodeStatus) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in node.runtimes.items())
    runtimes = f", {versions}" if versions else ""
    return [
        f"node {node.node}: {node.state.value} since {node.since}, seen {node.seen}",
        f"  {node.cpu or 'unknown CPU'} ({node.fingerprint or '?'}), dse {node.version}{runtimes}",
        *([f"  {node.why}"] if node.why else []),
        *(f"  may disturb: {warning}" for warning in node.warnings),
    ]


def now() -> str:
    """The time in UTC, to the second."""
    return at(datetime.now(UTC).timestamp())


def at(seconds: float) -> str:
    """A time since 1970 in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

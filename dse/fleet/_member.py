"""A node as its coordinator knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.fleet.status import NodeStatus, State, at, now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dse.fleet.link import Joined, Pending
    from dse.fleet.spec import AssignmentSpec, Planned


class Member:
    """A node that has joined; one that comes back is another one.

    Args:
        joined: what the scheduler knows of it.

    Attributes:
        address: where it is reached.
        about: what it says of itself.
        seen: its last sign of life, in seconds since 1970.
        state: what it does.
        pending: what it was given; None where it has nothing.
        spec: the assignment that it was given; None also while files are sent.
        groups: the groups of configurations of that.
        planned: what it can run, once that is known.
        known: what it has of its CPU's study: by session, the last trial's number.
        explored: how many configurations it has explored.
        failures: how many assignments in a row have failed.
        in_vain: how many assignments in a row have measured nothing.
    """

    def __init__(self, joined: Joined) -> None:
        self.address, self.about, self.seen = joined.address, joined.about, joined.seen
        self.state, self._why, self._since = State.SENDING, "", now()
        self.pending: Pending | None = None
        self.spec: AssignmentSpec | None = None
        self.groups: tuple[str, ...] = ()
        self.planned: Planned | None = None
        self.known: dict[str, int] = {}
        self.explored = self.failures = self.in_vain = 0

    @property
    def node(self) -> str:
        """What it calls itself, the same each time that it joins."""
        return str(self.about.get("node") or self.address)

    @property
    def name(self) -> str:
        """The same, with the name of its host."""
        host = self.about.get("host")
        return f"{host}-{self.node}" if host else self.node

    @property
    def busy(self) -> bool:
        """Whether something of it is waited for."""
        return self.pending is not None

    def is_of(self, fingerprint: str) -> bool:
        """Whether it is known to be of a CPU, and can be given something of it."""
        planned = self.planned
        gone = self.state in (State.REFUSED, State.LOST, State.LEAVING)
        return planned is not None and planned.fingerprint == fingerprint and not gone

    def set(self, state: State, why: str = "") -> bool:
        """Notes what it does now, and why; whether that is new."""
        if (state, why) == (self.state, self._why):
            return False
        if state is not self.state:
            self._since = now()
        self.state, self._why = state, why
        return True

    def status(self) -> NodeStatus:
        """What `dse fleet status` shows of it."""
        planned = self.planned
        return NodeStatus(
            node=self.name,
            state=self.state,
            cpu=str(self.about.get("cpu", "")),
            fingerprint=str(self.about.get("fingerprint", "")),
            version=str(self.about.get("version", "")),
            runtimes=planned.runtimes if planned else {},
            why=self._why,
            since=self._since,
            seen=at(self.seen),
            explored=self.explored,
            warnings=planned.warnings if planned else (),
        )


def fingerprint_of(member: Member, planned: Planned | None = None) -> str:
    """The CPU of a node: what it has planned, now or before, says more than what it joined with."""
    found = planned or member.planned
    return found.fingerprint if found else str(member.about["fingerprint"])


class Members:
    """The nodes that have joined, found by what is asked for: there may be many.

    Attributes:
        changed: whether something is to be shown that was not written down yet.
    """

    def __init__(self) -> None:
        self.changed = True
        self._by_address: dict[str, Member] = {}
        self._by_node: dict[str, Member] = {}
        self._by_machine: dict[object, dict[str, Member]] = {}
        self._by_cpu: dict[str, dict[str, Member]] = {}

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_address.values())

    def __len__(self) -> int:
        return len(self._by_address)

    def at(self, address: str) -> Member | None:
        """The one that is reached at an address."""
        return self._by_address.get(address)

    def called(self, node: str) -> Member | None:
        """The one of this name; see `Member.node`."""
        return self._by_node.get(node)

    def of_machine(self, machine: object) -> list[Member]:
        """Those of a machine."""
        return list(self._by_machine.get(machine, {}).values())

    def of_cpu(self, fingerprint: str) -> list[Member]:
        """Those that are known to be of a CPU, and can be given something of it."""
        found = self._by_cpu.get(fingerprint, {}).values()
        return [member for member in found if member.is_of(fingerprint)]

    def add(self, member: Member) -> None:
        """Adds one, in the place of one of its name or at its address."""
        for other in (self.called(member.node), self.at(member.address)):
            if other is not None and self.at(other.address) is other:
                self.remove(other)
        self._by_address[member.address] = self._by_node[member.node] = member
        self._by_machine.setdefault(member.about.get("machine"), {})[member.address] = member

    def set(self, member: Member, state: State, why: str = "") -> None:
        """Notes what one does now, and why."""
        self.changed |= member.set(state, why)

    def note_plan(self, member: Member, planned: Planned) -> None:
        """Notes what one can run."""
        member.planned = planned
        self._by_cpu.setdefault(planned.fingerprint, {})[member.address] = member

    def remove(self, member: Member) -> None:
        """Removes one."""
        del self._by_address[member.address], self._by_node[member.node]
        del self._by_machine[member.about.get("machine")][member.address]
        if member.planned is not None:
            del self._by_cpu[member.planned.fingerprint][member.address]

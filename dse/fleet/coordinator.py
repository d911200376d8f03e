"""The coordinator: gives assignments to the nodes of a fleet and merges what they measure.

The truth is the studies and the ledger, both on the disk: a coordinator that was killed at any
instant goes on when it is started again.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from dse import __version__
from dse.core.errors import DseError, RequestError
from dse.core.wording import format_count
from dse.exploration.explorer import StopReason
from dse.fleet._assigner import Assigner
from dse.fleet._cpu import Cpu
from dse.fleet._ledger import Ledger
from dse.fleet._member import Member, Members, fingerprint_of
from dse.fleet._pace import Pace
from dse.fleet._studies import Studies
from dse.fleet.link import LostError
from dse.fleet.spec import LEFT, Answer, Kind
from dse.fleet.status import FleetStatus, State
from dse.machine.measuring_lock import do_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dse.exploration.stopping import Interrupts
    from dse.fleet.link import Joined, Link
    from dse.fleet.request import Job
    from dse.fleet.spec import AssignmentSpec, Planned

POLL_S = 1.0
"""Interval at which nodes are looked at."""
STATUS_S = 15.0
"""Interval at which the file of the nodes is written where nothing changes."""
MAX_FAILURES = 2
"""So many failed assignments in a row, and a node gets no more."""
MAX_LOSSES = 3
"""So many times in a row a node is lost before it has planned, and it gets no more."""
MAX_IN_VAIN = 3
"""So many assignments in a row that have measured nothing, and a node gets no more."""
PATIENCE_S = 120.0
"""How long nodes that were started for the fleet are waited for when the others are through."""
GOING_ON = (StopReason.TIMEOUT.name, StopReason.INTERRUPTED.name)
"""The ends of an assignment after which its node has more of the same to do."""


class End(StrEnum):
    """Why a coordinator ends."""

    COMPLETE = "every CPU has its frontier"
    TIMEOUT = "the time is up"
    INTERRUPTED = "interrupted"
    REFUSED = "every node is refused"


class Coordinator:
    """Explores a space by the nodes of a fleet.

    Args:
        job: what is to be explored.
        link: reaches the nodes.
        say: is told what happens, a line at a time.
        scheduler: the address, to be shown.
        expected: how many nodes were started for this fleet.
        one_machine: whether several nodes may be of one machine: they take turns.
        check: called now and then; raises a DseError where nobody can come any more.
    """

    def __init__(
        self,
        job: Job,
        link: Link,
        say: Callable[[str], None],
        *,
        scheduler: str = "",
        expected: int = 1,
        one_machine: bool = False,
        check: Callable[[], None] = do_nothing,
    ) -> None:
        self._job, self._link, self._say = job, link, say
        self._scheduler, self._expected, self._one_machine = scheduler, expected, one_machine
        self._request, self._folder = job.request, job.folder
        self._ledger = Ledger(self._folder.assignments)
        self._studies = Studies(self._folder)
        self._members = Members()
        self._assigner = Assigner(
            job, link, self._members, self._studies, self._ledger, self._seconds_left
        )
        self._cpus: dict[str, Cpu] = {}
        self._losses = Counter[str]()  # in a row, by node
        self._check = check
        self._begun = time.monotonic()
        self._asked_to_stop = False
        self._looking, self._writing = Pace(), Pace()
        self._written = float("-inf")

    @property
    def cpus(self) -> list[Cpu]:
        """The CPUs of all nodes that were there."""
        return list(self._cpus.values())

    def run(self, interrupts: Interrupts) -> End:
        """Explores until one of the reasons of `End` holds.

        Raises:
            DseError: a study or the fleet's folder can't be used; what was merged is stored.
        """
        self._say(f"waiting for nodes at {self._scheduler}" if self._scheduler else "waiting")
        try:
            while True:
                end = self.step(interrupts)
                self._write_status(ended=end is not None)
                if end is not None:
                    return end
                time.sleep(POLL_S)
        finally:
            self._studies.close()

    def step(self, interrupts: Interrupts) -> End | None:
        """Looks at all nodes once, and gives them what is due; why to end, or None."""
        self._check()
        self._look()
        for cpu, members in self._answered():
            for member in members:
                self._hear(member)
            # Not after all others: each answer takes a while.
            if cpu is not None and not self._ending(interrupts):
                self._assigner.occupy(cpu)
        self._forget_overdue()
        if interrupts.wanted and not self._asked_to_stop:
            self._asked_to_stop = True
            self._link.stop(m.address for m in self._members if m.busy)
        end = self._end(interrupts)
        if end is None and not self._ending(interrupts):
            for cpu in self._cpus.values():
                self._assigner.occupy(cpu)
        return end

    def _answered(self) -> list[tuple[Cpu | None, list[Member]]]:
        """The nodes that have answered, by their CPUs, where those are known."""
        found: dict[str, list[Member]] = {}
        for member in self._members:
            if member.pending is not None and member.pending.done():
                fingerprint = member.planned.fingerprint if member.planned else ""
                found.setdefault(fingerprint, []).append(member)
        return [(self._cpus.get(name), members) for name, members in found.items()]

    def _ending(self, interrupts: Interrupts) -> bool:
        """Whether nothing more is begun."""
        return interrupts.wanted or self._seconds_left() <= 0

    def _seconds_left(self) -> float:
        limit = self._request.timeout
        return math.inf if limit is None else limit - (time.monotonic() - self._begun)

    # Nodes come and go.

    def _look(self) -> None:
        """Looks who is there."""
        if self._looking.due:
            with self._looking.doing():
                joined = self._link.nodes()
            if joined is not None:
                self._meet(joined)

    def _meet(self, joined: Iterable[Joined]) -> None:
        there = {each.address: each for each in joined}
        for address, each in there.items():
            known = self._members.at(address)
            if known is None or known.state is State.LOST:
                self._welcome(each)
            else:
                known.seen = each.seen
        for member in self._members:
            if member.address not in there and member.state is not State.LOST:
                self._lose(member, "it has left, or the network has")

    def _welcome(self, joined: Joined) -> None:
        member = Member(joined)
        other = self._members.called(member.node)
        if other is not None:
            # The scheduler may not have noticed that its former connection is gone.
            self._lose(other, "it has come back")
        self._members.add(member)
        why = self._why_refused(member)
        if self._losses[member.node] >= MAX_LOSSES:
            why = "nothing comes back from it; the scheduler must be able to connect to its --port"
        if why:
            self._refuse(member, why)
            return
        self._members.set(member, State.SENDING)
        member.pending = self._link.ship(member.address, list(self._job.inputs.values()))

    def _why_refused(self, member: Member) -> str:
        about = member.about
        if not about:
            return "it is no node of a fleet; start it with `dse fleet node`"
        if about.get("version") != __version__:
            version = about.get("version")
            return f"it has dse {version}, and here is {__version__}; install the same on both"
        for other in self._members.of_machine(about.get("machine")):
            there = other.state not in (State.LOST, State.REFUSED, State.LEAVING)
            if other is not member and there and not self._one_machine:
                return f"{other.name} is a node of the same machine; one is enough"
        return ""

    def _refuse(self, member: Member, why: str) -> None:
        self._say(f"node {member.name} is refused: {why}")
        member.pending = None
        self._members.set(member, State.REFUSED, why)

    def _lose(self, member: Member, why: str) -> None:
        if member.pending is not None:
            member.pending.cancel()
            member.pending = None
        if member.state is State.LEAVING:
            self._say(f"node {member.name} has left")
        elif member.state not in (State.REFUSED, State.LOST):
            self._say(f"node {member.name} is lost: {why}")
            self._losses[member.node] += 1
        self._members.set(member, State.LOST, why)

    # Answers.

    def _hear(self, member: Member) -> None:
        """Takes in what became of what a node was given."""
        pending, spec = member.pending, member.spec
        member.pending = member.spec = None
        if pending is None:
            return
        try:
            text, bundle = pending.result()
        except LostError as error:
            self._lose(member, str(error) or "its answer has not come")
            return
        except DseError as error:
            self._give_up(member, spec, str(error))
            return
        if spec is None:
            if self._asked_to_stop:
                self._members.set(member, State.IDLE, "the coordinator ends")
            else:
                self._assigner.plan(member)
            return
        try:
            answer = Answer.from_json(text)
            new = self._merge(member, spec, answer, bundle)
        except RequestError as error:
            self._give_up(member, spec, str(error))
        else:
            self._take_in(member, spec, answer, new)

    def _give_up(self, member: Member, spec: AssignmentSpec | None, why: str) -> None:
        if spec is not None:
            self._ledger.give_back(spec.id, why)
        self._refuse(member, why)

    def _merge(self, member: Member, spec: AssignmentSpec, answer: Answer, bundle: bytes) -> int:
        fingerprint = fingerprint_of(member, answer.planned)
        new = self._studies.take_in(fingerprint, bundle)
        if answer.known:
            member.known = dict(answer.known)
        if spec.kind is Kind.PLAN and not answer.error:
            self._ledger.give_back_all(member.node, "its node is back")
        if fingerprint in self._cpus:
            self._refresh(self._cpus[fingerprint])
        self._members.changed = True
        return new

    def _refresh(self, cpu: Cpu) -> None:
        study = self._studies.study(cpu.planned.fingerprint)
        if study is not None:
            cpu.refresh(study)

    def _take_in(self, member: Member, spec: AssignmentSpec, answer: Answer, new: int) -> None:
        self._ledger.give_back(spec.id, answer.error or answer.end or "planned")
        if answer.end == LEFT:
            self._members.set(member, State.LEAVING)
        elif answer.error:
            self._note_failure(member, answer.error, fatal=spec.kind is Kind.PLAN)
        elif answer.planned is not None:
            self._take_in_plan(member, answer.planned)
        else:
            self._note_work(member, spec, answer, new)

    def _note_failure(self, member: Member, error: str, *, fatal: bool) -> None:
        member.failures += 1
        if fatal or member.failures >= MAX_FAILURES:
            self._refuse(member, error)
            return
        self._say(f"node {member.name}: {error}")
        self._members.set(member, State.IDLE, error)

    def _take_in_plan(self, member: Member, planned: Planned) -> None:
        self._members.note_plan(member, planned)
        if planned.refusals:
            self._refuse(member, planned.refusals[0])
            return
        cpu = self._cpus.get(planned.fingerprint)
        try:
            if cpu is None:
                cpu = Cpu(self._folder.study(planned.fingerprint), planned)
                self._refresh(cpu)
                self._cpus[planned.fingerprint] = cpu
            else:
                cpu.refuse_other(planned)
        except RequestError as error:
            self._refuse(member, str(error))
            return
        self._losses[member.node] = 0
        count = format_count(planned.configurations, "configuration")
        self._say(f"node {member.name} joins: {planned.cpu}, {count}")
        self._members.set(member, State.IDLE)

    def _note_work(self, member: Member, spec: AssignmentSpec, answer: Answer, new: int) -> None:
        cpu = self._cpus[fingerprint_of(member)]
        member.failures = 0
        member.explored += answer.explored
        member.in_vain = 0 if answer.explored or answer.rounds else member.in_vain + 1
        if spec.kind is Kind.SETTLE:
            cpu.settled |= answer.end not in GOING_ON
        elif answer.end not in (*GOING_ON, StopReason.TRIALS.name):
            # What is left of them is not expected to add anything, or can't be measured.
            cpu.close(member.groups)
        status = cpu.status()
        done = f"{status.explored} of {status.configurations} done"
        trials = format_count(new, "new trial")
        if spec.kind is Kind.SETTLE:
            trials = f"{format_count(answer.rounds, 'trial')} to compare what is undecided"
        undecided = f", {answer.undecided} undecided" if answer.undecided else ""
        self._say(f"{member.name}: {trials}; {status.study}: {done}{undecided}")
        if member.in_vain >= MAX_IN_VAIN and answer.end in GOING_ON and not self._asked_to_stop:
            self._refuse(member, f"it has measured nothing in {MAX_IN_VAIN} assignments")
            return
        self._members.set(member, State.IDLE)

    def _forget_overdue(self) -> None:
        busy = {m.spec.id for m in self._members if m.busy and m.spec is not None}
        for taken in self._ledger.overdue(busy):
            self._say(f"node {taken.node} did not come back in time; others go on with its part")
            self._ledger.give_back(taken.id, "its node did not come back in time")

    # The end.

    def _end(self, interrupts: Interrupts) -> End | None:
        members = self._members
        if any(member.busy for member in members):
            return None
        if interrupts.wanted:
            return End.INTERRUPTED
        if self._seconds_left() <= 0:
            return End.TIMEOUT
        late = time.monotonic() - self._begun > PATIENCE_S
        if self._request.stay or not (late or len(members) >= self._expected):
            return None
        here = [m for m in members if m.state not in (State.LOST, State.LEAVING)]
        if here and all(m.state is State.REFUSED for m in here) and not self._ledger.open:
            return self._complete() or End.REFUSED
        return self._complete()

    def _complete(self) -> End | None:
        """Whether all CPUs are through, and nobody still has a part of one."""
        if not self._cpus or self._ledger.open:
            return None
        trials = self._request.n_trials
        through = all(
            cpu.settled and (not cpu.left() or (trials is not None and cpu.explored_now >= trials))
            for cpu in self._cpus.values()
        )
        return End.COMPLETE if through else None

    def _write_status(self, *, ended: bool) -> None:
        now = time.monotonic()
        due = self._members.changed or now - self._written > STATUS_S
        if not ended and not (due and self._writing.due):
            return
        self._written, self._members.changed = now, False
        with self._writing.doing():
            FleetStatus(
                study=self._folder.name,
                scheduler=self._scheduler,
                nodes=tuple(member.status() for member in self._members),
                cpus=tuple(cpu.status() for cpu in self._cpus.values()),
            ).write(self._folder.nodes)

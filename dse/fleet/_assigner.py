"""Gives the nodes of a fleet what is left to do, and writes down who has it."""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from dse.exploration.request import BORROWER
from dse.fleet._division import divide
from dse.fleet._ledger import Taken
from dse.fleet._member import fingerprint_of
from dse.fleet._others import Others
from dse.fleet.spec import AssignmentSpec, Kind
from dse.fleet.status import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dse.fleet._cpu import Cpu
    from dse.fleet._ledger import Ledger
    from dse.fleet._member import Member, Members
    from dse.fleet._studies import Studies
    from dse.fleet.link import Link
    from dse.fleet.request import Job
    from dse.fleet.spec import Group

MARGIN_S = 900.0
"""How much longer than its time an assignment may take: preparing, an accuracy run, the network."""
STATES = {Kind.PLAN: State.PLANNING, Kind.EXPLORE: State.EXPLORING, Kind.SETTLE: State.SETTLING}


class Assigner:
    """Gives assignments.

    Args:
        job: what is to be explored.
        link: reaches the nodes.
        members: the nodes.
        studies: one for each CPU.
        ledger: who has what, on the disk.
        seconds_left: how long the fleet may go on.
    """

    def __init__(
        self,
        job: Job,
        link: Link,
        members: Members,
        studies: Studies,
        ledger: Ledger,
        seconds_left: Callable[[], float],
    ) -> None:
        self._job, self._link, self._members = job, link, members
        self._request, self._folder = job.request, job.folder
        self._studies, self._ledger, self._seconds_left = studies, ledger, seconds_left
        self._others = Others(job.folder, studies)

    def plan(self, member: Member) -> None:
        """Has a node say what it can run, and tells it what is known of its CPU already."""
        known = self._studies.known(str(member.about["fingerprint"]))
        self._give(member, self._spec(Kind.PLAN, known=known))

    def _spec(self, kind: Kind, **fields: object) -> AssignmentSpec:
        spec = AssignmentSpec(
            id=f"{kind.value}-{secrets.token_hex(6)}",
            kind=kind,
            study=self._folder.name,
            space=self._job.space_file,
            inputs=self._job.digests,
            options=self._request.options,
            seconds=min(self._request.assignment_s, max(1.0, self._seconds_left())),
        )
        return replace(spec, **fields)  # type: ignore[arg-type]

    def occupy(self, cpu: Cpu) -> None:
        """Gives the idle nodes of a CPU what is left there."""
        fingerprint = cpu.planned.fingerprint
        mine = self._members.of_cpu(fingerprint)
        idle = [m for m in mine if m.state is State.IDLE]
        if not idle:
            return
        taken = self._ledger.groups(fingerprint)
        trials = self._trials_left(cpu, mine)
        left = cpu.left(taken) if trials is None or trials > 0 else ()
        if left:
            parts = divide(left, len(idle))
            for member, part in zip(idle, parts, strict=False):
                share = None if trials is None else math.ceil(trials / len(parts))
                self._give_part(member, part, share)
            idle = idle[len(parts) :]
        elif not taken and not cpu.settled:
            self._settle(cpu, idle)
            return
        for member in idle:
            words = "nothing is left to explore or to compare"
            self._members.set(
                member, State.IDLE, words if cpu.settled else "others explore what is left"
            )

    def _trials_left(self, cpu: Cpu, mine: Iterable[Member]) -> int | None:
        """How many configurations may be begun on a CPU; None for any number."""
        if self._request.n_trials is None:
            return None
        begun = sum(m.spec.trials or 0 for m in mine if m.spec is not None)
        return self._request.n_trials - cpu.explored_now - begun

    def _settle(self, cpu: Cpu, idle: Iterable[Member]) -> None:
        options = self._request.options
        if options.settle is not None:
            left = options.settle - cpu.settled_s
            options = replace(options, settle=left)
            if left <= 0:
                cpu.settled = self._members.changed = True
                return
        for member in idle:
            member.groups = ()
            self._give(member, self._spec(Kind.SETTLE, only=(), options=options))

    def _give_part(self, member: Member, part: tuple[Group, ...], trials: int | None) -> None:
        member.groups = tuple(group.name for group in part)
        keys = tuple(key for group in part for key in group.keys)
        others = ""
        if self._request.options.sampler == BORROWER:
            others = self._others.text_for(fingerprint_of(member), keys)
        self._give(member, self._spec(Kind.EXPLORE, only=keys, trials=trials, others=others))

    def _give(self, member: Member, spec: AssignmentSpec) -> None:
        """Writes down who gets an assignment, and then gives it away."""
        fingerprint, bundle = fingerprint_of(member), b""
        if spec.kind is not Kind.PLAN:
            known, bundle = self._studies.news(fingerprint, member.known)
            spec = replace(spec, known=known)
            deadline = time.time() + spec.seconds + self._request.options.run_timeout + MARGIN_S
            groups = member.groups
            self._ledger.take(Taken(spec.id, member.node, fingerprint, groups, deadline))
        key = f"{self._folder.name}-{fingerprint}-{spec.id}"
        member.pending = self._link.submit(member.address, key, spec.to_json(), bundle)
        member.spec = spec
        self._members.set(member, STATES[spec.kind])

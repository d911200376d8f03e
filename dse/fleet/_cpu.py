"""One kind of CPU of a fleet: what of the space is done there, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.fleet._division import left_of
from dse.fleet.status import CpuStatus
from dse.study.record import Purpose

if TYPE_CHECKING:
    from collections.abc import Collection

    from dse.fleet.spec import Group, Planned
    from dse.study.folder import StudyFolder
    from dse.study.study import Study


class Cpu:
    """A CPU of a fleet.

    Args:
        folder: of its study on the coordinator's machine.
        planned: what the first node of this CPU has planned.

    Attributes:
        study: that folder.
        planned: that.
        settled: whether there is nothing left to compare.
    """

    def __init__(self, folder: StudyFolder, planned: Planned) -> None:
        self.study, self.planned = folder, planned
        self.settled = False
        self._keys = frozenset(key for group in planned.groups for key in group.keys)
        self._done: set[str] = set()
        self._failed = 0
        self._closed: set[str] = set()
        self._before: int | None = None
        self._settled_before = 0.0
        self._spent = 0.0

    @property
    def explored_now(self) -> int:
        """How many configurations have come since this coordinator began."""
        return len(self._done) - (self._before or 0)

    @property
    def settled_s(self) -> float:
        """How long was measured again since then, in seconds."""
        return self._spent - self._settled_before

    def refresh(self, study: Study) -> None:
        """Takes in what is done by now.

        Args:
            study: of the CPU, with all that is stored of it.
        """
        spent = study.results.spent
        self._done, self._failed = set(study.records), study.results.failed.total()
        self._spent = spent[Purpose.ROUND] + spent[Purpose.REPEAT]
        if self._before is None:
            self._before, self._settled_before = len(self._done), self._spent

    def left(self, taken: Collection[str] = ()) -> tuple[Group, ...]:
        """What is to be explored, but for the groups that nodes have."""
        return left_of(self.planned.groups, self._done, {*self._closed, *taken})

    def close(self, groups: Collection[str]) -> None:
        """Leaves out what is left of some groups."""
        self._closed.update(groups)

    def refuse_other(self, planned: Planned) -> None:
        """Refuses a node of this CPU that can run something else.

        Raises:
            RequestError: that is so.
        """
        mine, other = self.planned, planned
        if other.groups == mine.groups and other.runtimes == mine.runtimes:
            return
        changed = sorted(
            name
            for name in {*mine.runtimes, *other.runtimes}
            if mine.runtimes.get(name) != other.runtimes.get(name)
        )
        told = [f"{n} {other.runtimes.get(n)} instead of {mine.runtimes.get(n)}" for n in changed]
        raise RequestError(
            "it can't run the same configurations as the first node of its CPU: "
            + (", ".join(told) or "the same runtimes, but others of their models"),
            remedy="install the same versions on both",
        )

    def status(self) -> CpuStatus:
        """What `dse fleet status` shows of it."""
        left = sum(len(group.keys) for group in self.left())
        explored = len(self._keys & self._done)
        return CpuStatus(
            study=self.study.name,
            cpu=self.planned.cpu,
            fingerprint=self.planned.fingerprint,
            configurations=len(self._keys),
            explored=explored,
            left_out=len(self._keys) - explored - left,
            settled=self.settled,
            failed=self._failed,
        )

"""One kind of CPU of a fleet: what of the space is done there, and what is left."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from dse.bundles.merging import merge
from dse.bundles.reading import read_bundle
from dse.bundles.writing import known_trials, write_bundle
from dse.core.errors import RequestError
from dse.core.paths import writing_errors
from dse.fleet._division import left_of
from dse.fleet.status import CpuStatus
from dse.study.record import Purpose
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dse.fleet.folder import FleetFolder
    from dse.fleet.spec import Group, Planned
    from dse.study.folder import StudyFolder


class Cpu:
    """A CPU and its study on the coordinator's machine.

    Args:
        folder: of the fleet.
        planned: what the first node of this CPU has planned.

    Attributes:
        planned: that.
        settled: whether there is nothing left to compare.
    """

    def __init__(self, folder: FleetFolder, planned: Planned) -> None:
        self.planned = planned
        self.settled = False
        self._folder = folder
        self._done: set[str] = set()
        self._closed: set[str] = set()
        self._before: int | None = None
        self._settled_before = 0.0
        self._spent = 0.0

    @property
    def study(self) -> StudyFolder:
        """The folder of the study."""
        return self._folder.study(self.planned.fingerprint)

    @property
    def explored_now(self) -> int:
        """How many configurations have come since this coordinator began."""
        return len(self._done) - (self._before or 0)

    @property
    def settled_s(self) -> float:
        """How long was measured again since then, in seconds."""
        return self._spent - self._settled_before

    def refresh(self) -> None:
        """Reads the study.

        Raises:
            DseError: it can't be read.
        """
        study = Study.load(self.study)
        spent = study.results.spent
        self._done = set(study.records)
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
        keys = {key for group in self.planned.groups for key in group.keys}
        left = sum(len(group.keys) for group in self.left())
        explored = len(keys & self._done)
        return CpuStatus(
            study=self.study.name,
            cpu=self.planned.cpu,
            fingerprint=self.planned.fingerprint,
            configurations=len(keys),
            explored=explored,
            left_out=len(keys) - explored - left,
            settled=self.settled,
        )


def take_in(folder: FleetFolder, fingerprint: str, content: bytes) -> int:
    """Merges a node's bundle into the study of its CPU.

    Returns:
        How many trials were new.

    Raises:
        RequestError: it is damaged, or of another study.
    """
    if not content:
        return 0
    file = folder.bundles / f"{secrets.token_hex(8)}.bundle"
    with writing_errors(file):
        file.write_bytes(content)
    try:
        return merge(read_bundle(file), folder.study(fingerprint)).new
    finally:
        file.unlink(missing_ok=True)


def known_of(folder: FleetFolder, fingerprint: str) -> dict[str, int]:
    """What is known here of a CPU's study: by session, the number of the last trial."""
    study = folder.study(fingerprint)
    return known_trials(Study.load(study)) if study.begun else {}


def news_for(folder: FleetFolder, fingerprint: str, known: Mapping[str, int]) -> bytes:
    """The bundle of what a node does not know of its CPU's study; empty where there is nothing.

    Args:
        folder: of the fleet.
        fingerprint: of the CPU.
        known: what the node has: by session, the number of the last trial.
    """
    place = folder.study(fingerprint)
    if not place.begun:
        return b""
    study = Study.load(place)
    here = known_trials(study)
    if all(known.get(session, -1) >= number for session, number in here.items()):
        return b""
    file = folder.bundles / f"{secrets.token_hex(8)}.bundle"
    try:
        write_bundle(study, file, after=known)
        return file.read_bytes()
    finally:
        file.unlink(missing_ok=True)

"""The process of an assignment: ``python -m dse.fleet.assignment FOLDER`` in a node's folder."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dse.bundles.merging import merge
from dse.bundles.reading import read_bundle
from dse.bundles.writing import known_trials, write_bundle
from dse.core.errors import DseError
from dse.core.paths import atomic_write, exclusive
from dse.exploration.request import ExploreRequest
from dse.exploration.session import LogObserver, plan_exploration
from dse.exploration.stopping import Interrupts
from dse.fleet import _files
from dse.fleet._division import group_configurations
from dse.fleet._work import ANSWER, BUNDLE, KNOWN, SPEC, STOP
from dse.fleet.place import Place
from dse.fleet.spec import Answer, AssignmentSpec, Kind, Planned
from dse.machine.checks import check_machine
from dse.machine.detect import detect
from dse.study.folder import StudyFolder, study_folder
from dse.study.record import Purpose
from dse.study.study import Study
from dse.tasks import registry  # noqa: F401 (the qualities of tasks become metrics)

if TYPE_CHECKING:
    from types import FrameType

    from dse.exploration.explorer import Explored
    from dse.exploration.session import Exploration, PlannedExploration
    from dse.machine.checks import Check

HARD = ("power supply", "thermal throttling")
"""Checks of the machine that forbid to measure; all others are warnings."""
OTHERS = "other-cpus"
"""The folder of what other CPUs tell, in that of the assignment."""
NO_ROUNDS_S = 1e-3
"""Settling in the middle of exploring: the anchor is measured, and hardly anything else again."""


@dataclass(slots=True)
class StopFile(Interrupts):
    """An assignment is interrupted by signals, or by a file.

    Attributes:
        file: whoever makes it asks to stop after the run in hand.
    """

    file: Path = field(default_factory=Path)

    @property
    def wanted(self) -> bool:
        """Whether to stop after the run in hand."""
        return self.count > 0 or self.file.exists()


def main() -> int:
    """Works at the assignment in the folder that the command line names."""
    folder = Path(sys.argv[1])
    spec = AssignmentSpec.from_json((folder / SPEC).read_text(encoding="utf-8"))
    place = Place(Path.cwd())
    interrupts = StopFile(file=folder / STOP)

    def note(_signal: int, _frame: FrameType | None) -> None:
        interrupts.count += 1

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    with exclusive(place.busy):  # one that an earlier node has left behind comes first
        found = answer(spec, place, folder, interrupts)
    with atomic_write(folder / ANSWER) as file:
        file.write(found.to_json().encode())
    return 0


def answer(spec: AssignmentSpec, place: Place, folder: Path, interrupts: Interrupts) -> Answer:
    """Works at an assignment in the working folder, which is the node's.

    Args:
        spec: what to do.
        place: the node's folder.
        folder: of the assignment; gets the bundle.
        interrupts: whether to stop after the run in hand.
    """
    try:
        _take_in(spec, folder / KNOWN)
        planned = plan_exploration(_request(spec, place, folder))
        exploration = planned.begin()
    except DseError as error:
        return Answer(spec.id, error=str(error))
    try:
        if spec.kind is Kind.PLAN:
            found = Answer(spec.id, planned=_planned(planned))
        else:
            found = _explored(spec, exploration, interrupts)
    except DseError as error:
        found = Answer(spec.id, error=str(error))
    finally:
        exploration.study.close()
    return _with_bundle(found, spec, exploration.study.folder, folder / BUNDLE)


def _with_bundle(found: Answer, spec: AssignmentSpec, place: StudyFolder, file: Path) -> Answer:
    try:
        study = Study.load(place)  # an opened one has not all that a bundle tells of its own trials
        write_bundle(study, file, after=spec.known)
        return replace(found, known=known_trials(study))
    except DseError as error:
        return replace(found, error=found.error or str(error))


def _take_in(spec: AssignmentSpec, file: Path) -> None:
    """Merges what the coordinator knows of this CPU into the node's study."""
    if file.stat().st_size:
        merge(read_bundle(file), study_folder(f"{spec.study}@{detect().fingerprint}"))


def _request(spec: AssignmentSpec, place: Place, folder: Path) -> ExploreRequest:
    options, inputs = spec.options, spec.inputs
    others = StudyFolder(folder / OTHERS)
    if spec.others:
        with atomic_write(others.imported) as file:
            file.write(spec.others.encode())
    settle = options.settle
    if spec.kind is Kind.EXPLORE and settle != 0:
        settle = NO_ROUNDS_S
    return ExploreRequest(
        space=_files.find(place, inputs["space"]) / spec.space,
        study=spec.study,
        models=_files.find(place, inputs["models"]) if "models" in inputs else None,
        dataset=_files.find(place, inputs["dataset"]) if "dataset" in inputs else None,
        n_trials=spec.trials,
        timeout=spec.seconds,
        sampler=options.sampler,
        seed=options.seed,
        run_timeout=options.run_timeout,
        memory_limit=options.memory_limit,
        settle=settle,
        tie=options.tie,
        stop_gain=options.stop_gain,
        warm_start=(str(others.path.absolute()),) if spec.others else (),
        environment=options.environment,
        per_cpu=True,
        only=None if spec.only is None else frozenset(spec.only),
    )


def _planned(planned: PlannedExploration) -> Planned:
    system = planned.prepared.system
    checks = check_machine(system.virtualised)
    disturbing = [check for check in checks if check.state == "warning"]
    dataset = planned.prepared.dataset is not None
    return Planned(
        fingerprint=system.fingerprint,
        cpu=system.title,
        groups=group_configurations(planned.plan.configurations, qualities=dataset),
        excluded=planned.about.excluded,
        runtimes=dict(planned.prepared.offers.runtimes),
        refusals=tuple(_line(check) for check in disturbing if check.name in HARD),
        warnings=tuple(_line(check) for check in disturbing if check.name not in HARD),
    )


def _line(check: Check) -> str:
    return f"{check.name}: {check.found}; {check.remedy}"


def _explored(spec: AssignmentSpec, exploration: Exploration, interrupts: Interrupts) -> Answer:
    observer = LogObserver()
    explored: Explored = exploration.run(observer, interrupts, observer.progress)
    again = explored.steps[Purpose.ROUND] + explored.steps[Purpose.REPEAT]
    return Answer(
        spec.id,
        end=explored.end.name,
        explored=explored.steps[Purpose.EXPLORE],
        rounds=again,
        undecided=explored.settling.undecided,
    )


if __name__ == "__main__":
    os._exit(main())

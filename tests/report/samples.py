"""Studies to report on, written down by hand: an ordinary one, and one that means harm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.machine.detect import detect
from dse.study.folder import StudyFolder
from dse.study.revisions import distributions
from dse.study.study import Study
from dse.tasks.image_classification._quality import ACCURACY
from tests.study.studies import about, copy_made, create, fill, outcome, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import Configuration

HARM = (
    "</script><script>window.harmed=1</script><img src=x onerror=window.harmed=1>"
    "\u2028\u202e'\"&{{7+7}}"
)
"""A name that would run, were it taken for markup, or end a line of a script."""
SPACE = small_space()


def ordinary(folder: Path) -> Study:
    """20 configurations: most of them measured, some of them again, two failed."""
    copy_made(folder, "ordinary", _make_ordinary)
    return Study.load(StudyFolder(folder))


def _make_ordinary(folder: Path) -> None:
    study = create(StudyFolder(folder), SPACE)
    fill(study, SPACE, most=17)
    plan = planned(SPACE)
    for configuration in plan.configurations[:3]:
        trial = study.begin(configuration, distributions(plan))
        again = outcome(configuration)
        moved = tuple(replace(m, value=1.01 * m.value) for m in again.measurements)
        for measurement in moved[1:]:
            study.keep(trial, measurement)
        study.finish(trial, Outcome(moved))
    left = [c for c in plan.configurations if c.key not in study.records]
    for configuration, kind in zip(left, (FailureKind.CRASH, FailureKind.TIMEOUT), strict=False):
        trial = study.begin(configuration, distributions(plan))
        study.finish(trial, Outcome(failure=Failure(kind, "bang\nin node 1", "the end of it")))


def harmful(folder: Path) -> Study:
    """A study of which every text that comes from outside is `HARM`."""
    copy_made(folder, "harmful", _make_harmful)
    return Study.load(StudyFolder(folder))


def _make_harmful(folder: Path) -> None:
    space = small_space(models=["a", f"b{HARM}"], batch_sizes=1)
    system = {**detect().as_dict(), "cpu": HARM, "kernel": HARM}
    changes: dict[str, Any] = {"system": system, "excluded": (HARM,), "runtimes": {"null": HARM}}
    made = about(space, **changes)
    study = create(StudyFolder(folder), space, **changes)
    assert made.system["cpu"] == HARM
    plan = planned(space)
    for number, configuration in enumerate(plan.configurations):
        trial = study.begin(configuration, distributions(plan))
        study.finish(trial, _harmful_outcome(configuration, number))


def _harmful_outcome(configuration: Configuration, number: int) -> Outcome:
    if number % 4 == 3:
        return Outcome(failure=Failure(FailureKind.LOAD, HARM, HARM))
    measurements: list[Measurement] = []
    for each in outcome(configuration).measurements:
        source = Source.PUBLISHED if each.metric == ACCURACY.name else Source.MEASURED
        measurements.append(replace(each, source=source, details={"source": HARM}))
    return Outcome(tuple(measurements))

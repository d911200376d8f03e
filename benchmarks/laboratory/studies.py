"""A study in which every configuration was measured, as a table to search."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.laboratory.tables import Table
from dse.study.folder import existing_folder
from dse.study.study import Study

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import Configuration


def of_study(folder: Path) -> Table:
    """The outcomes of a study, with the seconds that each measurement took.

    Raises:
        RequestError: there is none, or it can't be read.
    """
    study = Study.load(existing_folder(str(folder)))
    records = sorted(study.records.values(), key=lambda record: record.id)
    outcomes = {as_recorded(each.configuration): each.outcome for each in records}
    return Table(study.folder.name, study.space.objectives, outcomes)


def as_recorded(configuration: Configuration) -> Configuration:
    """The configuration as a table has it: its backend is the runtime of a recording."""
    knobs = (("runtime", configuration.backend), *configuration.knobs)
    return replace(configuration, backend="replay", knobs=knobs)

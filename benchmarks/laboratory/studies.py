"""A study in which every configuration was measured, as a table to search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.laboratory.tables import Table, read
from dse.bundles.merging import merge
from dse.bundles.reading import is_bundle, read_bundle
from dse.core.details import QualityDetails
from dse.core.measurement import Source
from dse.core.metrics import is_quality
from dse.study.folder import StudyFolder, existing_folder
from dse.study.study import Study

if TYPE_CHECKING:
    from dse.core.configuration import Configuration
    from dse.core.measurement import Outcome


def of_study(folder: Path) -> Table:
    """The outcomes of a study, with the seconds that each measurement took.

    Raises:
        RequestError: there is none, or it can't be read.
    """
    return _table(Study.load(existing_folder(str(folder))))


def read_tables(file: Path) -> list[Table]:
    """The tables in a bundle, or in a file as `benchmarks.laboratory.tables.read` takes it.

    Raises:
        RequestError: it can't be used.
    """
    return [of_bundle(file)] if is_bundle(file) else read(file)


def of_bundle(file: Path) -> Table:
    """The outcomes of a bundle, likewise.

    Raises:
        RequestError: it can't be read.
    """
    bundle = read_bundle(file)
    with TemporaryDirectory() as folder:
        return _table(Study.load(merge(bundle, StudyFolder(Path(folder) / bundle.study)).folder))


def _table(study: Study) -> Table:
    records = sorted(study.records.values(), key=lambda record: record.id)
    outcomes = {as_recorded(each.configuration): each.outcome for each in records}
    samples = max(map(_samples, outcomes.values()))
    return Table(
        study.folder.name,
        study.space.objectives,
        outcomes,
        task=study.space.task,
        samples=samples,
    )


def _samples(outcome: Outcome) -> int:
    """On how many samples a quality was measured; 0 where none was."""
    found = [
        QualityDetails.of(each.details)
        for each in outcome.measurements
        if is_quality(each.metric) and each.source is Source.MEASURED
    ]
    return max((one.samples or one.total or 0 for one in found), default=0)


def as_recorded(configuration: Configuration) -> Configuration:
    """The configuration as a table has it: its backend is the runtime of a recording."""
    knobs = (("runtime", configuration.backend), *configuration.knobs)
    return replace(configuration, backend="replay", knobs=knobs)

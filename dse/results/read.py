"""Reads results by what a reader has: the name of a study, or a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dse.bundles.merging import merge
from dse.bundles.reading import is_bundle, read_bundle
from dse.core.csv_lines import read_lines
from dse.core.details import QualityDetails
from dse.core.errors import RequestError
from dse.core.worker_environment import format_variables, user_variables
from dse.machine.system import System
from dse.results._published import published
from dse.results._tree import read_tree, submitters
from dse.results.imported import read_import
from dse.results.table import ResultTable, Row
from dse.study.folder import NAME, STUDIES, StudyFolder, existing_folder, study_folder
from dse.study.study import Study
from dse.tasks import registry

if TYPE_CHECKING:
    from dse.bundles.bundle import Bundle
    from dse.core.plausibility import Note
    from dse.study.record import Record


def read_results(
    source: str, storage: str | None = None, *, task: str | None = None, option: str = "--task"
) -> tuple[ResultTable, ...]:
    """The systems that a source tells of.

    Args:
        source: name or folder of a study or of an import, a bundle, a table of published
            results, or the folder of a submission tree.
        storage: of a study, where that is not known from its folder.
        task: name of the only task whose results count; None for all.
        option: what asks for the task, for complaints.

    Raises:
        RequestError: there is nothing of that name, it can't be used, or has none of the task.
    """
    found = _read(source, storage)
    if task is None:
        return found
    title = registry.task(task).title
    own = tuple(each for each in found if each.task == task)
    if not own:
        problem = f"'{source}' has no results of {title}"
        raise RequestError(problem, field=option, remedy="name results of that task")
    return own


def _read(source: str, storage: str | None) -> tuple[ResultTable, ...]:
    path = Path(source)
    if path.is_file():
        return read_table(path)
    if path.suffix == ".csv":
        raise RequestError("there is no such file", file=path, remedy="name another one")
    if _is_tree(path):
        return read_tree(path)
    folder = study_folder(source)
    if folder.holds_import:
        return tuple(read_import(folder.imported).results)
    return (results_of(Study.load(existing_folder(source), storage)),)


def read_file(path: Path) -> tuple[ResultTable, ...]:
    """The systems in a bundle, a table of published results, or a submission tree.

    Raises:
        RequestError: it is neither.
    """
    if not path.is_dir():
        return read_table(path)
    if not submitters(path):
        problem = "is not a tree of submissions"
        remedy = "name a folder that holds systems/ and results/ of an organisation"
        raise RequestError(problem, file=path, remedy=remedy)
    return read_tree(path)


def read_table(path: Path) -> tuple[ResultTable, ...]:
    """The systems in a bundle or a table of published results.

    Raises:
        RequestError: it is neither.
    """
    if is_bundle(path):
        return (_bundled(read_bundle(path)),)
    return published(path, *read_lines(path))


def _bundled(bundle: Bundle) -> ResultTable:
    """What the study of a bundle amounts to, as if it had been measured here."""
    with TemporaryDirectory(prefix="dse-bundle-") as folder:
        merged = merge(bundle, StudyFolder(Path(folder) / bundle.study))
        table = results_of(Study.load(merged.folder))
    return replace(table, origin=str(bundle.file))


def _is_tree(path: Path) -> bool:
    """Whether a folder is a submission tree, and no study or import: these go first."""
    named = len(path.parts) == 1 and NAME.fullmatch(path.name) is not None
    folders = [StudyFolder(path), *([StudyFolder(STUDIES / path)] if named else [])]
    if any(folder.begun or folder.holds_import for folder in folders):
        return False
    return bool(submitters(path))


def results_of(study: Study) -> ResultTable:
    """What a study has measured.

    Args:
        study: opened; its failures are left out.
    """
    system = System.from_dict(study.about.system)
    software = [f"{name} {version}" for name, version in study.about.runtimes.items()]
    if variables := user_variables(study.about.environment):
        software.append(format_variables(variables))
    measured = (r for r in study.records.values() if r.outcome.failure is None)
    return ResultTable(
        name=study.folder.name,
        origin=str(study.folder.path),
        cpu=system.cpu,
        cores=system.physical_cores,
        ghz=system.ghz,
        software=", ".join(software),
        task=study.about.task,
        rows=tuple(
            _row(record, study.results.notes(record.outcome))
            for record in sorted(measured, key=lambda each: each.id)
        ),
    )


def _row(record: Record, notes: tuple[Note, ...]) -> Row:
    measurements = record.outcome.measurements
    return Row(
        configuration=record.configuration.as_dict(),
        label=f"#{record.id} {record.configuration}",
        values=record.outcome.values,
        sources={m.metric: m.source for m in measurements},
        intervals={m.metric: m.interval for m in measurements if m.interval},
        valid=frozenset(m.metric for m in measurements if m.fidelity == "valid"),
        samples=_samples(record),
        notes=notes,
    )


def _samples(record: Record) -> int | None:
    """The number of samples that a measured quality is of."""
    accuracy = record.outcome.quality
    return QualityDetails.of(accuracy.details).total if accuracy is not None else None

"""What there is in ``studies/``: studies and imports; one that is damaged is said to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from dse.core.errors import DseError
from dse.machine.system import System
from dse.results.imported import read_import
from dse.study.folder import STUDIES, named_folders
from dse.study.study import Study

if TYPE_CHECKING:
    from pathlib import Path

    from dse.study.folder import StudyFolder

Kind = Literal["study", "import", "unreadable"]
CLOSED = "its folder may not be looked into by this user"


@dataclass(frozen=True, slots=True)
class StoredResults:
    """A study, or results of others.

    Attributes:
        name: its folder's.
        kind: which of both, or that it can't be read.
        configurations: how many were measured; None where that is unknown.
        failed: how many failed.
        remaining: how many a study has still to measure.
        systems: the CPU of a study, or the systems of an import.
        task: of a study; empty for an import.
        changed: when its file was changed last; None where it is not a file of this machine.
        problem: why it can't be read.
    """

    name: str
    kind: Kind
    configurations: int | None = None
    failed: int = 0
    remaining: int = 0
    systems: tuple[str, ...] = ()
    task: str = ""
    changed: datetime | None = None
    problem: str = ""


def stored_results(root: Path = STUDIES) -> list[StoredResults]:
    """What a folder of studies holds, in the order of the names."""
    return [describe_stored(each) for each in result_folders(root)]


def result_folders(root: Path = STUDIES) -> list[StudyFolder]:
    """The folders that hold a study or an import, or can't be seen, in the order of their names."""
    folders = named_folders(root)
    return [each for each in folders if each.begun or each.holds_import or each.closed]


def describe_stored(folder: StudyFolder, study: Study | None = None) -> StoredResults:
    """What a folder holds.

    Args:
        folder: of a study or an import.
        study: the study in it, where it is open.
    """
    try:
        if folder.closed:
            return StoredResults(folder.name, "unreadable", problem=CLOSED)
        if folder.begun:
            return _study(folder, study or Study.load(folder))
        return _import(folder)
    except (DseError, OSError) as error:
        return StoredResults(folder.name, "unreadable", problem=str(error))


def _study(folder: StudyFolder, study: Study) -> StoredResults:
    failed = sum(study.results.failed.values())
    return StoredResults(
        folder.name,
        "study",
        configurations=len(study.records) - failed,
        failed=failed,
        remaining=max(0, study.about.planned - len(study.records)),
        systems=(System.from_dict(study.about.system).title,),
        task=study.about.task,
        changed=_changed(folder.database),
    )


def _import(folder: StudyFolder) -> StoredResults:
    tables = read_import(folder.imported).results
    return StoredResults(
        folder.name,
        "import",
        configurations=sum(len(each.rows) for each in tables),
        systems=tuple(each.name for each in tables),
        changed=_changed(folder.imported),
    )


def _changed(file: Path) -> datetime | None:
    return datetime.fromtimestamp(file.stat().st_mtime).astimezone() if file.is_file() else None

"""What other CPUs tell of a space: it leads the search on a CPU that begins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.configuration import Configuration
from dse.results.imported import Import, import_text
from dse.results.read import results_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from dse.fleet._studies import Studies
    from dse.fleet.folder import FleetFolder
    from dse.results.table import ResultTable
    from dse.study.folder import StudyFolder

MAX_OTHERS = 8
"""The results of so many CPUs are sent, those that were measured last."""


class Others:
    """The results of a fleet's studies, each made again only after it has changed.

    Args:
        folder: of the fleet.
        studies: the coordinator's, which it keeps open.
    """

    def __init__(self, folder: FleetFolder, studies: Studies) -> None:
        self._folder, self._studies = folder, studies
        self._known: dict[str, tuple[int, ResultTable]] = {}  # by study, with its time of change

    def text_for(self, fingerprint: str, keys: Collection[str]) -> str:
        """What other CPUs tell of some configurations, in the form of an import.

        Args:
            fingerprint: of the CPU that is left out.
            keys: of the configurations.

        Returns:
            The text; empty where they tell nothing.

        Raises:
            DseError: a study can't be read.
        """
        own = self._folder.study(fingerprint).name
        others = [folder for folder in self._folder.studies() if folder.name != own]
        others.sort(key=_changed, reverse=True)
        wanted = set(keys)
        found = (self._table(each) for each in others[:MAX_OTHERS])
        tables = [_restricted(table, wanted) for table in found if table is not None]
        telling = [table for table in tables if table.rows]
        return import_text(Import((), telling)).decode() if telling else ""

    def _table(self, folder: StudyFolder) -> ResultTable | None:
        changed = _changed(folder)
        known = self._known.get(folder.name)
        if known is None or known[0] != changed:
            study = self._studies.study(folder.name.rpartition("@")[2])
            if study is None:
                return None
            known = self._known[folder.name] = changed, results_of(study)
        return known[1]


def _changed(folder: StudyFolder) -> int:
    try:
        return folder.database.stat().st_mtime_ns
    except FileNotFoundError:
        return 0  # it is kept on a server


def _restricted(table: ResultTable, keys: set[str]) -> ResultTable:
    rows = (r for r in table.rows if Configuration.from_dict(r.configuration).key in keys)
    return replace(table, rows=tuple(rows))

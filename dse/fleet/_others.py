"""What other CPUs tell of a space: it leads the search on a CPU that begins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.configuration import Configuration
from dse.results.imported import Import, import_text
from dse.results.read import results_of
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Collection

    from dse.fleet.folder import FleetFolder
    from dse.results.table import ResultTable
    from dse.study.folder import StudyFolder

MAX_OTHERS = 8
"""The results of so many CPUs are sent, those that were measured last."""


class Others:
    """The results of a fleet's studies, each read again only after it has changed.

    Args:
        folder: of the fleet.
    """

    def __init__(self, folder: FleetFolder) -> None:
        self._folder = folder
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
        tables = [_restricted(self._table(each), wanted) for each in others[:MAX_OTHERS]]
        telling = [table for table in tables if table.rows]
        return import_text(Import((), telling)).decode() if telling else ""

    def _table(self, folder: StudyFolder) -> ResultTable:
        changed = _changed(folder)
        known = self._known.get(folder.name)
        if known is None or known[0] != changed:
            known = self._known[folder.name] = changed, results_of(Study.load(folder))
        return known[1]


def _changed(folder: StudyFolder) -> int:
    try:
        return folder.database.stat().st_mtime_ns
    except FileNotFoundError:
        return 0  # it is kept on a server


def _restricted(table: ResultTable, keys: set[str]) -> ResultTable:
    rows = (r for r in table.rows if Configuration.from_dict(r.configuration).key in keys)
    return replace(table, rows=tuple(rows))

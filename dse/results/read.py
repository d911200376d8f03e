"""Reads results by what a reader has: the name of a study, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dse.errors import RequestError
from dse.results.lines import read_lines, require
from dse.results.published import COLUMNS, published
from dse.results.studies import results_of
from dse.study.folder import existing_folder
from dse.study.study import Study

if TYPE_CHECKING:
    from dse.results.table import Results


def read_results(source: str, storage: str | None = None) -> tuple[Results, ...]:
    """The systems that a source tells of.

    Args:
        source: a study's name or folder, or a table of published results.
        storage: of the study, where that is not known from its folder.

    Raises:
        RequestError: there is nothing of that name, or it can't be used.
    """
    path = Path(source)
    if path.is_file():
        return read_table(path)
    if path.suffix == ".csv":
        raise RequestError("there is no such file", file=path, remedy="name another one")
    return (results_of(Study.load(existing_folder(source), storage)),)


def read_table(path: Path) -> tuple[Results, ...]:
    """The systems in a table of published results.

    Raises:
        RequestError: it is none.
    """
    columns, lines = read_lines(path)
    require(path, columns, COLUMNS)
    return published(path, lines)

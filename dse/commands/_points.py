"""The points of a study that a command takes, and how a table names them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.wording import join_some
from dse.report.text import point_names
from dse.report.word_table import WordTable
from dse.tasks.benchmark import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text

    from dse.report.view import View
    from dse.study.record import Record

MAX_NAMED = 20
"""More points than this are not listed in a message."""


def choose_points(view: View, ids: Sequence[int], *, decided: bool) -> list[Record]:
    """The points that were named, each once and in that order, or else those of the frontier.

    Args:
        view: the study with the frontier that was asked for.
        ids: of the points.
        decided: whether only those are taken whose place on the frontier is decided.

    Raises:
        RequestError: there is none, one was not measured, or points are both named and chosen.
    """
    if ids:
        return _named(view, ids, chosen=decided or view.derivation.selects)
    frontier = view.frontier
    if not frontier:
        raise _why_none(view)
    found = [record for record in frontier if not decided or frontier.certain(record)]
    if not found:
        raise RequestError(
            f"no point on the frontier of study '{view.study.folder.name}' is decided",
            field="--decided",
            remedy="leave it out, or `dse explore` on with --settle 10m",
        )
    return found


def _named(view: View, ids: Sequence[int], *, chosen: bool) -> list[Record]:
    if chosen:
        raise RequestError(
            "points are named and chosen at once",
            field="--points",
            remedy="leave it out, or --where, --objective and --decided",
        )
    study = view.study
    measured = {r.id: r for r in study.records.values() if r.outcome.failure is None}
    for id_ in ids:
        if id_ not in measured:
            shown = join_some([record.id for record in study.frontier()], MAX_NAMED)
            raise RequestError(
                f"study '{study.folder.name}' has no measured point {id_}",
                field="--points",
                remedy=f"`dse frontier` shows {shown or 'none yet'}",
            )
    return [measured[id_] for id_ in dict.fromkeys(ids)]


def _why_none(view: View) -> RequestError:
    folder = view.study.folder
    if not view.derivation.selects or not view.study.results.frontier:
        return RequestError(
            f"study '{folder.name}' has nothing on its frontier yet",
            remedy="explore it further with `dse explore`",
        )
    return RequestError(
        f"no point of study '{folder.name}' is what was asked for: {view.tally.why_none}",
        remedy=f"`dse frontier {shlex.quote(folder.name_or_path)}` shows what there is",
    )


def point_table(*columns: tuple[str, bool]) -> WordTable:
    """A table whose rows begin with `point_cells`; the further columns as `WordTable` has them."""
    return WordTable(("id", True), ("model", False), ("runtime", False), *columns)


def point_cells(record: Record) -> tuple[str, Text, Text]:
    """What names a point in a table."""
    return str(record.id), *point_names(record)


def division_words(division: str) -> list[str]:
    """The options that name a division, where it is not the default."""
    return [] if division == OPEN else ["--division", division]


def format_ids(ids: Iterable[int]) -> str:
    """Ids of points as ``--points`` takes them, such as ``3,7``."""
    return ",".join(map(str, ids))

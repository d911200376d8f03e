"""The points of a study that a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.study.record import Record
    from dse.study.study import Study


def select_records(study: Study, ids: Sequence[int], option: str) -> list[Record]:
    """The records that were named, each once and in that order, or else the frontier.

    Args:
        study: holds them.
        ids: of the records.
        option: that names them, for the message.

    Raises:
        RequestError: one of them was not measured, or nothing is on the frontier.
    """
    frontier = study.frontier()
    if not ids and not frontier:
        raise RequestError(
            f"study '{study.folder.name}' has nothing on its frontier yet",
            remedy="explore it further with `dse explore`",
        )
    measured = {r.id: r for r in study.records.values() if r.outcome.failure is None}
    for id_ in ids:
        if id_ not in measured:
            shown = ", ".join(str(record.id) for record in frontier)
            raise RequestError(
                f"study '{study.folder.name}' has no measured point {id_}",
                field=option,
                remedy=f"`dse frontier` shows {shown or 'none yet'}",
            )
    return [measured[id_] for id_ in dict.fromkeys(ids)] if ids else frontier

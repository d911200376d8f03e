"""All that is known of one configuration: its values, how they came about, how to deploy it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dse.answer.deployment import deployment
from dse.answer.text import configuration_line
from dse.core.metrics import METRICS
from dse.core.reasons import boil_down
from dse.core.remedies import find_remedy
from dse.core.wording import format_command
from dse.report.failures import Reason, explained
from dse.report.quantities import quantities
from dse.report.standing import MEANINGS, standings
from dse.report.text import number, reach
from dse.report.user_metrics import to_significant
from dse.report.view import View
from dse.serve.errors import NotFoundError
from dse.serve.looking._study_page import place_of

if TYPE_CHECKING:
    from dse.report.quantities import ReportedMetric
    from dse.serve.asked import Asked
    from dse.serve.looking.library import OpenStudy
    from dse.study.record import Record


def card(opened: OpenStudy, id_: int, asked: Asked) -> dict[str, Any]:
    """What the page of a point shows.

    Args:
        opened: its study.
        id_: of its record.
        asked: metrics and conditions of the reader.

    Raises:
        NotFoundError: there is no such point.
        RequestError: what is asked for is wrong.
    """
    own = replace(asked, objective=())  # as of `dse show`

    def made() -> dict[str, Any]:
        return _made(View(opened.study, own.derivation()), id_, own)

    return opened.remember(("card", id_, own), made)


def _made(view: View, id_: int, asked: Asked) -> dict[str, Any]:
    study, name = view.study, view.study.folder.name
    records = {record.id: record for record in study.records.values()}
    if id_ not in records:
        problem = f"study '{name}' has no point {id_}"
        raise NotFoundError(problem, remedy="the study's page lists them")
    record = records[id_]
    ids = sorted(records)
    place = ids.index(id_)
    standing = standings(view)[id_]
    deployed = deployment(study, record, build=False)
    address = place_of(name)
    return {
        "title": configuration_line(record, deployed.version),
        "study": name,
        "place": address,
        "query": asked.query,
        "before": ids[place - 1] if place else None,
        "after": ids[place + 1] if place + 1 < len(ids) else None,
        "id": id_,
        "standing": standing.value,
        "meaning": MEANINGS[standing],
        "notes": view.notes(record),
        "values": _values(view, record),
        "runs": _runs(record),
        "failure": _failure(view, record),
        "configuration": [
            (key.replace("_", " "), _plain(value))
            for key, value in record.configuration.as_dict().items()
        ],
        "deployed": deployed,
        "command": format_command(["show", name, str(id_), *asked.options]),
    }


def _values(view: View, record: Record) -> list[dict[str, str]]:
    """What is known of each metric."""
    found = []
    for metric in quantities(view):
        value = metric.of(record)
        if value is not None:
            ends = value.interval or ()
            found.append(
                {
                    "title": metric.title,
                    "value": _shown(metric, value.value) + reach(value.value, value.interval),
                    "interval": " to ".join(_shown(metric, end) for end in ends),
                    "basis": value.basis,
                }
            )
    return found


def _plain(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _shown(metric: ReportedMetric, value: float) -> str:
    return number(metric.name, value) if metric.name in METRICS else to_significant(value)


def _runs(record: Record) -> list[tuple[str, str, str, str]]:
    """How each value was measured: metric, length of the run, its seconds, and its folder."""
    return [
        (METRICS[m.metric].title, m.fidelity, f"{m.seconds:.1f}", m.run)
        for m in record.outcome.measurements
        if m.run
    ]


def _failure(view: View, record: Record) -> dict[str, Any] | None:
    """Why it failed, what helps, and how to see that again."""
    failure = record.outcome.failure
    if failure is None:
        return None
    text, remedy = boil_down(failure.message), find_remedy(failure)
    reason = Reason(failure.kind, text, 1, record, failure, remedy)
    _, *lines = explained(reason, view.study.folder.runs, None)
    return {"kind": failure.kind.value, "reason": text, "lines": lines}


def point_id(text: str) -> int:
    """The id of a point, as it stands in an address.

    Raises:
        NotFoundError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotFoundError("the id of a point is a number", remedy="the study's page lists them")
    return int(text)

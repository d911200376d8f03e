"""The state of a study that is explored, as a page shows it and follows it.

It is a JSON object of four kinds of things, which `live.html` and `live.js` both know how to show:
``texts`` and ``lists`` by name, ``tables`` with ``rows`` of cells, each a text or a text with the
address it leads to, and ``flags``, which say what is there to be seen.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dse.core.printable import to_printable
from dse.core.wording import ENOUGH, format_command, format_count, format_duration
from dse.report import summary
from dse.report.failures import reasons
from dse.report.health import health
from dse.report.progress import progress
from dse.report.standing import Standing
from dse.report.text import (
    MARKS,
    excluded_lines,
    heading,
    mark_lines,
    marks,
    number,
    point_names,
)
from dse.serve.jobs.job_words import describe_state, is_own
from dse.study.record import Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.serve.jobs.jobs import Job
    from dse.study.record import Record
    from dse.study.study import Study
    from dse.study.trial_updates import RunningTrial

State = dict[str, Any]
Cell = str | dict[str, str]

MAX_POINTS = 30
"""Rows of the frontier; the study's own page shows all."""
MAX_LINES = 50
MAX_SEARCHED = 2000
"""Of larger studies the reasons of failures are not told while something is measured."""
MAX_PROGRESS = 5000
"""Of larger studies it would take too long to tell when how much was found."""
SHARES = (0.9, 0.99)
OUTPUT_LINES = 40
_NOTHING: State = {"texts": {}, "lists": {}, "tables": {}, "progress": [0, 0]}
_FOUND = re.compile(r", about ([0-9.]+ %) found:")
_DOING = {
    Purpose.EXPLORE: "measuring",
    Purpose.REPEAT: "measuring again",
    Purpose.ROUND: "comparing with its rivals",
    Purpose.ANCHOR: "measuring the anchor",
    Purpose.VALIDATE: "validating",
}


def state_of_study(
    study: Study | None,
    known: State,
    job: Job | None,
    output: str,
    words: Sequence[str] | None = None,
) -> State:
    """What there is to be told.

    Args:
        study: None where it is not there yet.
        known: what `facts` gives for it.
        job: the command that worked on it last; None for none.
        output: the end of what that printed.
        words: of the command that goes on exploring; None where that can't be told.
    """
    trials = study.running_trials() if study is not None else []
    others = [trial for trial in trials if trial.claimed and not is_own(trial, job)]
    lines = output.splitlines()[-OUTPUT_LINES:]
    running = job is not None and job.runs
    texts = {
        "command": job.command if job else "",
        "again": format_command(words) if words else "the command that began it",
        "state": _state(job, others=bool(others)),
        "elapsed": _elapsed(job) if job is not None and running else "",
        "found": _found(lines) if running else _why_ended(lines),
    }
    flags = {
        "running": running,
        "stopping": job is not None and job.state == "stopping",
        "failed": job is not None and job.state == "failed",
        "idle": not running,
        "job": job is not None,
    }
    told = {**_NOTHING, **known}
    now = [_now(trial, job) for trial in trials][:MAX_LINES]
    return {
        **told,
        "job": job.id if job is not None else "",
        "texts": {**told["texts"], **texts},
        "lists": {**told["lists"], "now": now, "output": lines},
        "flags": {**flags, "study": study is not None},
    }


def facts(study: Study) -> State:
    """What a study tells of itself; it is the same until more is stored."""
    counts = summary.counts(study)["configurations"]
    done, failed = len(study.records), counts["failed"]
    points = study.frontier()
    return {
        "progress": [done, done + counts["remaining"]],
        "texts": {
            "done": f"{done} of {format_count(done + counts['remaining'], 'configuration')} done"
            + (f", {failed} failed" if failed else ""),
            "time": _time(study, done, counts["remaining"]),
            "points": format_count(len(points), "point") if points else "no point yet",
        },
        "lists": {
            "health": health(study)[:MAX_LINES],
            "excluded": excluded_lines(study.about.excluded)[:MAX_LINES],
            "marks": mark_lines(study.results.frontier, points),
        },
        "tables": {"frontier": _frontier(study, points), **_failures_now(study, failed)},
    }


def with_slow_facts(study: Study, known: State) -> State:
    """The same with what takes long in a large study: for while nothing is measured."""
    lists = {"doubts": summary.doubts(study)[:MAX_LINES], "growth": _growth(study)}
    tables = {"failures": _failures(study)}
    return {
        **known,
        "lists": {**known["lists"], **lists},
        "tables": {**known["tables"], **tables},
    }


def _failures_now(study: Study, failed: int) -> State:
    """The failures, unless it takes long to find them."""
    few = failed and len(study.records) <= MAX_SEARCHED
    return {"failures": _failures(study)} if few else {}


def _state(job: Job | None, *, others: bool) -> str:
    elsewhere = "a command outside of this page explores the study"
    if job is None:
        return elsewhere if others else "nothing runs"
    told = describe_state(job)
    if job.words[0] != "explore":
        told = f"{job.words[0]}: {told}"
    return f"{told}; {elsewhere}" if others else told


def _elapsed(job: Job) -> str:
    seconds = (datetime.now(UTC) - job.began).total_seconds()
    return f"for {format_duration(max(0.0, seconds))}"


def _found(lines: list[str]) -> str:
    """How much of the frontier is found, as the search itself has estimated it last."""
    told = [found[1] for line in lines if (found := _FOUND.search(line))]
    return f"about {told[-1]} of the frontier found, as the search expects" if told else ""


def _why_ended(lines: list[str]) -> str:
    """Why the search has left the rest out, if that is why it has ended."""
    enough = any(line.startswith(ENOUGH) for line in lines)
    return f"the search has ended: {ENOUGH}" if enough else ""


def _now(trial: RunningTrial, job: Job | None) -> str:
    begun = f", since {trial.begun:%H:%M:%S}" if trial.begun else ""
    told = f"{_DOING[trial.purpose]}: {trial.configuration}{begun}"
    if is_own(trial, job):
        return told
    by = f"process {trial.pid} on {trial.machine}" if trial.pid else "an unknown process"
    if not trial.claimed:
        return f"{told}, begun by {by}, which has gone"
    return f"{told}, by {by}, outside of this page"


def _time(study: Study, done: int, remaining: int) -> str:
    """How long it was measured, and how long the rest takes at the pace so far."""
    spent = study.results.spent
    told = f"{format_duration(sum(spent.values()))} of measuring so far"
    if done and remaining and spent[Purpose.EXPLORE]:
        left_s = spent[Purpose.EXPLORE] / done * remaining
        told += f"; all that is left takes about {format_duration(left_s)} at this pace"
    return told


def _growth(study: Study) -> list[str]:
    """When how much of what is known now was found."""
    if len(study.records) > MAX_PROGRESS:
        return []
    steps = progress(study)
    whole = steps[-1].hypervolume if steps else 0.0
    if not whole:
        return []
    first = ((share, next(s for s in steps if s.hypervolume >= share * whole)) for share in SHARES)
    return [
        f"{share:.0%} of the hypervolume known now was found after "
        f"{format_count(step.explored, 'configuration')}"
        for share, step in first
    ]


def _frontier(study: Study, points: list[Record]) -> State:
    metrics = study.space.objectives
    mark = marks(study.results.frontier)
    behind, _ = MARKS[Standing.BEHIND]
    found = sorted(summary.ordered(points), key=lambda each: mark(each).startswith(behind))
    rows: list[list[Cell]] = []
    for record in found[:MAX_POINTS]:
        values = (record.outcome.measurement(name) for name in metrics)
        shown = [number(m.metric, m.value) if m else "" for m in values]
        model, runtime = (to_printable(name.plain) for name in point_names(record))
        rows.append([_point(study, record), mark(record), model, runtime, *shown])
    words = [(title, False) for title in ("id", "", "model", "runtime")]
    head = [*words, *((heading(name), True) for name in metrics)]
    return {"head": head, "rows": rows, "more": max(0, len(found) - MAX_POINTS)}


def _failures(study: Study) -> State:
    found = reasons(study)
    rows: list[list[Cell]] = [
        [
            reason.kind.value,
            str(reason.count),
            to_printable(reason.text),
            to_printable(reason.remedy or ""),
            _point(study, reason.record),
        ]
        for reason in found[:MAX_LINES]
    ]
    words = ("kind", "how many", "reason", "remedy", "such as")
    head = [(title, title == "how many") for title in words]
    return {"head": head, "rows": rows, "more": max(0, len(found) - MAX_LINES)}


def _point(study: Study, record: Record) -> Cell:
    place = f"/studies/{quote(study.folder.name, safe='')}/points/{record.id}"
    return {"text": f"#{record.id}", "href": place}

"""The page of the points to submit, and of the runs that they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse

from dse.core.errors import RequestError
from dse.core.metrics import Scenario
from dse.core.wording import format_command, format_count, format_duration
from dse.serve.asked import Asked
from dse.serve.posted import Fields
from dse.serve.site import site_of
from dse.serve.submitting._choice import Choice, one_of
from dse.serve.submitting._dry_runs import dry_run, held_back
from dse.serve.submitting._steps import page_of, way_of
from dse.serve.submitting._survey import look
from dse.tasks.benchmark import DIVISIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from dse.serve.submitting._survey import Survey

ACTIONS = {"rehearse": ("--rehearsal",), "validate": ()}
"""The options of what the buttons do."""
MAX_FIGURES = 10_000
"""From here on four digits do not tell the whole number."""


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run that is to be taken, in words."""

    point: int
    scenario: str
    mode: str
    expecting: str
    time: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a validation would do.

    Attributes:
        conclusion: how many runs, and how long they take.
        runs: in their order.
        times: how long the runs of a point take, by its id.
        refused: what can't be run, and why.
        unfit: whether an export would refuse valid runs of some points.
    """

    conclusion: str
    runs: tuple[PlannedRun, ...]
    times: Mapping[int, str]
    refused: tuple[str, ...]
    unfit: bool

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Plan:
        """Reads what ``dse validate --dry-run --json`` says."""
        runs, refused = found["runs"], found["refused"]
        seconds: dict[int, float] = {}
        for run in runs:
            seconds[run["point"]] = seconds.get(run["point"], 0.0) + run["seconds"]
        words = [f"{format_count(len(runs), 'run')} to do"]
        words[0] += f", about {format_duration(found['seconds'])}" if runs else ""
        words += [f"{format_count(found['valid'], 'run')} valid already"] if found["valid"] else []
        words += [f"{len(refused)} that can't be run"] if refused else []
        return cls(
            "; ".join(words),
            tuple(_planned(run) for run in runs),
            {id_: format_duration(time) for id_, time in seconds.items()},
            tuple(f"#{run['point']} {run['scenario']}: {run['reason']}" for run in refused),
            any(point["breaches"] for point in found["points"]),
        )


def _planned(run: Mapping[str, Any]) -> PlannedRun:
    target = run["expecting"]
    expecting = f"{target:{'.4g' if target < MAX_FIGURES else '.0f'}} {run['unit']}"
    time = format_duration(run["seconds"])
    return PlannedRun(run["point"], run["scenario"], run["mode"], expecting, time)


def show(request: Request) -> Response:
    """The page; the address says what is chosen."""
    fields = Fields.of_link(request)
    choice, problem = Choice.read(fields, _folders(request))
    return _page(request, choice, fields, problem)


def start(request: Request, form: Fields) -> Response:
    """Starts a validation or a rehearsal."""
    site = site_of(request)
    study = request.path_params["name"]
    choice, problem = Choice.read(form, _folders(request))
    known, unknown = look(site, study, choice)
    if problem or unknown:
        return _page(request, choice, form, problem or unknown)
    try:
        _refuse_nothing(choice, known)
        action = one_of(form.one("do"), "do", ACTIONS)
        job = site.jobs.start_once(["validate", study, *choice.all_words, *ACTIONS[action]], study)
    except RequestError as error:
        return _page(request, choice, form, str(error))
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _folders(request: Request) -> dict[str, tuple[Path, ...]]:
    """The folders that may be given, by `dse.serve.submitting._choice.INPUTS`."""
    asked = site_of(request).request
    return {"models": asked.models, "dataset": asked.datasets}


def _refuse_nothing(choice: Choice, known: Survey) -> None:
    """Refuses to run no point, or one that there is not."""
    if not choice.points:
        remedy = "check the box of one at least"
        raise RequestError("no point is chosen", field="point", remedy=remedy)
    there = {each.id for each in known.candidates}
    if lacking := [id_ for id_ in choice.points if id_ not in there]:
        problem = f"study '{known.study}' has no measured point {lacking[0]}"
        raise RequestError(problem, field="point", remedy="choose from the table")


def _page(request: Request, choice: Choice, fields: Fields, problem: str = "") -> Response:
    """Shows what is chosen; with a problem nothing is asked of commands.

    Args:
        request: names the study.
        choice: what is chosen.
        fields: that say it.
        problem: what is wrong with them; empty for nothing.
    """
    site = site_of(request)
    study = request.path_params["name"]
    known, unknown = look(site, study, choice)
    problem = problem or unknown
    held = held_back(site, known.configurations)
    words = ["validate", study, *choice.all_words]
    chosen = choice.points or tuple(
        each.id for each in known.leaders if each.decided or not choice.decided
    )
    ask = not problem and bool(chosen) and (fields.has("now") or held is None)
    dry = dry_run(site, words, ask=ask)
    again = page_of(study, **{**choice.query, "now": "1"})
    return site.pages.page(
        "submit_points",
        status=422 if problem else 200,
        title=f"Submit {study}",
        way=way_of(known, "Points"),
        survey=known,
        everywhere=known.breaches_of_all,
        choice=choice,
        asked=Asked.of(fields.all),
        memory=fields.one("memory"),
        chosen=frozenset(chosen),
        divisions=DIVISIONS,
        scenarios=[scenario.value for scenario in Scenario],
        folders={name: [*map(str, found)] for name, found in _folders(request).items() if found},
        action=page_of(study),
        command=format_command(words),
        again=again,
        held=held,
        dry=dry,
        plan=None if dry.found is None else Plan.of(dry.found),
        problem=problem,
    )

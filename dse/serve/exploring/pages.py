"""The pages that start explorations and show them as they go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from dse.core.configuration import PRECISIONS
from dse.core.errors import DseError, RequestError
from dse.core.printable import to_printable
from dse.serve.errors import NotFoundError
from dse.serve.exploring import _choices
from dse.serve.exploring._explore_form import SAMPLERS, USUAL_SAMPLER, read_asked, with_settle
from dse.serve.exploring._live import facts, state_of_study, with_slow_facts
from dse.serve.exploring._plan import make_plan, start
from dse.serve.jobs.job_words import describe_state, is_exploration, words_to_go_on
from dse.serve.news.events import EventStream
from dse.serve.posted import Fields, takes_form
from dse.serve.site import site_of
from dse.study.folder import NAME, STUDIES, StudyFolder

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dse.serve.exploring._live import State
    from dse.serve.exploring._plan import ShownPlan
    from dse.serve.jobs.jobs import Job, Jobs
    from dse.serve.site import Site

TAIL_BYTES = 1 << 14
"""Of the output of a command, as a study's page shows it."""


def routes() -> list[Route]:
    """The routes of these pages."""
    pages = _Running()
    return [
        Route("/new", pages.new),
        Route("/new/plan", takes_form(pages.plan), methods=["POST"]),
        Route("/new/start", takes_form(pages.start), methods=["POST"]),
        Route("/studies/{name}/run", pages.run),
        Route("/studies/{name}/run", takes_form(pages.go_on), methods=["POST"]),
        Route("/studies/{name}/run/state", pages.state),
        Route("/jobs", pages.jobs),
        Route("/jobs/state", pages.jobs_state),
        Route("/jobs/{id}", pages.job),
        Route("/jobs/{id}/state", pages.job_state),
        Route("/jobs/{id}/stop", takes_form(pages.stop), methods=["POST"]),
        Route("/events", _events),
    ]


async def _events(request: Request) -> Response:
    """Tells a browser of changes, as long as it is connected."""
    stream = site_of(request).changes.stream(request.headers.get("last-event-id"))
    return cast("Response", EventStream(stream))


class _Running:
    """The pages; it remembers which backends can be used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backends: _choices.Backends | None = None

    def new(self, request: Request) -> Response:
        """The form, filled as the address says."""
        site = site_of(request)
        if site.request.read_only:
            raise NotFoundError("nothing can be started here", remedy="leave out --read-only")
        fields = Fields.of_link(request)
        return self._form(site, fields, again=fields.one("look") == "again")

    def plan(self, request: Request, fields: Fields) -> Response:
        """The form with the plan of what it says, or with what is wrong in it."""
        site = site_of(request)
        try:
            asked = read_asked(fields, site.request)
            plan = make_plan(asked, site.jobs)
        except DseError as error:
            return self._form(site, fields, error=error)
        return self._form(site, fields, plan=plan)

    def start(self, request: Request, fields: Fields) -> Response:
        """Starts what the form says."""
        site = site_of(request)
        try:
            job = start(read_asked(fields, site.request), site.jobs)
        except DseError as error:
            return self._form(site, fields, error=error)
        return _to(f"/studies/{quote(job.study, safe='')}/run")

    def _form(
        self,
        site: Site,
        fields: Fields,
        *,
        plan: ShownPlan | None = None,
        error: DseError | None = None,
        again: bool = False,
    ) -> Response:
        return site.pages.page(
            "new",
            status=200 if error is None else 422 if isinstance(error, RequestError) else 500,
            title="New exploration",
            fields=fields,
            error="" if error is None else str(error),
            wrong_field=error.field if isinstance(error, RequestError) else None,
            plan=plan,
            spaces=_choices.spaces(),
            tasks=_choices.tasks_offered(),
            groups=_choices.model_groups(),
            precisions=PRECISIONS,
            backends=self._asked_backends(site.jobs).choices(again=again),
            metrics=_choices.metrics(),
            bounded=any(
                name.startswith(("min_", "max_")) and fields.has(name) for name in fields.values
            ),
            samplers=SAMPLERS,
            usual_sampler=USUAL_SAMPLER,
            studies=_choices.studies(),
            models_folders=[str(path) for path in site.request.models],
            dataset_folders=[str(path) for path in site.request.datasets],
        )

    def _asked_backends(self, jobs: Jobs) -> _choices.Backends:
        with self._lock:
            self._backends = self._backends or _choices.Backends(jobs)
            return self._backends

    def run(self, request: Request) -> Response:
        """A study that is explored, live."""
        site, name = site_of(request), request.path_params["name"]
        job = _last_job(site, name)
        return site.pages.page(
            "run",
            title=f"{name}: exploration",
            study=name,
            place=f"/studies/{quote(name, safe='')}",
            state=_state(site, name, job),
        )

    def state(self, request: Request) -> Response:
        """The same as JSON, with the CPU time that it took, by which a page asks more seldom."""
        site, name = site_of(request), request.path_params["name"]
        began_s = time.thread_time()
        answer = _json(_state(site, name, _last_job(site, name)))
        taken_ms = 1e3 * (time.thread_time() - began_s)
        answer.headers["Server-Timing"] = f"cpu;dur={taken_ms:.1f}"
        return answer

    def go_on(self, request: Request, fields: Fields) -> Response:
        """Goes on with a study, and compares undecided points for as long as the form says."""
        site, name = site_of(request), request.path_params["name"]
        last = _last_exploration(site, name)
        if last is None and not _exists(name):
            raise NotFoundError(f"there is no study '{name[:100]}'", remedy="look at all studies")
        words = last.words if last else None
        if last is None:
            with site.library.open(name) as study:
                words = words_to_go_on(study)
        if words is None:
            raise RequestError(
                f"it can't be told which space study '{name}' was explored with",
                remedy="give the command again that began it",
            )
        site.jobs.start_once(with_settle(words, fields), name)
        return _to(f"/studies/{quote(name, safe='')}/run")

    def jobs(self, request: Request) -> Response:
        """All commands that were started from the page."""
        site = site_of(request)
        return site.pages.page("jobs", title="Jobs", state=_state_of_jobs(site.jobs))

    def jobs_state(self, request: Request) -> Response:
        """The same as JSON."""
        return _json(_state_of_jobs(site_of(request).jobs))

    def job(self, request: Request) -> Response:
        """One command and what it printed."""
        site = site_of(request)
        job = _job(site, request.path_params["id"])
        return site.pages.page(
            "job", title=_job_title(job), job=job, state=_state_of_job(site.jobs, job)
        )

    def job_state(self, request: Request) -> Response:
        """The same as JSON."""
        site = site_of(request)
        return _json(_state_of_job(site.jobs, _job(site, request.path_params["id"])))

    def stop(self, request: Request, fields: Fields) -> Response:
        """Interrupts a command, as Ctrl-C does."""
        site = site_of(request)
        job = site.jobs.stop(_job(site, request.path_params["id"]).id)
        if fields.one("back") == "study" and job.study:
            return _to(f"/studies/{quote(job.study, safe='')}/run")
        return _to(f"/jobs/{job.id}")


def _to(place: str) -> Response:
    """The answer to what was done: the browser asks for a page."""
    return RedirectResponse(place, status_code=303)


def _json(state: State) -> Response:
    return JSONResponse(_printable(state), headers={"Cache-Control": "no-store"})


def _printable(value: Any) -> Any:
    """A JSON value whose texts are as templates show them."""
    if isinstance(value, str):
        return to_printable(value)
    if isinstance(value, Mapping):
        return {name: _printable(each) for name, each in value.items()}
    return [*map(_printable, value)] if isinstance(value, list | tuple) else value


def _exists(name: str) -> bool:
    return NAME.fullmatch(name) is not None and StudyFolder(STUDIES / name).begun


def _last_job(site: Site, name: str) -> Job | None:
    """The last command for a study, which need not be there yet.

    Raises:
        NotFoundError: there is neither.
    """
    job = site.jobs.of_study(name) if NAME.fullmatch(name) else None
    if job is None and not _exists(name):
        raise NotFoundError(f"there is no study '{name[:100]}'", remedy="look at all studies")
    return job


def _last_exploration(site: Site, name: str) -> Job | None:
    return next((job for job in site.jobs.all() if is_exploration(job, name)), None)


def _job_title(job: Job) -> str:
    """What a command does, and on which study."""
    return f"{job.words[0]} {job.study}".strip().capitalize()


def _job(site: Site, id_: str) -> Job:
    try:
        return site.jobs.find(id_)
    except RequestError as error:
        raise NotFoundError(error.problem, remedy=error.remedy) from error


def _state(site: Site, name: str, job: Job | None) -> State:
    output = site.jobs.output(job, TAIL_BYTES) if job else ""
    last = job if job is None or is_exploration(job, name) else _last_exploration(site, name)
    words = last.words if last else None
    if not _exists(name):
        return state_of_study(None, {}, job, output, words)
    try:
        with site.library.opened(name) as opened:
            known = opened.remember("live", lambda: facts(opened.study))
            if not (job is not None and job.runs) and not opened.study.running_trials():
                known = opened.remember("slow", lambda: with_slow_facts(opened.study, known))
            words = words or words_to_go_on(opened.study)
            return state_of_study(opened.study, known, job, output, words)
    except RequestError:
        if job is None or not job.runs:
            raise
        return state_of_study(None, {}, job, output, words)  # it is made just now


def _state_of_jobs(jobs: Jobs) -> State:
    rows = [
        [
            {"text": job.id, "href": f"/jobs/{job.id}"},
            describe_state(job),
            {"text": job.study, "href": f"/studies/{quote(job.study, safe='')}/run"}
            if job.study
            else "",
            f"{job.began.astimezone():%Y-%m-%d %H:%M:%S}",
            job.command,
        ]
        for job in jobs.all()
    ]
    head = [(title, False) for title in ("job", "state", "study", "began", "command")]
    return {"tables": {"jobs": {"head": head, "rows": rows, "more": 0}}, "flags": {}}


def _state_of_job(jobs: Jobs, job: Job) -> State:
    return {
        "texts": {"state": describe_state(job), "command": job.command},
        "lists": {"output": jobs.output(job).splitlines()},
        "flags": {
            "running": job.runs,
            "stopping": job.state == "stopping",
            "failed": job.state == "failed",
        },
    }

"""The page of the export: what it lacks, its tree, and what MLPerf's checkers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, StreamingResponse

from dse.core.errors import RequestError
from dse.core.wording import format_command
from dse.serve.errors import NotFoundError
from dse.serve.posted import Fields
from dse.serve.site import site_of
from dse.serve.submitting._dry_runs import dry_run, held_back
from dse.serve.submitting._export import CATEGORIES, STATUSES, Export, Readiness, read_verdicts
from dse.serve.submitting._steps import page_of, way_of
from dse.serve.submitting._survey import look
from dse.serve.submitting._trees import chunks, find_tree, find_trees, pack
from dse.submission.release import RELEASES
from dse.tasks.benchmark import DIVISIONS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dse.serve.jobs.jobs import Job
    from dse.serve.site import Site
    from dse.serve.submitting._trees import WrittenTree

MAX_FILES = 2000
"""Of a tree that are listed."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The last export of a study.

    Attributes:
        job: the command.
        lines: what it printed, or the end of that.
        verdicts: what each checker says: its name, its verdict, and all it complains about.
    """

    job: Job
    lines: tuple[str, ...]
    verdicts: tuple[tuple[str, str, tuple[str, ...]], ...]


def show(request: Request) -> Response:
    """The page; the address says what is to be exported."""
    fields = Fields.of_link(request)
    export, problem = Export.read(fields, request.path_params["name"])
    return _page(request, export, problem, fields=fields, asked=fields.has("now"))


def start(request: Request, form: Fields) -> Response:
    """Starts an export."""
    site = site_of(request)
    study = request.path_params["name"]
    export, problem = Export.read(form, study)
    _, unknown = look(site, study, export.choice)
    if problem or unknown:
        return _page(request, export, problem or unknown, fields=form)
    try:
        words = _words(site, export, study, form)
        job = site.jobs.start_once(words, study)
    except RequestError as error:
        return _page(request, export, str(error), fields=form)
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _words(site: Site, export: Export, study: str, form: Fields) -> list[str]:
    """The words of the command after ``dse``.

    Raises:
        RequestError: nobody submits.
    """
    if not export.submitter:
        raise RequestError("nobody submits", field="submitter", remedy="name the organisation")
    checker = site.request.checker if form.has("check") else None
    return [
        *export.words(study),
        *(["--force"] if form.has("force") else []),
        *(["--checker", str(checker)] if checker is not None else []),
    ]


def download(request: Request) -> Response:
    """A tree as an archive."""
    name = request.path_params["tree"]
    tree = find_tree(name)
    if tree is None:
        raise NotFoundError(f"there is no submission '{name[:100]}'")
    archive = pack(tree)
    size = archive.seek(0, 2)
    archive.seek(0)
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{name}.tar.gz"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(chunks(archive), 200, headers, "application/gzip")


def _page(
    request: Request,
    export: Export,
    problem: str = "",
    *,
    fields: Fields,
    asked: bool = False,
) -> Response:
    """Shows what is to be exported; with a problem nothing is asked of commands."""
    site = site_of(request)
    study = request.path_params["name"]
    known, unknown = look(site, study, export.choice)
    problem = problem or unknown
    trees, too_large = _trees(export.name)
    held = held_back(site, known.configurations)
    words = export.words(study)
    ask = bool(export.submitter) and not problem and bool(known.leaders or export.choice.points)
    dry = dry_run(site, words, ask=ask and (asked or held is None))
    return site.pages.page(
        "submit_tree",
        status=422 if problem else 200,
        title=f"The tree of {study}",
        way=way_of(known, "Tree", trees),
        survey=known,
        export=export,
        sent={name: fields.one(name) for name in ("name", "submitter")},
        submitters=sorted({who for tree in trees for who in tree.submitters}),
        chosen=frozenset(export.choice.points),
        divisions=DIVISIONS,
        categories=CATEGORIES,
        releases=[*RELEASES],
        statuses=STATUSES,
        checker=str(site.request.checker or ""),
        action=page_of(study, "export"),
        again=page_of(study, "export", **export.query, now="1"),
        points=page_of(study, division=export.choice.division),
        system=page_of(study, "system", division=export.choice.division),
        command=format_command(words) if export.submitter else "",
        dry=dry,
        ready=None if dry.found is None else Readiness.of(dry.found),
        held=held,
        last=_last(site, study),
        trees=trees,
        too_large=too_large,
        most_files=MAX_FILES,
        archive=f"{page_of(study)}/trees/",
        problem=problem,
    )


def _trees(name: str) -> tuple[list[WrittenTree], str]:
    """What was written, or why that can't be shown."""
    try:
        return find_trees(name), ""
    except RequestError as error:
        return [], str(error)


def _last(site: Site, study: str) -> Exported | None:
    """The last export of a study that was started from the page."""
    of_study = (job for job in site.jobs.all() if job.study == study)
    job = next((job for job in of_study if job.words[:1] == ("export",)), None)
    if job is None:
        return None
    output = site.jobs.output(job)
    verdicts = tuple(read_verdicts(output))
    return Exported(job, tuple(output.splitlines()), verdicts)

"""The pages that show: all studies, one study, one point, and comparisons."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.paths import read_regular
from dse.core.requirements import Requirement
from dse.serve.asked import Asked, complaint
from dse.serve.errors import NotFoundError
from dse.serve.looking._card import card, point_id
from dse.serve.looking._comparing import (
    FIELDS,
    CompareForm,
    compared,
    compared_csv,
    compared_picture,
    shown,
)
from dse.serve.looking._listing import describe, listing
from dse.serve.looking._study_page import PICTURE, TABLE, place_of, study_csv, study_page
from dse.serve.site import site_of
from dse.tasks import registry

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from dse.compare.comparison import Comparison, SystemOrder

WRONG = 422
MAX_PICTURE_BYTES = 1 << 25


def routes() -> list[Route]:
    """The routes of these pages.

    Raises:
        UnavailableError: Starlette is not installed.
    """
    try:
        from starlette.routing import Route
    except ImportError as error:
        raise Requirement("pages", ("starlette",), "serve").error(error) from error
    study = "/studies/{name}"
    return [
        Route("/", _all),
        Route("/compare", _compare),
        Route("/compare.csv", _compare_csv),
        Route("/compare.png", _compare_picture),
        Route(study, _study),
        Route(f"{study}/state", _state),
        Route(f"{study}/{TABLE}", _table),
        Route(f"{study}/{PICTURE}", _picture),
        Route(f"{study}/points/{{point}}", _point),
    ]


def _all(request: Request) -> Response:
    site = site_of(request)
    running = {
        job.study: job
        for job in reversed(site.jobs.all())
        if job.study and job.state in ("running", "stopping")
    }
    search = request.query_params.get("search", "")[:200]
    content = listing(site.library.stored(), running, search)
    return site.pages.page("studies", title="Studies", **content)


def _study(request: Request) -> Response:
    from starlette.responses import RedirectResponse, Response

    site, name = site_of(request), request.path_params["name"]
    if site.library.is_import(name):
        return RedirectResponse(f"/compare{CompareForm((name,)).query}")
    asked = Asked.of(request.query_params.getlist)
    try:
        with site.library.opened(name) as opened:
            page = study_page(opened, asked, site.pages)
    except RequestError as error:
        return _asked_again(request, asked, error)
    headers = {"Content-Security-Policy": page.policy}
    return Response(page.content, headers=headers, media_type="text/html")


def _asked_again(request: Request, asked: Asked, error: RequestError) -> Response:
    """The form of a study's page again, with what is wrong; other errors are those of the page."""
    problem = complaint(error)
    if problem is None:
        raise error
    name = request.path_params["name"]
    return site_of(request).pages.page(
        "study_asked",
        status=WRONG,
        title=f"{name}: what is asked for is wrong",
        place=place_of(name),
        values=asked.fields,
        problem=problem,
    )


def _state(request: Request) -> Response:
    """How far a study is, for a page that was made before."""
    from starlette.responses import JSONResponse

    with site_of(request).library.opened(request.path_params["name"]) as opened:
        count = len(opened.study.records)
        return JSONResponse({"mark": opened.mark, "configurations": count})


def _table(request: Request) -> Response:
    name, asked = request.path_params["name"], Asked.of(request.query_params.getlist)
    try:
        with site_of(request).library.opened(name) as opened:
            content = study_csv(opened, asked)
    except RequestError as error:
        return _asked_again(request, asked, error)
    return _csv(content, f"{name}.csv")


def _csv(content: bytes, name: str) -> Response:
    """A table to be kept.

    Args:
        content: the table.
        name: of the file; of letters, digits and ``._@+-``.
    """
    from starlette.responses import Response

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")


def _picture(request: Request) -> Response:
    folder = site_of(request).library.folder(request.path_params["name"])
    return _png(_read_picture(folder.picture))


def _read_picture(file: Path) -> bytes:
    """A picture that lies in a study's folder itself: a link may lead anywhere.

    Raises:
        NotFoundError: there is none.
    """
    try:
        if not file.is_symlink():
            return read_regular(file, MAX_PICTURE_BYTES)
    except OSError:
        pass
    raise NotFoundError("the study has no picture", remedy="`dse frontier` makes one")


def _png(content: bytes) -> Response:
    from starlette.responses import Response

    return Response(content, media_type="image/png")


def _point(request: Request) -> Response:
    site, name = site_of(request), request.path_params["name"]
    asked = Asked.of(request.query_params.getlist)
    id_ = point_id(request.path_params["point"])
    try:
        with site.library.opened(name) as opened:
            content = card(opened, id_, asked)
    except RequestError as error:
        return _asked_again(request, asked, error)
    return site.pages.page("point", **content)


def _compare(request: Request) -> Response:
    form, problem = CompareForm.of(request.query_params), None
    content = None
    if form.sources:
        try:
            content = shown(*compared(form, site_of(request).library))
        except NotFoundError:
            raise
        except RequestError as error:
            problem = _field_of(error)
    return _compare_page(request, form, content, problem)


def _field_of(error: RequestError) -> tuple[str, str]:
    """The field of the form that an error is about, and the line to show; "" for none."""
    told = f"{error.problem}; {error.remedy}" if error.remedy else error.problem
    if error.field in FIELDS:
        return FIELDS[error.field], told
    return complaint(error) or ("", str(error))


def _compare_page(
    request: Request,
    form: CompareForm,
    content: dict[str, Any] | None,
    problem: tuple[str, str] | None,
) -> Response:
    site = site_of(request)
    stored = [
        {"name": each.name, "words": describe(each)}
        for each in site.library.stored()
        if each.kind != "unreadable"
    ]
    return site.pages.page(
        "compare",
        status=WRONG if problem else 200,
        title="Compare",
        form=form,
        shown=content,
        problem=problem,
        stored=stored,
        criteria=content["criteria"] if content else [],
        tasks=registry.task_names(),
        pictures=find_spec("matplotlib") is not None,
    )


def _compared(request: Request) -> tuple[Comparison, SystemOrder | None]:
    """The comparison that an address asks for.

    Raises:
        RequestError: something is wrong with it.
    """
    form = CompareForm.of(request.query_params)
    if not form.sources:
        raise RequestError("nothing is chosen to be compared", remedy="choose it at /compare")
    return compared(form, site_of(request).library)


def _compare_csv(request: Request) -> Response:
    comparison, _ = _compared(request)
    return _csv(compared_csv(comparison), "compared.csv")


def _compare_picture(request: Request) -> Response:
    comparison, _ = _compared(request)
    return _png(compared_picture(comparison))

"""Everything that is served, as one application; who may have it is decided before."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from dse.core.errors import DseError, RequestError
from dse.serve.errors import NotFoundError
from dse.serve.site import site_of
from dse.serve.web.static_files import StaticFiles
from dse.study.storage import load_storages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from dse.serve.site import Site

SAFE = frozenset({"GET", "HEAD"})
TITLES = {
    404: ("Not found", "There is no page at this address."),
    405: ("Not possible", "This can't be done at this address."),
}
"""The titles and words of pages about what the routes refuse themselves."""


def make_app(site: Site, routes: Iterable[BaseRoute]) -> Starlette:
    """Makes the application.

    Args:
        site: what the pages work with.
        routes: the pages; of a site that is read only, those that change something are left out.
    """
    served = list(routes)
    if site.request.read_only:
        served = [safe for route in served if (safe := _safe(route)) is not None]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        threading.Thread(target=load_storages, daemon=True).start()
        yield
        site.changes.close()

    app = Starlette(
        lifespan=lifespan,
        routes=[Route("/static/{name}", StaticFiles().answer), *served],
        exception_handlers={
            HTTPException: _refuse,
            NotFoundError: _report_missing,
            RequestError: _report_request,
            DseError: _report_failure,
            Exception: _report_mistake,
        },
    )
    app.router.redirect_slashes = False
    app.state.site = site
    return app


def _safe(route: BaseRoute) -> BaseRoute | None:
    """A route without the methods that change something; None where no other is left."""
    if not isinstance(route, Route):
        return None
    methods = (route.methods or set()) & SAFE
    return (
        Route(route.path, route.endpoint, methods=[*methods], name=route.name) if methods else None
    )


def _refuse(request: Request, error: Exception) -> Response:
    """A page about what no route serves."""
    status, headers = 500, None
    if isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
    title, problem = TITLES.get(status, (HTTPStatus(status).phrase, "The request was refused."))
    return _page(request, status, title, problem, headers)


def _report_missing(request: Request, error: Exception) -> Response:
    return _page(request, 404, "Not found", str(error))


def _report_request(request: Request, error: Exception) -> Response:
    return _page(request, 400, "Wrong request", str(error))


def _report_failure(request: Request, error: Exception) -> Response:
    return _page(request, 500, "Failed", str(error))


def _report_mistake(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """A page about an error that nobody foresaw: the server's log has it, the page has not."""
    problem = "That is a mistake of this program; the terminal in which it runs shows more."
    return _page(request, 500, "Failed", problem)


def _page(
    request: Request,
    status: int,
    title: str,
    problem: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    pages = site_of(request).pages
    page = pages.page("error", status=status, title=title, problem=problem)
    page.headers.update(headers or {})
    return page

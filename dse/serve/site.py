"""What all pages have in common: the studies, the jobs, and how a page is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from starlette.requests import Request

    from dse.serve.jobs.jobs import Jobs
    from dse.serve.looking.library import Library
    from dse.serve.news.changes import Changes
    from dse.serve.pages import Pages
    from dse.serve.request import ServeRequest


@dataclass(frozen=True, slots=True)
class Site:
    """What the routes work with; see `site_of`.

    Attributes:
        request: what was asked for on the command line.
        library: the studies and imports, opened once and read again as they change.
        jobs: the commands that were started from the page.
        changes: tells browsers that something has changed.
        pages: makes the pages.
    """

    request: ServeRequest
    library: Library
    jobs: Jobs
    changes: Changes
    pages: Pages


def site_of(request: Request) -> Site:
    """What the pages work with."""
    return cast("Site", request.app.state.site)

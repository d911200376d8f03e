"""What ``dse serve`` does: puts the pages together and serves them."""

from __future__ import annotations

import os
import shlex
import socket
from typing import TYPE_CHECKING

from dse.commands.log import messages
from dse.commands.next_step import print_next
from dse.core.requirements import Requirement
from dse.serve.request import PORT
from dse.study.folder import STUDIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.serve.request import ServeRequest
    from dse.serve.site import Site

REQUIREMENT = Requirement("pages", ("jinja2", "starlette", "uvicorn"), "serve")
JOBS = STUDIES / ".jobs"


def run(request: ServeRequest, say: Callable[[str], None]) -> None:
    """Serves the pages until SIGINT or SIGTERM.

    Args:
        request: where, and to whom.
        say: writes a line of results.

    Raises:
        UnavailableError: libraries are missing.
        RequestError: it can't be served so.
        DseError: the place is in use or not allowed.
    """
    if not REQUIREMENT.met:
        raise REQUIREMENT.error()
    from dse.serve.app import make_app
    from dse.serve.exploring import pages as running
    from dse.serve.looking import pages as looking
    from dse.serve.submitting import pages as submitting
    from dse.serve.web.server import serve

    site = make_site(request)
    app = make_app(site, [*looking.routes(), *running.routes(), *submitting.routes()])

    def tell(address: str) -> None:
        say(address)
        print_next(_tunnel(request, address), "Ctrl-C ends the page, and nothing that it started")

    serve(app, request, tell, site.changes.close)
    if any(job.state in ("running", "stopping") for job in site.jobs.all()):
        from dse.commands.console import print_lines

        print_lines(["explorations go on; `dse serve` shows them again"], messages(), whole=True)


def make_site(request: ServeRequest) -> Site:
    """What the pages work with."""
    from dse.serve.jobs.jobs import Jobs
    from dse.serve.looking.library import Library
    from dse.serve.news.changes import Changes
    from dse.serve.pages import Pages
    from dse.serve.site import Site

    jobs = Jobs(JOBS)
    pages = Pages(read_only=request.read_only)
    return Site(request, Library(), jobs, Changes(jobs), pages)


def _tunnel(request: ServeRequest, address: str) -> str | None:
    """How the page is reached from another machine; None where nobody is known to be at one."""
    host = shlex.quote(socket.gethostname())
    if request.socket is not None:
        place = shlex.quote(f"{PORT}:{request.socket.absolute()}")
    elif os.environ.get("SSH_CONNECTION") and not request.secure:
        server = address.partition("://")[2].partition("/")[0]
        place = f"{server.rpartition(':')[2]}:{server}"
    else:
        return None
    return f"`ssh -L {place} {host}` on your own machine, and open the address there"

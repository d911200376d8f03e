"""The pages that show, as an application of their own; jobs and changes are told by the test."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import anyio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dse.core.errors import DseError, RequestError
from dse.serve.errors import NotFoundError
from dse.serve.looking.library import Library
from dse.serve.looking.pages import routes
from dse.serve.pages import Pages
from dse.serve.request import ServeRequest
from dse.serve.site import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from starlette.requests import Request

TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


@dataclass
class ToldJob:
    """A job as far as these pages ask for it."""

    id: str
    study: str
    state: str


@dataclass
class ToldJobs:
    """The jobs that a test wants there to be."""

    jobs: list[ToldJob] = field(default_factory=list)

    def all(self) -> list[ToldJob]:
        return self.jobs


class Told:
    """What the browser is told of the studies, as the test says it."""

    def __init__(self) -> None:
        self._events: list[str] = []
        self.open = True

    def tell(self, studies: dict[str, Any]) -> None:
        self._events.append(f"event: studies\ndata: {json.dumps(studies)}\n\n")

    async def stream(self) -> AsyncIterator[str]:
        sent = max(0, len(self._events) - 1)
        while self.open:
            for event in self._events[sent:]:
                yield event
            sent = len(self._events)
            await anyio.sleep(0.01)


def make_site(root: Path, jobs: list[ToldJob] | None = None, *, read_only: bool = False) -> Site:
    """The site of a folder of studies."""
    return Site(
        ServeRequest(read_only=read_only),
        Library(root),
        cast("Any", ToldJobs(jobs or [])),
        cast("Any", None),
        Pages(read_only=read_only),
    )


def make_looking_app(site: Site, told: Told | None = None) -> Starlette:
    """An application with these pages, and files of the browser."""
    told = told or Told()

    def answer_events(_: Request) -> Response:
        return StreamingResponse(told.stream(), media_type="text/event-stream")

    def answer_file(request: Request) -> Response:
        name = request.path_params["name"]
        file = files("dse.serve").joinpath("static", name)
        content = file.read_bytes() if file.is_file() else b""
        return Response(content, media_type=TYPES[name.rpartition(".")[2]])

    app = Starlette(
        routes=[
            *routes(),
            Route("/events", answer_events),
            Route("/static/{name}", answer_file),
        ],
        exception_handlers={
            NotFoundError: lambda _, error: PlainTextResponse(str(error), 404),
            RequestError: lambda _, error: PlainTextResponse(str(error), 400),
            DseError: lambda _, error: PlainTextResponse(str(error), 500),
        },
    )
    app.router.redirect_slashes = False
    app.state.site = site
    return app


def client(site: Site) -> TestClient:
    """A client of these pages."""
    return TestClient(make_looking_app(site))


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serves an application for the block; yields its address."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()

"""The pages of a submission alone, on studies in the working folder, with commands that run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, cast

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from dse.core.errors import DseError, RequestError
from dse.core.wording import format_command
from dse.serve.errors import NotFoundError
from dse.serve.looking.library import Library
from dse.serve.pages import Pages
from dse.serve.request import ServeRequest
from dse.serve.site import Site
from dse.serve.submitting import pages as submitting
from tests.commandline import start

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from starlette.requests import Request


@dataclass(frozen=True)
class Answer:
    """What a command printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Job:
    """A command that was started."""

    id: str
    words: tuple[str, ...]
    study: str
    state: str
    output: str = ""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def command(self) -> str:
        """As a user would type it."""
        return format_command(self.words)


class Jobs:
    """Runs commands to their end; those that are `held` are only noted, as if they still ran."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.asked: list[tuple[str, ...]] = []
        self.held = False

    def start(self, words: Sequence[str], study: str = "") -> Job:
        """Starts a command."""
        if any(job.study == study and job.state == "running" for job in self.jobs):
            raise RequestError("a command still runs", field=study, remedy="stop it first")
        job = Job(f"20261129-1902{len(self.jobs):02}-4f3a", tuple(words), study, "running")
        if not self.held:
            answer = _run(words)
            state = "failed" if answer.code else "done"
            job = replace(job, state=state, output=answer.out + answer.err)
        self.jobs.insert(0, job)
        return job

    def start_once(self, words: Sequence[str], study: str) -> Job:
        """The same; a command that runs already is that command."""
        same = (job for job in self.jobs if job.words == tuple(words) and job.state == "running")
        return next(same, None) or self.start(words, study)

    def all(self) -> list[Job]:
        """The newest first."""
        return self.jobs

    def output(self, job: Job, most_bytes: int = 1 << 16) -> str:
        """What a command printed."""
        return job.output[-most_bytes:]

    def ask(self, words: Sequence[str], timeout_s: float = 60.0) -> Answer:
        """Runs a short command."""
        assert timeout_s > 0
        self.asked.append(tuple(words))
        return _run(words)


def _run(words: Sequence[str]) -> Answer:
    with start(*words) as process:
        out, err = process.communicate()
        return Answer(process.wait(), out, err)


class Browser:
    """Opens pages and sends forms.

    Args:
        checker: a clone of MLPerf's checkers.
        read_only: whether nothing can be started.
    """

    def __init__(self, checker: Path | None = None, *, read_only: bool = False) -> None:
        self.jobs = Jobs()
        handlers: Any = {NotFoundError: _told(404), RequestError: _told(400), DseError: _told(500)}
        app = Starlette(routes=submitting.routes(), exception_handlers=handlers)
        site: Any = (Library(), self.jobs, None, Pages(read_only=read_only))
        app.state.site = Site(ServeRequest(checker=checker, read_only=read_only), *site)
        self.client = TestClient(app, follow_redirects=False)

    def get(self, path: str, status: int = 200, /, **query: str | list[str]) -> Page:
        """A page, by its address below ``/studies``."""
        return Page.of(self.client.get(f"/studies/{path}", params=query or None), status)

    def post(self, path: str, status: int = 303, /, **form: str | list[str]) -> Page:
        """Sends a form."""
        return Page.of(self.client.post(f"/studies/{path}", data=form), status)

    def upload(self, path: str, content: bytes, status: int = 200) -> Page:
        """Sends a file."""
        file = {"file": ("system_desc.json", content, "application/json")}
        return Page.of(self.client.post(f"/studies/{path}", files=file), status)


def _told(status: int) -> Any:
    def tell(request: Request, error: Exception) -> PlainTextResponse:
        del request
        return PlainTextResponse(str(error), status)

    return tell


class Page(HTMLParser):
    """What a page shows.

    Attributes:
        text: the words, a blank between them.
        values: of its fields, and of its boxes that are checked, by their names.
        boxes: all boxes, by their names.
        links: the addresses that it leads to.
        tags: the names of all elements.
        location: where a redirection leads; empty for a page.
    """

    def __init__(self) -> None:
        super().__init__()
        self.text = self.location = ""
        self.values: dict[str, list[str]] = {}
        self.boxes: dict[str, list[str]] = {}
        self.links: list[str] = []
        self.tags: list[str] = []
        self._select = ""

    @classmethod
    def of(cls, response: Any, status: int) -> Page:
        """Reads a response, which has to have this status."""
        assert response.status_code == status, response.text
        page = cls()
        page.location = response.headers.get("location", "")
        page.feed(response.text)
        page.text = " ".join(page.text.split())
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes fields and links."""
        found = dict(attrs)
        self.tags.append(tag)
        self.links += [cast("str", found["href"])] if "href" in found else []
        name, value = found.get("name") or "", found.get("value") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in found:
            self.values.setdefault(self._select, []).append(value)
        elif tag == "input" and found.get("type") == "checkbox":
            self.boxes.setdefault(name, []).append(value)
            if "checked" in found:
                self.values.setdefault(name, []).append(value)
        elif tag == "input":
            self.values.setdefault(name, []).append(value)

    def handle_data(self, data: str) -> None:
        """Notes words."""
        self.text += f"{data} "

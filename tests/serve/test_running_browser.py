"""The scripts of the pages of explorations, in a real browser where there is one."""

from __future__ import annotations

import mimetypes
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import dse.serve
from dse.serve.exploring.pages import routes
from dse.serve.jobs.jobs import Jobs
from dse.serve.looking.library import Library
from dse.serve.news.changes import Changes
from dse.serve.pages import Pages
from dse.serve.request import ServeRequest
from dse.serve.site import Site
from tests.commandline import PATIENCE_S, here, start, tmp_path
from tests.replays import write_space
from tests.report.browser import browsing, complaints, find, texts, wait_until
from tests.serve.test_jobs import NULL, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selenium.webdriver.chrome.webdriver import WebDriver
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["here", "tmp_path"]

STATIC = Path(dse.serve.__file__).parent / "static"
ONE = "return document.querySelector('[data-progress]')?.value >= 1"


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    with browsing() as driver:
        yield driver


class Server:
    """The pages at a port, until they are stopped."""

    def __init__(self) -> None:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.responses import Response
        from starlette.routing import Route

        def static(request: Request) -> Response:
            file = STATIC / request.path_params["name"]
            kind = mimetypes.guess_type(file.name)[0]
            return Response(file.read_bytes() if file.is_file() else b"", media_type=kind)

        jobs = Jobs(Path("studies/.jobs"))
        self.changes = Changes(jobs)
        library: Any = Library()
        app = Starlette(routes=[*routes(), Route("/static/{name}", static)])
        pages = Pages(read_only=False)
        app.state.site = Site(ServeRequest(), library, jobs, self.changes, pages)
        settings = uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        assert eventually(lambda: self._server.started)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.place = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self.changes.close()
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@pytest.fixture
def server(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    pytest.importorskip("uvicorn")
    (here / "search_spaces").mkdir()
    delays = {"null": {"delay_ms": [1.0, 2.0, 3.0, 4.0]}}
    write_space(here / "search_spaces", "space", backends=delays, **NULL)

    def ask(_jobs: Jobs, words: Sequence[str], timeout_s: float = 60.0) -> Any:
        with start(*words) as process:
            out, err = process.communicate(timeout_s)
            return type("Answer", (), {"code": process.wait(), "out": out, "err": err})

    monkeypatch.setattr(Jobs, "ask", ask)
    made = Server()
    yield made
    made.stop()


def visit(browser: WebDriver, place: str) -> None:
    browser.get("about:blank")
    browser.get(place)
    wait_until(browser, "return document.documentElement.dataset.ready === 'yes'")


def shown(browser: WebDriver, selector: str) -> list[str]:
    """The first words of what is seen."""
    return [text.split()[0] for text in texts(browser, selector) if text]


def test_the_form_shows_what_belongs_to_what_is_chosen(browser: WebDriver, server: Server) -> None:
    complaints(browser)
    visit(browser, f"{server.place}/new")
    assert shown(browser, "legend") == ["Space", "Spaces", "Study", "Time"]
    find(browser, "input[name=source][value=form]").click()
    assert "image-classification:" in shown(browser, "legend")
    assert "question-answering:" not in shown(browser, "legend")
    find(browser, "[data-group] button").click()
    chosen = "return document.querySelectorAll('input[name=model]:checked:enabled').length"
    assert browser.execute_script(chosen) > 3
    for option in browser.find_elements("css selector", "#f-task option"):
        if option.text == "question-answering":
            option.click()
    assert "question-answering:" in shown(browser, "legend")
    assert browser.execute_script(chosen) == 0
    find(browser, "input[name=source][value=yaml]").click()
    assert shown(browser, "legend") == ["Space", "YAML", "Study", "Time"]
    assert complaints(browser) == []


def test_a_page_follows_an_exploration(browser: WebDriver, server: Server) -> None:
    complaints(browser)
    visit(browser, f"{server.place}/new?space=space&settle=0")
    find(browser, "form#new > p > button").click()
    wait_until(browser, "return !!document.querySelector('#plan button')")
    assert "study 'space': 4 configurations, new" in find(browser, "#plan pre").text
    find(browser, "#plan button").click()
    wait_until(browser, "return location.pathname === '/studies/space/run'")
    wait_until(browser, ONE)
    assert find(browser, "[data-text=state]").text == "running"
    assert texts(browser, "[data-table=frontier] a")
    buttons = [b for b in browser.find_elements("css selector", "main button") if b.is_displayed()]
    assert [button.text for button in buttons] == ["Stop"]
    buttons[0].click()
    wait_until(
        browser,
        "return document.querySelector('[data-text=state]')?.textContent === "
        "'stopped; it can go on' && !document.querySelector('[data-show=idle]').hidden",
    )
    assert find(browser, "#lost").text == ""
    # What is shown already is not made again.
    cell = find(browser, "[data-table=frontier] a")
    asked = "return performance.getEntriesByType('resource').filter(e => e.name.endsWith('/state'))"
    before = len(browser.execute_script(asked))
    Path("studies/.jobs/other.json").write_text("{}")
    Path("studies/.jobs/other.json").rename("studies/.jobs/moved.json")
    Path("studies/space/runs/9-000000-1").mkdir()
    wait_until(browser, f"{asked}.length > {before}")
    assert cell.text.startswith("#")
    assert complaints(browser) == []


def test_a_page_says_that_its_connection_is_lost(browser: WebDriver, server: Server) -> None:
    visit(browser, f"{server.place}/jobs")
    wait_until(
        browser, "return performance.getEntriesByName(location.origin + '/jobs/state').length"
    )
    assert find(browser, "#lost").text == ""
    server.stop()
    wait_until(
        browser, "return document.getElementById('lost').textContent.startsWith('Connection')"
    )

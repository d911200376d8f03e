"""What is served, without a server: pages about errors, static files, what read-only leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from dse.serve.app import make_app
from dse.serve.request import ServeRequest
from tests.serve.serving import make_site, routes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = make_app(make_site(ServeRequest()), routes())
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nothing", 404, "There is no page at this address."),
        ("/names/", 404, "There is no page at this address."),
        ("/missing", 404, "there is no study &lt;b&gt;"),
        ("/wrong", 400, "threads: bad; write 1"),
        ("/broken", 500, "the disk is full"),
        ("/mistake", 500, "a mistake of this program"),
        ("/echo", 405, "This can&#39;t be done at this address."),
        ("/static/nothing.css", 404, "there is no such file"),
    ],
)
def test_an_error_is_a_page_with_one_line(
    client: TestClient, path: str, status: int, words: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert words in answer.text
    assert "<nav" in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "inner words" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.text.count('role="alert"') == 1


def test_the_methods_that_are_possible_are_told(client: TestClient) -> None:
    assert client.get("/echo").headers["allow"] == "POST"


def test_a_slash_at_the_end_is_another_address(client: TestClient) -> None:
    assert client.get("/wrong/").status_code == 404


@pytest.mark.parametrize(
    ("name", "kind"), [("style.css", "text/css; charset=utf-8"), ("icon.svg", "image/svg+xml")]
)
def test_static_files(client: TestClient, name: str, kind: str) -> None:
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert "no-cache" in answer.headers["cache-control"]
    again = client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(f"/static/{name}", headers={"If-None-Match": '"other"'})
    assert other.content == answer.content
    assert client.post(f"/static/{name}").status_code == 405


def test_the_pages_load_only_what_is_there(client: TestClient) -> None:
    page = client.get("/nothing").text
    for name in ("style.css", "icon.svg"):
        assert f'"/static/{name}"' in page


def test_styles_load_nothing_from_elsewhere(client: TestClient) -> None:
    style = "".join(client.get(f"/static/{name}.css").text for name in ("base", "style"))
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style


def test_read_only_leaves_out_what_changes_something() -> None:
    app = make_app(make_site(ServeRequest(read_only=True)), routes())
    with TestClient(app) as client:
        assert client.post("/echo").status_code == 404
        assert client.post("/both").status_code == 405
        assert client.get("/both").status_code == 200
        assert client.get("/nothing").text.count("/new") == 0


def test_the_end_is_told_to_what_waits() -> None:
    site = make_site(ServeRequest())
    with TestClient(make_app(site, routes())):
        assert not site.changes.closed  # type: ignore[attr-defined]
    assert site.changes.closed  # type: ignore[attr-defined]

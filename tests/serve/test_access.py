"""Hostile requests, sent byte by byte to a server in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.serve.web._access import ALWAYS
from tests.serve.serving import Served, serving

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "A" * 43
SAME = "Sec-Fetch-Site: same-origin"


def test_the_token_in_the_address_becomes_a_cookie(served: Served) -> None:
    answer = served.get(f"/names/a%20b?x=1&token={served.token}&y=%26")
    assert answer.status == 303
    assert answer.headers["location"] == "/names/a%20b?x=1&y=%26"
    name, *rest = answer.headers["set-cookie"].split("; ")
    assert name == f"dse-{served.port}={served.token}"
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(rest)
    assert "Secure" not in rest
    page = served.get("/", f"Cookie: other=1; {name}; more=2")
    assert (page.status, page.text) == (200, "hello 0")


@pytest.mark.parametrize("target", ["//evil.example/", "/\\evil.example", "///evil.example"])
def test_the_way_on_stays_at_this_server(served: Served, target: str) -> None:
    answer = served.get(f"{target}?token={served.token}")
    assert answer.status == 303
    assert answer.headers["location"].startswith("/")
    assert not answer.headers["location"].startswith(("//", "/\\"))


def test_no_line_end_gets_into_the_headers(served: Served) -> None:
    answer = served.get(f"/a%0d%0aX-Mine:%201?token={served.token}")
    assert answer.status == 303
    assert "x-mine" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [f"Authorization: Bearer {OTHER}"],
        ["Authorization: Bearer"],
        ["Authorization: Bearer \xe9\xff"],
        ["Authorization: Basic {token}"],
        ["Cookie: dse={token}"],
        ["Cookie: dse-{port}=" + OTHER],
        ["Cookie: dse-1={token}"],  # of another server
        ["Cookie: dse-{port}="],
        ["Cookie: =;;=;dse-{port}"],
        ["X-Token: {token}"],
    ],
)
@pytest.mark.parametrize("target", ["/", "/stream", "/static/style.css", "/names/x", "/nothing"])
def test_nothing_is_open_without_the_token(served: Served, target: str, headers: list[str]) -> None:
    told = [each.format(token=served.token, port=served.port) for each in headers]
    answer = served.get(target, *told)
    assert answer.status == 403
    assert "<code>dse serve</code> printed" in answer.text
    assert served.token not in answer.content.decode("latin-1")
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("word", ["", OTHER, "\xe9", "%ff", "%00", "None"])
def test_a_wrong_token_in_the_address_opens_nothing(served: Served, word: str) -> None:
    answer = served.send(
        f"GET /?token={word} HTTP/1.1\r\nHost: {served.host}\r\nConnection: close\r\n\r\n".encode(
            "latin-1"
        )
    )
    assert answer.status in (400, 403)  # 400: no character of an address
    assert "set-cookie" not in answer.headers


def test_a_wrong_token_does_not_shut_out_who_is_in(served: Served) -> None:
    assert served.get(f"/?token={OTHER}", served.cookie).status == 200


@pytest.mark.parametrize("target", ["/echo", "/echo?token={token}"])
def test_a_token_in_a_post_opens_nothing(served: Served, target: str) -> None:
    body = f"token={served.token}".encode()
    answer = served.ask("POST", target.format(token=served.token), SAME, body=body)
    assert answer.status == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["{cookie}", SAME], 200),
        (["{cookie}", "Origin: http://{host}"], 200),
        (["{cookie}", SAME, "Origin: null"], 200),  # so do forms of pages without referrer
        (["{bearer}"], 200),
        (["{bearer}", "Origin: http://{host}"], 200),
        (["{cookie}"], 403),
        (["{cookie}", "Origin: null"], 403),
        (["{cookie}", "Origin: http://evil.example"], 403),
        (["{cookie}", "Origin: https://{host}"], 403),
        (["{cookie}", "Origin: http://localhost:1"], 403),
        (["{cookie}", "Origin: http://{host}.evil.example"], 403),
        (["{cookie}", "Sec-Fetch-Site: cross-site"], 403),
        (["{cookie}", "Sec-Fetch-Site: same-site"], 403),
        (["{cookie}", "Sec-Fetch-Site: none"], 403),
        (["{cookie}", "Sec-Fetch-Site: same-origin, cross-site"], 403),
        (["{cookie}", SAME, "Sec-Fetch-Site: cross-site"], 403),
        (["{cookie}", "Sec-Fetch-Site: cross-site", "Origin: http://{host}"], 403),
        (["{bearer}", "Origin: http://evil.example"], 403),
        (["{bearer}", "Sec-Fetch-Site: cross-site"], 403),
    ],
)
def test_only_our_own_pages_and_programs_change_something(
    served: Served, headers: list[str], status: int
) -> None:
    values = {"cookie": served.cookie, "bearer": served.bearer, "host": served.host}
    told = [each.format(**values) for each in headers]
    answer = served.ask("POST", "/echo", *told, body=b"four")
    assert (answer.status, answer.text == "4") == (status, status == 200)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "ANY"])
def test_other_methods_count_as_changes(served: Served, method: str) -> None:
    assert served.ask(method, "/", served.cookie).status == 403
    assert served.ask(method, "/", served.cookie, SAME).status == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_another_page_may_lead_to_us_and_no_more(served: Served, site: str) -> None:
    told = (served.cookie, f"Sec-Fetch-Site: {site}")
    assert served.get("/stream", *told, "Sec-Fetch-Mode: cors").status == 403
    assert served.get("/static/style.css", *told, "Sec-Fetch-Mode: no-cors").status == 403
    assert served.get("/", *told, "Sec-Fetch-Mode: navigate").status == 200


def test_there_are_no_answers_for_other_origins(served: Served) -> None:
    for method in ("GET", "OPTIONS"):
        answer = served.ask(
            method,
            "/",
            served.cookie,
            "Origin: http://evil.example",
            "Access-Control-Request-Method: POST",
        )
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",  # its name server points to 127.0.0.1
        "evil.example",
        "localhost",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.2:{port}",
        "0.0.0.0:{port}",
        "localhost.:{port}",
        "localhost.evil.example:{port}",
        "localhost:{port}.evil.example",
        "me@localhost:{port}",
        "localhost:{port},evil.example",
        "localhost:0{port}0",
        "[::ffff:127.0.0.1]:{port}",
        "",
        "<script>",
    ],
)
def test_other_names_are_refused_before_all_else(served: Served, host: str) -> None:
    told = host.format(port=served.port)
    for target in ("/", f"/?token={served.token}"):
        answer = served.ask("GET", target, served.bearer, served.cookie, host=told)
        assert answer.status == 421
        assert "set-cookie" not in answer.headers
        assert "ssh -L" in answer.text
        assert "<script>" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
def test_all_names_of_this_machine_are_right(served: Served, host: str) -> None:
    answer = served.ask("GET", "/", served.cookie, host=f"{host}:{served.port}")
    assert answer.status == 200


def test_a_refused_name_is_told_the_remedy(served: Served) -> None:
    answer = served.ask("GET", "/", host="localhost:9000")
    assert "dse serve --allow-host localhost:9000" in answer.text


def test_two_hosts_or_none(served: Served) -> None:
    two = f"GET / HTTP/1.1\r\nHost: {served.host}\r\nHost: evil.example\r\n\r\n"
    assert served.send(two.encode()).status == 400
    assert served.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").status == 400
    assert served.send(f"GET / HTTP/1.0\r\n{served.bearer}\r\n\r\n".encode()).status == 421


def test_a_whole_address_is_no_way_around(served: Served) -> None:
    for target in (f"http://{served.host}/", "http://evil.example/", "*", "evil.example:80"):
        assert served.get(target, served.cookie).status in (400, 404)
        assert served.ask("GET", target, served.cookie, host="evil.example").status in (400, 421)


@pytest.mark.parametrize(
    ("target", "status"),
    [("/", 200), ("/static/style.css", 200), ("/nothing", 404), ("/mistake", 500), ("/echo", 405)],
)
def test_every_answer_tells_the_browser_to_be_strict(
    served: Served, target: str, status: int
) -> None:
    for headers in ([served.cookie], []):
        answer = served.get(target, *headers)
        assert answer.status == (status if headers else 403)
        found = answer.headers
        assert {name.decode(): value.decode() for name, value in ALWAYS}.items() <= found.items()
        assert "default-src 'none'" in found["content-security-policy"]
        assert "frame-ancestors 'none'" in found["content-security-policy"]
        assert found["cache-control"] in ("no-store", "private, no-cache")
        assert "server" not in found


def test_further_names(here: Path) -> None:
    with serving(here, allow_host=["box.example", "localhost:9000"]) as served:
        for host in ("box.example", "box.example:81", "localhost:9000", served.host):
            port = host.partition(":")[2] or "80"
            cookie = f"Cookie: dse-{port}={served.token}"
            assert served.ask("GET", "/", cookie, host=host).status == 200
        for host in ("localhost:9001", "localhost", "x.box.example"):
            assert served.ask("GET", "/", served.bearer, host=host).status == 421


def test_cookies_are_of_the_port_that_the_browser_sees(here: Path) -> None:
    """Two machines behind one: tunnels from two ports of ``localhost`` to the same of both."""
    with serving(here, allow_host=["localhost:9000"]) as served:
        answer = served.ask("GET", f"/?token={served.token}", host="localhost:9000")
        assert answer.headers["set-cookie"].startswith("dse-9000=")


def test_read_only_has_nothing_that_changes(here: Path) -> None:
    with serving(here, read_only=True) as served:
        assert served.get("/", served.cookie).status == 200
        assert served.get("/both", served.cookie).status == 200
        for target, status in (("/echo", 404), ("/both", 405), ("/", 405)):
            for headers in ((served.cookie, SAME), (served.bearer,)):
                answer = served.ask("POST", target, *headers, body=b"x")
                assert answer.status == status


@pytest.mark.parametrize(
    "name",
    [
        "../server.py",
        "..%2fserver.py",
        "%2e%2e/server.py",
        "..%5cserver.py",
        "%2e%2e%2f%2e%2e%2fpyproject.toml",
        "....//server.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "style.css/..",
        "style.css%00",
        "style.css%00.js",
        "STYLE.CSS",
        "style.css.",
        ".",
        "..",
        "",
        "__init__.py",
        "C:%5cwindows",
        "%ff%fe",
        "a" * 5000,
    ],
)
def test_no_other_file_is_served(served: Served, name: str) -> None:
    answer = served.get(f"/static/{name}", served.cookie)
    assert answer.status == 404
    assert "import" not in answer.text
    assert "root:" not in answer.text


def test_names_in_pages_are_escaped(served: Served) -> None:
    answer = served.get("/missing", served.cookie)
    assert "&lt;b&gt;" in answer.text
    assert "<b>" not in answer.text

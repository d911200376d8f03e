"""Bodies that are too large, too slow, or no bodies at all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from dse.serve.web._limits import MAX_BODY_BYTES
from tests.serve.serving import PATIENCE_S, Answer, Served, read_all, serving

if TYPE_CHECKING:
    import socket
    from pathlib import Path

LARGE = b"x" * (10 << 20)
CHUNKED = "Transfer-Encoding: chunked"


def chunks(content: bytes, size: int = 1 << 16) -> bytes:
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 1000, MAX_BODY_BYTES])
def test_a_body_arrives_in_one_piece(served: Served, size: int) -> None:
    body = b"x" * size
    assert served.ask("POST", "/echo", served.bearer, body=body).text == str(size)
    answer = served.ask("POST", "/echo", served.bearer, CHUNKED, body=chunks(body, 1000))
    assert answer.text == str(size)


def test_a_request_without_a_body(served: Served) -> None:
    assert served.ask("POST", "/echo", served.bearer).text == "0"
    assert served.ask("POST", "/echo", served.bearer, "Content-Length: 0").text == "0"


def test_a_body_that_is_too_large_is_not_read(served: Served) -> None:
    for headers, body in (
        ([], LARGE),
        ([], b"x" * (MAX_BODY_BYTES + 1)),
        ([CHUNKED], chunks(LARGE)),
        ([CHUNKED], b"%x\r\n" % len(LARGE) + LARGE),
    ):
        answer = served.ask("POST", "/echo", served.bearer, *headers, body=body)
        assert answer.status == 413
        assert "1 MiB" in answer.text
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("length", [MAX_BODY_BYTES + 1, 10**12, 10**19])
def test_a_length_is_believed_before_anything_comes(served: Served, length: int) -> None:
    """A client that asks whether it may go on, as curl does, is not told to."""
    told = (f"Content-Length: {length}", "Expect: 100-continue")
    answer = served.ask("POST", "/echo", served.bearer, *told)
    assert answer.status == 413


def test_strangers_are_refused_before_their_body(served: Served) -> None:
    for headers in ([], [CHUNKED]):
        body = chunks(LARGE) if headers else LARGE
        assert served.ask("POST", "/echo", *headers, body=body).status == 403
    foreign = (served.cookie, "Origin: http://evil.example")
    assert served.ask("POST", "/echo", *foreign, body=LARGE).status == 403


def test_a_body_of_a_page_that_takes_none(served: Served) -> None:
    assert served.ask("GET", "/", served.cookie, body=b"x" * 1000).status == 200
    assert served.ask("GET", "/", served.cookie, body=LARGE).status == 413


@pytest.mark.parametrize("headers", [["Content-Length: 100"], [CHUNKED]])
def test_a_body_that_stays_away(here: Path, headers: list[str]) -> None:
    with serving(here, body_s=0.2) as served, served.connect() as opened:
        opened.sendall(head(served, *headers) + b"5\r\n")
        answer = Answer(read_all(opened))
        assert answer.status == 408
        assert "nothing was done" in answer.text


def test_a_body_that_comes_drop_by_drop(here: Path) -> None:
    with serving(here, body_s=0.5) as served, served.connect() as opened:
        opened.sendall(head(served, f"Content-Length: {MAX_BODY_BYTES}"))
        opened.settimeout(0.05)
        assert drip(opened, b"x").status == 408


def test_who_goes_away_in_the_middle_harms_nobody(served: Served) -> None:
    for part in (b"", b"5\r\n", b"x" * 50):
        with served.connect() as opened:
            opened.sendall(head(served, "Content-Length: 100") + part)
    assert served.get("/", served.cookie).status == 200


def head(served: Served, *headers: str) -> bytes:
    lines = ["POST /echo HTTP/1.1", f"Host: {served.host}", served.bearer, *headers, "", ""]
    return "\r\n".join(lines).encode()


def drip(opened: socket.socket, drop: bytes) -> Answer:
    """Sends a drop again and again until there is an answer."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            opened.sendall(drop)
            if found := opened.recv(1 << 16):
                opened.settimeout(PATIENCE_S)
                return Answer(found + read_all(opened))
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            break
        break
    return Answer(b"")


@pytest.mark.parametrize(
    "content",
    [
        b"\r\n\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: {host}\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\n: empty\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nA b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nA: \0\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: x\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nCookie: " + b"x" * (1 << 18),
        b"GET /" + b"x" * (1 << 18),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        bytes(range(256)) * 100,
    ],
)
def test_what_is_no_request_gets_an_error(served: Served, content: bytes) -> None:
    answer = served.send(content.replace(b"{host}", served.host.encode()))
    assert answer.status in (0, 400, 403, 421, 501)
    assert b"Traceback" not in answer.content
    assert served.get("/", served.cookie).status == 200


def test_chunks_that_are_none(served: Served) -> None:
    for body in (b"zz\r\n", b"-1\r\n", b"5\r\nabc\r\n", b"ffffffffffffffffffffff\r\n", b"\r\n"):
        with served.connect() as opened:
            opened.sendall(head(served, CHUNKED) + body)
            opened.shutdown(1)
            assert Answer(read_all(opened)).status in (0, 400)
    assert served.get("/", served.cookie).status == 200


def test_a_length_and_chunks_at_once(served: Served) -> None:
    """No second request may hide in the body of the first."""
    hidden = f"GET /names/hidden HTTP/1.1\r\nHost: {served.host}\r\n{served.bearer}\r\n\r\n"
    body = b"0\r\n\r\n" + hidden.encode()
    answer = served.ask(
        "POST", "/echo", served.bearer, CHUNKED, f"Content-Length: {len(body)}", body=body
    )
    assert answer.status in (200, 400)
    assert not answer.text.endswith("hidden")

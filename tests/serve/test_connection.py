"""Connections that only wait, and how many there may be."""

from __future__ import annotations

import resource
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from dse.serve.web._connection import MAX_CONNECTIONS
from tests.serve.serving import PATIENCE_S, Answer, Served, read_all, serving

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

MANY = 1000


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may have as many connections as the tests need."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY + 500
    if before[1] != resource.RLIM_INFINITY and before[1] < wanted:
        pytest.skip("not enough files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], wanted), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("part", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nA: b"])
def test_a_head_that_stays_away_ends_the_connection(here: Path, part: bytes) -> None:
    with serving(here, request_s=0.2) as served, served.connect() as opened:
        opened.sendall(part)
        assert read_all(opened) == b""


def test_a_head_that_comes_drop_by_drop(here: Path) -> None:
    with serving(here, request_s=0.5) as served, served.connect() as opened:
        opened.sendall(f"GET / HTTP/1.1\r\nHost: {served.host}\r\nA: ".encode())
        assert _ends_while_dripping(opened)


def test_waiting_for_a_second_request_is_no_way_around(here: Path) -> None:
    with serving(here, request_s=0.5) as served, served.connect() as opened:
        opened.sendall(f"GET / HTTP/1.1\r\nHost: {served.host}\r\n{served.cookie}\r\n\r\n".encode())
        assert opened.recv(1 << 16)
        assert _ends_while_dripping(opened)


def test_a_body_after_its_answer_is_no_way_around(here: Path) -> None:
    with serving(here, request_s=0.5) as served, served.connect() as opened:
        head = f"POST /echo HTTP/1.1\r\nHost: {served.host}\r\nContent-Length: 1000000\r\n\r\n"
        opened.sendall(head.encode())
        assert opened.recv(1 << 16).startswith(b"HTTP/1.1 403")
        assert _ends_while_dripping(opened)


def _ends_while_dripping(opened: socket.socket) -> bool:
    """Whether the server ends a connection over which a byte comes now and then."""
    opened.settimeout(0.05)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            opened.sendall(b"x")
            if not opened.recv(1 << 16):
                return True
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return True
    return False


def test_a_stream_goes_on_for_longer_than_a_request_may_wait(here: Path) -> None:
    with serving(here, request_s=0.2, body_s=0.2) as served, served.connect() as opened:
        opened.sendall(_asking(served, "/stream"))
        assert b"data: begun" in _read_until(opened, b"begun\n\n")
        opened.settimeout(1.0)
        with pytest.raises(TimeoutError):
            opened.recv(1)


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("part", [b"", b"GET / HTTP/1.1\r\nHost: "])
def test_a_thousand_idle_connections_keep_nobody_out(here: Path, part: bytes) -> None:
    with serving(here) as served, ExitStack() as stack:
        stream = stack.enter_context(served.connect())
        stream.sendall(_asking(served, "/stream"))
        _read_until(stream, b"begun\n\n")
        for _ in range(MANY):
            idle = stack.enter_context(served.connect())
            idle.sendall(part)
        for _ in range(3):
            assert served.get("/", served.cookie).status == 200
        stream.settimeout(0.2)
        with pytest.raises(TimeoutError):  # who is served is not ended for those who wait
            stream.recv(1)


@pytest.mark.usefixtures("many_files")
def test_too_many_streams_are_refused_in_one_line(here: Path) -> None:
    with serving(here) as served, ExitStack() as stack:
        answers = []
        for _ in range(2 * MAX_CONNECTIONS + 5):
            stream = stack.enter_context(served.connect())
            stream.sendall(_asking(served, "/stream"))
            answers.append(Answer(_read_until(stream, b"\n")).status)
        assert set(answers) == {200, 503}
        assert answers.index(503) >= MAX_CONNECTIONS


def test_requests_in_a_row_and_at_once(served: Served) -> None:
    with served.connect() as opened:
        opened.sendall(_asking(served, "/names/a") + _asking(served, "/names/b"))
        assert _read_until(opened, b"\r\n\r\na").count(b"200 OK") >= 1
        opened.sendall(_asking(served, "/names/c", "Connection: close"))
        rest = read_all(opened)
        assert rest.endswith(b"c")


def _asking(served: Served, target: str, *headers: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", f"Host: {served.host}", served.cookie, *headers, "", ""]
    return "\r\n".join(lines).encode()


def _read_until(opened: socket.socket, words: bytes) -> bytes:
    found = b""
    while words not in found:
        more = opened.recv(1 << 16)
        if not more:
            break
        found += more
    return found

"""A server of small routes as a process of its own, and a client that sends what it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from dse.core.errors import DseError, RequestError
from dse.serve.app import make_app
from dse.serve.errors import NotFoundError
from dse.serve.pages import POLICY, Pages
from dse.serve.request import ServeRequest
from dse.serve.site import Site, site_of
from dse.serve.web import _connection, server
from dse.serve.web._limits import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from starlette.requests import Request

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
PATHS = ("socket", "certificate", "key")


class NoChanges:
    """Stands for what tells of changes: this server has none."""

    closed = False

    def close(self) -> None:
        self.closed = True


def make_site(request: ServeRequest) -> Site:
    """A site whose routes need nothing of the studies."""
    nothing = cast("Any", None)
    changes = cast("Any", NoChanges())
    return Site(request, nothing, nothing, changes, Pages(read_only=request.read_only))


async def _events() -> AsyncIterator[bytes]:
    yield b"data: begun\n\n"
    await asyncio.Event().wait()


def _hello(request: Request) -> Response:
    return HTMLResponse(f"hello {site_of(request).request.port}")


def _form(request: Request) -> Response:  # noqa: ARG001
    page = "<form method='post' action='/echo'><input name='a' value='b'><button>go</button></form>"
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


async def _echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def _named(request: Request) -> Response:
    return PlainTextResponse(request.path_params["name"])


def _stream(request: Request) -> Response:  # noqa: ARG001
    return StreamingResponse(_events(), media_type="text/event-stream")


def _raise(error: Exception) -> Any:
    def route(request: Request) -> Response:  # noqa: ARG001
        raise error

    return route


def routes() -> list[Route]:
    return [
        Route("/", _hello),
        Route("/form", _form),
        Route("/echo", _echo, methods=["POST"]),
        Route("/both", _echo, methods=["GET", "POST"]),
        Route("/names/{name}", _named),
        Route("/stream", _stream),
        Route("/mistake", _raise(ValueError("inner words"))),
        Route("/wrong", _raise(RequestError("bad", field="threads", remedy="write 1"))),
        Route("/missing", _raise(NotFoundError("there is no study <b>"))),
        Route("/broken", _raise(DseError("the disk is full"))),
    ]


def main() -> None:
    options = json.loads(sys.argv[1])
    _connection.REQUEST_S = options.pop("request_s", _connection.REQUEST_S)
    if body_s := options.pop("body_s", None):
        server.Limits = partial(Limits, body_s=body_s)  # type: ignore[assignment, attr-defined]
    options.update({name: Path(options[name]) for name in PATHS if name in options})
    request = ServeRequest(**{"port": 0, "browser": False, **options})
    server.serve(make_app(make_site(request), routes()), request, partial(print, flush=True))


@dataclass(frozen=True)
class Answer:
    """What came back over a connection until its end."""

    content: bytes

    @property
    def status(self) -> int:
        """The status of the first answer; 0 for none."""
        words = self.content.split(b" ", 2)
        return int(words[1]) if len(words) > 2 else 0

    @property
    def headers(self) -> Mapping[str, str]:
        head = self.content.partition(b"\r\n\r\n")[0].decode("latin-1")
        pairs = (line.partition(": ") for line in head.split("\r\n")[1:])
        return {name.lower(): value for name, _, value in pairs}

    @property
    def text(self) -> str:
        return self.content.partition(b"\r\n\r\n")[2].decode()


class Served:
    """A server that runs, and how it is reached.

    Args:
        process: the server's.
        line: that it has printed.
        path: of its Unix socket, if it has one.
    """

    def __init__(self, process: subprocess.Popen[str], line: str, path: Path | None) -> None:
        parts = urlsplit(line.strip())
        self.process, self.line, self._path = process, line.strip(), path
        self.port = cast("int", parts.port)
        self.host = parts.netloc
        self.token = parse_qs(parts.query)["token"][0]
        self.secure = parts.scheme == "https"

    @property
    def bearer(self) -> str:
        return f"Authorization: Bearer {self.token}"

    @property
    def cookie(self) -> str:
        prefix = "__Host-" if self.secure else ""
        return f"Cookie: {prefix}dse-{self.port}={self.token}"

    def connect(self) -> socket.socket:
        if self._path is not None:
            opened = socket.socket(socket.AF_UNIX)
            opened.settimeout(PATIENCE_S)
            opened.connect(str(self._path))
            return opened
        opened = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        if self.secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context.wrap_socket(opened)
        return opened

    def ask(
        self, method: str, target: str, *headers: str, body: bytes = b"", host: str | None = None
    ) -> Answer:
        """The answer to a request with exactly these headers, and a host and a length."""
        told = [f"Host: {self.host if host is None else host}", "Connection: close", *headers]
        if body and not any(each.lower().startswith("transfer-encoding") for each in headers):
            told.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *told, "", ""])
        return self.send(head.encode("latin-1") + body)

    def get(self, target: str, *headers: str) -> Answer:
        return self.ask("GET", target, *headers)

    def send(self, content: bytes) -> Answer:
        """What comes back for some bytes; the rest of them is given up where it is not taken."""
        with self.connect() as opened:
            with suppress(BrokenPipeError, ConnectionResetError):
                opened.sendall(content)
            return Answer(read_all(opened))


def read_all(opened: socket.socket) -> bytes:
    """Everything up to the end of a connection."""
    found = b""
    while True:
        try:
            more = opened.recv(1 << 16)
        except ConnectionResetError:
            return found
        if not more:
            return found
        found += more


@contextmanager
def serving(cwd: Path, **options: object) -> Iterator[Served]:
    """Runs a server for the block.

    Args:
        cwd: its working folder.
        options: of its `ServeRequest`, and ``request_s`` and ``body_s`` in place of the usual.
    """
    words = [sys.executable, "-m", "tests.serve.serving", json.dumps(options, default=str)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        words,
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                assert process.stderr is not None
                raise AssertionError(process.stderr.read())
            path = Path(str(options["socket"])) if "socket" in options else None
            yield Served(process, line, path)
        finally:
            process.kill()


def end(served: Served, number: int) -> tuple[int, str]:
    """Ends a server by a signal; its exit code and what it wrote to stderr."""
    served.process.send_signal(number)
    _, err = served.process.communicate(timeout=PATIENCE_S)
    return served.process.returncode, err


if __name__ == "__main__":
    main()

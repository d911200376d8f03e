"""An HTTP server on this machine that serves files, parts of files, and trouble."""

from __future__ import annotations

import hashlib
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Site:
    """What a server does.

    Attributes:
        files: content by path.
        troubles: by path, what happens to the next requests, one each; then all is well. A number
            is a status, ``cut`` breaks off in the middle, ``whole`` knows no parts of files, and
            the others are told below.
        requests: the paths asked for, and the range that was.
        etag: whether the server names the version of a file.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    troubles: dict[str, list[str]] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    etag: bool = True
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serves for the block; the site's ``url`` is where."""

    class Handler(_Handler):
        pass

    Handler.site = site
    with serving(Handler) as site.url:
        try:
            yield site
        finally:
            site.over.set()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serves on this machine for the block; yields the address."""
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that have gone."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        wanted = self.headers.get("Range")
        site.requests.append((self.path, wanted))
        queue = site.troubles.get(self.path, [])
        trouble = queue.pop(0) if queue else ""
        if trouble.isdigit() and int(trouble) >= 400:
            self.send_error(int(trouble))
        elif trouble.startswith("to "):
            self._answer(302, b"", Location=trouble.removeprefix("to "))
        elif trouble == "huge":
            self._begin(200, {"Content-Length": "9" * 30})
        elif trouble == "endless":
            self._drip()
        elif trouble == "no HTTP":
            self.wfile.write(b"\0\1\2 what?\r\n\r\n")
        elif trouble == "mute":
            site.over.wait()
        elif trouble == "stops":
            self._begin(200, {"Content-Length": "9"})
            self.wfile.write(b"1234")
            self.wfile.flush()
            site.over.wait()
        elif self.path not in site.files:
            self.send_error(404)
        else:
            self._file(site.files[self.path], wanted, trouble)

    def _file(self, data: bytes, wanted: str | None, trouble: str) -> None:
        status, headers = 200, {}
        tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        if self.site.etag:
            headers["ETag"] = tag
        if wanted and trouble != "whole" and self.headers.get("If-Range") == tag:
            begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if begin >= len(data):
                self.send_error(416)
                return
            end, total = len(data) - 1, len(data)
            if trouble == "other part":
                begin -= 1
            headers["Content-Range"] = f"bytes {begin}-{end}/{total}"
            status, data = 206, data[begin:]
        if trouble == "length unknown":
            self._begin(status, headers)
            self.wfile.write(data)
            return
        cut = len(data) // 2 if trouble == "cut" else len(data)
        self._begin(status, {**headers, "Content-Length": str(len(data))})
        self.wfile.write(data[:cut])

    def _drip(self) -> None:
        """A byte now and then, and never an end."""
        self._begin(200, {})
        try:
            while not self.site.over.wait(0.01):
                self.wfile.write(b"x")
        except OSError:
            return  # the client has had enough

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self._begin(status, {"Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

"""The files of the pages: styles, scripts and pictures, each known by its name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response

from dse.serve.errors import NotFoundError

if TYPE_CHECKING:
    from starlette.requests import Request

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served, by the ends of names."""
COMMON = files("dse.report.html") / "base.css"
"""The style that these pages have in common with that of a report."""


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    type: str

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


class StaticFiles:
    """The files in ``static``, read once: no other path can be asked for.

    Browsers keep them and ask each time whether they have changed.
    """

    def __init__(self) -> None:
        self._files = {
            each.name: _File(each.read_bytes(), TYPES[end])
            for each in (*(files("dse.serve") / "static").iterdir(), COMMON)
            if (end := f".{each.name.rpartition('.')[2]}") in TYPES
        }

    def answer(self, request: Request) -> Response:
        """A file, or that the browser's is still right.

        Raises:
            NotFoundError: there is no such file.
        """
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise NotFoundError("there is no such file")
        headers = {"Cache-Control": "private, no-cache", "ETag": file.tag}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers={**headers, "Content-Type": file.type})

"""What a browser has sent: the fields of a form or a link, and a file, within limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    Handler = Callable[[Request, "Fields"], Response]
    FileHandler = Callable[[Request, bytes, str], Response]
    Route = Callable[[Request], Awaitable[Response]]

MAX_FORM_BYTES = 1 << 16
MAX_FIELDS = 1000
MAX_ENVELOPE_BYTES = 1 << 14
"""What a browser sends around a file."""
_BOUNDARY = re.compile(r'multipart/form-data; *boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?')


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form or of the query of a link.

    Attributes:
        values: of each field, in their order.
    """

    values: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Fields:
        """The fields of pairs of names and values."""
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        return cls(found)

    @classmethod
    def of_link(cls, request: Request) -> Fields:
        """The fields in the address of a page."""
        return cls.of(request.query_params.multi_items())

    def one(self, name: str, default: str = "") -> str:
        """The last value of a field, without blanks around it."""
        found = self.values.get(name)
        return (found[-1].strip() if found else "") or default

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        return tuple(self.values.get(name, ()))

    def has(self, name: str) -> bool:
        """Whether a field says anything, as a box does that is checked."""
        return bool(self.one(name))


def takes_form(handle: Handler) -> Route:
    """A route that takes a form; the handler runs in a thread."""

    async def route(request: Request) -> Response:
        body = await _read(request, MAX_FORM_BYTES)
        return await run_in_threadpool(handle, request, _fields(body))

    return route


def takes_file(handle: FileHandler, most_bytes: int) -> Route:
    """A route that takes a form with one file.

    Args:
        handle: gets the content of the file, or else why there is none in a line; it runs in a
            thread.
        most_bytes: the size of the file at most.
    """

    async def route(request: Request) -> Response:
        content, problem = b"", ""
        try:
            body = await _read(request, most_bytes, MAX_ENVELOPE_BYTES)
            content = _file(body, request.headers.get("content-type", ""))
            if len(content) > most_bytes:
                raise _too_large(most_bytes)
        except RequestError as error:
            problem = str(error)
        return await run_in_threadpool(handle, request, content, problem)

    return route


async def _read(request: Request, most_bytes: int, around_bytes: int = 0) -> bytes:
    """The body of a request, which is refused where it is too long.

    Args:
        request: that sends it.
        most_bytes: its size at most.
        around_bytes: what a browser may send besides.

    Raises:
        RequestError: that is so.
    """
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most_bytes + around_bytes:
            raise _too_large(most_bytes)
    return bytes(found)


def _too_large(most_bytes: int) -> RequestError:
    problem = f"more than {most_bytes >> 10} KiB were sent"
    return RequestError(problem, field="form", remedy="send less")


def _fields(body: bytes) -> Fields:
    if body.count(b"&") >= MAX_FIELDS:
        problem = f"more than {MAX_FIELDS:,} fields were sent"
        raise RequestError(problem, field="form", remedy="choose fewer")
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        problem = "what was sent is not a form"
        raise RequestError(problem, field="form", remedy="load the page again") from error
    return Fields.of(pairs)


def _file(body: bytes, content_type: str) -> bytes:
    """The content of the first part of a form that is a file.

    Source: RFC 7578 and RFC 2046, section 5.1.1.

    Raises:
        RequestError: there is none.
    """
    found = _BOUNDARY.fullmatch(content_type)
    parts = (b"\r\n" + body).split(b"\r\n--" + found[1].encode()) if found else []
    for part in parts[1:-1]:  # the last one ends the form
        head, blank, content = part.partition(b"\r\n\r\n")
        if blank and b"filename=" in head.lower() and content:
            return content
    raise RequestError("no file was sent", field="file", remedy="choose one")

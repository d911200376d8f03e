"""Short answers to requests that are not served, which end the connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

LINGER_S = 1.0
"""How long the rest of a body is taken: a client that still sends might not see the answer."""
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - dse</title>
<h1>{title}</h1>
{paragraphs}
</html>
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer instead of the page that was asked for; used as an ASGI application.

    Attributes:
        status: the HTTP status.
        title: what it is about.
        paragraphs: markup that says what to do.
    """

    status: int
    title: str
    paragraphs: tuple[str, ...]

    @property
    def content(self) -> bytes:
        """The page, in UTF-8."""
        told = "\n".join(f"<p>{each}</p>" for each in self.paragraphs)
        return _PAGE.format(title=self.title, paragraphs=told).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, waits a moment while the client still sends, and ends the connection."""
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(self.content)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.content, "more_body": True})
        if has_body(scope):
            await _linger(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def has_body(scope: Scope) -> bool:
    """Whether a request says that a body follows its headers."""
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False


async def _linger(receive: Receive) -> None:
    """Drops what still comes of a body, for a moment."""
    try:
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return

"""The bodies of requests: they are small, and come at once or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dse.serve.web._refusal import Refusal, has_body

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1 << 20
BODY_S = 10.0
"""How long a whole body may take, in seconds."""
_TOO_LARGE = Refusal(
    413, "Too large", (f"A request may have {MAX_BODY_BYTES >> 20} MiB; nothing was done.",)
)
_TOO_SLOW = Refusal(408, "Too slow", ("The request did not come in time; nothing was done.",))


class Limits:
    """Reads the body of a request before anything else is done with it.

    What is served gets it in one piece, and never waits for a client.

    Args:
        app: what is served.
        max_bytes: of a body.
        body_s: how long it may take, in seconds.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES, body_s: float = BODY_S
    ) -> None:
        self._app, self._max_bytes, self._body_s = app, max_bytes, body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request, or refuses it for its body."""
        if scope["type"] != "http" or not has_body(scope):
            await self._app(scope, receive, send)
            return
        if _told_length(scope) > self._max_bytes:
            await _TOO_LARGE(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._body_s):
                body = await self._read(receive)
        except TimeoutError:
            await _TOO_SLOW(scope, receive, send)
            return
        except ConnectionError:
            return  # nobody is left to be answered
        if body is None:
            await _TOO_LARGE(scope, receive, send)
        else:
            await self._app(scope, _whole(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The body; None as soon as it is too large.

        Raises:
            ConnectionError: the client has gone.
        """
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)


def _told_length(scope: Scope) -> int:
    """The length that a request says its body has, in bytes; 0 if it says none."""
    told = [value for name, value in scope["headers"] if name == b"content-length"]
    return max((int(value) for value in told if value.isdigit()), default=0)


def _whole(body: bytes, receive: Receive) -> Receive:
    """Gives a body in one piece, and after that what the connection has to say."""
    given = False

    async def receiving() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving

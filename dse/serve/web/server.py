"""The server: it listens, says where, and ends at once when it is told to."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from dse.core.errors import DseError
from dse.machine.measuring_lock import do_nothing
from dse.serve.request import PORT
from dse.serve.web._access import Access
from dse.serve.web._browser import can_open, open_browser
from dse.serve.web._connection import MAX_CONNECTIONS, MAX_HEAD_BYTES, Connection
from dse.serve.web._limits import Limits
from dse.serve.web._listening import (
    BACKLOG,
    address,
    check_certificate,
    listening,
    served_hosts,
)
from dse.serve.web._token import kept_token, token_file

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

    from dse.serve.request import ServeRequest

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE_S = 2
"""How long an answer may take that is being made when the server ends, in seconds."""
KEEP_ALIVE_S = 10
LOG = logging.getLogger(__name__)


def serve(
    app: ASGIApp,
    request: ServeRequest,
    say: Callable[[str], None],
    end_streams: Callable[[], None] = do_nothing,
) -> None:
    """Serves an application to those who know the token, until SIGINT or SIGTERM.

    Args:
        app: what is served.
        request: where, and to whom.
        say: is told the address to open, with the token, once it is served there.
        end_streams: ends the answers that have no end of their own.

    Raises:
        RequestError: it can't be served so.
        DseError: the place is in use or not allowed, or the application did not start.
    """
    check_certificate(request)
    with listening(request) as opened, _log_errors():
        port = PORT if request.socket else opened.getsockname()[1]
        token = kept_token(token_file(request))
        access = Access(Limits(app), token, served_hosts(request, port))

        def tell() -> None:
            place = address(request, port)
            say(f"{place}/?token={token}")
            if request.browser and request.socket is None and can_open():
                open_browser(f"{place}/?token={access.make_ticket()}")

        server = _Server(_settings(access, request), tell, end_streams)
        asyncio.run(server.serve([opened]))
        if not server.started:
            raise DseError("the server can't start; its log says why")


def _settings(app: ASGIApp, request: ServeRequest) -> uvicorn.Config:
    secure = {"ssl_certfile": request.certificate, "ssl_keyfile": request.key}
    return uvicorn.Config(
        app,
        **(secure if request.secure else {}),  # type: ignore[arg-type]  # two paths, or nothing
        http=Connection,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        limit_concurrency=2 * MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, which sleeps where nothing is asked: something may be measured meanwhile.

    Args:
        config: its settings.
        ready: is called once it listens.
        end_streams: see `serve`.
    """

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], end_streams: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready, self._end_streams = ready, end_streams
        self._stopped = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen."""
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()

    async def main_loop(self) -> None:
        """Waits to be told to end; uvicorn's own wakes up ten times in a second."""
        await self._stopped.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ends at the first signal, and waits for nothing after the second one."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        self._stopped.set()
        self._end_streams()
        # What is broken off now is no error to tell.
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)


class _Forward(logging.Handler):
    """Tells our own log what uvicorn's says."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tells it."""
        LOG.handle(record)


@contextmanager
def _log_errors() -> Iterator[None]:
    """Has the errors of uvicorn in our log for the block: what strangers send wrong is no error."""
    theirs, forward = logging.getLogger("uvicorn"), _Forward()
    before = theirs.level, theirs.propagate
    theirs.setLevel(logging.ERROR)
    theirs.propagate = False
    theirs.addHandler(forward)
    try:
        yield
    finally:
        theirs.removeHandler(forward)
        theirs.level, theirs.propagate = before

"""Connections that wait for nobody: each has a time for its next request, and there are few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

REQUEST_S = 10.0
"""How long a client has for the whole head of a request, in seconds."""
MAX_CONNECTIONS = 200
"""So many may be open; a new one then takes the place of that which waits the longest."""
MAX_HEAD_BYTES = 1 << 16
"""Of a request: a browser sends the cookies of all servers of a machine to each."""


class Connection(H11Protocol):
    """A connection to a browser.

    One that has sent no whole request after `REQUEST_S` is ended, however it passes the time; so
    is the one that has waited the longest when there are too many. A connection that is being
    answered, such as a stream of events, is never ended.
    """

    began_s = 0.0
    _deadline: asyncio.TimerHandle | None = None

    @property
    def answering(self) -> bool:
        """Whether a request has come whose answer is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Takes in what has come."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        super().connection_lost(exc)
        self._forget()

    def shutdown(self) -> None:
        """Ends the connection; an answer that has not begun may still be given."""
        super().shutdown()
        if self.answering and self.cycle.response_started:
            self.transport.abort()  # a stream of events would go on for ever

    def _watch(self) -> None:
        """Begins to wait where nothing is being answered; what comes slowly is no reason to."""
        if self.answering:
            self._forget()
        elif self._deadline is None:
            self.began_s = self.loop.time()
            self._deadline = self.loop.call_later(REQUEST_S, self.transport.abort)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        """Ends the connection that has waited the longest."""
        waiting = [
            each
            for each in self.connections
            if isinstance(each, Connection)
            and each is not self
            and not each.answering
            and not each.transport.is_closing()
        ]
        if waiting:
            min(waiting, key=lambda each: each.began_s).transport.abort()

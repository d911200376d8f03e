"""A TCP proxy between a client and a server: delays, swallows and cuts what passes."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"


class Proxy:
    """A running proxy; see `proxied`. Its settings may be changed at any time, from any thread.

    Args:
        target: port of the server.
        delay_s: by which everything reaches the server later: the time of a round trip.

    Attributes:
        port: where clients connect.
        delay_s: as given.
        swallowing: whether everything is lost without a word, in both directions. What was lost
            stays lost: the connections of that time never answer again.
        round_trips: how often a client has spoken after the server had, in all connections.
        connections: how many were ever accepted.
    """

    def __init__(self, target: int, delay_s: float = 0.0) -> None:
        self.target = target
        self.delay_s = delay_s
        self.swallowing = False
        self.round_trips = 0
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.Transport] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def cut(self) -> None:
        """Ends all connections that are open now."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    def start(self) -> None:
        """Begins to listen, at a port of its own choice."""
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self) -> None:
        """Ends all connections and listens no longer."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await self._loop.create_server(lambda: _Client(self), HOST, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _cut(self) -> None:
        for transport in [*self._open]:
            transport.abort()
        await asyncio.sleep(0)

    async def _stop(self) -> None:
        self._server.close()
        await self._cut()
        await asyncio.sleep(0)


class _Side(asyncio.Protocol):
    """One side of a connection: hands on to the other one what it reads."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None
        self.early = b""  # what came before the other side was there

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.proxy._open.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        assert self.transport is not None
        self.proxy._open.discard(self.transport)
        if self.other is not None and self.other.transport is not None and not self._swallowed():
            self.other.transport.close()

    def _swallowed(self) -> bool:
        return self.proxy.swallowing

    def send(self, data: bytes) -> None:
        if self.transport is not None and not self._swallowed():
            self.transport.write(data)


class _Client(_Side):
    """The side of the client."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy)
        self.spoken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.proxy.connections += 1
        self._connecting = self.proxy._loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            _, server = await self.proxy._loop.create_connection(
                lambda: _Server(self.proxy, self), HOST, self.proxy.target
            )
        except OSError:
            assert self.transport is not None
            self.transport.abort()  # as a server does that is down
            return
        self.other = server
        self.data_received(self.early)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early += data
            return
        if not data:
            return
        if not self.spoken:
            self.spoken = True
            self.proxy.round_trips += 1
        if self.proxy.delay_s:
            self.proxy._loop.call_later(self.proxy.delay_s, self.other.send, data)
        else:
            self.other.send(data)


class _Server(_Side):
    """The side of the server."""

    def __init__(self, proxy: Proxy, client: _Client) -> None:
        super().__init__(proxy)
        self.other = client
        self.client = client

    def data_received(self, data: bytes) -> None:
        self.client.spoken = False
        self.client.send(data)


@contextmanager
def proxied(target: int, delay_s: float = 0.0) -> Iterator[Proxy]:
    """Runs a proxy before a server of this machine for the block.

    Args:
        target: port of the server.
        delay_s: see `Proxy`.
    """
    proxy = Proxy(target, delay_s)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()

"""A node: a Dask worker that does one assignment at a time, and comes back when it loses touch."""

from __future__ import annotations

import asyncio
import fcntl
import os
import platform
import secrets
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dse import __version__
from dse.core.errors import RequestError
from dse.core.paths import take_lock, writing_errors
from dse.fleet import _dask, _work
from dse.fleet.scheduler import stop_event
from dse.machine.detect import detect
from dse.machine.process_identity import process_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dse.fleet.address import Address
    from dse.fleet.certificates import Certificates
    from dse.fleet.place import Place

INFORMATION = "dse_fleet"
"""The name under which a scheduler passes on what a node says of itself."""
CONNECT_S, MAX_WAIT_S = 10.0, 30.0
"""How long a try to connect takes, and the longest pause between two."""
JOIN_S = 60.0
GRACE_S = 1.0
"""A node that leaves stays for so long, to give back what is sent to it meanwhile."""
HEARTBEAT = "5s"


def run(
    address: Address,
    certificates: Certificates | None,
    place: Place,
    say: Callable[[str], None],
    *,
    port: int = 0,
    once: bool = False,
    own: tuple[Path, ...] = (),
) -> None:
    """Serves a fleet until SIGINT or SIGTERM; the first one lets the run in hand end.

    Args:
        address: of the scheduler; it is waited for.
        certificates: of the fleet; None for one of this machine alone.
        place: the node's folder.
        say: is told what happens.
        port: where the node listens; 0 for any that is free.
        once: whether to end when the scheduler does, instead of waiting for another one.
        own: folders with files that need not be sent.

    Raises:
        RequestError: another node has the folder, or the scheduler refuses the certificates.
        DseError: the folder can't be written.
    """
    security = _dask.security(certificates, "node")
    place.create()
    with _alone(place):
        _work.serve(place, own)
        asyncio.run(_Node(address, security, place, say, port=port, once=once).run())


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    with writing_errors(place.lock):
        descriptor = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if take_lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB) is False:
            raise RequestError(
                "another node of this machine uses this folder",
                file=place.path,
                field="--folder",
                remedy="one node is enough for a machine; for another one, choose another folder",
            )
        yield
    finally:
        os.close(descriptor)


def describe(place: Place) -> dict[str, Any]:
    """What a node says of itself, of numbers and texts only."""
    identity, system = process_identity(), detect()
    return {
        "version": __version__,
        "node": place.identity(),
        "host": identity["host"],
        "machine": identity["machine"],
        "cpu": system.title,
        "fingerprint": system.fingerprint,
        "python": platform.python_version(),
        "folder": str(place.path),
    }


class _Node:
    """See `run`, which has the same arguments."""

    def __init__(
        self,
        address: Address,
        security: Any,
        place: Place,
        say: Callable[[str], None],
        *,
        port: int,
        once: bool,
    ) -> None:
        self._address, self._security, self._place = address, security, place
        self._say, self._port, self._once = say, port, once
        self._about = describe(place)

    async def run(self) -> None:
        stopped = stop_event()
        self._say(f"node {self._name}: {self._about['cpu']}, in {self._place.path}")
        while not stopped.is_set():
            if await self._reach(stopped) and await self._serve(stopped) and self._once:
                return

    @property
    def _name(self) -> str:
        return f"{self._about['host']}-{self._about['node']}"

    async def _reach(self, stopped: asyncio.Event) -> bool:
        """Waits for the scheduler; whether it is there."""
        pause = 1.0
        while not stopped.is_set():
            try:
                await self._try_to_connect()
            except ssl.SSLError as error:
                raise self._refused(error) from error
            except OSError as error:
                if _is_about_certificates(error):
                    raise self._refused(error) from error
                if pause == 1.0:
                    self._say(f"waiting for a scheduler at {self._address}")
            else:
                return True
            await _wait(stopped, pause)
            pause = min(2 * pause, MAX_WAIT_S)
        return False

    async def _try_to_connect(self) -> None:
        distributed = _dask.load()
        arguments = self._security.get_connection_args("worker")
        comm = await distributed.comm.connect(str(self._address), timeout=CONNECT_S, **arguments)
        await comm.close()

    def _refused(self, error: OSError) -> RequestError:
        return RequestError(
            f"{self._address}: the certificates of node and scheduler do not fit: {error}",
            field="--certificates",
            remedy="use those that one `dse fleet certificates` has made, and check the clocks",
        )

    async def _serve(self, stopped: asyncio.Event) -> bool:
        """Is a worker of the scheduler until one of them ends; whether it was one at all."""
        distributed = _dask.load()
        worker = distributed.Worker(
            str(self._address),
            nthreads=1,
            # Another one each time: the scheduler may not have noticed that the last one is gone.
            name=f"{self._name}-{secrets.token_hex(2)}",
            security=self._security,
            resources={_dask.RESOURCE: 1},
            memory_limit=0,
            local_directory=str(self._place.scratch),
            host=self._address.bracketed if self._address.loopback else None,
            port=self._port,
            heartbeat_interval=HEARTBEAT,
            death_timeout=JOIN_S,
            startup_information={INFORMATION: lambda _: self._about},
            **_dask.NO_PAGES,
        )
        try:
            await worker
        except (OSError, TimeoutError, RuntimeError, ValueError) as error:
            self._say(f"could not join: {error}")
            await worker.close()
            await _wait(stopped, MAX_WAIT_S / 3)
            return False
        self._say(f"joined the fleet at {self._address}")
        gone = asyncio.ensure_future(worker.finished())
        asked = asyncio.ensure_future(stopped.wait())
        await asyncio.wait({gone, asked}, return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            asked.cancel()
            self._say("the scheduler is gone")
            return True
        await self._leave(gone)
        await worker.close()
        await gone
        return True

    async def _leave(self, gone: asyncio.Future[None]) -> None:
        """Lets the run in hand end; a second signal ends everything at once."""
        again = stop_event()
        if _work.in_hand():
            self._say("leaving after the run in hand; press Ctrl-C again to exit at once")
        _work.leave()
        grace = GRACE_S
        while (_work.in_hand() or grace > 0) and not again.is_set() and not gone.done():
            await _wait(again, 0.1)
            grace = grace - 0.1 if not _work.in_hand() else GRACE_S
        if again.is_set() and _work.in_hand():
            raise KeyboardInterrupt


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Waits for an event for so long."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _is_about_certificates(error: BaseException | None) -> bool:
    """Whether an error comes from a handshake, which another try would not change."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        if isinstance(error, ssl.SSLError) and "alert" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False

"""The scheduler of a fleet: nodes and coordinators meet there; it keeps nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError
from dse.core.paths import atomic_write
from dse.fleet import _dask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.fleet.address import Address
    from dse.fleet.certificates import Certificates

SIGNALS = (signal.SIGINT, signal.SIGTERM)
HEARTBEAT_S = 5.0
"""The shortest time between two signs of life of a node: they run beside what it measures."""


def serve(
    address: Address,
    certificates: Certificates | None,
    say: Callable[[str], None],
    ready: Path | None = None,
) -> None:
    """Runs a scheduler in this process until SIGINT or SIGTERM.

    Args:
        address: where it listens.
        certificates: of the fleet; None for one that its own machine alone can reach.
        say: is told where it listens.
        ready: the file that gets its address once it listens, if there is to be one.

    Raises:
        RequestError: it can't listen there.
    """
    security = _dask.security(certificates, "scheduler")
    asyncio.run(_serve(address, security, say, ready))


async def _serve(
    address: Address, security: Any, say: Callable[[str], None], ready: Path | None
) -> None:
    stopped = stop_event()
    scheduler = _scheduler_class()(
        host=address.bracketed,
        port=address.port,
        protocol=address.scheme,
        security=security,
        **_dask.NO_PAGES,
    )
    try:
        await scheduler
    except (OSError, RuntimeError) as error:
        cause = error.__cause__ or error
        words = cause.strerror if isinstance(cause, OSError) else None
        raise RequestError(
            f"no scheduler can listen at {address}: {words or cause}",
            field="--port",
            remedy="choose another host or port",
        ) from error
    try:
        say(f"scheduler: {scheduler.address}")
        if ready is not None:
            with atomic_write(ready) as file:
                file.write(f"{scheduler.address}\n{os.getpid()}\n".encode())
        await stopped.wait()
    finally:
        await scheduler.close()


def _scheduler_class() -> Any:
    """Dask's scheduler, which tells few nodes to give two signs of life in each second."""

    class Scheduler(_dask.load().Scheduler):  # type: ignore[misc]  # it is imported late
        def heartbeat_worker(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            told: dict[str, Any] = super().heartbeat_worker(*args, **kwargs)
            name = "heartbeat-interval"
            return {**told, name: max(HEARTBEAT_S, told[name])} if name in told else told

    return Scheduler


def stop_event() -> asyncio.Event:
    """An event of the running loop that SIGINT and SIGTERM set."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    return stopped

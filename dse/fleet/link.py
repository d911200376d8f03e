"""How a coordinator reaches nodes: by Dask, or in tests by something simpler."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures import Future as LocalFuture
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from dse.core.errors import DseError, RequestError
from dse.fleet import _dask, _files, _work
from dse.fleet.node import INFORMATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from dse.fleet._files import Manifest
    from dse.fleet.address import Address
    from dse.fleet.certificates import Certificates

CONNECT_S = 15.0
"""How long a scheduler may take to answer."""
LOSSES = (OSError, TimeoutError, CancelledError, asyncio.CancelledError)
"""The errors of a scheduler or a node that is away."""
CALL_S = 600.0
"""How long a message of a few MiB may take on its way."""
SHIPPERS = 4
"""How many nodes are sent files at a time."""


class LostError(Exception):
    """What a node was given has no answer, and it can't be told whether it is still at it."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A node, as the scheduler knows it.

    Attributes:
        address: where it listens; another one each time that it joins.
        about: what it says of itself, see `dse.fleet.node.describe`; empty for a worker that is no
            node.
        seen: its last sign of life, in seconds since 1970.
    """

    address: str
    about: Mapping[str, Any]
    seen: float


class Pending(Protocol):
    """Something that a node was given."""

    def done(self) -> bool:
        """Whether there is a result, or there will be none."""
        ...

    def result(self) -> tuple[str, bytes]:
        """The answer and its bundle.

        Raises:
            LostError: there is none.
            DseError: the node says why.
        """
        ...

    def cancel(self) -> None:
        """Waits for it no more."""
        ...


class Link(Protocol):
    """The nodes of a fleet, for a coordinator."""

    def nodes(self) -> list[Joined] | None:
        """Those that are there; None where the scheduler can't be asked at the moment."""
        ...

    def submit(self, address: str, key: str, spec: str, bundle: bytes) -> Pending:
        """Gives a node an assignment; it takes one at a time."""
        ...

    def ship(self, address: str, manifests: Sequence[tuple[Path, Manifest]]) -> Pending:
        """Sends a node the files that it lacks of some folders or files; the result is empty."""
        ...

    def stop(self, addresses: Iterable[str]) -> None:
        """Asks nodes to end what they have in hand after the run in hand."""
        ...


class _Task:
    """A task of Dask; see `Pending`."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def done(self) -> bool:
        return bool(self._future.done())

    def result(self) -> tuple[str, bytes]:
        found: tuple[str, bytes] = _result(self._future)
        return found

    def cancel(self) -> None:
        self._future.release()


class _Shipment:
    """Files on their way; see `Pending`."""

    def __init__(self, future: LocalFuture[None]) -> None:
        self._future = future

    def done(self) -> bool:
        return self._future.done()

    def result(self) -> tuple[str, bytes]:
        self._future.result()
        return "", b""

    def cancel(self) -> None:
        self._future.cancel()


class DaskLink:
    """The nodes at a scheduler; a context manager.

    Args:
        address: of the scheduler.
        certificates: of the fleet; None for a scheduler that its own machine alone can reach.

    Raises:
        RequestError: there is no scheduler, or it refuses the certificates.
    """

    def __init__(self, address: Address, certificates: Certificates | None) -> None:
        self._address = address
        self._security = _dask.security(certificates, "client")
        self._client = self._open()
        self._shippers = ThreadPoolExecutor(SHIPPERS, thread_name_prefix="ship")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shippers.shutdown(wait=False, cancel_futures=True)
        self._client.close(timeout=CONNECT_S)

    def _open(self) -> Any:
        distributed = _dask.load()
        try:
            return distributed.Client(
                str(self._address),
                security=self._security,
                set_as_default=False,
                direct_to_workers=False,
                timeout=CONNECT_S,
                name="dse-fleet",
            )
        except (OSError, TimeoutError) as error:
            raise RequestError(
                f"no scheduler of a fleet answers at {self._address}: {_reason(error)}",
                field="--scheduler",
                remedy="start it with `dse fleet scheduler`, and give both the same certificates",
            ) from error

    def nodes(self) -> list[Joined] | None:
        """Those that are there; None where the scheduler can't be asked at the moment."""
        try:
            if self._client.status == "closed":
                self._client = self._open()
            # Not `scheduler_info`: what that keeps is written by others at the same time.
            ask, wait = self._client.scheduler.identity, {"callback_timeout": CONNECT_S}
            workers = self._client.sync(ask, n_workers=-1, **wait)["workers"]
        except (*LOSSES, RequestError):
            return None
        return [
            Joined(address, each.get(INFORMATION) or {}, float(each["last_seen"]))
            for address, each in workers.items()
        ]

    def submit(self, address: str, key: str, spec: str, bundle: bytes) -> Pending:
        """Gives a node an assignment; see `dse.fleet._work.do`."""
        return _Task(self._call(address, _work.do, spec, bundle, key=key, alone=True))

    def ship(self, address: str, manifests: Sequence[tuple[Path, Manifest]]) -> Pending:
        """Sends a node files, beside all else."""
        return _Shipment(self._shippers.submit(self._ship, address, manifests))

    def _ship(self, address: str, manifests: Sequence[tuple[Path, Manifest]]) -> None:
        for source, manifest in manifests:
            text = manifest.to_json()
            lacking = set(_result(self._call(address, _work.lacking, text)))
            parts: list[tuple[str, int, bytes, int]] = []
            waiting = 0
            for entry in manifest.entries:
                if entry.sha256 not in lacking:
                    continue
                lacking.discard(entry.sha256)
                path = source if manifest.single else source / entry.path
                for offset, content in _files.chunks(path):
                    if parts and waiting + len(content) > _files.CHUNK:
                        _result(self._call(address, _work.take, parts))
                        parts, waiting = [], 0
                    parts.append((entry.sha256, offset, content, entry.size))
                    waiting += len(content)
            if parts:
                _result(self._call(address, _work.take, parts))
            _result(self._call(address, _work.assemble, text))

    def stop(self, addresses: Iterable[str]) -> None:
        """Asks nodes to end what they have in hand, beside what they do."""
        wanted = list(addresses)
        if wanted:
            try:
                self._client.run(_work.stop, workers=wanted, on_error="ignore")
            except (*LOSSES, ValueError):
                return  # they are gone

    def _call(
        self, address: str, function: Any, *words: Any, key: str | None = None, alone: bool = False
    ) -> Any:
        return self._client.submit(
            function,
            *words,
            workers=[address],
            allow_other_workers=False,
            resources={_dask.RESOURCE: 1} if alone else None,
            retries=0,
            pure=False,
            key=key,
        )


def _reason(error: BaseException) -> str:
    """The first cause of an error in the system's words: the library's name its own objects."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _result(future: Any) -> Any:
    """What became of a task.

    Raises:
        LostError: nothing that is known.
        DseError: it failed.
    """
    try:
        error = future.exception(timeout=CALL_S)
        if error is None:
            return future.result(timeout=CALL_S)
    except LOSSES as lost:
        raise LostError(str(lost)) from lost
    if type(error).__name__ in ("KilledWorker", "NoValidWorkerError"):
        raise LostError(str(error))
    raise DseError(f"{type(error).__name__}: {error}" if not isinstance(error, DseError) else error)

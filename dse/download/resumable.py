"""One URL to one whole file in the cache, over connections that break.

What has arrived stays in the cache, and the next attempt, or the next process, asks for the rest.
The name of an unfinished file holds the validator (RFC 9110, section 13.1.5) that tells whether the
server still has the file it is a part of; so the two can't come apart.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.checksums import digest
from dse.core.errors import DseError
from dse.core.paths import cache_dir, exclusive, writing_errors
from dse.core.retry import RetryPolicy
from dse.download.archive import ArchiveError
from dse.download.connection import BrokenError, OutOfRangeError, host_of, iter_bytes, open_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message
    from http.client import HTTPResponse
    from pathlib import Path

    Progress = Callable[[int, int | None], None]
    """Called with the bytes that are there, and how many there will be where that is known."""

MAX_ARCHIVE_BYTES = 512 << 20
"""The largest archive that is downloaded where nothing else is said: more than twice the largest
published one."""

_CHUNK_BYTES = 1 << 18
_RETRY = RetryPolicy(max_attempts=4, first_pause_s=0.5)
_MAX_VALIDATOR = 100  # characters; twice as many and some more make a file name


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """When to give up a download.

    Attributes:
        silence_s: without a byte, or until a connection stands.
        window_s: within which `window_bytes` have to arrive.
        window_bytes: see there.
        progress_bytes: what an attempt has to add to count as progress.
        retry: how often broken connections are tried again.
        max_bytes: of a file.
    """

    silence_s: float = 30.0
    window_s: float = 60.0
    window_bytes: int = 60 << 10
    progress_bytes: int = 1 << 20
    retry: RetryPolicy = _RETRY
    max_bytes: int = MAX_ARCHIVE_BYTES


DOWNLOAD_LIMITS = DownloadLimits()


def ignore_progress(_done: int, _total: int | None) -> None:
    """Does nothing."""


@contextmanager
def download(
    url: str, progress: Progress = ignore_progress, limits: DownloadLimits = DOWNLOAD_LIMITS
) -> Iterator[Path]:
    """The file behind a URL, whole, for the block; no other process has it meanwhile.

    It leaves the cache when the block ends well, or says with an ArchiveError that the file is no
    good. Else the next one finds it there.

    Args:
        url: http or https.
        progress: called with each piece that arrives.
        limits: when to give up.

    Yields:
        The file's path.

    Raises:
        ArchiveError: the server does not have the file, or has too large a one.
        DseError: the server can't be reached, or the cache can't be written to.
    """
    place = _Place(cache_dir() / "downloads", digest(url))
    with exclusive(place.lock):
        if not place.whole.is_file():
            _persist(url, place, progress, limits)
        try:
            yield place.whole
        except ArchiveError:
            place.clear()
            raise
        place.clear()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the cache a download lies; for the holder of the lock alone."""

    folder: Path
    key: str

    @property
    def lock(self) -> Path:
        return self.folder / f"{self.key}.lock"

    @property
    def whole(self) -> Path:
        return self.folder / f"{self.key}.whole"

    def part(self, validator: str) -> Path:
        """The unfinished file of what the server describes by a validator."""
        return self.folder / f"{self.key}.{validator.encode().hex()}.part"

    def begun(self) -> tuple[Path, str, int] | None:
        """The unfinished file that can be gone on with, its validator, and its bytes."""
        for path in self.folder.glob(f"{self.key}.?*.part"):
            try:
                validator = bytes.fromhex(path.name.split(".")[1]).decode("ascii")
            except ValueError:
                continue  # not a name of ours
            size = path.stat().st_size
            if size and validator.isprintable():
                return path, validator, size
        return None

    def clear(self) -> None:
        """Removes all that was downloaded."""
        for path in (self.whole, *self.folder.glob(f"{self.key}.*part")):
            path.unlink(missing_ok=True)


def _persist(url: str, place: _Place, progress: Progress, limits: DownloadLimits) -> None:
    """Attempts until the file is whole, or attempts get nowhere."""
    goal = limits.progress_bytes

    def progressed() -> bool:
        nonlocal goal
        begun = place.begun()
        size = begun[2] if begun else 0
        if size < goal:
            return False
        goal = size + limits.progress_bytes
        return True

    def attempt() -> None:
        try:
            _attempt(url, place, progress, limits)
        except OutOfRangeError:
            place.clear()
            raise

    try:
        limits.retry.run(attempt, lambda error: isinstance(error, BrokenError), progressed)
    except BrokenError as error:
        raise DseError(
            f"{error}; check the connection or give a --mirror, then the same command goes on from "
            "here"
        ) from error


def _attempt(url: str, place: _Place, progress: Progress, limits: DownloadLimits) -> None:
    """Gets the file, or the rest of it."""
    begun = place.begun()
    headers = {}
    if begun:
        headers = {"Range": f"bytes={begun[2]}-", "If-Range": begun[1]}
    with open_response(url, headers, limits.silence_s) as response:
        if begun and response.status == 206:
            part, validator, size = begun
            total = _range_total(response.headers, validator, size)
        elif response.status == 200:
            # Also where the rest was asked for: the server does not serve parts of a file, or
            # has another one by now.
            size, total = 0, _length(response.headers)
            place.clear()
            part = place.part(_validator(response.headers))
        else:
            raise ArchiveError(f"{host_of(url)} answered {response.status}: {url}")
        _check_size(url, total or 0, limits.max_bytes)
        _receive(url, response, part, (size, total), progress, limits)
    with writing_errors(part):
        part.replace(place.whole)


def _receive(
    url: str,
    response: HTTPResponse,
    part: Path,
    span: tuple[int, int | None],
    progress: Progress,
    limits: DownloadLimits,
) -> None:
    """Appends the body to a file of ``span[0]`` bytes; ``span[1]`` is how many it shall have."""
    size, total = span
    since, before = time.monotonic(), size
    with writing_errors(part), part.open("ab") as file:
        for data in iter_bytes(response, _CHUNK_BYTES):
            file.write(data)
            size += len(data)
            _check_size(url, size, limits.max_bytes)
            progress(size, total)
            if time.monotonic() - since > limits.window_s:
                if size - before < limits.window_bytes:
                    raise BrokenError(f"{host_of(url)} sends next to nothing")
                since, before = time.monotonic(), size
        file.flush()
        os.fsync(file.fileno())
    if total is not None and size != total:
        raise BrokenError(f"{host_of(url)} broke off after {size} of {total} bytes")


def _validator(headers: Message) -> str:
    """What tells the server's file from a later one; empty where nothing certain does."""
    tag = str(headers.get("ETag") or "").strip()
    if tag.startswith("W/") or not tag:
        tag = str(headers.get("Last-Modified") or "").strip()
    sound = tag.isascii() and tag.isprintable() and len(tag) <= _MAX_VALIDATOR
    return tag if sound else ""


def _length(headers: Message) -> int | None:
    """Bytes of the body, where the server says so."""
    return _number(str(headers.get("Content-Length") or ""))


def _range_total(headers: Message, validator: str, begin: int) -> int | None:
    """Bytes of the file of which the server sends the rest.

    Raises:
        OutOfRangeError: it sends another part than the one asked for.
    """
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", str(headers.get("Content-Range") or ""))
    same = _validator(headers) in ("", validator)
    if found is None or _number(found[1]) != begin or not same:
        raise OutOfRangeError("the server sent another part of the file than the one asked for")
    return _number(found[2])


def _number(digits: str) -> int | None:
    """A number of bytes; one of absurd length is only too large."""
    return min(int(digits[:18]), 1 << 60) if re.fullmatch("[0-9]+", digits) else None


def _check_size(url: str, size: int, most: int) -> None:
    if size > most:
        raise ArchiveError(f"the file is larger than {most >> 20} MiB: {url}")

"""Tells browsers that something has changed: one stream of events for all studies."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from dse.core.errors import DseError
from dse.serve.news._overview import Overview
from dse.serve.news._watching import LostNewsError, new_watcher
from dse.study.folder import STUDIES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from dse.serve.jobs.jobs import Jobs
    from dse.serve.news._watching import Watcher

LOG = logging.getLogger(__name__)
RETRY_MS = 3000
"""After so long a browser asks again where the connection has ended."""
THREAD = "dse-changes"
"""The name of the thread that waits for changes."""


class Changes:
    """Waits for changes in the studies and the jobs, while there are browsers that want to know.

    One thread waits, for all of them; the system wakes it up. Without a browser there is none.

    Args:
        jobs: the commands that were started from the page.
        studies: the folder of the studies.
    """

    def __init__(self, jobs: Jobs, studies: Path = STUDIES) -> None:
        self._jobs = jobs
        self._studies = studies.absolute()
        self._lock = threading.RLock()  # a signal may close this while it is held
        self._readers: set[_Reader] = set()
        self._watcher: Watcher | None = None
        self._latest: bytes | None = None
        self._closed = False
        self._boot, self._number = secrets.token_hex(4), 0

    async def stream(self, last_id: str | None) -> AsyncGenerator[bytes, None]:  # noqa: ARG002
        """The events for one browser, as the body of a response.

        The event ``studies`` has a JSON object: of each study by its name ``trials``, the number
        of its runs, and ``job``, the id of the command that works on it, or empty. It comes at
        once, and after each change; a browser that is slow gets the newest one only. The event
        ``unwatched`` says in a JSON text why there will be no others.

        Args:
            last_id: of the event that the browser has seen last. Each one has everything, so
                nothing is missed in between.
        """
        reader = self._join()
        try:
            yield f": dse\nretry: {RETRY_MS}\n\n".encode()
            while True:
                await reader.news.wait()
                reader.news.clear()
                if self._closed:
                    return
                if (latest := self._latest) is not None:
                    yield latest
        finally:
            self._leave(reader)

    def close(self) -> None:
        """Ends all streams, and takes no more; for the end of the server, from any thread."""
        self._closed = True
        with self._lock:
            readers, watcher = [*self._readers], self._watcher
        for reader in readers:
            reader.wake()
        if watcher is not None:
            watcher.end()

    def _join(self) -> _Reader:
        reader = _Reader(asyncio.get_running_loop())
        with self._lock:
            self._readers.add(reader)
            if self._watcher is None and not self._closed:
                self._begin()
            elif self._closed or self._latest is not None:
                reader.news.set()
        return reader

    def _begin(self) -> None:
        """Begins to watch; the lock is held."""
        try:
            self._watcher = new_watcher()
        except OSError as error:
            self._publish("unwatched", json.dumps(error.strerror or str(error)))
            return
        arguments = [self._watcher]
        threading.Thread(target=self._watch, args=arguments, name=THREAD, daemon=True).start()

    def _leave(self, reader: _Reader) -> None:
        with self._lock:
            self._readers.discard(reader)
            if not self._readers and self._watcher is not None:
                self._watcher.end()
                self._watcher = self._latest = None

    def _watch(self, watcher: Watcher) -> None:
        """Looks at everything, then at what changes."""
        try:
            self._follow(watcher)
        except (DseError, OSError) as error:
            LOG.warning("changes are not seen: %s", error)
            with self._lock:
                if self._watcher is watcher:
                    self._publish("unwatched", json.dumps(str(error)))
        finally:
            watcher.close()

    def _follow(self, watcher: Watcher) -> None:
        overview = Overview(self._studies, self._jobs, watcher)
        changed: frozenset[Path] | None = None
        while True:
            overview.look(changed)
            with self._lock:
                if self._watcher is not watcher:
                    return  # the last browser has gone
                self._publish("studies", overview.as_json())
            try:
                changed = watcher.wait()
            except LostNewsError:
                changed = None
                continue
            if changed is None:
                return

    def _publish(self, event: str, data: str) -> None:
        """Gives all readers something new; the lock is held."""
        self._number += 1
        id_ = f"{self._boot}-{self._number}"
        self._latest = f"id: {id_}\nevent: {event}\ndata: {data}\n\n".encode()
        for reader in self._readers:
            reader.wake()


class _Reader:
    """A browser that is connected.

    Args:
        loop: of its connection.

    Attributes:
        news: whether there is something that it has not seen.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.news = asyncio.Event()
        self._loop = loop

    def wake(self) -> None:
        """Says that there is something; from any thread."""
        with suppress(RuntimeError):  # its loop is closed
            self._loop.call_soon_threadsafe(self.news.set)

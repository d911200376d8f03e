"""`dse.serve.news._watching.Watcher` for BSD and macOS."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.serve.news._watching import News

if sys.platform != "linux":

    class KqueueWatcher:
        """See `dse.serve.news._watching.Watcher`; it tells of every change in a folder.

        Raises:
            OSError: the system gives no more of it to this user.
        """

        def __init__(self) -> None:
            self._queue = select.kqueue()
            self._woken, self._wake = os.pipe()
            self._folders: dict[int, Path] = {}
            self._processes: set[int] = set()
            self._closed = False
            self._lock = RLock()
            self._add(self._woken, select.KQ_FILTER_READ, 0)

        def watch(self, folder: Path, news: News) -> bool:  # noqa: ARG002
            """See `dse.serve.news._watching.Watcher`."""
            if folder in self._folders.values():
                return True
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                return False
            self._folders[descriptor] = folder
            news_of = select.KQ_NOTE_WRITE | select.KQ_NOTE_DELETE | select.KQ_NOTE_RENAME
            self._add(descriptor, select.KQ_FILTER_VNODE, news_of)
            return True

        def forget(self, folder: Path) -> None:
            """See `dse.serve.news._watching.Watcher`."""
            for descriptor in [each for each, path in self._folders.items() if path == folder]:
                del self._folders[descriptor]
                os.close(descriptor)  # which ends the events of it

        def watch_process(self, pid: int) -> None:
            """See `dse.serve.news._watching.Watcher`."""
            if pid not in self._processes:
                with suppress(OSError):  # it has ended
                    self._add(pid, select.KQ_FILTER_PROC, select.KQ_NOTE_EXIT)
                    self._processes.add(pid)

        def wait(self) -> frozenset[Path] | None:
            """See `dse.serve.news._watching.Watcher`."""
            found = set[Path]()
            for event in self._queue.control(None, 64, None):
                if event.filter == select.KQ_FILTER_READ:
                    return None
                if event.filter == select.KQ_FILTER_PROC:
                    self._processes.discard(event.ident)
                elif (folder := self._folders.get(event.ident)) is not None:
                    found.add(folder)
                    if event.fflags & (select.KQ_NOTE_DELETE | select.KQ_NOTE_RENAME):
                        self.forget(folder)
            return frozenset(found)

        def end(self) -> None:
            """See `dse.serve.news._watching.Watcher`."""
            with self._lock:
                if not self._closed:
                    os.write(self._wake, b"\0")

        def close(self) -> None:
            """See `dse.serve.news._watching.Watcher`."""
            with self._lock:
                self._closed = True
            self._queue.close()
            for descriptor in (self._woken, self._wake, *self._folders):
                os.close(descriptor)

        def _add(self, ident: int, kind: int, news_of: int) -> None:
            flags = select.KQ_EV_ADD | select.KQ_EV_CLEAR
            self._queue.control([select.kevent(ident, kind, flags, news_of)], 0, 0)

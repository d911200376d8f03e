"""Waits for changes in folders and for the end of processes: the system tells, nobody looks.

Linux tells of names that come and go in a folder (inotify(7)), and of the end of any process of the
user (pidfd_open(2)). On other systems pages show what there is when they are loaded.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
import sys
from contextlib import suppress
from enum import IntFlag
from pathlib import Path
from threading import RLock
from typing import Protocol

_EVENT = struct.Struct("iIII")
"""The descriptor, the mask, a number that joins two of them, and the length of the name."""
_READ_BYTES = 1 << 16
_CLOEXEC_NONBLOCK = os.O_CLOEXEC | os.O_NONBLOCK
_LOST, _GONE, _MOVED_ITSELF = 0x4000, 0x8000, 0x800
"""Of an event: some were left out; what was watched is there no more; or it has another name."""
_FULL = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""The errors of a system that does not watch more."""


class News(IntFlag):
    """What is told of a folder; the values are those of inotify."""

    MOVED = 0x40 | 0x80
    """Something got or lost its name in it, as a file does that is written whole."""
    MADE = 0x100
    """Something was made in it."""
    REMOVED = 0x200
    """Something in it was removed."""


class Watcher(Protocol):
    """What waits; all but `end` is for one thread."""

    def watch(self, folder: Path, news: News) -> bool:
        """Watches a folder from now on; whether it is there.

        Raises:
            OSError: the system does not watch more.
        """
        ...

    def forget(self, folder: Path) -> None:
        """Watches a folder no longer."""
        ...

    def watch_process(self, pid: int) -> None:
        """Tells once when a process ends."""
        ...

    def wait(self) -> frozenset[Path] | None:
        """Waits for news.

        Returns:
            The folders in which something changed: none for a process that has ended, also where
            it was gone before; None after `end`.

        Raises:
            LostNewsError: there was more than the system keeps.
        """
        ...

    def end(self) -> None:
        """Has `wait` return; from any thread, once or more often."""
        ...

    def close(self) -> None:
        """Gives everything back."""
        ...


class LostNewsError(Exception):
    """There were more changes than the system keeps: look at everything again."""


def new_watcher() -> Watcher:
    """What this system has to wait with.

    Raises:
        OSError: it has nothing, or gives no more of it to this user.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "changes are followed on Linux only; load the page again")
    return InotifyWatcher()


class InotifyWatcher:
    """See `Watcher`.

    Raises:
        OSError: the system has no inotify, or gives no more of it to this user.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "inotify_init1"):
            raise OSError("this system does not tell of changes in folders")
        self._inotify = self._checked(self._libc.inotify_init1(_CLOEXEC_NONBLOCK))
        self._woken, self._wake = os.pipe2(_CLOEXEC_NONBLOCK)
        self._poll = select.poll()
        for descriptor in (self._inotify, self._woken):
            self._poll.register(descriptor, select.POLLIN)
        self._folders: dict[int, Path] = {}
        self._watches: dict[Path, tuple[int, News]] = {}
        self._processes: dict[int, int] = {}  # by their descriptor
        self._closed = False
        self._lock = RLock()  # a signal may end this while it is held

    def watch(self, folder: Path, news: News) -> bool:
        """See `Watcher`."""
        if (known := self._watches.get(folder)) and known[1] == news:
            return True
        only_folders = 0x0100_0000
        try:
            number = self._checked(
                self._libc.inotify_add_watch(
                    self._inotify,
                    os.fsencode(folder),
                    ctypes.c_uint32(news | _MOVED_ITSELF | only_folders),
                )
            )
        except OSError as error:
            if error.errno in _FULL:
                raise
            return False  # it is gone, closed, or a circle of links
        if (before := self._folders.get(number, folder)) != folder:
            self._watches.pop(before, None)  # its name before; another folder may have that now
        self._watches[folder] = number, news
        self._folders[number] = folder
        return True

    def forget(self, folder: Path) -> None:
        """See `Watcher`."""
        number, _ = self._watches.pop(folder, (-1, News(0)))
        if self._folders.pop(number, None) is not None:
            self._libc.inotify_rm_watch(self._inotify, number)

    def watch_process(self, pid: int) -> None:
        """See `Watcher`."""
        if pid in self._processes.values():
            return
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            return  # it has ended, and was seen to have; or the kernel is too old
        self._processes[descriptor] = pid
        self._poll.register(descriptor, select.POLLIN)

    def wait(self) -> frozenset[Path] | None:
        """See `Watcher`."""
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll()}
            if self._woken in ready:
                return None
            ended = ready & self._processes.keys()
            for descriptor in ended:
                self._drop_process(descriptor)
            found = self._read() if self._inotify in ready else frozenset()
            if found or ended:
                return found

    def end(self) -> None:
        """See `Watcher`."""
        with self._lock, suppress(BlockingIOError):  # it is full: that is told already
            if not self._closed:
                os.write(self._wake, b"\0")

    def close(self) -> None:
        """See `Watcher`."""
        with self._lock:
            self._closed = True
        for descriptor in (self._inotify, self._woken, self._wake, *self._processes):
            os.close(descriptor)

    def _forget_below(self, folder: Path) -> None:
        """Forgets a folder and those in it: another one may have the name now."""
        for each in [each for each in self._watches if each.is_relative_to(folder)]:
            self.forget(each)

    def _drop_process(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._processes[descriptor]
        os.close(descriptor)

    def _read(self) -> frozenset[Path]:
        """All folders of which the system tells now.

        Raises:
            LostNewsError: it does not know all of them.
        """
        found, lost = set[Path](), False
        with suppress(BlockingIOError):
            while content := os.read(self._inotify, _READ_BYTES):
                for number, mask in _events(content):
                    lost = lost or bool(mask & _LOST)
                    if (folder := self._folders.get(number)) is None:
                        continue
                    found.add(folder)
                    if mask & _GONE:
                        del self._folders[number]
                        self._watches.pop(folder, None)
                    elif mask & _MOVED_ITSELF:
                        self._forget_below(folder)
                        found.add(folder.parent)
        if lost:
            raise LostNewsError
        return frozenset(found)

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def _events(content: bytes) -> list[tuple[int, int]]:
    """Descriptor and mask of each event."""
    found, place = [], 0
    while place < len(content):
        number, mask, _, length = _EVENT.unpack_from(content, place)
        found.append((number, mask))
        place += _EVENT.size + length
    return found

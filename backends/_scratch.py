"""Folders for what is made in passing; those of processes that were killed go with the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

from dse.core.paths import take_lock

PREFIX = "dse-scratch-"


class Scratch:
    """A new folder among the temporary files, which is there as long as this object at most.

    A lock on it tells that its owner lives; the system frees it at any end.

    Attributes:
        path: the folder.

    Raises:
        OSError: it can't be made.
    """

    def __init__(self) -> None:
        _clear_abandoned()
        self.path, lock = _locked_folder()
        self._removal = weakref.finalize(self, _remove, self.path, lock)

    def remove(self) -> None:
        """Removes the folder, if it is still there."""
        self._removal()


def _locked_folder() -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        with suppress(FileNotFoundError):  # it was taken for abandoned before it had a lock
            lock = _open(path)
            take_lock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _clear_abandoned() -> None:
    """Removes the folders of this user that nobody holds any more."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or one that is removed now
            lock = _open(path)
            try:
                if take_lock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


def _remove(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)

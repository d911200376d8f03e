"""One machine measures one thing at a time: two measurements at once would disturb each other."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.paths import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL_S = 0.05
"""How often a waiting process looks: it must hardly disturb the one that measures."""
MEASURING, NEXT = "mlperf-dse-measuring.lock", "mlperf-dse-next.lock"


def _never() -> bool:
    return False


def do_nothing() -> None:
    """What to say of waiting where nobody listens."""


@contextmanager
def measuring_lock(
    stop: Callable[[], bool] = _never, waits: Callable[[], None] = do_nothing
) -> Iterator[bool]:
    """Waits until no other process measures on this machine, and keeps them waiting for the block.

    Whatever study or command they belong to: the locks lie in the system's folder for temporary
    files, and the system frees them however a process ends. Those who wait come before the one
    that has just had its turn. Containers with temporary folders of their own, and file systems
    without locks, keep nobody waiting. A process that has its turn must not wait for another.

    Args:
        stop: asked while waiting; whether to give up.
        waits: called once, when waiting begins.

    Yields:
        Whether the turn has come; False where `stop` said so.
    """
    with ExitStack() as held:
        said = False
        # Whoever holds NEXT has the next turn: its last holder can't take it again at once.
        following = _open(held, NEXT)
        measuring = _open(held, MEASURING)
        for descriptor in (following, measuring):
            while not _locked(descriptor):
                if stop():
                    yield False
                    return
                if not said:
                    waits()
                    said = True
                time.sleep(POLL_S)
        fcntl.flock(following, fcntl.LOCK_UN)
        yield True


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # no locks here
    return True


def _open(held: ExitStack, name: str) -> int:
    """Opens a lock file that all users share; where that can't be, one of this user."""
    try:
        descriptor = _open_shared(Path(tempfile.gettempdir(), name))
    except OSError:
        folder = cache_dir()
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _open_shared(folder / name)
    held.callback(os.close, descriptor)
    return descriptor


def _open_shared(path: Path) -> int:
    # Reading is enough to lock, and the kernel lets nobody create what another user has created
    # in a folder that all may write (fs.protected_regular).
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        # Another process may be faster: then its file is opened.
        descriptor = os.open(path, flags | os.O_CREAT, 0o644)
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o644)  # whatever the umask
        return descriptor

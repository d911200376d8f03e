"""Where caches live, how a file is read in part, and how it is written whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import re
import secrets
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from dse.core.access import choose_remedy, explain_denial
from dse.core.errors import DseError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator


def cache_dir() -> Path:
    """The folder of everything that can be made again; it need not exist yet.

    ``DSE_CACHE_DIR`` names it, otherwise it is the platform's cache folder of the user.

    Raises:
        RequestError: the user has no home folder, or what was named can't be found from there.
    """
    folder = named_path("DSE_CACHE_DIR") or _user_folder("user_cache_dir")
    if folder is None:
        raise RequestError(
            "there is no place for the cache, as HOME is not the path of a folder",
            remedy="set DSE_CACHE_DIR to a folder that can be written",
        )
    return folder


def config_dir() -> Path | None:
    """The folder of the user's own settings; None for a user who has no home folder."""
    return _user_folder("user_config_dir")


def named_path(variable: str) -> Path | None:
    """The absolute path that an environment variable names; None if it is not set.

    Raises:
        RequestError: it begins with ``~``, and there is no such home folder.
    """
    text = os.environ.get(variable)
    if not text:
        return None
    expanded = os.path.expanduser(text)  # noqa: PTH111 (it leaves what it does not know)
    if text.startswith("~") and not os.path.isabs(expanded):  # noqa: PTH117
        problem = f"'{text}' can't be found, as HOME is not the path of a folder"
        raise RequestError(problem, field=variable, remedy="write the path from / on")
    return Path(expanded).absolute()


def _user_folder(kind: str) -> Path | None:
    """What platformdirs finds; older versions make a relative path of a HOME that is none."""
    import platformdirs  # workers, which may lack it, read files by this module

    try:
        folder = Path(getattr(platformdirs, kind)("mlperf-dse"))
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def shorten_home(path: str) -> str:
    """A path as a shell takes it, with ``~`` for the home folder."""
    home = os.path.expanduser("~")  # noqa: PTH111 (it is no error if there is none)
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path


LEFTOVER = re.compile(r".+\.[0-9]+-[0-9a-f]{8}\.tmp")
"""The names of what a killed `atomic_write` leaves behind."""


def read_regular(path: Path, max_bytes: int) -> bytes:
    """The content of a file that may be anybody's: nothing is waited for.

    Raises:
        OSError: it can't be read, is not a regular file, or is larger.
    """
    with open(path, "rb", opener=_open_at_once) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"larger than {max_bytes >> 10:,} KiB", str(path))
    return content


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # opening a pipe could wait for ever


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Opens a new file that takes the place of ``path`` when the block ends without an error.

    The file lies beside ``path`` until then, is flushed to the disk before the exchange, and is
    removed when the block fails. Folders are created as needed.

    Yields:
        A binary file open for reading and writing.

    Raises:
        DseError: the folder can't be written or the disk is full. Any OSError of the block counts
            as such, so the block turns its other errors into its own kind first.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with writing_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _new_file(temporary) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        _remove(temporary)


@contextmanager
def write_named(path: Path) -> Iterator[BinaryIO]:
    """`atomic_write` for a path of the user's own, who may have put something there.

    A link is followed, and the file that it names replaced. A file keeps its mode and, if possible,
    its owner.

    Yields:
        See `atomic_write`.

    Raises:
        RequestError: see `check_named`.
        DseError: see `atomic_write`.
    """
    there = check_named(path)
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    with atomic_write(target) as file:
        if there is not None:
            _make_alike(file.fileno(), there)
        yield file


def check_named(path: Path) -> os.stat_result | None:
    """Refuses what must not be replaced by a file: a folder, a device, a pipe or a socket.

    Args:
        path: that the user names; links are followed.

    Returns:
        Of the regular file that is there; None if there is none yet.

    Raises:
        RequestError: something else is there.
        DseError: that can't be looked at.
    """
    with writing_errors(path):
        try:
            there = path.stat()
        except FileNotFoundError:
            return None
    if stat.S_ISREG(there.st_mode):
        return there
    problem = "is a folder" if stat.S_ISDIR(there.st_mode) else "is no regular file"
    raise RequestError(problem, file=path, remedy="choose another place")


@contextmanager
def writing_errors(path: Path) -> Iterator[None]:
    """Says of an OSError of the block that a file can't be written, and what to do about it.

    Raises:
        DseError: in place of the OSError.
    """
    try:
        yield
    except OSError as error:
        denial = explain_denial(error, path)
        remedy = choose_remedy(error, path, cached=is_cached(path))
        raise DseError(f"{path}: can't be written: {denial}; {remedy}") from error


def is_cached(path: Path) -> bool:
    """Whether a path leads into the cache."""
    try:
        return path.absolute().is_relative_to(cache_dir())
    except RequestError:
        return False


@contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The content of a file, of which only what is looked at is read; an empty one is ``b""``.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            yield b""  # nothing can be mapped
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Waits for the lock file ``path`` and holds it for the block; the system frees it at any end.

    Whoever holds it may remove the file.

    Yields:
        Whether the lock is held: some network file systems have no locks.

    Raises:
        DseError: the lock file can't be created.
    """
    while True:
        with writing_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "ab", opener=_open_lock)  # noqa: SIM115  # which is closed below
        with file:
            held = bool(take_lock(file.fileno(), fcntl.LOCK_EX))
            if held and not _is_at(file, path):
                continue  # it was removed meanwhile: others wait for another one
            yield held
            return


def _open_lock(path: str, flags: int) -> int:
    """Opens a lock file that may be anybody's: no link is followed, and no pipe waited for."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def take_lock(descriptor: int, kind: int) -> bool | None:
    """Takes a lock on an open file.

    Args:
        descriptor: of the file; the lock ends with it.
        kind: ``fcntl.LOCK_EX`` or ``LOCK_SH``; with ``LOCK_NB`` not to wait for it.

    Returns:
        Whether it was taken; None where the file system has no locks.
    """
    try:
        fcntl.flock(descriptor, kind)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def remove_leftovers(path: Path) -> None:
    """Removes the unfinished files of killed writers of ``path``.

    Only for the holder of a lock that every writer of ``path`` takes.
    """
    for leftover in path.parent.glob(f"{path.name}.*.tmp"):
        _remove(leftover)


def _new_file(path: Path) -> BinaryIO:
    # Not tempfile: its mode 0600 would shut out the group that shares a cache.
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o666)
    return cast("BinaryIO", os.fdopen(descriptor, "w+b"))


def _make_alike(descriptor: int, there: os.stat_result) -> None:
    """Gives a new file the mode of another one and, where that is allowed, its owner."""
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (there.st_uid, there.st_gid):
        with suppress(OSError):  # only root may
            os.fchown(descriptor, there.st_uid, there.st_gid)
    os.fchmod(descriptor, there.st_mode & 0o777)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # a leftover does no harm, and the error that led here is the one to tell


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        return  # some file systems can't sync a folder; the file itself is safe
    finally:
        os.close(descriptor)

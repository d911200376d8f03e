"""Where a study lies: ``studies/<name>/`` and the files in it."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import weakref
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.access import choose_remedy, explain_denial
from dse.core.errors import RequestError
from dse.core.paths import atomic_write, exclusive, read_regular, take_lock
from dse.study.database_url import (
    HIDDEN,
    normalised,
    same_database,
    sqlite_url,
    without_hidden,
    without_password,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

STUDIES = Path("studies")
MAX_URL_BYTES = 1 << 14
MAX_LENGTH = 100
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@+-]{{0,{MAX_LENGTH - 1}}}")


class Presence:
    """Says that a process explores the study of a folder, until this is forgotten or that ends.

    Taken one at a time only: see `StudyFolder.opening`.

    Args:
        path: the folder.

    Attributes:
        alone: whether no other process had it open when this one came; False without locks.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, descriptor)
        alone = take_lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.alone = bool(take_lock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB) and alone)


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The files of a study.

    Attributes:
        path: the folder; its name is the study's.
    """

    path: Path

    @property
    def name(self) -> str:
        """The study's name."""
        return self.path.name

    @property
    def name_or_path(self) -> str:
        """What names the study on the command line, from the working folder."""
        usual = STUDIES / self.name
        return self.name if usual.absolute() == self.path.absolute() else str(self.path)

    @property
    def database(self) -> Path:
        """The SQLite database, where no other storage was chosen."""
        return self.path / "study.db"

    @property
    def storage_file(self) -> Path:
        """Holds the URL of another storage, without its password."""
        return self.path / "storage.url"

    @property
    def space(self) -> Path:
        """The search space as it was explored last."""
        return self.path / "space.yaml"

    @property
    def inputs(self) -> Path:
        """Where the models and samples lie on this machine, if they are the user's."""
        return self.path / "inputs.json"

    @property
    def runs(self) -> Path:
        """One folder per worker, with the untouched LoadGen logs."""
        return self.path / "runs"

    @property
    def picture(self) -> Path:
        """The picture of the frontier."""
        return self.path / "frontier.png"

    @property
    def imported(self) -> Path:
        """Results of others, where they are kept here in place of a study."""
        return self.path / "imported.json"

    @property
    def report(self) -> Path:
        """The folder of the report."""
        return self.path / "report"

    @property
    def lock(self) -> Path:
        """Held while a study is opened, or trials of processes that are gone are ended."""
        return self.path / ".lock"

    @property
    def begun(self) -> bool:
        """Whether there is a study in it, as far as this user can see."""
        return _is_file(self.database) or _is_file(self.storage_file)

    @property
    def holds_import(self) -> bool:
        """Whether results of others are in it, as far as this user can see."""
        return _is_file(self.imported)

    @property
    def closed(self) -> bool:
        """Whether it is a folder that this user may not look into."""
        try:
            os.stat(f"{self.path}/.")  # noqa: PTH116  # a Path has no dot at its end
        except PermissionError:
            return True
        except OSError:
            return False
        return False

    @property
    def complete(self) -> bool:
        """Whether a study was begun in it to the end: who is killed before leaves no space."""
        return self.begun and self.space.is_file()

    def refuse_import(self) -> None:
        """Refuses a folder in which results of others are kept.

        Raises:
            RequestError: that is so.
        """
        if self.holds_import and not self.begun:
            raise RequestError(
                "holds imported results, not a study",
                file=self.path,
                remedy=f"`dse compare {self.name}` shows them",
            )

    def create(self) -> None:
        """Makes the folder.

        Raises:
            RequestError: it can't be made or written.
        """
        self.refuse_import()
        probe = self.path / ".writable"
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink(missing_ok=True)  # another process may try the same
            self._refuse_others_files()
        except OSError as error:
            place = Path(error.filename or probe)
            raise RequestError(
                f"the study folder can't be written: {explain_denial(error, place)}",
                file=self.path,
                remedy=choose_remedy(error, place, whole=self.path),
            ) from error

    def _refuse_others_files(self) -> None:
        """Looks for what another user has left there: a database would be waited for."""
        for place in (self.runs, self.lock, self.database):
            if place.exists() and not os.access(place, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))

    @contextmanager
    def opening(self) -> Iterator[Presence]:
        """Makes the folder and keeps others from opening or creating a study in it for the block.

        Yields:
            This process's presence; as long as that is kept, it counts as one that explores.

        Raises:
            RequestError: the folder can't be made or written.
        """
        self.create()
        with exclusive(self.lock):
            self.create()  # whoever had the lock before may have removed it
            try:
                yield Presence(self.path)
            finally:
                self._remove_unused()

    def _remove_unused(self) -> None:
        """Removes the folder where nothing was begun in it and nothing else lies there."""
        if not self.begun:
            with suppress(OSError):
                self.runs.rmdir()
                self.lock.unlink()
                self.path.rmdir()

    def storage_url(self, given: str | None) -> str:
        """The URL of the study's storage: the one given, the one written down, or the database.

        A database file's path in it is absolute.

        Raises:
            RequestError: what is given is not a URL, or not the storage the study was begun in, or
                the one written down lacks its password.
        """
        written = self._written()
        if given is None:
            if written is None:
                return sqlite_url(self.database)
            if HIDDEN in written and not written.startswith("postgresql"):
                raise RequestError(
                    f"the study's storage {written} needs its password",
                    remedy="give the whole URL with --storage",
                )
            return without_hidden(written)  # the driver finds it in PGPASSWORD or in a file
        given = normalised(given)
        if self.database.exists() and given != sqlite_url(self.database):
            raise RequestError(
                f"study '{self.name}' is kept in {self.database}",
                remedy="leave --storage out, or choose another study",
            )
        if written is not None and not same_database(written, given):
            raise RequestError(
                f"study '{self.name}' is kept in {written}",
                remedy="give that storage, or choose another study",
            )
        return given

    def remember_storage(self, url: str) -> None:
        """Writes the URL down where it is not the folder's own database."""
        written = self._written()
        new = written is None or written != without_password(written)  # as it was once written
        if new and url != sqlite_url(self.database):
            with atomic_write(self.storage_file) as file:
                file.write(f"{without_password(url)}\n".encode())

    def remember_space(self, text: str) -> None:
        """Writes the search space down as it is explored now."""
        with atomic_write(self.space) as file:
            file.write(text.encode())

    def _written(self) -> str | None:
        try:
            return read_regular(self.storage_file, MAX_URL_BYTES).decode().strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise RequestError(
                f"does not hold the URL of a storage: {getattr(error, 'strerror', None) or error}",
                file=self.storage_file,
                remedy="write the URL into it",
            ) from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:  # another user's, who has closed it
        return False


def study_folder(name_or_path: str) -> StudyFolder:
    """The folder of a study given by its name under ``studies/`` or by its path.

    Raises:
        RequestError: neither a usable name nor a path.
    """
    path = Path(name_or_path)
    if len(path.parts) == 1 and NAME.fullmatch(name_or_path):
        # A bare name that is a folder right here counts as a path when it holds a study.
        if not (STUDIES / path).exists() and StudyFolder(path).begun:
            return StudyFolder(path)
        return StudyFolder(STUDIES / path)
    path = path.resolve() if path.name in ("", ".", "..") else path
    if not name_or_path or not NAME.fullmatch(path.name):
        raise RequestError(
            f"'{name_or_path}' is not a study name",
            remedy="use letters, digits and ._@+- only, at most 100",
        )
    return StudyFolder(path)


def existing_folder(name_or_path: str) -> StudyFolder:
    """The folder of a study that must exist.

    Raises:
        RequestError: there is no such study; the remedy lists the others.
    """
    folder = study_folder(name_or_path)
    if folder.begun:
        return folder
    folder.refuse_import()
    known = ", ".join(each.name for each in known_studies())
    remedy = f"there are {known}" if known else "begin one with `dse explore`"
    raise RequestError(f"no study at {folder.path}", remedy=remedy)


def known_studies() -> list[StudyFolder]:
    """The folders under ``studies/`` that hold a study, in the order of their names."""
    return [folder for folder in named_folders(STUDIES) if folder.begun]


def named_folders(root: Path) -> list[StudyFolder]:
    """The folders in another one that are named as studies are, in the order of their names."""
    paths = (path for path in root.glob("*") if NAME.fullmatch(path.name) and path.is_dir())
    return [StudyFolder(path) for path in sorted(paths)]

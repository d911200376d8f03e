"""The studies and imports of the working folder: opened once, and read again as they change."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from dse.core.errors import DseError, RequestError
from dse.core.retry import RetryPolicy
from dse.results.imported import read_import
from dse.results.read import results_of
from dse.results.stored import CLOSED, StoredResults, describe_stored, result_folders
from dse.serve.errors import NotFoundError
from dse.study.database_url import without_password
from dse.study.folder import NAME, STUDIES, StudyFolder
from dse.study.storage import damage_as_error
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
    from pathlib import Path

    from dse.results.table import ResultTable

T = TypeVar("T")

MAX_OPEN = 8
"""How many studies are kept open."""
MAX_MADE = 8
"""How many things made of an open study are kept."""
LISTING_S = 1.0
"""How long one listing reads; what it has no time for is read by the next ones."""
LOCK_WAIT_S = 60.0
"""The longest wait for another request that uses the same study."""
RETRY_POLICY = RetryPolicy(max_seconds=2.0)
"""For a storage that does not answer: a reader at a browser tries again."""

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Of each file that holds results: when it was written, its size and its inode."""


class OpenStudy:
    """A study that is open, and what was made of it as it is now; for one thread at a time.

    Args:
        study: opened just now.
        stamp: of its files before that; None where they don't tell whether it has changed.

    Attributes:
        study: the study.
        mark: tells its states apart, also those that another process has read.
    """

    def __init__(self, study: Study, stamp: Stamp | None) -> None:
        self.study = study
        self.mark = _mark(study)
        self._stamp = stamp
        self._made: OrderedDict[Hashable, Any] = OrderedDict()
        study.retry_policy = RETRY_POLICY

    def follow(self, stamp: Stamp | None) -> bool:
        """Takes in what was stored since.

        Args:
            stamp: of its files.

        Returns:
            Whether that could be done; else it is to be opened anew.

        Raises:
            DseError: the storage can't be used.
        """
        if stamp is not None and stamp == self._stamp:
            return True
        if not _same_files(stamp, self._stamp):
            return False
        about = self.study.about
        with damage_as_error(self.study.folder.name):
            self.study.sync(settle=False)
        if self.study.superseded or replace(about, artefacts=self.study.about.artefacts) != (
            self.study.about
        ):
            return False
        self._stamp = stamp
        mark = _mark(self.study)
        if mark != self.mark:
            self.mark = mark
            self._made.clear()
        return True

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """What a function makes of the study; made once, as long as that does not change.

        Args:
            key: tells what is made.
            make: makes it.
        """
        if key not in self._made:
            self._made[key] = make()
            if len(self._made) > MAX_MADE:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        made: T = self._made[key]
        return made


@dataclass(slots=True)
class _Place:
    """What is known of a folder; the lock is for all of it.

    Attributes:
        opened: its study, while it is open.
        listed: what the last listing said of it, and of which files.
        tables: its systems, and of which files.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    opened: OpenStudy | None = None
    listed: tuple[Stamp | None, StoredResults] | None = None
    tables: tuple[Stamp | None, tuple[ResultTable, ...]] | None = None


class Library:
    """The studies and imports in a folder, for several threads.

    Each study has a lock of its own, so that a slow one does not hold up the others.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path = STUDIES) -> None:
        self._root = root
        self._lock = threading.Lock()  # for the two below
        self._places: dict[str, _Place] = {}
        self._recent: OrderedDict[str, None] = OrderedDict()  # the names of those that are open

    def folder(self, name: str) -> StudyFolder:
        """The folder of a study or an import.

        Args:
            name: as it came from a browser.

        Raises:
            NotFoundError: there is none.
        """
        if NAME.fullmatch(name):
            folder = StudyFolder(self._root / name)
            if folder.begun or folder.holds_import:
                return folder
            if folder.closed:
                raise RequestError(f"study '{name}' can't be read: {CLOSED}")
        shown = name if len(name) <= 100 else f"{name[:100]}..."
        raise NotFoundError(f"there is no study '{shown}'", remedy="the first page lists them")

    def is_import(self, name: str) -> bool:
        """Whether a name is that of results of others, and not of a study.

        Raises:
            NotFoundError: it is of neither.
        """
        return not self.folder(name).begun

    def stored(self) -> list[StoredResults]:
        """What there is, in the order of the names.

        Counts are None where something could not be read yet: the next listing reads on.
        """
        folders = result_folders(self._root)
        self._forget(folder.name for folder in folders)
        until = time.monotonic() + LISTING_S
        by_age = sorted(folders, key=_changed_ns, reverse=True)
        found = {folder.name: self._listed(folder, until) for folder in by_age}
        return [found[folder.name] for folder in folders]

    @contextmanager
    def open(self, name: str) -> Iterator[Study]:
        """A study as it is stored now; nobody else uses it during the block.

        Raises:
            NotFoundError: there is none.
            DseError: it can't be read.
        """
        with self.opened(name) as found:
            yield found.study

    @contextmanager
    def opened(self, name: str) -> Iterator[OpenStudy]:
        """The same, with what was made of it."""
        folder = self.folder(name)
        folder.refuse_import()
        with self._holding(name) as place:
            yield self._current(folder, place)

    def results(self, name: str) -> tuple[ResultTable, ...]:
        """The systems of a study or an import.

        Raises:
            NotFoundError: there is neither.
            DseError: it can't be read.
        """
        folder = self.folder(name)
        stamp = _stamp(folder)
        with self._holding(name) as place:
            if place.tables is None or stamp is None or place.tables[0] != stamp:
                place.tables = stamp, tuple(self._tables(folder, place))
            return place.tables[1]

    def _tables(self, folder: StudyFolder, place: _Place) -> Sequence[ResultTable]:
        """Reads the systems of a folder whose lock is held."""
        if folder.begun:
            return [results_of(self._current(folder, place).study)]
        return read_import(folder.imported).results

    @contextmanager
    def _holding(self, name: str) -> Iterator[_Place]:
        place = self._place(name)
        if not place.lock.acquire(timeout=LOCK_WAIT_S):
            raise DseError(f"study '{name}' is read for another page; try again")
        try:
            yield place
        finally:
            place.lock.release()

    def _place(self, name: str) -> _Place:
        with self._lock:
            return self._places.setdefault(name, _Place())

    def _forget(self, names: Iterable[str]) -> None:
        """Forgets the folders that are gone."""
        kept = {*names}
        with self._lock:
            self._places = {name: each for name, each in self._places.items() if name in kept}
            for name in [name for name in self._recent if name not in kept]:
                del self._recent[name]

    def _current(self, folder: StudyFolder, place: _Place) -> OpenStudy:
        """The study of a folder whose lock is held, as it is stored now."""
        stamp = _stamp(folder)
        opened, place.opened = place.opened, None  # unless it can be read
        if opened is None or not opened.follow(stamp):
            opened = OpenStudy(Study.load(folder), stamp)
        place.opened = opened
        self._keep(folder.name)
        return opened

    def _keep(self, name: str) -> None:
        """Closes the study that was used longest ago, where too many are open."""
        with self._lock:
            self._recent[name] = None
            self._recent.move_to_end(name)
            for old in [*self._recent][:-MAX_OPEN]:
                place = self._places.get(old)
                if place is not None and place.lock.acquire(blocking=False):
                    place.opened = None
                    place.lock.release()
                    del self._recent[old]

    def _listed(self, folder: StudyFolder, until: float) -> StoredResults:
        """What there is to say of a folder; what is known of it where there is no time to read."""
        place, stamp = self._place(folder.name), _stamp(folder)
        known = place.listed
        if known is not None and stamp is not None and known[0] == stamp:
            return known[1]
        if time.monotonic() >= until or not place.lock.acquire(blocking=False):
            return known[1] if known else _unread(folder)
        try:
            if stamp is None:
                return _elsewhere(folder, place.opened)
            place.listed = stamp, self._described(folder, place)
            return place.listed[1]
        finally:
            place.lock.release()

    def _described(self, folder: StudyFolder, place: _Place) -> StoredResults:
        """Reads a folder whose lock is held; a study that grows stays open."""
        if folder.begun and (place.opened is not None or place.listed is not None):
            try:
                return describe_stored(folder, self._current(folder, place).study)
            except DseError as error:
                return StoredResults(folder.name, "unreadable", problem=str(error))
        return describe_stored(folder)


def _mark(study: Study) -> str:
    trials = (trial for revision in study.revisions for trial in revision.trials)
    numbers = (
        len(study.revisions),
        study.about.planned,
        sum(trial.state.is_finished() for trial in trials),
        len(study.records),
        sum(study.results.failed.values()),
        study.measurements_taken,
    )
    return ".".join(map(str, numbers))


def _stamp(folder: StudyFolder) -> Stamp | None:
    """What changes with what a folder holds; None where that lies elsewhere."""
    if folder.closed:
        return ()
    if folder.database.is_file():
        log = folder.database.with_name(f"{folder.database.name}-wal")
        return _file_stamp(folder.database), _file_stamp(log)
    return None if folder.begun else (_file_stamp(folder.imported),)


def _file_stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _same_files(one: Stamp | None, other: Stamp | None) -> bool:
    """Whether a database is the same file as before, or was not seen to be another."""
    if one is None or other is None:
        return one is other
    return one[0] is not None and other[0] is not None and one[0][2] == other[0][2]


def _changed_ns(folder: StudyFolder) -> int:
    return max((each[0] for each in _stamp(folder) or () if each), default=0)


def _unread(folder: StudyFolder) -> StoredResults:
    if folder.closed:
        return StoredResults(folder.name, "unreadable", problem=CLOSED)
    return StoredResults(folder.name, "study" if folder.begun else "import")


def _elsewhere(folder: StudyFolder, opened: OpenStudy | None) -> StoredResults:
    """What is known of a study on a server, which a listing does not ask: it may not answer."""
    if opened is not None:
        return describe_stored(folder, opened.study)
    try:
        problem = f"is kept in {without_password(folder.storage_url(None))}; open it to see more"
    except DseError as error:
        problem = str(error)
    return StoredResults(folder.name, "study", problem=problem)

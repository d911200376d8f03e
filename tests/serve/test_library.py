"""The studies as the pages have them: opened once, followed, and never harmed."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError, RequestError
from dse.results.imported import Import, keep, source
from dse.results.read import read_file
from dse.serve.errors import NotFoundError
from dse.serve.looking import library as module
from dse.serve.looking.library import MAX_OPEN, Library
from dse.study.folder import StudyFolder
from dse.study.revisions import distributions
from dse.study.study import Study
from tests.commandline import tmp_path
from tests.other_users import give_away, run_unprivileged
from tests.results.tables import write_published
from tests.study.studies import create, fill, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.results.stored import StoredResults

__all__ = ["tmp_path"]
SPACE = small_space()
HOSTILE = (
    *("", ".", "..", "../mine", "mine/../mine", "mine/", "/etc", "mine\0", "mine\n", ".jobs"),
    *("a" * 101, "a" * 100_000, "minė", "%2e%2e", "~", "mine study.db", "sqlite:///mine"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the study ``mine``, of which three configurations are measured."""
    root = tmp_path / "studies"
    fill(create(StudyFolder(root / "mine"), SPACE), SPACE, most=3)
    return root


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the studies that were opened, one for each time."""
    names: list[str] = []
    load = Study.load

    def noted(folder: StudyFolder, *arguments: object) -> Study:
        names.append(folder.name)
        return load(folder, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Study, "load", noted)
    return names


def entry(library: Library, name: str) -> StoredResults:
    return next(each for each in library.stored() if each.name == name)


@pytest.mark.parametrize("name", HOSTILE)
def test_only_names_of_studies_lead_to_one(root: Path, name: str) -> None:
    library = Library(root)
    with pytest.raises(NotFoundError) as raised, library.open(name):
        pass
    assert len(str(raised.value)) < 200
    with pytest.raises(NotFoundError):
        library.results(name)


def test_a_study_is_opened_once(root: Path, loaded: list[str]) -> None:
    library = Library(root)
    with library.open("mine") as study:
        assert len(study.records) == 3
    with library.open("mine") as again:
        assert again is study
    assert loaded == ["mine"]


def test_what_others_measure_is_taken_in(root: Path, loaded: list[str]) -> None:
    library = Library(root)
    with library.opened("mine") as opened:
        mark = opened.mark
        assert opened.remember("count", lambda: len(opened.study.records)) == 3
        assert opened.remember("count", lambda: 0) == 3
    fill(Study.resume(StudyFolder(root / "mine")), SPACE, most=2)
    loaded.clear()
    with library.opened("mine") as now:
        assert now is opened
        assert len(now.study.records) == 5
        assert now.mark != mark
        assert now.remember("count", lambda: len(now.study.records)) == 5
    assert loaded == []
    assert entry(library, "mine").configurations == 5


def test_a_mark_is_of_the_study_and_not_of_its_reader(root: Path) -> None:
    marks = set()
    for library in (Library(root), Library(root)):
        with library.opened("mine") as opened:
            marks.add(opened.mark)
    assert len(marks) == 1


def test_a_run_that_has_begun_changes_nothing(root: Path) -> None:
    library = Library(root)
    with library.opened("mine") as opened:
        opened.remember("page", lambda: 1)
    plan = planned(SPACE)
    study = Study.resume(StudyFolder(root / "mine"))
    left = next(c for c in plan.configurations if c.key not in study.records)
    study.begin(left, distributions(plan))
    with library.opened("mine") as opened:
        assert opened.remember("page", lambda: 2) == 1
        assert len(opened.study.running_trials()) == 1


def test_nothing_is_written(root: Path) -> None:
    plan = planned(SPACE)
    folder = StudyFolder(root / "mine")
    library = Library(root)
    with library.open("mine"):
        pass
    study = Study.resume(folder)
    left = next(c for c in plan.configurations if c.key not in study.records)
    study.begin(left, distributions(plan))
    study.close()  # the trial is orphaned now: whoever explores would end it
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    with library.open("mine") as found:
        assert len(found.records) == 3
    library.stored()
    after = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    assert after == before


def test_a_study_with_another_space_is_opened_anew(root: Path) -> None:
    library = Library(root)
    with library.open("mine") as before:
        pass
    wider = small_space(batch_sizes=[1, 2, 4])
    fill(create(StudyFolder(root / "mine"), wider), wider, most=1)
    with library.open("mine") as after:
        assert after is not before
        assert after.space.as_dict() == wider.as_dict()


def test_a_study_that_was_replaced_is_opened_anew(root: Path, tmp_path: Path) -> None:
    library = Library(root)
    with library.open("mine") as before:
        pass
    other = tmp_path / "other" / "mine"
    fill(create(StudyFolder(other), SPACE), SPACE, most=7)
    (other / "study.db").replace(root / "mine" / "study.db")
    with library.open("mine") as after:
        assert after is not before
        assert len(after.records) == 7
    shutil.rmtree(root / "mine")
    with pytest.raises(NotFoundError), library.open("mine"):
        pass
    assert library.stored() == []


def test_few_studies_stay_open(root: Path, loaded: list[str]) -> None:
    names = [f"s{number}" for number in range(MAX_OPEN + 1)]
    for name in names:
        shutil.copytree(root / "mine", root / name)
    library = Library(root)
    for _ in range(2):
        for name in names:
            with library.open(name) as study:
                assert len(study.records) == 3
    assert len(loaded) == 2 * len(names)  # each was closed before it was asked for again
    with library.open(names[-1]):
        pass
    assert len(loaded) == 2 * len(names)


def test_a_listing_reads_what_has_changed_alone(root: Path, loaded: list[str]) -> None:
    for name in ("a", "b"):
        shutil.copytree(root / "mine", root / name)
    library = Library(root)
    assert [each.name for each in library.stored()] == ["a", "b", "mine"]
    assert sorted(loaded) == ["a", "b", "mine"]
    library.stored()
    assert len(loaded) == 3
    study = Study.resume(StudyFolder(root / "b"))
    loaded.clear()
    for count in (4, 5):
        fill(study, SPACE, most=1)
        assert entry(library, "b").configurations == count
    assert loaded == ["b"]  # from then on it is followed


def test_a_listing_has_no_end_of_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTING_S", 0.0)
    library = Library(root)
    unread = entry(library, "mine")
    assert (unread.kind, unread.configurations, unread.problem) == ("study", None, "")
    monkeypatch.setattr(module, "LISTING_S", 60.0)
    assert entry(library, "mine").configurations == 3


def test_damage_is_a_line_of_the_listing(root: Path) -> None:
    (root / "broken").mkdir()
    (root / "broken" / "study.db").write_text("no database")
    library = Library(root)
    for _ in range(2):
        assert entry(library, "broken").kind == "unreadable"
        assert entry(library, "mine").configurations == 3
    with pytest.raises(RequestError), library.open("broken"):
        pass


def test_damage_after_opening_is_told_and_may_be_mended(root: Path) -> None:
    library = Library(root)
    database = root / "mine" / "study.db"
    with library.open("mine"):
        pass
    whole = database.read_bytes()
    database.write_bytes(b"no database" * 1000)
    with pytest.raises(DseError), library.open("mine"):
        pass
    assert entry(library, "mine").kind == "unreadable"
    database.write_bytes(whole)
    with library.open("mine") as study:
        assert len(study.records) == 3
    assert entry(library, "mine").configurations == 3


def test_a_folder_that_another_user_has_closed_is_a_line_of_the_listing(root: Path) -> None:
    shutil.copytree(root / "mine", root / "closed")
    give_away(root / "closed", 0o700)
    script = (
        "import sys; from pathlib import Path\n"
        "from dse.core.errors import RequestError\n"
        "from dse.results.stored import stored_results\n"
        "from dse.serve.looking.library import Library\n"
        "root = Path(sys.argv[1]); library = Library(root)\n"
        "for each in (*library.stored(), *library.stored(), *stored_results(root)):\n"
        "    print(each.name, each.kind, each.problem)\n"
        "try: library.results('closed')\n"
        "except RequestError as error: print(error)\n"
    )
    answer = run_unprivileged("-c", script, str(root))
    told = "its folder may not be looked into by this user"
    lines = [f"closed unreadable {told}", "mine study "] * 3
    assert answer.stdout.splitlines() == [*lines, f"study 'closed' can't be read: {told}"], answer


def test_the_results_of_a_study_outlive_its_closing(root: Path, loaded: list[str]) -> None:
    for number in range(MAX_OPEN + 1):
        shutil.copytree(root / "mine", root / f"other{number}")
    library = Library(root)
    names = sorted(path.name for path in root.iterdir())
    tables = [library.results(name) for name in names]
    assert [library.results(name) for name in names] == tables
    assert sorted(loaded) == names
    fill(Study.resume(StudyFolder(root / "mine")), SPACE, most=2)
    assert [len(each.rows) for each in library.results("mine")] == [5]


def test_imports_are_listed_and_read_once(root: Path, tmp_path: Path) -> None:
    file = write_published(tmp_path / "t.csv", [{}, {"Platform": "two"}])
    folder = StudyFolder(root / "theirs")
    folder.path.mkdir()
    keep(Import((source(file),), tuple(read_file(file))), folder)
    library = Library(root)
    assert entry(library, "theirs").systems == ("one", "two")
    assert library.is_import("theirs")
    assert not library.is_import("mine")
    tables = library.results("theirs")
    assert [each.name for each in tables] == ["one", "two"]
    assert library.results("theirs") is tables
    with pytest.raises(RequestError, match="imported results"), library.open("theirs"):
        pass
    (mine,) = library.results("mine")
    assert len(mine.rows) == 3


def test_a_listing_does_not_ask_a_storage_elsewhere(
    root: Path, tmp_path: Path, loaded: list[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    study = create(StudyFolder(root / "far"), SPACE, url)
    fill(study, SPACE, most=2)
    loaded.clear()
    library = Library(root)
    far = entry(library, "far")
    assert (far.kind, far.configurations) == ("study", None)
    assert "elsewhere.db" in far.problem
    assert "far" not in loaded
    with library.open("far") as opened:
        assert len(opened.records) == 2
    fill(study, SPACE, most=1)
    with library.open("far") as again:
        assert again is opened
        assert len(again.records) == 3
    assert entry(library, "far").configurations == 3


def test_a_password_is_shown_to_nobody(root: Path) -> None:
    (root / "server").mkdir()
    (root / "server" / "storage.url").write_text("mysql://me:secret@nowhere.invalid/x")
    listed = entry(Library(root), "server")
    assert "secret" not in listed.problem


def test_a_slow_study_holds_up_no_other(root: Path) -> None:
    shutil.copytree(root / "mine", root / "other")
    library = Library(root)
    library.stored()
    fill(Study.resume(StudyFolder(root / "mine")), SPACE, most=1)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with library.open("mine"):
            held.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(60)
        with library.open("other") as study:
            assert len(study.records) == 3
        assert entry(library, "mine").configurations == 3  # as far as is known
    finally:
        done.set()
        holder.join()
    assert entry(library, "mine").configurations == 4


def test_waiting_for_a_study_ends(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_WAIT_S", 0.01)
    library = Library(root)
    failed: list[str] = []

    def ask() -> None:
        try:
            with library.open("mine"):
                pass
        except DseError as error:
            failed.append(str(error))

    with library.open("mine"):
        asker = threading.Thread(target=ask)
        asker.start()
        asker.join()
    assert "try again" in failed[0]


def test_threads_share_a_study(root: Path) -> None:
    library = Library(root)
    counts: list[int] = []

    def read() -> None:
        for _ in range(5):
            with library.open("mine") as study:
                counts.append(len(study.frontier()))
            library.stored()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    fill(Study.resume(StudyFolder(root / "mine")), SPACE, most=5)
    for thread in threads:
        thread.join()
    assert len(counts) == 20
    assert entry(library, "mine").configurations == 8

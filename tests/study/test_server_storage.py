"""Studies in a PostgreSQL database: begun by several at once, through cuts, with any password."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import pytest
import sqlalchemy

from dse.core.errors import RequestError
from dse.machine.detect import detect
from dse.study.database_url import sqlite_url
from dse.study.folder import StudyFolder
from dse.study.storage import creation_lock
from dse.study.store import Store
from dse.study.study import Study
from tests.commandline import PATIENCE_S, start
from tests.replays import write_space, write_table
from tests.study.proxy import proxied
from tests.study.server import PASSWORD
from tests.study.studies import create, fill, small_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.commandline import Command
    from tests.study.server import Server

T = TypeVar("T")
SPACE, WIDER = small_space(), small_space(models=["a", "b", "c"])
LONG = pytest.mark.long
STRIDE = 4
"""Between the statements before which a cut is tried: each takes seconds."""


def at_once(work: Callable[[int], T], times: int = 3) -> list[T]:
    """Does something in several threads that begin together; what each has returned."""
    ready = threading.Barrier(times)

    def one(number: int) -> T:
        ready.wait()
        return work(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database in which nothing is."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "all.db")
    server: Server = request.getfixturevalue("server")
    return server.url(server.new_database())


EACH = pytest.param("s{}", id="a study each", marks=LONG)


@pytest.mark.parametrize("name", [pytest.param("s", id="one study"), EACH])
def test_several_begin_at_once_in_a_new_database(url: str, tmp_path: Path, name: str) -> None:
    def begin(number: int) -> StudyFolder:
        folder = StudyFolder(tmp_path / str(number) / name.format(number))
        fill(create(folder, SPACE, url), SPACE, most=1)
        return folder

    folders = at_once(begin)
    found = [Study.load(folder, url) for folder in folders]
    shared = name == "s"
    assert [study.trials_begun for study in found] == [3 if shared else 1] * 3
    assert len({str(study.optuna_study.study_name) for study in found}) == (1 if shared else 3)
    assert not list(tmp_path.glob(".*"))  # no lock is left


@LONG
@pytest.mark.parametrize("name", ["s", "s{}"], ids=["one study", "a study each"])
def test_several_processes_far_from_the_server_begin_at_once(
    command: Command, here: Path, server: Server, name: str
) -> None:
    database = server.new_database()
    with proxied(server.port, 0.04) as proxy, ExitStack() as stack:
        url = server.url(database, port=proxy.port)
        running = []
        for number in range(3):
            folder = here / str(number)
            folder.mkdir()
            write_table(folder, ["a"], [1], [1, 2])
            words = ("--settle", 0, "--study", name.format(number), "--storage", url)
            space = write_space(folder, models=["a"], threads=1)
            running.append(stack.enter_context(start("explore", space, *words, cwd=folder)))
        for process in running:
            _, errors = process.communicate(timeout=3 * PATIENCE_S)
            assert process.returncode == 0, errors
        for number in range(3):
            study = here / str(number) / "studies" / name.format(number)
            status = command.good("status", study, "--json", "--storage", url).out
            assert '"measured": 2' in status
            assert '"measurements_taken": 6' in status


def test_who_begins_a_study_waits_for_another_who_does(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    database = server.new_database()
    url = server.url(database)
    holds, waits = threading.Event(), "another process begins a study in storage"

    def second(_: int) -> bool:
        assert holds.wait(PATIENCE_S)
        with creation_lock(url):
            return waits in caplog.text

    with ThreadPoolExecutor(1) as pool:
        with creation_lock(url):
            answer = pool.submit(second, 0)
            holds.set()
            said(caplog, waits)
            server.end_connections(database)  # with the lock of this one: its end says nothing
        assert answer.result(PATIENCE_S)


def said(caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Waits until the log holds some words."""
    end = threading.Event()
    for _ in range(round(PATIENCE_S / 0.02)):
        if words in caplog.text:
            return
        end.wait(0.02)
    raise AssertionError(caplog.text)


@contextmanager
def cut(server: Server, database: str, at: Callable[[int, str], bool]) -> Iterator[list[str]]:
    """All connections end just before the first statement for which ``at`` holds, in the block.

    Yields:
        The statements; ``at`` is asked with the number and the text of each.
    """
    statements: list[str] = []
    open_ = [True]

    def look(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)
        if open_ and at(len(statements), statement):
            open_.clear()
            assert server.end_connections(database)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", look)
    try:
        yield statements
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", look)


def nth(wanted: int) -> Callable[[int, str], bool]:
    return lambda number, _: number == wanted


def test_a_cut_while_trials_are_read_passes(tmp_path: Path, server: Server) -> None:
    database = server.new_database()
    folder, url = StudyFolder(tmp_path / "s"), server.url(database)
    study = create(folder, SPACE, url)
    fill(study, SPACE, most=2)
    with cut(server, database, lambda _, text: "FROM trials" in text):
        assert len(Study.load(folder, url).records) == 2
    with cut(server, database, lambda _, text: "FROM trials" in text):
        study.sync()


@LONG
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("begun", [False, True], ids=["begin", "another space"])
def test_a_cut_at_moments_of_beginning_passes(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture, begun: bool
) -> None:
    caplog.set_level("CRITICAL", "dse")  # a log that is kept would keep the lost connections
    moment, statements = 1, [""] * STRIDE
    while moment <= len(statements):
        database = server.new_database()
        folder, url = StudyFolder(tmp_path / str(moment) / "s"), server.url(database)
        if begun:
            fill(create(folder, SPACE, url), SPACE, most=2)
        with cut(server, database, nth(moment)) as statements:
            study = create(folder, WIDER, url)
        assert [len(each.trials) for each in study.revisions] == ([2, 2] if begun else [0])
        assert len(study.records) == (2 if begun else 0)
        del study
        gc.collect()
        moment += STRIDE


def test_a_server_that_hands_over_is_waited_for(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    url = server.url(server.new_database())
    fill(create(StudyFolder(tmp_path / "s"), SPACE, url), SPACE, most=1)
    with ThreadPoolExecutor(1) as pool:
        with server.read_only():
            widened = pool.submit(create, StudyFolder(tmp_path / "s"), WIDER, url)
            said(caplog, "read-only transaction; ")
        assert len(widened.result(PATIENCE_S).records) == 1


@pytest.mark.parametrize("encoding", ["SQL_ASCII", pytest.param("LATIN1", marks=LONG)])
def test_any_encoding_of_a_database_does(tmp_path: Path, server: Server, encoding: str) -> None:
    url = server.url(server.new_database(encoding))
    fill(create(StudyFolder(tmp_path / "s"), SPACE, url), SPACE, most=1)
    assert len(Study.load(StudyFolder(tmp_path / "s"), url).records) == 1


def test_the_password_may_come_from_outside_and_is_nowhere_in_the_folder(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = StudyFolder(tmp_path / "s")
    plain = server.url(server.new_database(), password=None)
    secret = f"{plain}?password={PASSWORD.replace('@', '%40')}"
    create(folder, SPACE, secret)
    written = folder.storage_file.read_text().strip()
    assert written == f"{plain}?password=***"
    folder.storage_file.write_text(secret)  # as earlier versions did
    create(folder, SPACE, secret)
    assert folder.storage_file.read_text().strip() == written
    with pytest.raises(RequestError, match="give the password in PGPASSWORD or the URL") as caught:
        Study.load(folder)
    assert "no password supplied" in str(caught.value)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    for given in (None, plain, plain.replace("postgresql+psycopg", "postgres"), secret):
        assert Study.load(folder, given).trials_begun == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "hunter2{x}"}, 'password authentication failed for user "postgres"; give'),
        ({"database": "missing"}, 'database "missing" does not exist; create it on the server'),
        ({"port": 1}, "refused"),
    ],
)
def test_a_wrong_address_is_told_in_one_line_and_leaves_nothing(
    tmp_path: Path, server: Server, changes: dict[str, object], words: str
) -> None:
    url = server.url(**{"database": "postgres", **changes})  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=words) as caught:
        create(StudyFolder(tmp_path / "s"), SPACE, url)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_a_study_of_another_cpu_leaves_nothing(tmp_path: Path, url: str) -> None:
    create(StudyFolder(tmp_path / "one" / "s"), SPACE, url)
    with pytest.raises(RequestError, match="belongs to another system"):
        create(
            StudyFolder(tmp_path / "two" / "s"),
            SPACE,
            url,
            system=detect().as_dict() | {"cpu": "another one"},
        )
    assert not (tmp_path / "two" / "s").exists()


def test_a_file_of_the_user_stays_where_a_study_is_refused(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "s")
    folder.create()
    (folder.path / "notes.txt").write_text("mine")
    with suppress(RequestError):
        create(folder, SPACE, "mysql+pymysql://me:x@127.0.0.1:1/x")
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]


def test_a_server_that_goes_once_its_lock_was_taken_is_waited_for(server: Server) -> None:
    with proxied(1) as proxy:  # where nothing listens
        url = server.url(server.new_database(), port=proxy.port)
        with pytest.raises(RequestError, match="can't be used"):
            Store(url, create=False, reading=True)
        back = threading.Timer(0.5, setattr, (proxy, "target", server.port))
        back.start()
        Store(url, create=True, reading=False)
        back.join()


def test_the_lock_of_beginning_ends_without_an_answer(server: Server) -> None:
    database = server.new_database()
    with proxied(server.port) as proxy:
        with creation_lock(server.url(database, port=proxy.port)):
            proxy.swallowing = True
        proxy.cut()
    with creation_lock(server.url(database)):
        pass

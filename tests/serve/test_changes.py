"""What browsers are told: real files, real processes, and streams over real connections."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dse.machine.process_identity import process_identity
from dse.serve.jobs.jobs import Jobs
from dse.serve.news import changes as changes_module
from dse.serve.news._watching import LostNewsError, News, new_watcher
from dse.serve.news.changes import THREAD, Changes
from dse.serve.news.events import EventStream
from tests.commandline import PATIENCE_S, here, tmp_path
from tests.serve.test_jobs import eventually, forge

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

__all__ = ["here", "tmp_path"]

DESCRIPTORS = Path("/proc/self/fd")
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
QUIET_S = 0.3
"""So long nothing must come where nothing has happened."""
State = dict[str, dict[str, Any]]


@pytest.fixture
def jobs(here: Path) -> Jobs:
    return Jobs(here / "studies" / ".jobs")


@pytest.fixture
def changes(jobs: Jobs) -> Iterator[Changes]:
    made = Changes(jobs)
    yield made
    made.close()
    assert eventually(lambda: not watching())


def watching() -> list[threading.Thread]:
    """The threads that wait for changes."""
    return [each for each in threading.enumerate() if each.name == THREAD]


def run(path: Path, name: str = "0-000001-1") -> None:
    """A new run of a study."""
    (path / "runs" / name).mkdir(parents=True)


def parse(piece: bytes) -> tuple[str, str, Any]:
    """Id, name and data of an event."""
    lines = dict(line.split(": ", 1) for line in piece.decode().splitlines() if line)
    return lines["id"], lines["event"], json.loads(lines["data"])


class Browser:
    """Reads a stream as a browser does."""

    def __init__(self, stream: AsyncGenerator[bytes, None]) -> None:
        self._stream = stream
        self.id = ""

    async def connect(self) -> State:
        """What it is told at once."""
        first = await anext(self._stream)
        assert first.startswith(b": ")
        assert b"\nretry: " in first
        return await self.next()

    async def next(self) -> State:
        """The next state."""
        async with asyncio.timeout(PATIENCE_S):
            self.id, event, data = parse(await anext(self._stream))
        assert event == "studies"
        return dict(data)

    async def until(self, true: Callable[[State], object]) -> State:
        """The next state of which something holds."""
        while not true(state := await self.next()):
            pass
        return state

    async def hears_nothing(self) -> bool:
        """Whether nothing comes for a while; it is no use any more after that."""
        try:
            async with asyncio.timeout(QUIET_S):
                await anext(self._stream)
        except TimeoutError:
            return True
        return False

    async def leave(self) -> None:
        await self._stream.aclose()


def browse(
    changes: Changes, act: Callable[[Browser, State], Awaitable[None]], last_id: str | None = None
) -> None:
    """Connects a browser, has it act with the first state, and disconnects it."""

    async def browsing() -> None:
        browser = Browser(changes.stream(last_id))
        try:
            await act(browser, await browser.connect())
        finally:
            await browser.leave()

    asyncio.run(browsing())


def test_a_trial_is_told_once(changes: Changes, here: Path) -> None:
    run(here / "studies" / "one")
    (here / "studies" / "two" / "runs").mkdir(parents=True)

    async def act(browser: Browser, state: State) -> None:
        assert state == {"one": {"trials": 1, "job": ""}, "two": {"trials": 0, "job": ""}}
        for number in (2, 3):
            run(here / "studies" / "one", f"0-00000{number}-1")
            state = await browser.next()
            assert state["one"] == {"trials": number, "job": ""}
        # What else changes in a study while it is measured wakes nobody up.
        for name in ("study.db", "study.db-journal", "runs/0-000001-1/log.txt"):
            (here / "studies" / "one" / name).write_text("x")
        (here / "studies" / "one" / "study.db-journal").unlink()
        assert await browser.hears_nothing()

    browse(changes, act)


def test_nobody_waits_without_a_browser(changes: Changes, here: Path) -> None:
    assert not watching()

    async def act(browser: Browser, state: State) -> None:
        assert state == {}
        assert len(watching()) == 1
        others = [Browser(changes.stream(None)) for _ in range(3)]
        for other in others:
            assert await other.connect() == {}
        assert len(watching()) == 1
        run(here / "studies" / "one")
        for each in (browser, *others):
            await each.until(lambda state: state.get("one", {}).get("trials") == 1)
        for other in others:
            await other.leave()
        assert len(watching()) == 1

    for _ in range(2):
        browse(changes, act)
        assert eventually(lambda: not watching())
        shutil.rmtree(here / "studies")
    assert not list(here.glob("*"))  # a reader makes nothing


def test_studies_come_and_go(changes: Changes, here: Path) -> None:
    studies = here / "studies"

    async def act(browser: Browser, state: State) -> None:
        assert state == {}
        studies.mkdir()
        (studies / "late").mkdir()
        await browser.until(lambda state: "late" in state)
        run(studies / "late")
        await browser.until(lambda state: state["late"]["trials"] == 1)
        (studies / "late").rename(studies / "moved")
        await browser.until(lambda state: [*state] == ["moved"])
        run(studies / "moved", "0-000002-1")
        await browser.until(lambda state: state["moved"]["trials"] == 2)
        shutil.rmtree(studies / "moved")
        await browser.until(lambda state: state == {})
        run(studies / "moved")
        await browser.until(lambda state: state.get("moved", {}).get("trials") == 1)
        shutil.rmtree(studies)
        await browser.until(lambda state: state == {})
        run(studies / "again")
        await browser.until(lambda state: state.get("again", {}).get("trials") == 1)

    browse(changes, act)


def test_a_folder_that_gets_the_name_of_another_is_followed(changes: Changes, here: Path) -> None:
    studies = here / "studies"
    run(studies / "one")

    async def act(browser: Browser, state: State) -> None:
        assert [*state] == ["one"]
        studies.rename(here / "before")
        run(studies / "two")
        await browser.until(lambda state: [*state] == ["two"])
        run(studies / "two", "0-000002-1")
        await browser.until(lambda state: state["two"]["trials"] == 2)
        (studies / "two").rename(studies / "three")
        run(studies / "two", "0-000001-1")
        await browser.until(lambda state: [*state] == ["three", "two"])
        run(studies / "two", "0-000002-1")
        await browser.until(lambda state: state["two"]["trials"] == 2)
        run(studies / "three", "0-000003-1")
        await browser.until(lambda state: state["three"]["trials"] == 3)

    browse(changes, act)


def test_a_circle_of_links_keeps_no_other_study_from_being_followed(
    changes: Changes, here: Path
) -> None:
    studies = here / "studies"
    run(studies / "one")
    (studies / "circle").mkdir()
    (studies / "circle" / "runs").symlink_to("runs")

    async def act(browser: Browser, state: State) -> None:
        assert [each["trials"] for each in state.values()] == [0, 1]
        run(studies / "one", "0-000002-1")
        await browser.until(lambda state: state["one"]["trials"] == 2)

    browse(changes, act)


def test_what_a_command_writes_at_its_end_is_told(changes: Changes, here: Path) -> None:
    study = here / "studies" / "one"
    run(study)

    async def act(browser: Browser, state: State) -> None:
        (here / "picture").write_text("x")
        (here / "picture").rename(study / "frontier.png")
        assert await browser.next() == state

    browse(changes, act)


def test_commands_begin_and_end(changes: Changes, jobs: Jobs, here: Path) -> None:
    async def act(browser: Browser, state: State) -> None:
        assert state == {}
        job = await asyncio.to_thread(jobs.start, ["frontier", "mine"], "mine")
        await browser.until(lambda state: state == {"mine": {"trials": 0, "job": job.id}})
        await browser.until(lambda state: state == {})
        assert jobs.find(job.id).code == 2

    browse(changes, act)
    assert here.is_dir()


def test_the_end_of_a_command_of_an_earlier_server_is_told(changes: Changes, jobs: Jobs) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(3600)"]
    with subprocess.Popen(words) as process:
        job = forge(jobs, process=process_identity(process.pid), study="mine")

        async def act(browser: Browser, state: State) -> None:
            assert state == {"mine": {"trials": 0, "job": job.id}}
            process.send_signal(signal.SIGKILL)
            await browser.until(lambda state: state == {})

        browse(changes, act)


def test_a_slow_browser_gets_the_newest_state_alone(changes: Changes, here: Path) -> None:
    study = here / "studies" / "one"
    (study / "runs").mkdir(parents=True)

    async def act(browser: Browser, state: State) -> None:
        assert state["one"]["trials"] == 0
        other = Browser(changes.stream(None))
        await other.connect()
        for number in range(1, 301):
            run(study, f"0-{number:06}-1")
        await other.until(lambda state: state["one"]["trials"] == 300)
        while not await other.hears_nothing():
            pass  # the last folders may be told once more
        assert (await browser.next())["one"]["trials"] == 300
        assert await browser.hears_nothing()

    browse(changes, act)


def test_a_browser_that_comes_back(changes: Changes, here: Path) -> None:
    run(here / "studies" / "one")
    seen = ""

    async def first(browser: Browser, state: State) -> None:
        nonlocal seen
        assert state["one"]["trials"] == 1
        seen = browser.id

    async def second(browser: Browser, state: State) -> None:
        assert state["one"]["trials"] == 2
        assert browser.id not in ("", seen)

    browse(changes, first)
    run(here / "studies" / "one", "0-000002-1")
    browse(changes, second, seen)
    browse(Changes(Jobs(here / "studies" / ".jobs")), second, seen)  # another server


def test_news_that_was_lost(changes: Changes, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = here / "studies" / "one"
    run(study)
    watcher = new_watcher()
    kind = type(watcher)
    watcher.close()
    wait, lost = kind.wait, list[frozenset[Path]]()

    def lose(self: Any) -> frozenset[Path] | None:
        found = wait(self)
        if found and not lost:
            lost.append(found)
            raise LostNewsError
        return found

    monkeypatch.setattr(kind, "wait", lose)

    async def act(browser: Browser, state: State) -> None:
        assert state["one"]["trials"] == 1
        run(study, "0-000002-1")
        assert (await browser.next())["one"]["trials"] == 2
        run(study, "0-000003-1")
        assert (await browser.next())["one"]["trials"] == 3

    browse(changes, act)
    assert lost


@pytest.mark.skipif(not QUEUE.is_file(), reason="the queue is that of inotify")
def test_more_news_than_the_system_keeps(here: Path) -> None:
    watcher = new_watcher()
    try:
        assert watcher.watch(here, News.MADE | News.REMOVED)
        for _ in range(int(QUEUE.read_text()) // 2 + 1):
            (here / "x").touch()
            (here / "x").unlink()
        with pytest.raises(LostNewsError):
            watcher.wait()
    finally:
        watcher.close()


def test_a_system_that_does_not_tell(changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(changes_module, "new_watcher", refuse)

    async def act() -> None:
        stream = changes.stream(None)
        await anext(stream)
        assert parse(await anext(stream))[1:] == ("unwatched", "Too many open files")
        await stream.aclose()

    asyncio.run(act())
    monkeypatch.undo()

    async def recovers(_browser: Browser, state: State) -> None:
        assert state == {}

    browse(changes, recovers)


def test_streams_end_with_the_server(changes: Changes) -> None:
    async def act(browser: Browser, _state: State) -> None:
        changes.close()
        changes.close()
        with pytest.raises(StopAsyncIteration):
            await browser.next()
        late = changes.stream(None)
        assert (await anext(late)).startswith(b": ")
        with pytest.raises(StopAsyncIteration):
            await anext(late)

    browse(changes, act)
    assert eventually(lambda: not watching())


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="the system does not list them")
def test_nothing_stays_open(changes: Changes, here: Path) -> None:
    run(here / "studies" / "one")

    async def act(_browser: Browser, _state: State) -> None:
        return

    browse(changes, act)
    assert eventually(lambda: not watching())
    before = len([*DESCRIPTORS.iterdir()])
    for _ in range(20):
        browse(changes, act)
    assert eventually(lambda: not watching())
    assert len([*DESCRIPTORS.iterdir()]) <= before


def test_a_browser_that_has_left_ends_its_stream(changes: Changes) -> None:
    async def act() -> None:
        gone, sent = asyncio.Event(), []

        async def receive() -> dict[str, str]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 3:  # the head, the comment and the first state
                gone.set()

        await EventStream(changes.stream(None))({}, receive, send)
        assert [each["type"] for each in sent[:2]] == ["http.response.start", "http.response.body"]

    asyncio.run(asyncio.wait_for(act(), PATIENCE_S))
    assert eventually(lambda: not watching())


@contextmanager
def served(changes: Changes) -> Iterator[int]:
    """Serves the events at a port for the block."""
    uvicorn = pytest.importorskip("uvicorn")
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def events(request: Any) -> Any:
        return EventStream(changes.stream(request.headers.get("last-event-id")))

    app = Starlette(routes=[Route("/events", events)])
    settings = uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=5)
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert eventually(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        changes.close()
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_events_over_a_connection(changes: Changes, here: Path) -> None:
    study = here / "studies" / "one"
    run(study)
    with served(changes) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        connection.request("GET", "/events", headers={"Last-Event-ID": "x-1"})
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        lines = iter(answer.readline, b"")
        assert next(line for line in lines if line.startswith(b"data: ")).endswith(
            b'{"one": {"trials": 1, "job": ""}}\n'
        )
        run(study, "0-000002-1")
        assert b'"trials": 2' in next(line for line in lines if line.startswith(b"data: "))
        assert len(watching()) == 1
        answer.close()
        connection.close()  # the browser leaves without a word
        assert eventually(lambda: not watching())
        again = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        again.request("GET", "/events")
        answer = again.getresponse()
        begun = time.monotonic()
        changes.close()
        answer.read()  # the stream ends
        assert time.monotonic() - begun < PATIENCE_S
        again.close()

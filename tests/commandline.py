"""The command line as tests use it: in this process, or as a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dse.cli import run
from tests.forked import Forked

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM_BYTES = 1 << 28
PROC = Path("/proc")
PATIENCE_S = 60.0
"""How long a test waits for what must come; only a failing one waits so long."""


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of stderr."""
        return (self.err.splitlines() or [""])[-1]


def unwrapped(text: str) -> list[str]:
    """Lines of a text, each with those that it was wrapped into, which are indented."""
    return re.sub(r"\n +", " ", text).splitlines()


class Command:
    """Calls ``dse`` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Answer:
        self._capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Answer(code, *self._capsys.readouterr())

    def good(self, *arguments: object) -> Answer:
        """The answer of a command that has to succeed."""
        answer = self(*arguments)
        assert answer.code == 0, answer
        return answer

    def status(self, study: object) -> dict[str, Any]:
        """What ``dse status --json`` says."""
        return dict(json.loads(self.good("status", study, "--json").out))

    def frontier(self, study: object) -> dict[str, Any]:
        """What ``dse frontier --json`` says."""
        return dict(json.loads(self.good("frontier", study, "--json").out))

    def counts(self, study: object) -> tuple[int, int, int, int]:
        """Configurations measured, failed and remaining, and measurements taken."""
        status = self.status(study)
        counts = status["configurations"]
        taken = status["measurements_taken"]
        return counts["measured"], counts["failed"], counts["remaining"], taken


@contextmanager
def folder_in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory if there is room: SQLite waits for a disk at every commit."""
    memory = Path("/dev/shm")  # noqa: S108
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ROOM_BYTES:
        yield tmp_path_factory.mktemp("on-disk")
        return
    folder = Path(tempfile.mkdtemp(prefix="dse-tests-", dir=memory))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that is gone after the test."""
    with folder_in_memory(tmp_path_factory) as folder:
        yield folder


def isolate(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Gives this process, and what it starts, an empty cache and locks of its own in a folder.

    Else whoever measures on the machine would wait for the tests, and they for each other.
    """
    temporary = folder / "temporary"
    temporary.mkdir()
    patch.setenv("TMPDIR", str(temporary))
    patch.setattr(tempfile, "tempdir", None)  # what it has found out before
    patch.setenv("DSE_CACHE_DIR", str(folder / "cache"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, with an empty cache and locks of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    isolate(tmp_path, monkeypatch)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def command(here: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, in the folder `here`."""
    assert here.is_dir()
    return Command(capsys)


@contextmanager
def start(*arguments: object, **options: Any) -> Iterator[Forked]:
    """Runs ``dse`` as a process for the block, with pipes for what it prints.

    It is forked from one that has imported everything; `start_python` begins at the beginning.
    """
    with Forked([*map(str, arguments)], **options) as process:
        try:
            yield process
        finally:
            process.kill()  # where a test has failed; else it has ended


@contextmanager
def start_python(*arguments: object, **popen: Any) -> Iterator[subprocess.Popen[str]]:
    """Runs ``python -m dse`` for the block, as `start` does; its runs have their true length."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
    words = [sys.executable, "-m", "dse", *(str(argument) for argument in arguments)]
    with subprocess.Popen(words, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()  # where a test has failed; else it has ended


def read_until(process: Forked | subprocess.Popen[str], words: str, times: int = 1) -> bool:
    """Reads stderr up to the line that holds the words so often; False if it ends before."""
    assert process.stderr is not None
    for line in process.stderr:
        times -= words in line
        if times <= 0:
            return True
    return False


def workers(folder: Path) -> list[int]:
    """The worker processes that run for a study somewhere below a folder."""
    found = []
    for entry in PROC.iterdir() if PROC.is_dir() else ():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        inside = any(word.startswith(os.fsencode(folder)) for word in words)
        if b"dse.measure.worker" in words and inside:
            found.append(int(entry.name))
    return found


def none_left(folder: Path) -> bool:
    """Whether every worker below a folder ends soon."""
    deadline = time.monotonic() + PATIENCE_S
    while workers(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True

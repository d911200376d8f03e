"""Starts commands that outlive the server and the browser, and finds them again."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from dse.core.errors import DseError, RequestError
from dse.core.paths import exclusive
from dse.core.printable import to_printable
from dse.core.wording import format_command
from dse.machine.process_identity import is_alive, process_identity
from dse.serve.jobs._job import Job, is_id
from dse.serve.jobs._job_files import JobFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Answer", "Job", "Jobs"]

LOG = logging.getLogger(__name__)
MAX_JOBS = 200
"""So many are kept; of more, those that ended longest ago are removed with their output."""
WIDTH = 80
"""Columns of what commands print."""
WAIT_S = 15.0
"""The longest wait of a short command for others: each wait takes one of the server's threads."""
END_S = 5.0
"""The longest wait for the end of a process to be written down."""
_GATE = Path(__file__).with_name("_gate.py")
_COLOURS = ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a short command printed.

    Attributes:
        code: its exit code, negative for a signal.
        out: what it wrote to stdout.
        err: what it wrote to stderr.
    """

    code: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """Why it failed: the last line of stderr."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        return to_printable(lines[-1]) if lines else f"exit code {self.code}"


class Jobs:
    """The commands that were started from the page, by this server or an earlier one.

    What is known of each lies in a folder: ``ID.json`` for the job and ``ID.txt`` for what it
    prints. Commands start in the folder that is the working folder now.

    Args:
        folder: for these files; it need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._working = Path.cwd()
        self._files = JobFiles(folder.absolute())
        self._lock = self._files.folder / ".lock"
        self._endings: dict[str, _Ending] = {}  # of what this server began, until written down
        self._stops: dict[str, int] = {}  # how often this server has stopped what runs
        self._short = threading.Semaphore(2)

    @property
    def folder(self) -> Path:
        """Where the files of the jobs lie."""
        return self._files.folder

    def start(self, words: Sequence[str], study: str = "") -> Job:
        """Starts a command; it goes on when this process ends.

        Args:
            words: of the command, after ``dse``.
            study: the name of the study that it works on; of each, one command runs at a time.

        Raises:
            RequestError: one runs for the study.
            DseError: it can't be started, as its files can't be written.
        """
        self._files.create_folder()
        with exclusive(self._lock):
            if study and (other := self.running(study)):
                raise RequestError(
                    f"`{other.command}` still runs",
                    field=study,
                    remedy="stop it first, or wait for its end",
                )
            self._remove_old()
            return self._begin(tuple(words), study)

    def start_once(self, words: Sequence[str], study: str) -> Job:
        """Starts a command for a study; one that is the same and runs already is that command.

        A second click, or a page of another browser, asks for nothing else.

        Args:
            words: of the command, after ``dse``.
            study: the name of the study that it works on.

        Raises:
            RequestError: another command runs for the study.
            DseError: it can't be started, as its files can't be written.
        """
        try:
            return self.start(words, study)
        except RequestError:
            other = self.running(study)
            if other is None or other.words != tuple(words):
                raise
            return other

    def _begin(self, words: tuple[str, ...], study: str) -> Job:
        """Starts a process that waits, puts it on record, and has it begin only then."""
        now = datetime.now(UTC)
        id_, output = self._files.new_output(now)
        process: subprocess.Popen[bytes] | None = None
        try:
            process = self._popen(words, output)
            job = Job(id_, words, study, now, process_identity(process.pid), None)
            self._files.write(job)
        except (DseError, OSError) as error:
            if process is not None:
                process.communicate()  # its input ends: the command never begins
            self._files.remove(id_)
            if isinstance(error, DseError):
                raise
            raise DseError(f"dse can't be started: {error.strerror or error}") from error
        finally:
            os.close(output)
        ending = self._endings[id_] = _Ending()
        threading.Thread(target=self._wait, args=(job, process, ending), daemon=True).start()
        return job

    def _popen(self, words: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GATE), *_command(words)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=self._working,
            env=_environment(),
            start_new_session=True,
        )

    def _wait(self, job: Job, process: subprocess.Popen[bytes], ending: _Ending) -> None:
        """Has a process begin, and writes down how it ends."""
        with suppress(OSError), cast("BinaryIO", process.stdin) as gate:
            gate.write(b"\n")
        ending.code = process.wait()
        ending.seen.set()
        try:
            with exclusive(self._lock):
                self._files.write(replace(self._files.read(job.id) or job, code=ending.code))
        except DseError as error:
            LOG.warning("%s", error)  # this server knows it all the same
        else:
            del self._endings[job.id]

    def stop(self, id_: str) -> Job:
        """Interrupts a command as Ctrl-C does: again, it ends sooner.

        Raises:
            RequestError: there is no such job.
        """
        self.find(id_)
        with ExitStack() as locked:
            with suppress(DseError):  # of a folder that can't be written it can be stopped, too
                locked.enter_context(exclusive(self._lock))
            job = self.find(id_)
            if job.runs and _interrupt(job):
                job = replace(job, stops=job.stops + 1)
                self._stops[id_] = job.stops
                try:
                    self._files.write(job)
                except DseError as error:
                    LOG.warning("%s", error)  # this server knows it all the same
            return job

    def find(self, id_: str) -> Job:
        """The job with an id.

        Raises:
            RequestError: there is none.
        """
        job = self._read(id_) if is_id(id_) else None
        if job is None:
            raise RequestError(f"there is no job '{id_}'", remedy="look at the list of jobs")
        return job

    def all(self) -> list[Job]:
        """All jobs, newest first.

        Raises:
            RequestError: the folder can't be read.
        """
        return [job for id_ in self._files.ids() if (job := self._read(id_)) is not None]

    def of_study(self, study: str) -> Job | None:
        """The last job of a study; None if it had none."""
        return next((job for job in self.all() if job.study == study), None)

    def running(self, study: str) -> Job | None:
        """The job that works on a study; None if none does."""
        return next((job for job in self.all() if job.study == study and job.runs), None)

    def output(self, job: Job, most_bytes: int = 1 << 16) -> str:
        """The end of what a job printed, printable.

        Args:
            job: the job.
            most_bytes: how much of it at most.
        """
        return self._files.end_of_output(job.id, most_bytes)

    def ask(self, words: Sequence[str], timeout_s: float = 60.0) -> Answer:
        """Runs a short command to its end. Two run at a time at most.

        Args:
            words: of the command, after ``dse``.
            timeout_s: the longest time that it may take.

        Raises:
            DseError: it can't be started, or takes longer, or others do.
        """
        if not self._short.acquire(timeout=WAIT_S):
            raise DseError("two other commands take long to answer; try again later")
        try:
            process = subprocess.Popen(
                _command(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._working,
                env=_environment(),
                start_new_session=True,
            )
            return _answer(process, words, timeout_s)
        except OSError as error:
            raise DseError(f"dse can't be started: {error.strerror or error}") from error
        finally:
            self._short.release()

    def _read(self, id_: str) -> Job | None:
        """A job as it is known now, with its exit code where this server saw the end."""
        ending = self._endings.get(id_)  # before the record: it is kept until that is written
        job = self._files.read(id_)
        if job is not None and (stops := self._stops.get(id_, job.stops)) > job.stops:
            job = replace(job, stops=stops)  # it could not be written down
        if job is None or job.code is not None or ending is None:
            return job
        if not is_alive(job.process):
            ending.seen.wait(END_S)  # it is about to be known
        return replace(job, code=ending.code)

    def _remove_old(self) -> None:
        """Makes room for one more job; those that run are kept."""
        jobs = self.all()
        ended = [job.id for job in jobs if not job.runs]
        room = max(0, MAX_JOBS - 1 - (len(jobs) - len(ended)))
        known = {job.id for job in jobs}
        for id_ in [*ended[room:], *(id_ for id_ in self._files.ids(".txt") if id_ not in known)]:
            self._files.remove(id_)


class _Ending:
    """How a process of this server has ended, once that is known."""

    def __init__(self) -> None:
        self.seen = threading.Event()
        self.code: int | None = None


def _command(words: Sequence[str]) -> list[str]:
    # Without -P, modules of the working folder would be imported in place of others.
    return [sys.executable, "-P", "-m", "dse", *words]


def _environment() -> dict[str, str]:
    """The environment of commands: plain text of a fixed width, written at once."""
    inherited = {name: value for name, value in os.environ.items() if name not in _COLOURS}
    fixed = {"NO_COLOR": "1", "COLUMNS": str(WIDTH), "PYTHONUNBUFFERED": "1"}
    return {**inherited, **fixed}


def _interrupt(job: Job) -> bool:
    """Sends SIGINT to the process of a job, and to no other that got its number; whether it was."""
    pid = int(job.process["pid"])
    try:
        if not hasattr(os, "pidfd_open"):
            os.kill(pid, signal.SIGINT)
            return True
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False  # it has ended meanwhile
    try:
        if not is_alive(job.process):
            return False  # the number, and the descriptor, are of another process
        signal.pidfd_send_signal(descriptor, signal.SIGINT)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _answer(process: subprocess.Popen[bytes], words: Sequence[str], timeout_s: float) -> Answer:
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        problem = f"`{format_command(words)}` took longer than {timeout_s:g} s"
        raise DseError(problem) from error
    return Answer(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

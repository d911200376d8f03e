"""Commands that are started from the page: real processes, killed and interrupted in each state."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.errors import DseError, RequestError
from dse.machine.process_identity import process_identity
from dse.serve.jobs import jobs as jobs_module
from dse.serve.jobs._job import id_at, is_id
from dse.serve.jobs._job_files import JobFiles
from dse.serve.jobs.jobs import MAX_JOBS, Job, Jobs
from tests.commandline import PATIENCE_S, here, none_left, tmp_path
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["here", "tmp_path"]

NULL = {"models": "m", "threads": 1, "batch_sizes": 1, "objectives": ["latency_p90_ms"]}
SERVER = """
import os, signal, sys, time
from pathlib import Path
from dse.serve.jobs._job_files import JobFiles
from dse.serve.jobs.jobs import Jobs

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

when, words = sys.argv[1], sys.argv[2:]
write = JobFiles.write
if when == "before the record":
    JobFiles.write = die
elif when == "after the record":
    JobFiles.write = lambda files, job: (write(files, job), die())
job = Jobs(Path("studies/.jobs")).start(words, "space")
print(job.id, flush=True)
time.sleep(3600)
"""
"""A server that starts one command; it is killed, by itself or from outside."""


@pytest.fixture
def jobs(here: Path) -> Iterator[Jobs]:
    """Jobs in the working folder; what still runs in the end is killed."""
    made = Jobs(here / "studies" / ".jobs")
    yield made
    running = [job for job in made.all() if job.runs and job.process["pid"] != os.getpid()]
    for job in running:
        os.kill(int(job.process["pid"]), signal.SIGKILL)
    assert eventually(lambda: not any(job.runs for job in running))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets what commands are: a script in the place of ``dse``."""

    def use(text: str) -> None:
        def command(words: Sequence[str]) -> list[str]:
            return [sys.executable, "-c", text, *words]

        monkeypatch.setattr(jobs_module, "_command", command)

    return use


def eventually(true: Callable[[], object]) -> bool:
    """Waits until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def ended(jobs: Jobs, job: Job) -> Job:
    """The job when it has ended."""
    assert eventually(lambda: not jobs.find(job.id).runs)
    return jobs.find(job.id)


def printed(jobs: Jobs, job: Job, words: str) -> bool:
    """Waits until a job has printed some words."""
    return eventually(lambda: words in jobs.output(job))


def record(jobs: Jobs, job: Job) -> dict[str, Any]:
    """What is kept of a job."""
    return dict(json.loads((jobs.folder / f"{job.id}.json").read_text()))


def forge(jobs: Jobs, number: int = 0, **fields: Any) -> Job:
    """Writes the record of a job that nobody has begun."""
    files = JobFiles(jobs.folder)
    files.create_folder()
    began = datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=number)
    job = replace(Job(id_at(began), ("status",), "", began, {}, None), **fields)
    files.write(job)
    (jobs.folder / f"{job.id}.txt").write_text("printed\n")
    return job


def test_the_end_of_a_command_is_known(jobs: Jobs) -> None:
    job = jobs.start(["--version"])
    assert is_id(job.id)
    assert job.command == "dse --version"
    job = ended(jobs, job)
    assert (job.state, job.code, job.study) == ("done", 0, "")
    assert jobs.output(job).startswith("dse, version")
    assert jobs.all() == [job]
    assert eventually(lambda: record(jobs, job)["code"] == 0)
    assert Jobs(jobs.folder).find(job.id).state == "done"


def test_a_command_that_fails(jobs: Jobs) -> None:
    job = ended(jobs, jobs.start(["frontier", "nowhere"], "nowhere"))
    assert (job.state, job.code) == ("failed", 2)
    assert jobs.output(job).startswith("dse: no study at studies/nowhere")
    assert jobs.running("nowhere") is None
    assert jobs.of_study("nowhere") == job


def test_only_its_owner_can_read_what_is_kept(jobs: Jobs) -> None:
    job = ended(jobs, jobs.start(["--version"]))
    assert stat.S_IMODE(jobs.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((jobs.folder / f"{job.id}.txt").stat().st_mode) == 0o600


def test_how_commands_are_started(
    jobs: Jobs, script: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    script(
        "import json, os, signal, sys\n"
        "names = ('NO_COLOR', 'COLUMNS', 'FORCE_COLOR')\n"
        "print(json.dumps({\n"
        "    'words': sys.argv[1:], 'stdin': sys.stdin.read(), 'folder': os.getcwd(),\n"
        "    'leads': os.getsid(0) == os.getpid(), 'own': os.getpid(),\n"
        "    'environment': [os.environ.get(name) for name in names],\n"
        "    'signals': [signal.getsignal(s) == d for s, d in (\n"
        "        (signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL))],\n"
        "    'blocked': len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),\n"
        "    'open': [n for n in os.listdir('/proc/self/fd') if int(n) > 3],\n"
        "}))\n"
    )
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a shell
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        job = jobs.start(["a b", "$(c)", ""])
    finally:
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    told = json.loads(jobs.output(ended(jobs, job)))
    assert told == {
        "words": ["a b", "$(c)", ""],
        "stdin": "",
        "folder": str(jobs.folder.parents[1]),
        "leads": True,
        "own": job.process["pid"],
        "environment": ["1", "80", None],
        "signals": [True, True],
        "blocked": 0,
        "open": [],
    }


def test_modules_of_the_working_folder_are_not_imported(jobs: Jobs, here: Path) -> None:
    for name in ("json", "signal", "click", "dse"):
        (here / f"{name}.py").write_text("raise SystemExit('imported from the working folder')\n")
    job = ended(jobs, jobs.start(["--version"]))
    assert job.state == "done", jobs.output(job)
    assert jobs.ask(["--version"]).code == 0


@pytest.mark.parametrize("when", ["before the record", "after the record"])
def test_a_server_that_is_killed_as_it_starts_a_command(jobs: Jobs, here: Path, when: str) -> None:
    write_table(here)
    space = write_space(here)
    words = [sys.executable, "-c", SERVER, when, "explore", str(space)]
    killed = subprocess.run(words, check=False)
    assert killed.returncode == -signal.SIGKILL
    found = jobs.all()
    assert len(found) == (when == "after the record")
    for job in found:
        assert ended(jobs, job).state == "ended"
    # What was never told to begin has not begun, and does not keep others from it.
    job = ended(jobs, jobs.start(["explore", str(space), "--settle", "0"], "space"))
    assert job.state == "done", jobs.output(job)
    names = {path.stem for path in jobs.folder.glob("*.txt")}
    assert names == {each.id for each in jobs.all()}


def test_an_exploration_outlives_its_server(jobs: Jobs, here: Path) -> None:
    space = write_space(here, backends={"null": {"delay_ms": [1.0, 2.0, 3.0]}}, **NULL)
    words = ["explore", str(space), "--settle", "0"]
    program = [sys.executable, "-c", SERVER, "later", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        id_ = server.stdout.readline().strip()
        assert printed(jobs, jobs.find(id_), "1/3 ")
        assert jobs.find(id_).state == "running"
        server.kill()
    job = jobs.find(id_)
    assert job.state == "running"
    assert jobs.running("space") == job
    with pytest.raises(RequestError, match="still runs; stop it first"):
        jobs.start(words, "space")
    assert jobs.stop(id_).state == "stopping"
    job = ended(jobs, job)
    assert (job.state, job.code) == ("ended", None)  # nobody has seen how
    assert "stopping after the run in hand" in jobs.output(job)
    again = ended(jobs, jobs.start(words, "space"))
    assert again.state == "done"
    assert "resuming 'space'" in jobs.output(again)
    assert [each.id for each in jobs.all()] == [again.id, id_]
    assert none_left(here)


def test_the_third_stop_ends_a_command_at_once(jobs: Jobs, here: Path) -> None:
    space = write_space(here, backends={"null": {"delay_ms": 500.0}}, **NULL)
    job = jobs.start(["explore", str(space), "--settle", "0"], "space")
    assert eventually(lambda: any(here.glob("studies/space/runs/*")))
    told = ("stopping after the run in hand", "still finishing the run in hand")
    for number, words in enumerate(told, start=1):
        job = jobs.stop(job.id)
        assert (job.state, job.stops) == ("stopping", number)
        assert printed(jobs, job, words)
    jobs.stop(job.id)
    job = ended(jobs, job)
    assert (job.state, job.code, job.stops) == ("interrupted", 130, 3)
    assert jobs.stop(job.id) == job  # it has ended: nothing is sent
    assert none_left(here)


def test_a_command_that_dies_of_a_stop(jobs: Jobs, script: Callable[[str], None]) -> None:
    script("import signal, time; signal.signal(2, signal.SIG_DFL); print(1); time.sleep(3600)")
    job = jobs.start([])
    assert eventually(lambda: jobs.output(job))
    jobs.stop(job.id)
    job = ended(jobs, job)
    assert (job.state, job.code) == ("interrupted", -signal.SIGINT)


@pytest.mark.parametrize("forged", [{"started": 1}, {"boot": "another"}, {"host": "another"}])
def test_a_process_number_that_another_process_got(jobs: Jobs, forged: dict[str, Any]) -> None:
    nothing = {"stdin": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", "input()"], **nothing) as other:  # type: ignore[call-overload]
        identity = {**process_identity(other.pid), **forged}
        job = forge(jobs, process=identity, study="mine")
        assert jobs.find(job.id).state == "ended"
        assert jobs.running("mine") is None
        assert jobs.stop(job.id).stops == 0
        assert other.poll() is None
        alive = forge(jobs, process=process_identity(other.pid), study="mine")
        assert jobs.find(alive.id).state == "running"
        jobs.stop(job.id)
        assert other.wait(PATIENCE_S) != 0


def test_of_two_starts_for_one_study_one_begins(
    jobs: Jobs, script: Callable[[str], None], here: Path
) -> None:
    script("import time; time.sleep(3600)")
    several = [Jobs(here / "studies" / ".jobs") for _ in range(8)]
    told: Counter[str] = Counter()

    def begin(each: Jobs) -> None:
        try:
            each.start(["explore"], "mine")
            told["begun"] += 1
        except RequestError:
            told["refused"] += 1

    threads = [threading.Thread(target=begin, args=[each]) for each in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {"begun": 1, "refused": 7}
    jobs.start(["explore"], "other")
    assert len([job for job in jobs.all() if job.runs]) == 2
    for job in jobs.all():
        jobs.stop(job.id)


def test_the_last_job_is_the_last_after_the_clock_was_set_back(jobs: Jobs) -> None:
    late = datetime(2999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    before = forge(jobs, code=0, study="mine", id=id_at(late), began=late)
    known = {before.id}
    for _ in range(3):
        job = ended(jobs, jobs.start(["--version"], "mine"))
        assert jobs.of_study("mine") == job
        assert is_id(job.id)
        assert job.id > max(known)
        known.add(job.id)
    assert abs(datetime.now(UTC) - job.began) < timedelta(hours=1)


def test_an_id_beyond_all_times_takes_no_id_from_others(jobs: Jobs) -> None:
    forge(jobs, code=0, id="99999999-999999-ffff")
    job = ended(jobs, jobs.start(["--version"], "mine"))
    assert jobs.of_study("mine") == job


def test_a_command_is_stopped_though_nothing_can_be_written(
    jobs: Jobs, script: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    script(
        "import signal, time\n"
        "signal.signal(2, lambda *_: print('told', flush=True))\n"
        "print('begun', flush=True)\n"
        "while True: time.sleep(1)\n"
    )
    job = jobs.start(["explore"], "mine")
    assert printed(jobs, job, "begun")

    def refuse(*_: object) -> None:
        raise DseError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(JobFiles, "write", refuse)
        patch.setattr(jobs_module, "exclusive", refuse)
        assert jobs.stop(job.id).state == "stopping"
        assert printed(jobs, job, "told")
        assert jobs.find(job.id).state == "stopping"
        assert jobs.stop(job.id).stops == 2
    assert jobs.find(job.id).stops == 2


def test_a_command_that_runs_already_is_that_command(
    jobs: Jobs, script: Callable[[str], None]
) -> None:
    script("import time; time.sleep(3600)")
    job = jobs.start_once(["explore", "x"], "mine")
    assert jobs.start_once(["explore", "x"], "mine") == job
    with pytest.raises(RequestError, match="still runs"):
        jobs.start_once(["explore", "x", "--settle", "0"], "mine")
    assert jobs.all() == [job]


def test_short_commands_wait_for_each_other_for_a_while_only(
    jobs: Jobs, script: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    script("import sys; sys.stdin.close(); import time; time.sleep(3600)")
    monkeypatch.setattr(jobs_module, "WAIT_S", 0.01)
    told = []

    def ask() -> None:
        with pytest.raises(DseError) as error:
            jobs.ask([], 3.0)
        told.append(str(error.value))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    busy = "two other commands take long to answer; try again later"
    assert sorted(told) == ["`dse` took longer than 3 s"] * 2 + [busy] * 2


def test_old_jobs_make_room(jobs: Jobs) -> None:
    alive = forge(jobs, process=process_identity())
    for number in range(1, MAX_JOBS + 5):
        forge(jobs, number, code=0)
    job = ended(jobs, jobs.start(["--version"]))
    kept = jobs.all()
    assert len(kept) == MAX_JOBS
    assert kept[0] == job
    assert kept[-1].id == alive.id  # the oldest of all, but it runs
    ids = {each.id for each in kept}
    assert {path.stem for path in jobs.folder.glob("*.txt")} == ids


def test_a_long_output_is_shown_by_its_end(jobs: Jobs) -> None:
    job = forge(jobs, code=0)
    with (jobs.folder / f"{job.id}.txt").open("w") as file:
        file.writelines(f"line {number}\n" for number in range(300_000))
    shown = jobs.output(job)
    assert len(shown) <= 1 << 16
    assert shown.splitlines()[0] > "line 2"
    assert shown.endswith("line 299999\n")
    assert jobs.output(job, 100).splitlines()[-1] == "line 299999"


def test_an_output_can_do_no_harm(jobs: Jobs) -> None:
    job = forge(jobs, code=0)
    path = jobs.folder / f"{job.id}.txt"
    path.write_bytes(b"10 %\r90 %\r\n\x1b[31mred\xff\x00\xe2\x80\xae\tend\n")
    assert jobs.output(job) == "90 %\n?[31mred\ufffd?? end\n"
    path.unlink()
    assert jobs.output(job) == ""
    path.symlink_to("/etc/hostname")
    assert jobs.output(job) == ""


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "{", '{"id": "x"}', "[" * 100_000, "null"],
    ids=["empty", "list", "object", "cut", "other", "deep", "null"],
)
def test_a_record_that_is_none(jobs: Jobs, text: str) -> None:
    job = forge(jobs, code=0)
    (jobs.folder / f"{job.id}.json").write_text(text)
    assert jobs.all() == []
    with pytest.raises(RequestError, match="there is no job"):
        jobs.find(job.id)


@pytest.mark.parametrize("id_", ["", "..", "../x", "20260102-000000-0000/../x", "x\0", "é"])
def test_an_id_that_is_none(jobs: Jobs, id_: str) -> None:
    for act in (jobs.find, jobs.stop):
        with pytest.raises(RequestError, match="there is no job"):
            act(id_)


def test_a_folder_that_can_not_be_written(here: Path, jobs: Jobs) -> None:
    (here / "studies").write_text("a file")
    with pytest.raises(DseError, match="studies") as told:
        jobs.start(["--version"])
    assert "\n" not in str(told.value)
    assert jobs.all() == []


def test_a_disk_that_is_full(jobs: Jobs, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(files: JobFiles, job: Job) -> None:
        raise DseError(f"{files.folder}/{job.id}.json: can't be written: no space left on device")

    space = write_space(here, backends={"null": {"delay_ms": 1.0}}, **NULL)
    with monkeypatch.context() as patch:
        patch.setattr(JobFiles, "write", refuse)
        with pytest.raises(DseError, match="no space left"):
            jobs.start(["explore", str(space)], "space")
    assert not (here / "studies" / "space").exists()  # it never began
    assert not list(jobs.folder.glob("2*"))

    # The end is known all the same, as long as the server is there.
    write, written = JobFiles.write, threading.Event()

    def once(files: JobFiles, job: Job) -> None:
        if job.code is not None:
            written.set()
            refuse(files, job)
        write(files, job)

    monkeypatch.setattr(JobFiles, "write", once)
    job = ended(jobs, jobs.start(["--version"]))
    assert written.wait(PATIENCE_S)
    assert jobs.find(job.id).state == "done"
    assert Jobs(jobs.folder).find(job.id).state == "ended"


def test_a_short_command(jobs: Jobs) -> None:
    answer = jobs.ask(["frontier", "nowhere"])
    assert (answer.code, answer.out) == (2, "")
    assert answer.reason.startswith("dse: no study at")
    assert jobs.all() == []
    assert jobs.ask(["--version"]).out.startswith("dse, version")


def test_a_short_command_that_takes_long(jobs: Jobs, script: Callable[[str], None]) -> None:
    script("import time; time.sleep(3600)")
    with pytest.raises(DseError, match=r"`dse a 'b c'` took longer than 0.5 s"):
        jobs.ask(["a", "b c"], 0.5)

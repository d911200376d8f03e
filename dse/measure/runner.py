"""Runs a worker process and turns every way it can end into an outcome.

The parent loads no runtime and no LoadGen. While a worker measures, it sleeps in `select`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core import launcher
from dse.core.errors import DseError
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.core.metrics import METRICS
from dse.core.thread_limit import REMEDY, says_thread_limit
from dse.core.worker_environment import worker_environment
from dse.machine.conditions import MIN_SPAN_S, conditions_between
from dse.machine.sample import cpu_seconds, sample
from dse.measure._run_result import says_out_of_memory
from dse.measure.spec import SPEC_FILE, STDERR_FILE, decode_message

if TYPE_CHECKING:
    from dse.machine.conditions import Conditions
    from dse.measure.spec import Spec

LOG = logging.getLogger(__name__)
TAIL_LINES = 40
TAIL_BYTES = 4000
"""Room for a traceback, or for what the fault handler says of a crash inside LoadGen."""
EXIT_GRACE_S = 5.0
"""How long a worker that has answered may take to end."""
MAX_WAIT_S = 3600.0
"""The system's own bound lies at 24 days; a timeout may lie beyond it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may use.

    Attributes:
        timeout_s: seconds of wall time from its start.
        memory_bytes: private memory; 0 for no limit.
    """

    timeout_s: float
    memory_bytes: int


def run_worker(
    spec: Spec,
    limits: Limits,
    *,
    interpreter: str = sys.executable,
    keep: Callable[[Measurement], None] = lambda _: None,
) -> Outcome:
    """Runs one worker to its end; nothing of it is left running afterwards.

    Args:
        spec: what to measure; its folder is created.
        limits: the time and memory the worker may use, whatever the spec says of memory.
        interpreter: the Python that has the runtime.
        keep: called with each measurement as soon as it is taken.

    Raises:
        DseError: the run folder can't be written, or the interpreter can't be started.
    """
    spec = replace(spec, memory_limit_bytes=limits.memory_bytes, interpreter=interpreter)
    spec_file = spec.folder / SPEC_FILE
    try:
        spec.folder.mkdir(parents=True, exist_ok=True)
        spec_file.write_text(spec.to_json(), encoding="utf-8")
        stderr = (spec.folder / STDERR_FILE).open("wb")
    except OSError as error:
        raise DseError(f"the run folder {spec.folder} can't be used: {error}") from error
    metrics = ", ".join(request.metric for request in spec.requests)
    LOG.info("run %s: %s (%s): %s", spec.run, spec.configuration, spec.fidelity.name, metrics)
    LOG.debug("run %s: %s, in %s", spec.run, interpreter, spec.folder)
    oom_kills = _oom_kills()
    with stderr:
        variables = worker_environment(interpreter, spec.environment)
        end = _run(spec, variables, spec_file, stderr.fileno(), limits.timeout_s, keep)
    if end.done:
        return Outcome(tuple(end.measurements))
    tail = stderr_tail(spec.folder)
    kind, message = _diagnose(end, tail, limits, killed_for_memory=_oom_kills() > oom_kills)
    return Outcome(tuple(end.measurements), Failure(kind, message, tail))


def stderr_tail(folder: Path) -> str:
    """The last lines of a worker's stderr."""
    with (folder / STDERR_FILE).open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL_BYTES))
        text = stream.read(TAIL_BYTES).decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-TAIL_LINES:])


@dataclass(slots=True)
class _End:
    """How a worker ended, and what it had answered until then."""

    measurements: list[Measurement]
    failure: tuple[FailureKind, str] | None = None
    done: bool = False
    timed_out: bool = False
    exit_code: int = 0


def _run(
    spec: Spec,
    variables: Mapping[str, str],
    spec_file: Path,
    stderr: int,
    timeout_s: float,
    keep: Callable[[Measurement], None],
) -> _End:
    reader, writer = os.pipe()
    words = launcher.launch_command(
        spec.interpreter,
        "dse.measure.worker",
        str(spec_file),
        "--answer-fd",
        str(writer),
        backend=spec.configuration.backend,
        task=spec.task.worker,
        bound=True,
    )
    end = _End([])
    deadline = time.monotonic() + timeout_s
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            pass_fds=(writer,),
            start_new_session=True,  # a Ctrl-C is for the parent; and the group dies as one
            env=variables,
        )
    except OSError as error:
        os.close(reader)
        told = f"the interpreter {spec.interpreter} can't be started: {error.strerror or error}"
        limited = f"thread limit: {told}; {REMEDY}"
        raise DseError(limited if says_thread_limit(told) else told) from error
    finally:
        os.close(writer)
    try:
        _listen(reader, deadline, end, _watched(keep, ConditionsMonitor(process.pid)))
        remaining = EXIT_GRACE_S if end.done or end.failure else deadline - time.monotonic()
        try:
            end.exit_code = _wait(process, max(0.0, remaining))
        except subprocess.TimeoutExpired:
            end.timed_out = not (end.done or end.failure)
    finally:
        os.close(reader)
        _kill_group(process)
    return end


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    """The exit code of a process, as soon as it has ended.

    Where the system can tell it, that is at once: `subprocess` looks every 50 ms only.

    Raises:
        subprocess.TimeoutExpired: it has not ended.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # an old kernel has no such descriptors
            descriptor = os.pidfd_open(process.pid)
            try:
                with selectors.DefaultSelector() as selector:
                    selector.register(descriptor, selectors.EVENT_READ)
                    selector.select(seconds)
                seconds = 0.0
            finally:
                os.close(descriptor)
    return process.wait(seconds)


class ConditionsMonitor:
    """Tells what else the machine did while a worker measured; begins when it is made.

    It is asked between the runs of a worker, never during one.

    Args:
        pid: of the worker.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = sample()
        self._cpu_s = cpu_seconds(pid)
        self._last: Conditions | None = None

    def conditions(self) -> Conditions:
        """The conditions since the worker's last answer.

        Answers that follow closely are of the same run, and get the same conditions.
        """
        now, cpu_s = sample(), cpu_seconds(self._pid)
        if self._last is not None and now.monotonic_s - self._before.monotonic_s < MIN_SPAN_S:
            return self._last
        own = None if cpu_s is None or self._cpu_s is None else cpu_s - self._cpu_s
        self._last = conditions_between(self._before, now, own)
        self._before, self._cpu_s = now, cpu_s
        return self._last


Watched = Callable[[Measurement], Measurement]
"""Keeps a measurement; returns it with the conditions it was taken under."""


def _watched(keep: Callable[[Measurement], None], watch: ConditionsMonitor) -> Watched:
    """Adds to what is timed under which conditions it was, then keeps it."""

    def kept(measurement: Measurement) -> Measurement:
        if METRICS[measurement.metric].timed and measurement.source is Source.MEASURED:
            details = {**measurement.details, **watch.conditions().as_details()}
            measurement = replace(measurement, details=details)
        keep(measurement)
        return measurement

    return kept


def _listen(reader: int, deadline: float, end: _End, keep: Watched) -> None:
    """Reads the answer until the worker closes it or the deadline passes."""
    pending = b""
    with selectors.DefaultSelector() as selector, _signals_wake() as signalled:
        selector.register(reader, selectors.EVENT_READ)
        selector.register(signalled, selectors.EVENT_READ)
        while not (end.done or end.failure):
            left_s = min(MAX_WAIT_S, max(0.0, deadline - time.monotonic()))
            ready = {key.fd for key, _ in selector.select(left_s)}
            if signalled in ready:
                os.read(signalled, 4096)  # their handlers have run by now
            if reader not in ready:
                if time.monotonic() < deadline:
                    continue
                end.timed_out = True
                return
            data = os.read(reader, 65536)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                _take_in(line, end, keep)


@contextlib.contextmanager
def _signals_wake() -> Iterator[int]:
    """A descriptor that is readable after a signal.

    Without it, a signal that comes just before the process goes to sleep is handled when it wakes.
    """
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    handles = threading.current_thread() is threading.main_thread()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False) if handles else -1
    try:
        yield reader
    finally:
        if handles:
            signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)


def _take_in(line: bytes, end: _End, keep: Watched) -> None:
    message = decode_message(line)
    if message is None:
        return
    kind, body = message
    if kind == "measurement":
        end.measurements.append(keep(Measurement.from_dict(body)))
    elif kind == "failure":
        end.failure = FailureKind(body["kind"]), str(body["message"])
    else:
        end.done = True


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # It may have ended already; macOS answers for a group of zombies with EPERM.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _diagnose(
    end: _End, tail: str, limits: Limits, *, killed_for_memory: bool
) -> tuple[FailureKind, str]:
    if end.failure:
        return end.failure
    if end.timed_out:
        return FailureKind.TIMEOUT, f"no answer within {limits.timeout_s:g} s"
    how = _how_it_ended(end.exit_code)
    if killed_for_memory and end.exit_code == -signal.SIGKILL:
        return FailureKind.OUT_OF_MEMORY, "killed by the kernel for lack of memory"
    if says_out_of_memory(tail):
        return FailureKind.OUT_OF_MEMORY, f"memory ran out; the worker {how}"
    if says_thread_limit(tail):
        return FailureKind.CRASH, f"thread limit: the worker {how}"
    # After a signal it is the fault handler that writes last, and not why.
    last = tail.rstrip().rpartition("\n")[2] if end.exit_code >= 0 else ""
    return FailureKind.CRASH, f"the worker {how}" + (f": {last}" if last else "")


def _how_it_ended(exit_code: int) -> str:
    if exit_code >= 0:
        return f"ended with exit code {exit_code} and no answer"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"was ended by {name}"


def _oom_kills() -> int:
    """How many processes the kernel has killed for lack of memory since it started (Linux)."""
    try:
        with Path("/proc/vmstat").open(encoding="ascii") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)

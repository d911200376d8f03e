"""Commands as processes of their own that need not import the program: see `tests.forkserver`."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from dse.measure.spec import RUN_LENGTHS

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
NEVER_S = 1e6
"""No test takes so long: pytest ends it before."""


@cache
def _server() -> socket.socket:
    """The socket of this process's server, which ends when the socket is closed."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    words = [sys.executable, "-m", "tests.forkserver", str(its.fileno())]
    process = subprocess.Popen(words, cwd=ROOT, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    its.close()
    assert ours.recv(16) == b"ready"
    return ours


class Forked:
    """A running command, used as `subprocess.Popen` is.

    Args:
        arguments: of ``dse``.
        stdout: a descriptor or a file; a pipe if None.
        stderr: likewise.
        cwd: its working folder; that of this process if None.
        env: its environment; that of this process if None.
    """

    def __init__(
        self,
        arguments: list[str],
        *,
        stdout: int | IO[str] | None = None,
        stderr: int | IO[str] | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.returncode: int | None = None
        self._drained: dict[IO[str], list[str]] = {}
        self._readers: list[threading.Thread] = []
        self.stdout, out = _ends(stdout)
        self.stderr, err = _ends(stderr)
        self._told, its = os.pipe()
        order = {
            "arguments": arguments,
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "run_lengths": [asdict(each) for each in RUN_LENGTHS.values()],
        }
        with open(os.devnull) as nothing:  # noqa: PTH123
            streams = [nothing.fileno(), out, err, its]
            socket.send_fds(_server(), [json.dumps(order).encode()], streams)
        for given, descriptor in ((stdout, out), (stderr, err)):
            if given is None:
                os.close(descriptor)
        os.close(its)
        self.pid = self._hear()

    def _hear(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            data = os.read(self._told, 1)
            assert data, "the server of forked processes has ended"
            line += data
        return int(line)

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = self._hear()
        return self.returncode

    def wait(self, timeout: float = NEVER_S) -> int:
        """Waits for its end; `subprocess.TimeoutExpired` if it takes longer."""
        if self.returncode is None and not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("dse", timeout)
        code = self.poll()
        assert code is not None
        return code

    def communicate(self, timeout: float = NEVER_S) -> tuple[str, str]:
        """Waits for its end and returns the rest of what it printed; can be called again."""
        deadline = time.monotonic() + timeout
        for stream in filter(None, () if self._drained else (self.stdout, self.stderr)):
            self._drained[stream] = []
            self._readers.append(threading.Thread(target=self._drain, args=[stream], daemon=True))
            self._readers[-1].start()
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired("dse", timeout)
        self.wait(max(0.0, deadline - time.monotonic()))
        return self._read(self.stdout), self._read(self.stderr)

    def _read(self, stream: IO[str] | None) -> str:
        return "".join(self._drained[stream]) if stream else ""

    def _drain(self, stream: IO[str]) -> None:
        self._drained[stream] += stream

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it by SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        os.close(self._told)
        for stream in filter(None, (self.stdout, self.stderr)):
            stream.close()


def _ends(given: int | IO[str] | None) -> tuple[IO[str] | None, int]:
    """Our end of a stream, if it is a pipe, and the command's end."""
    if given is not None:
        return None, given if isinstance(given, int) else given.fileno()
    reader, writer = os.pipe()
    return open(reader, encoding="utf-8"), writer  # noqa: PTH123

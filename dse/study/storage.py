"""Opens Optuna storages; every way that fails becomes one line for the reader."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.core.errors import DseError, RequestError
from dse.core.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import optuna
    import sqlalchemy

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


def sqlite_url(file: Path) -> str:
    """The storage URL of a database file."""
    import sqlalchemy

    # Not pasted together: a path may hold what means something else in a URL, such as `?`.
    return sqlalchemy.URL.create("sqlite", database=str(file.resolve())).render_as_string()


def normalised(url: str) -> str:
    """The URL with an absolute path, where it is one of a database file.

    Raises:
        RequestError: not a URL, or one of a database in memory, which would keep nothing.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite" or (parsed.database or "").startswith("file:"):
        return url
    if parsed.database in (None, "", ":memory:"):
        raise RequestError(
            f"storage {url} is a database in memory, which is lost at the end",
            remedy="write it as sqlite:///path/study.db",
        )
    path = Path(parsed.database).resolve()
    return parsed.set(database=str(path)).render_as_string(hide_password=False)


def without_password(url: str) -> str:
    """The URL as it may be written down: a password in it is replaced by ``***``.

    Raises:
        RequestError: not a URL.
    """
    return _parsed(url).render_as_string(hide_password=True)


def _parsed(url: str) -> sqlalchemy.URL:
    import sqlalchemy

    try:
        return sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        # What stands before the last @ may be a password, wherever it begins.
        shown = f"***@{url.rpartition('@')[2]}" if "@" in url else url
        raise RequestError(
            f"'{shown}' is not a storage URL", remedy="write it as sqlite:///path/study.db"
        ) from error


def open_storage(url: str, *, create: bool = True) -> optuna.storages.RDBStorage:
    """The Optuna storage at a URL.

    A SQLite database is created here or not at all: while its file is out of reach, nobody may
    put an empty one in its place.

    Args:
        url: of the storage.
        create: whether to create a SQLite database where there is none.

    Raises:
        RequestError: the URL is wrong, its driver is missing, nothing answers there, or it is a
            database of something else.
    """
    import optuna
    import sqlalchemy

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    shown = without_password(url)
    file = _database_file(url)
    engine = _engine_arguments(url, file)
    with storage_errors(shown):
        try:
            if file is not None and create:
                with suppress(OSError):  # connecting to it tells what is wrong
                    file.touch()
            _refuse_foreign(url, engine)
            return optuna.storages.RDBStorage(url, engine_kwargs=engine)
        except ImportError as error:
            raise RequestError(
                f"the driver of storage {shown} is missing: {error}", remedy="install it with pip"
            ) from error
        except sqlalchemy.exc.NoSuchModuleError as error:
            raise RequestError(f"storage {shown} is of a kind SQLAlchemy does not know") from error
        except (RuntimeError, ValueError) as error:  # a schema of another version; damaged text
            raise RequestError(f"storage {shown} can't be used: {error}") from error


def _engine_arguments(url: str, file: Path | None) -> dict[str, Any]:
    import sqlalchemy

    if not url.startswith("sqlite"):
        return {"pool_pre_ping": True}
    # Without a pool a connection lives as long as its transaction, and never needs closing.
    pool = sqlalchemy.pool.NullPool
    engine = {"connect_args": {"timeout": LOCK_TIMEOUT_S}, "poolclass": pool}
    return engine if file is None else {**engine, "creator": partial(_connect, file)}


def _database_file(url: str) -> Path | None:
    """The file of a SQLite URL; None where the URL says more than that."""
    parsed = _parsed(url)
    plain = parsed.get_backend_name() == "sqlite" and not parsed.query
    if not plain or not parsed.database or parsed.database.startswith((":", "file:")):
        return None
    return Path(parsed.database)


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", LOCK_TIMEOUT_S, uri=True)


def _refuse_foreign(url: str, engine_arguments: dict[str, Any]) -> None:
    """Looks before Optuna creates its tables, which it does in any database."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(url, **engine_arguments)
    try:
        tables = set(sqlalchemy.inspect(engine).get_table_names())
    finally:
        engine.dispose()
    if tables and "studies" not in tables:
        some = ", ".join(sorted(tables)[:3])
        raise RequestError(
            f"storage {without_password(url)} is a database of something else (it holds {some})",
            remedy="choose an empty one, or one of Optuna",
        )


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
        cause = error.__cause__ if isinstance(error, optuna.exceptions.OptunaError) else error
        unusable = RequestError(
            f"storage {shown} can't be used: {getattr(cause, 'orig', None) or cause or error}",
            remedy="check that it exists, is whole, answers and may be written; "
            "what it holds is left as it is",
        )
        raise (DseError(str(unusable)) if at_work else unusable) from error


def is_transient(error: BaseException) -> bool:
    """Whether the cause of an error is one that passes: locked, gone, full, not writable."""
    import sqlalchemy

    cause: BaseException | None = error
    while not isinstance(cause, (sqlalchemy.exc.DBAPIError, OSError)):
        if cause is None:
            return False
        cause = cause.__cause__
    if isinstance(cause, OSError):
        return True
    code = getattr(cause.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in TRANSIENT
    return cause.connection_invalidated or isinstance(
        cause, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError)
    )


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

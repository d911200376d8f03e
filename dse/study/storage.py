"""Opens Optuna storages; every way that fails becomes one line for the reader."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dse.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import optuna

LOCK_TIMEOUT_S = 60
"""How long a writer waits for another process that holds SQLite's lock."""


def sqlite_url(file: Path) -> str:
    """The storage URL of a database file."""
    return f"sqlite:///{file.resolve()}"


def without_password(url: str) -> str:
    """The URL as it may be written down: a password in it is replaced by ``***``.

    Raises:
        RequestError: not a URL.
    """
    import sqlalchemy

    try:
        return sqlalchemy.engine.make_url(url).render_as_string(hide_password=True)
    except sqlalchemy.exc.ArgumentError as error:
        raise RequestError(
            f"'{url}' is not a storage URL", remedy="write it as sqlite:///path/study.db"
        ) from error


def open_storage(url: str) -> optuna.storages.BaseStorage:
    """The Optuna storage at a URL; a new SQLite database is created.

    Raises:
        RequestError: the URL is wrong, its driver is missing, or nothing answers there.
    """
    import optuna
    import sqlalchemy

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    shown = without_password(url)
    is_sqlite = url.startswith("sqlite")
    engine = {"connect_args": {"timeout": LOCK_TIMEOUT_S}} if is_sqlite else {"pool_pre_ping": True}
    with storage_errors(shown):
        try:
            return optuna.storages.RDBStorage(url, engine_kwargs=engine)
        except ImportError as error:
            raise RequestError(
                f"the driver of storage {shown} is missing: {error}", remedy="install it with pip"
            ) from error
        except sqlalchemy.exc.NoSuchModuleError as error:
            raise RequestError(f"storage {shown} is of a kind SQLAlchemy does not know") from error
        except RuntimeError as error:  # Optuna's word for a schema of another version
            raise RequestError(f"storage {shown} can't be used: {error}") from error


@contextmanager
def storage_errors(shown: str) -> Iterator[None]:
    """Turns the database's own errors into one line that names the storage."""
    import optuna
    import sqlalchemy

    try:
        yield
    except optuna.exceptions.StorageInternalError as error:
        cause = error.__cause__ or error
        raise _unusable(shown, cause) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise _unusable(shown, error) from error


def _unusable(shown: str, error: BaseException) -> RequestError:
    original = getattr(error, "orig", None) or error
    return RequestError(
        f"storage {shown} can't be used: {original}",
        remedy="check that it exists, is whole, answers and may be written; nothing was changed",
    )

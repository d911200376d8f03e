"""The URL of a study's storage: its forms, its driver, and its secrets."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.errors import RequestError

if TYPE_CHECKING:
    import sqlalchemy

DRIVERS = {"postgresql": ("psycopg", "psycopg2"), "mysql": ("pymysql", "MySQLdb")}
"""The modules of the drivers of a database, the one of the extra of that name first."""
SQLALCHEMY_NAMES = {"MySQLdb": "mysqldb"}
"""What SQLAlchemy calls a driver, where that is not the name of its module."""
OTHER_NAMES = {"postgres": "postgresql", "mariadb": "mysql"}
"""The names that URLs also have for a database; SQLAlchemy or Optuna do not take them."""
HIDDEN = "***"
SECRET = re.compile(r"pass(?!file)|pwd|secret|token", re.IGNORECASE)
"""The names of connection parameters whose values are shown to nobody."""
PLACE = ("host", "port", "dbname", "user", "service", "options", "unix_socket")
"""The connection parameters that lead to another database."""
EXAMPLES = "sqlite:///path/study.db or postgresql://user@host/database"


def sqlite_url(file: Path) -> str:
    """The storage URL of a database file."""
    import sqlalchemy

    # Not pasted together: a path may hold what means something else in a URL, such as `?`.
    return sqlalchemy.URL.create("sqlite", database=str(file.resolve())).render_as_string()


def normalised(url: str) -> str:
    """The URL with the usual name of its database, and with an absolute path to a database file.

    Raises:
        RequestError: not a URL, or one of a database in memory, which would keep nothing.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _with_secrets(parsed)
    if (parsed.database or "").startswith("file:"):
        return url
    if parsed.database in (None, "", ":memory:"):
        raise RequestError(
            f"storage {url} is a database in memory, which is lost at the end",
            remedy="write it as sqlite:///path/study.db",
        )
    return _with_secrets(parsed.set(database=str(Path(parsed.database).resolve())))


def with_driver(url: str) -> str:
    """The URL with a driver that is installed, where it names none.

    Raises:
        RequestError: there is none, or it is one that this program can't use.
    """
    import sqlalchemy

    parsed = parse_url(url)
    database, _, driver = parsed.drivername.partition("+")
    known = DRIVERS.get(database, ())
    installed = [module for module in known if importlib.util.find_spec(module)]
    shown, remedy = without_password(url), "install it with pip"
    if known:
        extra = f"pip install 'mlperf-dse[{database}]'"
        remedy = f"{remedy}, or leave +{driver} out: {extra}" if driver else extra
    if known and not driver:
        if not installed:
            raise RequestError(f"storage {shown} needs a driver", remedy=remedy)
        name = SQLALCHEMY_NAMES.get(installed[0], installed[0])
        parsed = parsed.set(drivername=f"{database}+{name}")
    try:
        dialect = parsed.get_dialect()
        dialect.import_dbapi()
    except sqlalchemy.exc.NoSuchModuleError as error:
        raise RequestError(f"storage {shown} is of a kind SQLAlchemy does not know") from error
    except ImportError as error:
        raise RequestError(
            f"the driver of storage {shown} is missing: {error}", remedy=remedy
        ) from error
    if dialect.is_async:
        raise RequestError(f"the driver of storage {shown} is asynchronous", remedy=remedy)
    return _with_secrets(parsed)


def without_password(url: str) -> str:
    """The URL as it may be written down: secrets in it are replaced by ``***``.

    Raises:
        RequestError: not a URL.
    """
    parsed = parse_url(url)
    query = {k: HIDDEN if SECRET.search(k) else v for k, v in parsed.query.items()}
    shown = parsed.set(query=query).render_as_string(hide_password=True)
    return shown.replace("%2A%2A%2A", HIDDEN)


def without_hidden(url: str) -> str:
    """A URL of `without_password` without the places of its secrets."""
    parsed = parse_url(url)
    parsed = parsed.difference_update_query([k for k, v in parsed.query.items() if v == HIDDEN])
    if parsed.password == HIDDEN:
        parsed = parsed._replace(password=None)
    return _with_secrets(parsed)


def same_database(one: str, other: str) -> bool:
    """Whether two URLs lead to one database, whatever their drivers, secrets and time-outs."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[object, ...]:
    parsed = parse_url(url)
    query = sorted((k, v) for k, v in parsed.query.items() if k in PLACE)
    kind = parsed.get_backend_name()
    return kind, parsed.username, parsed.host, parsed.port, parsed.database, query


def _with_secrets(parsed: sqlalchemy.URL) -> str:
    return parsed.render_as_string(hide_password=False)


def parse_url(url: str) -> sqlalchemy.URL:
    """The parts of a storage URL.

    Raises:
        RequestError: not a URL, or one whose password hides where it ends.
    """
    import sqlalchemy

    # What stands before the last @ may be a password, wherever it begins.
    shown = f"***@{url.rpartition('@')[2]}" if "@" in url else url
    if not url.startswith("sqlite") and "@" in url.partition("@")[2].partition("?")[0]:
        raise RequestError(
            f"'{shown}' is not a storage URL, for it has more than one @",
            remedy="write %40 for each @ of the password, likewise %2F for / and %3A for :",
        )
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        raise RequestError(
            f"'{shown}' is not a storage URL", remedy=f"write it as {EXAMPLES}"
        ) from error
    database, plus, driver = parsed.drivername.partition("+")
    return parsed.set(drivername=f"{OTHER_NAMES.get(database, database)}{plus}{driver}")

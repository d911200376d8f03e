"""Everything there is to say of a study, in a folder: a page, tables and pictures."""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from dse.core.errors import UnavailableError
from dse.core.paths import write_named
from dse.core.requirements import Requirement
from dse.report.html.page import render_page
from dse.report.pictures import write_pictures
from dse.report.tables import study_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from dse.report.view import View

LOG = logging.getLogger(__name__)
PAGE = "report.html"


def write_report(view: View, folder: Path) -> list[Path]:
    """Writes the report of a study; each file takes the place of the one before when it is whole.

    Args:
        view: of the study.
        folder: where the files go; made where it is missing.

    Returns:
        What was written, the page first.

    Raises:
        UnavailableError: there is no pandas or Jinja; without pyarrow or matplotlib the rest is
            written, and the log says what is left out.
        RequestError: what is in the place of a file is none.
        DseError: a file can't be written.
    """
    table = study_table(view)
    contents = {folder / "study.csv": table.to_csv(index=False).encode(errors="replace")}
    with _left_out("study.parquet"):
        contents[folder / "study.parquet"] = _parquet(table)
    for path, content in contents.items():
        _write(path, content)
    written = [*contents]
    with _left_out("pictures"):
        written += write_pictures(view, folder)
    # The page comes last, as it names the others.
    text = render_page(view, [path.name for path in written])
    _write(folder / PAGE, text.encode(errors="replace"))
    return [folder / PAGE, *written]


def _parquet(table: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    try:
        import_module("pyarrow")  # pandas would call every failure of it a missing library

        table.to_parquet(stream, index=False, engine="pyarrow")
    except ImportError as error:
        raise Requirement("Parquet files", ("pyarrow",), "report").error(error) from error
    return stream.getvalue()


@contextmanager
def _left_out(what: str) -> Iterator[None]:
    """Goes on without something whose library can't be used, and says so."""
    try:
        yield
    except UnavailableError as error:
        LOG.warning("%s: left out: %s", what, error)


def _write(path: Path, content: bytes) -> None:
    with write_named(path) as file:
        file.write(content)

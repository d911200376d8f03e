"""Everything there is to say of a study, in a folder: a page, tables and pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from dse.core.errors import UnavailableError
from dse.core.paths import atomic_write
from dse.report.html.page import render_page
from dse.report.pictures import write_pictures
from dse.report.tables import study_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from dse.report.view import View

PAGE = "report.html"


def write_report(view: View, folder: Path) -> list[Path]:
    """Writes the report of a study; each file takes the place of the one before when it is whole.

    Args:
        view: of the study.
        folder: where the files go; made where it is missing.

    Returns:
        What was written, the page first.

    Raises:
        UnavailableError: a library of the extra ``report`` is not installed.
        DseError: a file can't be written.
    """
    table = study_table(view)
    contents = {
        folder / "study.csv": table.to_csv(index=False).encode(errors="replace"),
        folder / "study.parquet": _parquet(table),
    }
    for path, content in contents.items():
        _write(path, content)
    written = [*contents, *write_pictures(view, folder)]
    # The page comes last, as it names the others.
    text = render_page(view, [path.name for path in written])
    _write(folder / PAGE, text.encode(errors="replace"))
    return [folder / PAGE, *written]


def _parquet(table: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    try:
        table.to_parquet(stream, index=False, engine="pyarrow")
    except ImportError as error:
        raise UnavailableError(
            "study.parquet needs pyarrow", remedy="pip install 'mlperf-dse[report]'"
        ) from error
    return stream.getvalue()


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as file:
        file.write(content)

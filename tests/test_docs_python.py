"""The Python of README and docs runs, and docs/python.md shows what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.commandline import here, tmp_path
from tests.documented import PAGES, blocks
from tests.python_page import PAGE, render
from tests.study.studies import filled, small_space

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["here", "tmp_path"]

CODE = {page: [b for b in blocks(page) if b.language == "python"] for page in PAGES if page != PAGE}
SKETCHES = {"backends.md": "a class that is to be filled in", "tasks.md": "the same"}
"""What can be read as Python and does nothing, with the reason."""


def test_the_page_shows_what_its_code_prints(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    assert PAGE.read_text(encoding="utf-8") == render(here), "run `make docs`"
    assert (here / "progress.png").stat().st_size > 0


@pytest.mark.parametrize("page", [page for page in CODE if CODE[page]], ids=lambda page: page.name)
def test_code_runs(page: Path, here: Path) -> None:
    filled(here / "studies/quickstart", small_space())
    names: dict[str, Any] = {}
    for block in CODE[page]:
        code = compile(block.text, f"{page.name}:{block.line}", "exec")
        if page.name not in SKETCHES:
            exec(code, names)  # noqa: S102  # it is our page

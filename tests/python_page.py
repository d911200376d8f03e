"""Runs the Python of docs/python.md and writes what it prints: ``python -m tests.python_page``."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "python.md"
STUDY = ROOT / "studies" / "families"
"""The study that the page is about."""
_CODE = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?P<output>\n```text\n.*?^```\n)?", re.MULTILINE | re.DOTALL
)


def render(folder: Path) -> str:
    """The page with what its code prints.

    Args:
        folder: to work in; gets a copy of the study, and what the code writes.
    """
    shutil.copytree(STUDY, folder / "studies" / STUDY.name)
    names: dict[str, Any] = {}

    def answered(block: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.chdir(folder):
            exec(compile(block["code"], str(PAGE), "exec"), names)  # noqa: S102  # it is our page
        shown = f"\n```text\n{printed.getvalue()}```\n" if printed.getvalue() else ""
        return f"```python\n{block['code']}```\n{shown}"

    return _CODE.sub(answered, PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "agg"
    with tempfile.TemporaryDirectory() as name:
        PAGE.write_text(render(Path(name)), encoding="utf-8")

"""A Python beside the one that runs the tests."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class OtherPython:
    """What ``venv`` made in a folder."""

    folder: Path

    @property
    def path(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def libraries(self) -> Path:
        return self.folder / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"

    def put(self, package: str, code: str) -> None:
        """Adds a package, which comes before those of other folders."""
        (self.libraries / package).mkdir()
        (self.libraries / package / "__init__.py").write_text(code)

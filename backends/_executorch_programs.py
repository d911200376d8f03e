"""Programs that ExecuTorch's exporter makes of ONNX files.

An export takes half a minute of a slow CPU, see `backends._conversions`. A program is a flat
buffer: nothing in it is unpickled, and only what was exported here is loaded.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import ClassVar

from dse.core.launcher import launch_command

FILE = "model.pte"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make of a file; see `backends._converted.Converter`.

    Attributes:
        inputs: name and shape of each, in the order of the program's arguments.
        outputs: names of those that it computes, in their order.
        xnnpack: whether XNNPACK takes what it can.
        integers: whether a file without products of integers is refused.
    """

    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    outputs: tuple[str, ...]
    xnnpack: bool
    integers: bool = False
    failure: ClassVar[str] = "ExecuTorch's exporter can't convert the file"

    def maker(self) -> str:
        return _maker()

    def options(self) -> str:
        """As the converter reads it."""
        return json.dumps(asdict(self))

    def command(self, model: Path, folder: Path) -> list[str]:
        module = f"{__package__}._executorch_converter"
        words = [str(model), str(folder / FILE), self.options()]
        return launch_command(sys.executable, module, *words, bound=True)

    def results(self) -> list[str]:
        return [FILE]


def _sources() -> list[Path]:
    """The modules that decide what a program is."""
    folder = Path(__file__).parent
    return sorted({*folder.glob("_*torch*.py"), *folder.glob("_onnx_*.py")})


@lru_cache(maxsize=1)
def _maker() -> str:
    """The graph that is exported is made here: by these modules as they are."""
    digest = hashlib.sha256()
    for file in _sources():
        digest.update(file.read_bytes())
    versions = "-".join(metadata.version(name) for name in ("executorch", "torch"))
    return f"executorch-{versions}-{digest.hexdigest()[:8]}"

"""Programs that ExecuTorch's exporter has made of ONNX files, kept in the user's cache.

An export takes half a minute of a slow CPU, and each measurement has a worker of its own. A
program is a flat buffer: nothing in it is unpickled, and only what was exported here is loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dse.core.backend import LoadError
from dse.core.errors import RequestError
from dse.core.launcher import launch_command
from dse.formats.data_files import find_data_files

from ._converted import convert
from ._runtime_cache import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._converted import Converted

FILE = "model.pte"
MOST_BYTES = 4 << 30
"""Of all programs that are kept; the ones that were used last stay."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make of a file; the converter of `backends._converted`.

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
    name: ClassVar[str] = "ExecuTorch's exporter"

    def text(self) -> str:
        """As the converter reads it."""
        return json.dumps(asdict(self))

    def command(self, model: Path, folder: Path) -> list[str]:
        """See `backends._converted.Converter`."""
        module = f"{__package__}._executorch_converter"
        words = [str(model), str(folder / FILE), self.text()]
        return launch_command(sys.executable, module, *words, bound=True)

    def results(self) -> list[str]:
        """See `backends._converted.Converter`."""
        return [FILE]


def find_program(model: Path, recipe: Recipe) -> str:
    """The path of a program, which is made unless it is there.

    Raises:
        LoadError: the model can't be read.
        UnsupportedError: the exporter does not take it.
        OSError: the temporary folder can't be written to.
    """
    try:
        files = [model.absolute(), *find_data_files(model, "onnx")]
        stamps = tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    except (OSError, RequestError) as error:
        raise LoadError(str(error)) from error
    path = _place(stamps, recipe)
    with suppress(OSError):
        os.utime(path)
        return str(path)
    made = convert(recipe, model)
    return str(path) if _keep(made, path) else made.paths[0]


@lru_cache(maxsize=64)
def _place(files: Sequence[tuple[Path, int, int]], recipe: Recipe) -> Path:
    """Where a program is kept: by what it is made of, and by what makes it."""
    digest = hashlib.sha256(recipe.text().encode())
    for file, size, _ in files:
        digest.update(f"{file.name if file != files[0][0] else ''} {size}\n".encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return _folder() / f"{digest.hexdigest()[:32]}.pte"


@lru_cache(maxsize=1)
def _folder() -> Path:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("_*torch*.py")):
        digest.update(file.read_bytes())
    versions = "-".join(metadata.version(name) for name in ("executorch", "torch"))
    return runtime_folder("executorch", f"{versions}-{digest.hexdigest()[:8]}")


def _keep(made: Converted, path: Path) -> bool:
    """Whether the program could be put where it is kept."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        shutil.copyfile(made.paths[0], part)
        part.replace(path)
    except OSError:  # the disk is full: it is of use all the same
        part.unlink(missing_ok=True)
        return False
    _drop_oldest(path.parent.parent)
    return True


def _drop_oldest(folder: Path) -> None:
    """Removes what was used longest ago, of other versions too, until the rest is small enough."""
    found = []
    for path in folder.glob("*/*"):
        with suppress(OSError):  # another process drops them, too
            found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    left = sum(size for _, size, _ in found)
    for _, size, path in sorted(found)[:-1]:
        if left <= MOST_BYTES:
            break
        path.unlink(missing_ok=True)
        left -= size

"""Work on a model file in a process of its own.

Such work needs a runtime, which this process shall not load, and the libraries print, warn, show
progress and may crash as they like.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core import launcher
from dse.core.errors import DseError, ModelError
from dse.core.worker_environment import worker_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray


def run(
    module: str, model: Path, word: str, *, done: str, samples: Iterable[NDArray[np.float32]] = ()
) -> bytes:
    """Runs a module with ``WORD MODEL FOLDER`` and takes the file that it leaves.

    The process ends when this one dies.

    Args:
        module: its ``main`` returns an exit code, finds the samples by `sample_files`, takes the
            folder for all temporary files, and leaves its result at `result_file`. Its last line
            on stderr is why it failed.
        model: the file to work on.
        word: what else the module is to know.
        done: what the work would have done to the model, for the error message.
        samples: arrays for it, kept on disk.

    Raises:
        ModelError: the module failed.
        DseError: the temporary folder can't be written.
    """
    import numpy as np

    try:
        with tempfile.TemporaryDirectory(prefix="dse-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            for number, sample in enumerate(samples):
                np.save(folder / f"{number:06}.npy", sample, allow_pickle=False)
            if reason := _run([module, word, str(model.absolute()), name]):
                raise ModelError(f"{model.name} can't be {done}: {reason}")
            return result_file(folder).read_bytes()
    except OSError as error:
        problem = f"{error.filename or tempfile.gettempdir()}: {error.strerror or error}"
        raise DseError(f"{model.name} can't be {done}: {problem}") from error


def sample_files(folder: Path) -> list[Path]:
    """The samples that `work` lays ready, in their order."""
    return sorted(folder.glob("*.npy"))


def load(files: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
    """The arrays in the files that `sample_files` names, one at a time in memory."""
    import numpy as np

    for path in files:
        yield np.load(path, mmap_mode="r", allow_pickle=False)


def feeds(name: str, files: Sequence[Path]) -> Iterator[dict[str, NDArray[np.float32]]]:
    """The arrays that `load` gives, each by the name of the only input."""
    for sample in load(files):
        yield {name: sample}


def result_file(folder: Path) -> Path:
    """Where `work` looks for the result."""
    return folder / "result"


def parse_arguments() -> tuple[str, Path, Path]:
    """Reads the command line of such a module, and has temporary files made in its folder.

    Returns:
        The word, the model file and the folder.
    """
    word, model, folder = sys.argv[1:]
    tempfile.tempdir = folder
    return word, Path(model), Path(folder)


def _run(arguments: Sequence[str]) -> str | None:
    """Runs a module; why it failed, None if it did not."""
    module, *others = arguments
    done = subprocess.run(
        launcher.launch_command(sys.executable, module, *others, bound=True),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=worker_environment(sys.executable),
    )
    if not done.returncode:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"the process ended with code {done.returncode}"

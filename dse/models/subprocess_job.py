"""Work on a model file in a process of its own.

Such work needs a runtime, which this process shall not load, and the libraries print, warn, show
progress and may crash as they like.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.core import launcher
from dse.core.backend import arrays_of
from dse.core.errors import DseError, ModelError
from dse.core.worker_environment import worker_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dse.core.backend import Batch


def run(module: str, model: Path, word: str, *, done: str, samples: Iterable[Batch] = ()) -> bytes:
    """Runs a module with ``WORD MODEL FOLDER`` and takes the file that it leaves.

    The process ends when this one dies.

    Args:
        module: its ``main`` returns an exit code, finds the samples by `sample_files`, takes the
            folder for all temporary files, and leaves its result at `result_file`. Its last line
            on stderr is why it failed.
        model: the file to work on.
        word: what else the module is to know.
        done: what the work would have done to the model, for the error message.
        samples: inputs of the model, each an array or a tuple of them, kept on disk.

    Raises:
        ModelError: the module failed.
        DseError: the temporary folder can't be written.
    """
    import numpy as np

    try:
        with tempfile.TemporaryDirectory(prefix="dse-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            for number, sample in enumerate(samples):
                np.savez(folder / f"{number:06}.npz", *arrays_of(sample))
            if reason := _run([module, word, str(model.absolute()), name]):
                raise ModelError(f"{model.name} can't be {done}: {reason}")
            return result_file(folder).read_bytes()
    except OSError as error:
        problem = f"{error.filename or tempfile.gettempdir()}: {error.strerror or error}"
        raise DseError(f"{model.name} can't be {done}: {problem}") from error


def sample_files(folder: Path) -> list[Path]:
    """The samples that `run` lays ready, in their order."""
    return sorted(folder.glob("*.npz"))


def load_samples(files: Sequence[Path]) -> Iterator[tuple[NDArray[Any], ...]]:
    """The samples in the files that `sample_files` names, one at a time in memory.

    Each is a tuple of the inputs of a model, in its order.
    """
    import numpy as np

    for path in files:
        with np.load(path, allow_pickle=False) as arrays:
            yield tuple(arrays[name] for name in arrays.files)


def feeds(names: Sequence[str], files: Sequence[Path]) -> Iterator[dict[str, NDArray[Any]]]:
    """What `load_samples` gives, by the names of a model's inputs."""
    for sample in load_samples(files):
        yield dict(zip(names, sample, strict=True))


def result_file(folder: Path) -> Path:
    """Where `run` looks for the result."""
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

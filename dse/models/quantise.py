"""From a float32 model file to one in int8, by static post-training quantisation.

Weights become int8 with a scale per output channel, activations 8 bits with a scale per tensor
and a zero point. Input and output stay float32: so one preprocessing serves both precisions and
the runtimes convert at their own speed, which costs one pass over the input.

The work is done in a process of its own. It needs a runtime, which this process shall not load,
and the libraries print, warn and show progress as they like.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from dse.errors import DseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from dse.types import ModelFormat

_LIBRARIES: Mapping[ModelFormat, str] = {"onnx": "onnxruntime", "tflite": "ai-edge-quantizer"}


def library(model_format: ModelFormat) -> str:
    """Name and version of what quantises a format: other versions give other files.

    Raises:
        ImportError: it is not installed.
    """
    name = _LIBRARIES[model_format]
    return f"{name} {metadata.version(name)}"


def quantise(
    model: Path, model_format: ModelFormat, samples: Iterable[NDArray[np.float32]]
) -> bytes:
    """The int8 file of a float32 file.

    Args:
        model: has one input, called ``input``; a TFLite file has one signature.
        model_format: of the file and of the result.
        samples: inputs of batch 1, in the model's layout; at least one.

    Raises:
        DseError: the library can't quantise the model, or the temporary folder can't be written.
    """
    import numpy as np

    try:
        with tempfile.TemporaryDirectory(prefix="dse-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            for number, sample in enumerate(samples):
                np.save(folder / f"{number:06}.npy", sample, allow_pickle=False)
            _work(model.absolute(), model_format, folder)
            return result_file(folder).read_bytes()
    except OSError as error:
        problem = f"{error.filename or tempfile.gettempdir()}: {error.strerror or error}"
        raise DseError(f"{model.name} can't be quantised: {problem}") from error


def sample_files(folder: Path) -> list[Path]:
    """The samples that `quantise` lays ready for its worker, in their order."""
    return sorted(folder.glob("*.npy"))


def result_file(folder: Path) -> Path:
    """Where the worker puts the quantised model."""
    return folder / "quantised"


def _work(model: Path, model_format: ModelFormat, folder: Path) -> None:
    # -P: what lies in the user's folder must not stand in for a library.
    command = [sys.executable, "-P", "-m", "dse.models.quantise_worker", model_format]
    done = subprocess.run(
        [*command, str(model), str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"the worker ended with code {done.returncode}"
        raise DseError(f"{model.name} can't be quantised: {reason}")

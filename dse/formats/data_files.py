"""Finds the data files of a model: those beside its own file that hold its weights."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.paths import mapped
from dse.formats import flatbuffer
from dse.formats._onnx_constants import read_constants

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat

_HUB_CACHE = "models--"
"""What the folder of a model begins with in the cache of huggingface_hub."""
_GROUPS, _NAME = 8, 0  # of TFLite's Model and of its ExternalBufferGroup, in schema.fbs


def find_data_files(path: Path, model_format: ModelFormat) -> tuple[Path, ...]:
    """Finds the data files of a model, in the order in which it names them.

    The model's own file is read again only after it has changed, and without its weights.

    Args:
        path: the model's own file.
        model_format: the format of that file.

    Raises:
        RequestError: a file is missing, too short, or outside the model's folder.
        OSError: the model's own file can't be read.
    """
    if model_format == "tflite":
        _refuse_external_buffers(path)
        return ()
    ends: dict[str, tuple[int, str]] = {}
    for one in read_constants(path).external:
        ends[one.location] = max(ends.get(one.location, (0, "")), (one.end, one.tensor))
    for location, (end, tensor) in ends.items():
        _check_data_file(path, location, end, tensor)
    return tuple(path.parent / location for location in ends)


def _check_data_file(path: Path, location: str, end: int, tensor: str) -> None:
    """Refuses a data file that no runtime could read, or that lies outside the model's folder."""
    file = path.parent / location
    remedy = "put that file beside the model"
    try:
        found = file.stat()
        # A link of the Hugging Face cache leads to where that of the model itself does.
        folders = (path.parent.resolve(), path.resolve().parent)
        inside = any(file.resolve().is_relative_to(folder) for folder in folders)
    except FileNotFoundError:
        repo = next((part for part in path.parts if part.startswith(_HUB_CACHE)), "")
        if repo:
            owner_and_name = repo.removeprefix(_HUB_CACHE).replace("--", "/", 1)
            remedy = f"the cache lacks it: give the model as hf:{owner_and_name} to fetch it"
        raise RequestError(
            f"its data is in '{location}', which is not there", file=path, remedy=remedy
        ) from None
    except (OSError, RuntimeError, ValueError) as error:  # also links in a circle, odd characters
        reason = getattr(error, "strerror", None) or error
        raise RequestError(
            f"its data is in '{location}', which can't be read: {reason}", file=path, remedy=remedy
        ) from error
    if not stat.S_ISREG(found.st_mode):
        problem = f"its data is in '{location}', which is not a regular file"
    elif not inside:
        problem = f"its data is in '{location}', which links to outside the model's folder"
    elif found.st_size < end:
        problem = (
            f"its data is in '{location}', which has {found.st_size:,} bytes: "
            f"'{tensor}' ends at byte {end:,}"
        )
        remedy = "get both files again"
    else:
        return
    raise RequestError(problem, file=path, remedy=remedy)


def _refuse_external_buffers(path: Path) -> None:
    """Refuses a TFLite file with weights in other files: none of the runtimes here reads them."""
    with mapped(path) as data:
        try:
            names = [group.text(_NAME) for group in flatbuffer.root(data).tables(_GROUPS)]
        except flatbuffer.FlatbufferError:
            return  # the runtime reports what is wrong with it
    if names:
        raise RequestError(
            f"its weights are in another file ({names[0][:80]!r})",
            file=path,
            remedy="give a TFLite file that holds its weights",
        )

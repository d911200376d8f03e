"""What a model file says of itself, read without any runtime: inputs, weights, files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dse.core.errors import RequestError
from dse.formats import file_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.core.configuration import ModelFormat

MAX_BYTES = 2 << 30
"""Protocol buffers and flatbuffers end there; a larger model has its weights in files beside it."""

Role = Literal["size", "axes", "index", "pick", "branch"]
"""What an input decides: an amount (a size, a count, a number of steps), axes, where a part begins,
which elements are picked, or which way is taken."""


@dataclass(frozen=True, slots=True)
class DeclaredInput:
    """An input as the file declares it.

    Attributes:
        name: as the file has it.
        dtype: numpy's name, or in words what numpy has no type for.
        dims: of each dimension its size, or what the file calls one that may have any size; empty
            where it calls it nothing.
        rows: of the smallest table that it picks rows from; None where none is found.
        role: what it decides; None where it decides nothing.
    """

    name: str
    dtype: str
    dims: tuple[int | str, ...]
    rows: int | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model file.

    Attributes:
        format: of the file.
        inputs: in the order of the file.
        precision: that most of its weights are stored in; ``int8`` for 8 bits and fewer.
        beside: paths of further files that it reads, relative to its own folder.
        signatures: names of those of a TFLite file, in its order.
        signature: the one of them that the inputs are of; None where the file has none.
        subgraph: of a TFLite file, the one that this is.
    """

    format: ModelFormat
    inputs: tuple[DeclaredInput, ...]
    precision: str
    beside: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    signature: str | None = None
    subgraph: int = 0


def describe(path: Path, signature: str | None = None) -> ModelDescription:
    """Reads what a file says of itself.

    Args:
        path: of the file.
        signature: of a TFLite file, the one to describe; None for that of its first subgraph, and
            for the first one where that subgraph has none.

    Raises:
        RequestError: it is not a model file, or one of a kind that can't be fed, or has no such
            signature.
        UnavailableError: the library that reads it is not installed.
    """
    model_format = file_kind.FORMAT_BY_SUFFIX.get(path.suffix.lower())
    if model_format is None:
        known = " or ".join(file_kind.FORMAT_BY_SUFFIX)
        raise RequestError(
            "not known as a kind of model", file=path, remedy=f"give a file that ends in {known}"
        )
    try:
        problem = _why_not_a_file(path) or file_kind.why_mismatched(path, model_format)
        if problem is None and path.stat().st_size > MAX_BYTES:
            problem = f"larger than {MAX_BYTES >> 30} GiB"
    except OSError as error:
        problem = f"can't be read: {error.strerror or error}"
    if problem:
        raise RequestError(problem, file=path, remedy="give another file")
    found = _read(path, model_format, signature)
    if not found.inputs:
        raise RequestError("the model has no input", file=path, remedy="give another file")
    return found


def _why_not_a_file(path: Path) -> str | None:
    if path.is_file():
        return None
    return "not a file" if path.exists() else "no such file"


def _read(path: Path, model_format: ModelFormat, signature: str | None) -> ModelDescription:
    if model_format == "onnx":
        from dse.formats.onnx_description import describe_onnx

        if signature is not None:
            raise RequestError(
                "an ONNX file has no signatures",
                file=path,
                field="--signature",
                remedy="leave it out",
            )
        return describe_onnx(path)
    from dse.formats.tflite_description import describe_tflite

    return describe_tflite(path, signature)


def stored_precision(counts: Mapping[str, int], precisions: Iterable[tuple[str, str]]) -> str:
    """The precision that most weights are stored in.

    Args:
        counts: how many weights there are, by the name of their type.
        precisions: for each type of weights, by its name, the precision that it stands for.
    """
    known = dict(precisions)
    total: dict[str, int] = {}
    for name, count in counts.items():
        if name in known:
            total[known[name]] = total.get(known[name], 0) + count
    return max(total, key=lambda name: total[name]) if total else "fp32"

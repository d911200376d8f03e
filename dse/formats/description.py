"""Describes a model file without any runtime: its inputs, weights and data files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dse.core.errors import RequestError
from dse.formats import file_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.core.configuration import ModelFormat

MAX_MODEL_BYTES = 2 << 30
"""Largest protocol buffer or flatbuffer; a larger model has its weights in other files."""

Role = Literal["size", "axes", "index", "pick", "branch"]
"""What an input decides: an amount (a size, a count, a number of steps), axes, the start of a
slice, which elements are picked, or which branch is taken."""


@dataclass(frozen=True, slots=True)
class DeclaredInput:
    """An input as the file declares it.

    Attributes:
        name: its name in the file.
        dtype: numpy's name of the type, or a description where numpy has no such type.
        dims: the size of each dimension, or the name of one that may have any size; an empty name
            where the file gives none.
        rows: number of rows of the smallest table that it picks from; None if there is no table.
        role: what it decides; None if it decides nothing.
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
        format: file format.
        inputs: the inputs in the order of the file.
        precision: the precision of most weights; ``int8`` stands for 8 bits and fewer.
        beside: paths of its data files, relative to its own folder.
        signatures: names of a TFLite file's signatures, in the order of the file.
        signature: the signature that the inputs belong to; None if the file has no signature.
        subgraph: number of the TFLite subgraph that the inputs belong to.
    """

    format: ModelFormat
    inputs: tuple[DeclaredInput, ...]
    precision: str
    beside: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    signature: str | None = None
    subgraph: int = 0


def describe(path: Path, signature: str | None = None) -> ModelDescription:
    """Describes a model file.

    Args:
        path: the file.
        signature: the TFLite signature to describe; None for the signature of the first subgraph,
            or, if that has none, the first signature.

    Raises:
        RequestError: the file is not a model, has inputs that can't be generated, or has no such
            signature.
        UnavailableError: the library that reads the format is not installed.
    """
    model_format = file_kind.FORMAT_BY_SUFFIX.get(path.suffix.lower())
    if model_format is None:
        known = " or ".join(file_kind.FORMAT_BY_SUFFIX)
        raise RequestError(
            "not known as a kind of model", file=path, remedy=f"give a file that ends in {known}"
        )
    try:
        problem = _why_not_a_file(path) or file_kind.why_mismatched(path, model_format)
        if problem is None and path.stat().st_size > MAX_MODEL_BYTES:
            problem = f"larger than {MAX_MODEL_BYTES >> 30} GiB"
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
        counts: number of weights by type.
        precisions: pairs of a type and its precision.
    """
    known = dict(precisions)
    total: dict[str, int] = {}
    for name, count in counts.items():
        if name in known:
            total[known[name]] = total.get(known[name], 0) + count
    return max(total, key=lambda name: total[name]) if total else "fp32"

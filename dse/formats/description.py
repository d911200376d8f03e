"""A description of a model file: its inputs, weights and data files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dse.core.configuration import ModelFormat

Role = Literal["size", "axes", "index", "pick", "branch", "divisor"]
"""What an input decides: an amount (a size, a count, a number of steps), axes, the start of a
slice, which elements are picked, or which branch is taken; or that numbers are divided by it."""


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
        values: those that the shapes in the file imply; empty if they imply none.
    """

    name: str
    dtype: str
    dims: tuple[int | str, ...]
    rows: int | None = None
    role: Role | None = None
    values: tuple[int, ...] = ()


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

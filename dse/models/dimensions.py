"""From the inputs that a file declares to arrays: sizes for open dimensions, what to fill in.

A file leaves dimensions open that may have any size, most of them with a name. Names follow habits
of the exporters, and so do the sizes chosen here; each can be set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from dse.complaints import suggest
from dse.errors import RequestError
from dse.signature import DTYPE_BYTES, Input, Signature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.models.described import Declared
    from dse.signature import Fill

SAFE_BOUND = 100
"""Ids lie below it where nothing tells how many there are: few tables have fewer rows."""
MOST_SIZE = 1 << 24
MOST_SAMPLE_BYTES = 1 << 30

PAST, BATCH, SEQUENCE, SIDE, CHANNELS, AUDIO, FRAMES, OTHER = 0, 1, 128, 224, 3, 16_000, 100, 1
"""Sizes of open dimensions. Audio is a second at 16 kHz."""
_EXACT = {"n": BATCH, "b": BATCH, "bs": BATCH, "h": SIDE, "w": SIDE, "c": CHANNELS}
_EXACT |= {"s": SEQUENCE, "l": SEQUENCE, "t": FRAMES}
# The first that the name holds counts.
_HOLDING = (
    ("past", PAST),
    ("batch", BATCH),
    ("sample", AUDIO),
    ("audio", AUDIO),
    ("wave", AUDIO),
    ("frame", FRAMES),
    ("seq", SEQUENCE),
    ("length", SEQUENCE),
    ("token", SEQUENCE),
    ("height", SIDE),
    ("width", SIDE),
    ("channel", CHANNELS),
)
_EXPRESSION = re.compile(r"\w+(\s*[+*]\s*\w+)+")
_WIDE_INTEGERS = ("int32", "int64", "uint32", "uint64")


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen for a model's open dimensions and ids.

    Attributes:
        sizes: by name of the dimension.
        vocabulary: ids lie below it, where no table tells; None for `SAFE_BOUND`.
    """

    sizes: Mapping[str, int]
    vocabulary: int | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """The signature of a model, and the sizes that it was made with.

    Attributes:
        signature: with a number for every dimension.
        sizes: by name of each open dimension but the batch.
    """

    signature: Signature
    sizes: Mapping[str, int]


def resolved(declared: Sequence[Declared], choices: Choices) -> Resolved:
    """The signature of a model whose file declares these inputs.

    Raises:
        RequestError: an input can't be made, a chosen dimension does not exist, or a sample would
            be too large.
    """
    for one in declared:
        if one.dtype not in DTYPE_BYTES:
            raise RequestError(
                f"the input '{one.name}' is of type {one.dtype}, which can't be made at random",
                remedy="give a model that takes numbers",
            )
    batch = {one.dims[0] for one in declared if one.dims and _is_batch(one)}
    open_dims = _open(declared)
    batched = all(_takes_batches(one, batch) for one in declared)
    if not batched:
        batch = set()
    _check_sizes(choices.sizes, open_dims, batch)
    sizes = {name: choices.sizes.get(name, default) for name, default in open_dims.items()}
    inputs = tuple(_input(one, sizes, choices) for one in declared)
    signature = Signature(inputs, batched)
    if signature.sample_bytes > MOST_SAMPLE_BYTES:
        raise RequestError(
            f"one sample takes {signature.sample_bytes / 2**30:.1f} GiB",
            remedy="choose smaller sizes with --dim",
        )
    return Resolved(signature, {name: n for name, n in sizes.items() if name not in batch})


def _open(declared: Sequence[Declared]) -> dict[str, int]:
    """The open dimensions by name, each with the size it has by default."""
    found: dict[str, int] = {}
    for one in declared:
        for axis, dim in enumerate(one.dims):
            if isinstance(dim, str):
                for name in _names(dim):
                    found.setdefault(name, _default(name, one, axis))
    return found


def _names(dim: str) -> list[str]:
    """The names in what a file calls a dimension: one, or those of a sum or a product."""
    if not _EXPRESSION.fullmatch(dim):
        return [dim]
    return [word for word in re.findall(r"\w+", dim) if not word.isdigit()]


def _size(dim: int | str, sizes: Mapping[str, int]) -> int:
    if isinstance(dim, int):
        return dim
    if not _EXPRESSION.fullmatch(dim):
        return sizes[dim]
    terms = ([word.strip() for word in term.split("*")] for term in dim.split("+"))
    return sum(prod(int(w) if w.isdigit() else sizes[w] for w in words) for words in terms)


def _default(name: str, one: Declared, axis: int) -> int:
    by_name = _by_name(name)
    if by_name is not None:
        return by_name
    return BATCH if axis == 0 else _by_place(one, axis)


def _by_name(name: str) -> int | None:
    """The size that a name stands for; None where it says nothing."""
    lower = name.lower()
    if "[" in lower:  # no name but a place
        return None
    if lower in _EXACT:
        return _EXACT[lower]
    return next((size for word, size in _HOLDING if word in lower), None)


def _by_place(one: Declared, axis: int) -> int:
    """The size of a dimension whose name says nothing, from what kind of input it is of."""
    rank, integer = len(one.dims), one.dtype in _WIDE_INTEGERS
    if rank == 4 and not integer:
        channels_last = one.dims[3] in (1, 3, 4) and one.dims[1] not in (1, 3, 4)
        return CHANNELS if axis == (3 if channels_last else 1) else SIDE
    if rank == 2:
        return SEQUENCE if integer or one.dtype == "bool" else AUDIO
    if rank == 3 and axis == 1:
        return SEQUENCE
    return OTHER


def _is_batch(one: Declared) -> bool:
    """Whether the first dimension of an input is open and nothing but the batch."""
    first = one.dims[0]
    if not isinstance(first, str) or _EXPRESSION.fullmatch(first):
        return False
    by_name = _by_name(first)
    return by_name == BATCH or by_name is None


def _takes_batches(one: Declared, batch: set[int | str]) -> bool:
    """Whether the first dimension of an input, and no other one, is the batch."""
    if not one.dims or (one.dims[0] not in batch and one.dims[0] != 1):
        return False
    others = {name for dim in one.dims[1:] if isinstance(dim, str) for name in _names(dim)}
    return others.isdisjoint(batch)


def _check_sizes(given: Mapping[str, int], known: Mapping[str, int], batch: set[int | str]) -> None:
    for name, size in given.items():
        if name in batch:
            raise RequestError(
                f"'{name}' is the batch", field="--dim", remedy="choose it with --batch-size"
            )
        if name not in known:
            settable = [each for each in known if each not in batch]
            remedy = suggest(name, settable) if settable else "leave it out"
            problem = f"the model has no open dimension '{name}'"
            raise RequestError(problem, field="--dim", remedy=remedy)
        if not 0 <= size <= MOST_SIZE:
            raise RequestError(
                f"'{name}' can't be {size}", field="--dim", remedy=f"use 0 to {MOST_SIZE}"
            )


def _input(one: Declared, sizes: Mapping[str, int], choices: Choices) -> Input:
    shape = tuple(_size(dim, sizes) for dim in one.dims)
    fill = _fill(one)
    bound = 0
    if fill in ("ids", "positions"):
        bound = one.rows or choices.vocabulary or SAFE_BOUND
        if fill == "positions" and not one.rows:
            bound = 0  # as many as there are places
    return Input(one.name, one.dtype, shape, fill, bound)


def _fill(one: Declared) -> Fill:
    """What an input is filled with, by its name and type."""
    name = one.name.lower()
    integer = one.dtype in _WIDE_INTEGERS
    if "mask" in name:
        return "ones"
    if integer and ("token_type" in name or "segment" in name):
        return "zeros"
    if integer and "position" in name:
        return "positions"
    if one.dtype == "bool" and len(one.dims) < 2:
        return "zeros"  # a switch, such as that of a cache
    return "ids" if integer else "noise"

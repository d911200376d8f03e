"""Turns the inputs that a file declares into concrete ones: sizes of open dimensions, and values.

An open dimension may have any size and mostly has a name. Names follow the habits of exporters, and
so do the default sizes here; each can be set.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.core.signature import DTYPE_BYTES, Input, Signature
from dse.formats._fills import WIDE_INTEGERS, choose_fill, find_role, set_values
from dse.formats._symbols import MAX_SIZE, SizeExpression, SymbolError, is_placeholder, parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dse.formats.description import DeclaredInput

MAX_SAMPLE_BYTES = 1 << 30
"""Largest size of one sample in bytes."""
PAST, BATCH, SEQUENCE, SIDE, CHANNELS, AUDIO, FRAMES, OTHER = 0, 1, 128, 224, 3, 16_000, 100, 1
"""Default sizes of open dimensions. Audio is one second at 16 kHz."""
_SIZE_BY_NAME = {"n": BATCH, "b": BATCH, "bs": BATCH, "h": SIDE, "w": SIDE, "c": CHANNELS}
_SIZE_BY_NAME |= {"s": SEQUENCE, "l": SEQUENCE, "t": FRAMES}
# The first word that the name contains counts.
_SIZE_BY_WORD = (
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
Dim = int | str | SizeExpression


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chooses for a model's open dimensions, ids and other inputs.

    Attributes:
        sizes: size by name of the dimension.
        vocabulary: exclusive bound of ids where no table gives one; None for `fills.SAFE_BOUND`.
        values: values by name of the input: one number, or several separated by commas.
        usual: sizes to make up in place of the default ones, by name of the dimension.
    """

    sizes: Mapping[str, int]
    vocabulary: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    usual: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvedSignature:
    """The signature of a model, and the choices behind it.

    Attributes:
        signature: the signature, with a number for every dimension.
        sizes: size by name of each open dimension except the batch.
        deciding: names of the inputs that decide how much the model computes, or which elements
            it picks, in the order of the file.
        made_up: descriptions of choices that nobody made, with the option that changes each.
        given: names of the inputs whose values somebody chose.
    """

    signature: Signature
    sizes: Mapping[str, int]
    deciding: tuple[str, ...] = ()
    made_up: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _ParsedInput:
    """An input with parsed dimensions: each is a size, a name, or an expression of names."""

    declared: DeclaredInput
    dims: tuple[Dim, ...]

    @property
    def names(self) -> Iterator[tuple[int, str]]:
        """Axis and name of each open size."""
        for axis, dim in enumerate(self.dims):
            for name in _names(dim):
                yield axis, name


def resolve_inputs(
    declared: Sequence[DeclaredInput], choices: Choices, subgraph: int = 0
) -> ResolvedSignature:
    """Makes the signature of a model whose file declares these inputs.

    Args:
        declared: the inputs.
        choices: values for what the file leaves open.
        subgraph: number of the TFLite subgraph that they belong to.

    Raises:
        RequestError: an input can't be generated, a dimension can't be computed, a chosen dimension
            or input does not exist, values don't fit, or a sample would be too large.
    """
    for one in declared:
        if one.dtype not in DTYPE_BYTES:
            raise RequestError(
                f"the input '{one.name}' has type {one.dtype}, which can't be generated",
                remedy="give a model that takes numbers",
            )
    opened = _parse_inputs(declared, choices.sizes)
    batch = {one.dims[0] for one in opened if _is_batch(one)}
    open_dims = {**_default_sizes(opened), **choices.usual}
    batched = all(_takes_batches(one, batch) for one in opened)
    if not batched:
        batch = set()
    _check_sizes(choices.sizes, open_dims, batch)
    sizes = {name: choices.sizes.get(name, default) for name, default in open_dims.items()}
    others = {name: size for name, size in sizes.items() if name not in batch}
    inputs = tuple(_make_input(one, sizes, choices) for one in opened)
    signature = Signature(set_values(inputs, choices.values), batched, subgraph)
    if signature.sample_bytes > MAX_SAMPLE_BYTES:
        raise RequestError(
            f"one sample takes {signature.sample_bytes / 2**30:.1f} GiB",
            remedy="choose smaller sizes with --dim" if others else "give another model",
        )
    pairs = list(zip(declared, signature.inputs, strict=True))
    deciding = tuple(made.name for one, made in pairs if find_role(one) and made.elements)
    made_up = tuple(_list_made_up(pairs, others, choices))
    return ResolvedSignature(signature, others, deciding, made_up, frozenset(choices.values))


def _list_made_up(
    pairs: Sequence[tuple[DeclaredInput, Input]], sizes: Mapping[str, int], choices: Choices
) -> Iterator[str]:
    """Choices that nobody made and that the model may need otherwise."""
    yield from (
        f"{name}={size} (--dim {shlex.quote(name)}=SIZE)"
        for name, size in sizes.items()
        if name not in choices.sizes
    )
    for one, made in pairs:
        if one.name in choices.values or not made.elements:
            continue
        if made.fill == "ids" and not one.rows and choices.vocabulary is None:
            yield f"{one.name} below {made.bound} (--vocabulary NUMBER or {_option(one)})"
        elif made.fill == "values" and len(made.values) == 1:
            yield f"{one.name}={made.values[0]} ({_option(one)})"
        elif find_role(one):
            yield f"{one.name} ({_option(one)})"


def _option(one: DeclaredInput) -> str:
    return f"--input {shlex.quote(one.name)}=VALUE"


def _parse_inputs(
    declared: Sequence[DeclaredInput], chosen: Mapping[str, int]
) -> list[_ParsedInput]:
    """Parses the dimensions of the inputs; one without a name is called by its position."""
    texts = {dim for one in declared for dim in one.dims if isinstance(dim, str)}
    return [
        _ParsedInput(
            one, tuple(_parse_dim(one, axis, texts, chosen) for axis in range(len(one.dims)))
        )
        for one in declared
    ]


def _parse_dim(one: DeclaredInput, axis: int, known: set[str], chosen: Mapping[str, int]) -> Dim:
    dim = one.dims[axis]
    if isinstance(dim, int):
        return dim
    if is_placeholder(dim):
        return f"{one.name}[{axis}]"
    if dim in chosen:
        return dim
    try:
        return parse_size(dim, known)
    except SymbolError as error:
        raise _cannot_compute(one.name, dim, error) from error


def _cannot_compute(name: str, dim: str, error: SymbolError) -> RequestError:
    return RequestError(
        f"the dimension '{dim}' of the input '{name}' can't be computed: {error}",
        remedy=f"choose it with --dim '{dim}=SIZE'",
    )


def _default_sizes(opened: Sequence[_ParsedInput]) -> dict[str, int]:
    """Default size by name of each open dimension."""
    found: dict[str, int] = {}
    for one in opened:
        for axis, name in one.names:
            found.setdefault(name, _default_size(name, one.declared, axis))
    return found


def _names(dim: Dim) -> tuple[str, ...]:
    """The names in a dimension: none, one, or those of an expression."""
    if isinstance(dim, SizeExpression):
        return dim.names
    return (dim,) if isinstance(dim, str) else ()


def _evaluate_dim(one: DeclaredInput, dim: Dim, sizes: Mapping[str, int]) -> int:
    if isinstance(dim, int):
        return dim
    if isinstance(dim, str):
        return sizes[dim]
    try:
        return dim.value(sizes)
    except SymbolError as error:
        raise _cannot_compute(one.name, dim.text, error) from error


def _default_size(name: str, one: DeclaredInput, axis: int) -> int:
    by_name = _size_by_name(name)
    if by_name is not None:
        return by_name
    return BATCH if axis == 0 else _size_by_position(one, axis)


def is_batch_name(name: str) -> bool:
    """Whether a dimension that has this name, or position, can only be the batch."""
    return name.endswith("[0]") or _size_by_name(name) == BATCH


def _size_by_name(name: str) -> int | None:
    """The default size of a name; None for a name without a meaning here."""
    lower = name.lower()
    if "[" in lower:  # a position, not a name
        return None
    if lower in _SIZE_BY_NAME:
        return _SIZE_BY_NAME[lower]
    return next((size for word, size in _SIZE_BY_WORD if word in lower), None)


def _size_by_position(one: DeclaredInput, axis: int) -> int:
    """The default size of a dimension whose name says nothing, by the kind of its input."""
    rank, integer = len(one.dims), one.dtype in WIDE_INTEGERS
    if rank == 4 and not integer:
        channels_last = one.dims[3] in (1, 3, 4) and one.dims[1] not in (1, 3, 4)
        return CHANNELS if axis == (3 if channels_last else 1) else SIDE
    if rank == 2:
        return SEQUENCE if integer or one.dtype == "bool" else AUDIO
    if rank == 3 and axis == 1 and one.dims[0] in (1, ""):
        return SEQUENCE  # else it is the batch of a state, as (layers, batch, width)
    return OTHER


def _is_batch(one: _ParsedInput) -> bool:
    """Whether the first dimension of an input is open and can only be the batch."""
    first = one.dims[0] if one.dims else 0
    return isinstance(first, str) and _size_by_name(first) in (BATCH, None)


def _takes_batches(one: _ParsedInput, batch: set[Dim]) -> bool:
    """Whether the first dimension of an input, and no other, is the batch.

    A fixed 1 counts as a batch only if no other input has an open one; else it stays 1. An amount
    or an axis has no batch, either.
    """
    if not one.dims:
        return False
    fixed = one.dims[0] == 1 and not batch and not (len(one.dims) == 1 and find_role(one.declared))
    if not fixed and (isinstance(one.dims[0], int) or one.dims[0] not in batch):
        return False
    return batch.isdisjoint(name for axis, name in one.names if axis)


def _check_sizes(given: Mapping[str, int], known: Mapping[str, int], batch: set[Dim]) -> None:
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
        if not 0 <= size <= MAX_SIZE:
            raise RequestError(
                f"'{name}' can't be {size}", field="--dim", remedy=f"use 0 to {MAX_SIZE}"
            )


def _make_input(one: _ParsedInput, sizes: Mapping[str, int], choices: Choices) -> Input:
    declared = one.declared
    shape = tuple(_evaluate_dim(declared, dim, sizes) for dim in one.dims)
    return Input(declared.name, declared.dtype, shape, *choose_fill(declared, choices.vocabulary))

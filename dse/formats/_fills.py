"""Chooses what an input is filled with: given values, or ones that suit its name, type and use."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.core.signature import shape_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.signature import Fill, Input
    from dse.formats.description import DeclaredInput, Role

OPTION = "--input"
SAFE_BOUND = 100
"""Exclusive bound of ids where no table gives one: few tables have fewer rows."""
SAMPLING_RATE = 16_000
_RATES = ("sr", "sample_rate", "sampling_rate")
WIDE_INTEGERS = ("int32", "int64", "uint32", "uint64")
_FILL_BY_ROLE: Mapping[Role, Fill] = {
    "size": "ones",
    "axes": "positions",  # 0, 1, 2: an axis may not be named twice
    "index": "zeros",
    "pick": "zeros",
    "branch": "zeros",
}
_MAX_FLOAT = {"float16": 65504.0, "float32": 3.4028234663852886e38, "float64": math.inf}
_BOOLEANS = {"true": 1, "false": 0, "1": 1, "0": 0}


def find_role(one: DeclaredInput) -> Role | None:
    """What an input decides; None if it decides nothing, or can't be told from plain data.

    Pixels and waveforms stay noise, though a comparison may turn them into a decision.
    """
    if one.role == "divisor":
        return None
    if one.role == "pick" and (one.rows is not None or _fill_by_name(one)):
        return None  # any ids below the number of rows will do, and so will positions
    amount = one.dtype in (*WIDE_INTEGERS, "bool") or len(one.dims) < 2
    return one.role if amount else None


def choose_fill(one: DeclaredInput, vocabulary: int | None) -> tuple[Fill, int, tuple[int, ...]]:
    """Chooses what an input is filled with, the bound of its numbers (0 for none), and values.

    The vocabulary is the exclusive bound of ids where no table gives one; None for `SAFE_BOUND`.
    """
    if values := one.values or _rate_by_name(one):
        return "values", 0, values
    found = _fill_kind(one)
    if found == "ids":
        return found, one.rows or vocabulary or SAFE_BOUND, ()
    return found, (one.rows or 0) if found == "positions" else 0, ()


def _fill_kind(one: DeclaredInput) -> Fill:
    """Decided by the name, then by what it picks from and decides, then by the type."""
    if (named := _fill_by_name(one)) is not None:
        return named
    integer = one.dtype in WIDE_INTEGERS
    if one.role == "divisor" and "int" in one.dtype and one.rows is None:
        return "ones"  # noise would hold a 0
    role = find_role(one)
    if role is not None and not (integer and one.rows is not None):
        return _FILL_BY_ROLE[role]
    if one.dtype == "bool" and len(one.dims) < 2:
        return "zeros"  # a switch, such as that of a cache
    return "ids" if integer else "noise"


def _rate_by_name(one: DeclaredInput) -> tuple[int, ...]:
    """The usual value of a sampling rate; none for another input."""
    return (SAMPLING_RATE,) if one.name.lower() in _RATES and one.dtype in WIDE_INTEGERS else ()


def _fill_by_name(one: DeclaredInput) -> Fill | None:
    """What the name suggests; None if nothing."""
    name, integer = one.name.lower(), one.dtype in WIDE_INTEGERS
    if "mask" in name:
        return "ones"
    if integer and ("token_type" in name or "segment" in name):
        return "zeros"
    return "positions" if integer and "position" in name else None


def set_values(inputs: Sequence[Input], given: Mapping[str, str]) -> tuple[Input, ...]:
    """Fills inputs, by name, with one number, or one for each element of a sample, comma-separated.

    Raises:
        RequestError: there is no such input, or the values don't fit it.
    """
    names = [one.name for one in inputs]
    for name in given:
        if name not in names:
            raise RequestError(
                f"the model has no input '{name}'", field=OPTION, remedy=suggest(name, names)
            )
    return tuple(
        replace(one, fill="values", bound=0, values=_parse_values(given[one.name], one))
        if one.name in given
        else one
        for one in inputs
    )


def _parse_values(text: str, one: Input) -> tuple[float, ...]:
    values = tuple(_parse_value(word.strip(), one) for word in text.split(","))
    if len(values) in {1, one.elements} and one.elements:
        return values
    shape = shape_text(one.shape, " x ")
    if not one.elements:
        raise RequestError(
            f"'{one.name}' is {shape} and has no elements", field=OPTION, remedy="leave it out"
        )
    many = f"1 or {one.elements} values" if one.elements > 1 else "1 value"
    raise RequestError(
        f"'{one.name}' is {shape} and takes {many}, not {len(values)}",
        field=OPTION,
        remedy="separate them by commas",
    )


def _parse_value(word: str, one: Input) -> float:
    """Parses a number of the input's own type."""
    found: float | None = None
    if one.dtype == "bool":
        found = _BOOLEANS.get(word.lower())
        expected = "true or false"
    elif one.dtype.startswith("float"):
        found, expected = _parse_float(word, _MAX_FLOAT[one.dtype]), f"a number of type {one.dtype}"
    else:
        low, high = _integer_range(one.dtype)
        expected = f"a whole number from {low} to {high}"
        if re.fullmatch(r"[-+]?[0-9]{1,20}", word) and low <= int(word) <= high:
            found = int(word)
    if found is None:
        raise RequestError(
            f"'{word}' does not fit '{one.name}' ({one.dtype})",
            field=OPTION,
            remedy=f"give {expected}",
        )
    return found


def _parse_float(word: str, largest: float) -> float | None:
    """Parses a finite number that the type can hold."""
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", word):
        return None
    found = float(word)
    return found if math.isfinite(found) and abs(found) <= largest else None


def _integer_range(dtype: str) -> tuple[int, int]:
    bits = int(dtype.rpartition("int")[2])
    return (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

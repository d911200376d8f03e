"""Memory for inputs that begins where the widest vector registers, and any runtime, want it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

ALIGNMENT = 64
"""Bytes. numpy's own memory begins at a multiple of 16, which may differ from array to array."""


def aligned(shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """An array that begins at a multiple of `ALIGNMENT`; its elements are whatever is there."""
    size = prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    found: NDArray[Any] = memory[start : start + size].view(dtype).reshape(tuple(shape))
    return found

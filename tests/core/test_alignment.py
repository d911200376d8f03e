"""Where the memory of inputs begins."""

from __future__ import annotations

import numpy as np
import pytest

from dse.core.alignment import ALIGNMENT, aligned


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 5), (0, 4)])
def test_it_begins_at_a_multiple(dtype: str, shape: tuple[int, ...]) -> None:
    found = aligned(shape, dtype)
    assert not found.size or found.ctypes.data % ALIGNMENT == 0
    assert found.shape == shape
    assert found.dtype == dtype
    assert found.flags.c_contiguous
    assert found.flags.writeable
    found[...] = 1
    np.testing.assert_array_equal(found, np.ones(shape, dtype))

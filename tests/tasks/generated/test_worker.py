"""The generated task in the worker: what it makes up, and what it has no answer to."""

from __future__ import annotations

import numpy as np
import pytest

from dse.core.backend import UnsupportedError
from dse.core.signature import Input, Signature
from dse.tasks.generated.worker import GeneratedWorker
from dse.tasks.task import InputFiles

PAIR = Signature((Input("x", "float32", (1, 4)), Input("m", "bool", (1, 2), "ones")), True)


def worker(signature: Signature = PAIR) -> GeneratedWorker:
    return GeneratedWorker(signature.as_dict(), InputFiles())


def test_the_form_is_the_signature() -> None:
    assert (worker().signature, worker().scores) == (PAIR, None)
    assert worker().inputs(8, seed=0).count == 8


@pytest.mark.parametrize("size", [1, 2, 5])
def test_batches_differ_where_they_should(size: int) -> None:
    inputs = worker().inputs(8, seed=0)
    batches = list(worker().different_batches(inputs, size, seed=0))
    arrays = [batch[0] for batch in batches]
    np.testing.assert_array_equal(arrays[2], inputs.call(range(size))[0])
    assert {array.shape for array in arrays} == {(size, 4)}
    assert len({array.tobytes() for array in arrays}) == len(batches) == 5
    if size > 1:
        for number in (1, 3):
            np.testing.assert_array_equal(arrays[number][0], arrays[2][0])
            assert not (arrays[number][1:] == arrays[2][1:]).all(axis=1).any()


def test_rows_are_looked_for_in_every_output() -> None:
    narrow, rows = ("a", np.zeros((2, 7))), ("b", np.zeros((8, 3)))
    worker().check((narrow, rows), 8)
    worker().check((narrow,), 1)
    worker().check((narrow, ("sequence", None)), 8)
    with pytest.raises(UnsupportedError, match=r"\(a 2x7, b a single number\)"):
        worker().check((narrow, ("b", np.zeros(()))), 8)


def test_there_is_no_accuracy() -> None:
    with pytest.raises(UnsupportedError, match="is right or wrong"):
        worker().encode((("a", np.zeros((1, 2))),), 1)
    with pytest.raises(ValueError, match="is right or wrong"):
        worker().score({0: b""}, 1)

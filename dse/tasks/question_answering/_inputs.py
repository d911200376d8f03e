"""Questions with their paragraphs as a model takes them. Imports only numpy."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from dse.core.alignment import aligned
from dse.core.backend import arrays_of
from dse.core.errors import DseError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Batch
    from dse.tasks.question_answering._form import QuestionForm, Role

QUESTION_SHARE = 16
"""Of a made-up sample, the question is one part in this many."""


def read_features(file: Path, name: str) -> NDArray[Any]:
    """One of the arrays of a file of features.

    Args:
        file: see `dse.tasks.question_answering._features.Features`.
        name: of the array.

    Raises:
        DseError: it is not such a file.
    """
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            found: NDArray[Any] = arrays[name]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DseError(f"{file}: not a file of features: {error}") from error
    return found


class QuestionInputs:
    """The samples of a data set: each a question with a window of its paragraph.

    Args:
        file: of the features.
        form: of the model.

    Raises:
        DseError: the file holds something else, or sequences of another length.
    """

    def __init__(self, file: Path, form: QuestionForm) -> None:
        self._form = form
        self._ids = read_features(file, "ids")
        self._ends = read_features(file, "ends")
        self.count = len(self._ids)
        self.shapes = _find_shapes(form, self._ends[:, 1]).tolist()
        if self._ids.shape != (self.count, form.sequence_length):
            raise DseError(
                f"{file}: holds sequences of shape {self._ids.shape} instead of "
                f"{form.sequence_length} tokens"
            )

    def call(self, indices: Sequence[int], out: Batch | None = None) -> Batch:
        """See `dse.tasks.task.Inputs.call`."""
        rows = np.asarray(indices, dtype=np.intp)
        return _arrange(self._form, self._ids[rows], self._ends[rows], out)


class RandomInputs:
    """Random tokens, for speed without a data set.

    A sample depends on the seed and its index alone, on any machine and in any order.

    Args:
        count: the number of samples.
        form: of the model.
        seed: not negative.
    """

    def __init__(self, count: int, form: QuestionForm, seed: int) -> None:
        self.count = count
        self._form = form
        self._seed = seed

    def call(self, indices: Sequence[int], out: Batch | None = None) -> Batch:
        """See `dse.tasks.task.Inputs.call`."""
        length = self._form.sequence_length
        ids = np.zeros((len(indices), length), np.int32)
        ends = np.empty((len(indices), 2), np.int32)
        for row, index in enumerate(indices):
            if not 0 <= index < self.count:
                raise IndexError(f"sample {index} of {self.count}")
            used, words = self._draw(index, length)
            ids[row, :used] = [word % self._form.tokens for word in words[:used]]
            ends[row] = length // QUESTION_SHARE, used
        return _arrange(self._form, ids, ends, out)

    @cached_property
    def shapes(self) -> Sequence[int]:
        """See `dse.tasks.shapes.ShapedInputs`."""
        if not self._form.buckets:
            return [0] * self.count
        used = [self._draw(index, 0)[0] for index in range(self.count)]
        found: list[int] = _find_shapes(self._form, np.array(used)).tolist()
        return found

    def _draw(self, index: int, words: int) -> tuple[int, list[int]]:
        """How many tokens of a sample count, and numbers to make words of."""
        length = self._form.sequence_length
        # The raw bits of a generator are what numpy promises to keep through its versions.
        first, *more = np.random.PCG64([self._seed, index]).random_raw(1 + words).tolist()
        return length // 4 + first % (length - length // 4 + 1), more


def _find_shapes(form: QuestionForm, used: NDArray[Any]) -> NDArray[np.intp]:
    """The index of the shortest length that holds so many tokens, for each number of these."""
    return np.searchsorted(form.lengths, used)


def _arrange(
    form: QuestionForm, ids: NDArray[np.int32], ends: NDArray[np.int32], out: Batch | None
) -> Batch:
    """The inputs of a call, cut to the shortest length of the model that holds them all.

    Args:
        form: of the model.
        ids: (n, sequence length), filled up with zeros.
        ends: (n, 2): where the question ends, and where the paragraph does.
        out: where they go instead of into new arrays.

    Returns:
        An array of shape (n, that length) for each input of the model.
    """
    length = form.lengths[_find_shapes(form, ends[:, 1]).max()]
    places = np.arange(length)
    used = places < ends[:, 1:]
    values: dict[Role, NDArray[Any]] = {
        "ids": ids[:, :length],
        "mask": used,
        "segments": used & (places >= ends[:, :1]),
    }
    arrays = arrays_of(out) if out is not None else _empty(form, (len(ids), length))
    for one, array in zip(form.inputs, arrays, strict=True):
        array[...] = values[one.role]
    return arrays


def _empty(form: QuestionForm, shape: tuple[int, int]) -> tuple[NDArray[Any], ...]:
    return tuple(aligned(shape, one.dtype) for one in form.inputs)

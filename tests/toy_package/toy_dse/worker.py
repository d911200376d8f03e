"""Tagging in the worker. Imports only numpy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import UnsupportedError, arrays_of
from dse.core.signature import Input, Signature
from dse.tasks.task import Score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.signature import Form
    from dse.tasks.task import InputFiles, Inputs

TRUTH = "tags.json"
THRESHOLD = 0.5


def signature_of(form: Form) -> Signature:
    """The two inputs of a tagger: the ids of the words, and which of them count."""
    words, vocabulary = form["words"], form["vocabulary"]
    return Signature(
        (
            Input("ids", "int64", (1, words), fill="ids", bound=vocabulary),
            Input("mask", "float32", (1, words), fill="ones"),
        ),
        batched=True,
    )


def mean_f1(responses: Mapping[int, bytes], truth: Sequence[Sequence[int]]) -> Score:
    """The mean F1 over documents; 1 where there are no tags and none are answered.

    Raises:
        ValueError: the responses don't cover the documents.
    """
    if set(responses) != set(range(len(truth))):
        raise ValueError(f"{len(responses)} responses to {len(truth)} documents")
    found = [_f1(set(responses[index]), set(tags)) for index, tags in enumerate(truth)]
    return Score(sum(found) / len(found), details={"total": len(truth)})


def _f1(found: set[int], right: set[int]) -> float:
    return 2 * len(found & right) / (len(found) + len(right)) if found | right else 1.0


class Documents:
    """Documents by index, as two arrays of a row each."""

    def __init__(self, ids: NDArray[np.int64], mask: NDArray[np.float32]) -> None:
        self.count = len(ids)
        self._arrays: tuple[NDArray[Any], ...] = (ids, mask)

    def call(self, indices: Sequence[int], out: Batch | None = None) -> Batch:
        """Ids and mask of these documents."""
        if out is None:
            return tuple(np.ascontiguousarray(one[list(indices)]) for one in self._arrays)
        for one, place in zip(self._arrays, arrays_of(out), strict=True):
            place[...] = one[list(indices)]
        return out


class TaggingWorker:
    """See `dse.tasks.task.TaskWorker`."""

    def __init__(self, form: Form, files: InputFiles) -> None:
        self.signature = signature_of(form)
        self.scores = None
        self._form = form
        self._documents: list[dict[str, list[int]]] = []
        if files.files:
            self._documents = json.loads(files.files["documents"].read_text())

    def inputs(self, count: int, seed: int) -> Inputs:
        """The documents of the data set, or random ones."""
        if not self._documents:
            return self._random(count, seed)
        ids = np.array([one["ids"] for one in self._documents], np.int64)
        mask = np.array([one["mask"] for one in self._documents], np.float32)
        return Documents(ids, mask)

    def different_batches(self, inputs: Inputs, size: int, seed: int) -> Iterator[Batch]:
        """Random ones, and those of the data set in the middle."""
        usual = inputs.call([index % inputs.count for index in range(size)])
        for number in range(5):
            batch = self._random(size, seed + number).call(range(size))
            if number in (1, 3):
                for one, first in zip(arrays_of(batch), arrays_of(usual), strict=True):
                    one[:1] = first[:1]
            yield usual if number == 2 else batch

    def check(self, outputs: Outputs, size: int) -> None:
        """Scores of all tags for each document."""
        self._scores(outputs, size)

    def encode(self, outputs: Outputs, count: int) -> Sequence[bytes]:
        """The tags above the threshold, a byte each."""
        scores = self._scores(outputs, count)
        return [bytes(np.flatnonzero(row > THRESHOLD).tolist()) for row in scores[:count]]

    def score(self, responses: Mapping[int, bytes], count: int) -> Score:
        """The mean F1 of the first documents."""
        return mean_f1(responses, self._truth(count))

    def save_truth(self, folder: Path, count: int) -> None:
        """Writes the tags of the first documents."""
        (folder / TRUTH).write_text(json.dumps(self._truth(count)))

    def _truth(self, count: int) -> list[list[int]]:
        return [one["tags"] for one in self._documents[:count]]

    def _random(self, count: int, seed: int) -> Documents:
        draw = np.random.default_rng(seed)
        shape = (count, self._form["words"])
        mask = np.ones(shape, np.float32)
        return Documents(draw.integers(self._form["vocabulary"], size=shape), mask)

    def _scores(self, outputs: Outputs, size: int) -> NDArray[Any]:
        [(name, scores)] = outputs
        if scores is None or scores.shape[1:] != (self._form["tags"],) or len(scores) < size:
            raise UnsupportedError(f"{name} holds no score for each tag")
        return scores

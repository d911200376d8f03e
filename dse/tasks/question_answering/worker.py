"""Question answering in the worker. Imports only numpy."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import UnsupportedError, arrays_of, not_finite
from dse.tasks.question_answering._form import QuestionForm
from dse.tasks.question_answering._inputs import QuestionInputs, RandomInputs, read_features
from dse.tasks.question_answering._scoring import TRUTH_FILE, Truth, score_responses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.signature import Form
    from dse.tasks.task import InputFiles, Inputs, Score

FEATURES = "features"
"""The name of the one file of a data set."""
NO_LOGIT = -10_000.0
"""What MLPerf's script puts in the place of logits that a shorter sample has not."""


class QuestionAnsweringWorker:
    """Answers questions; see `dse.tasks.task.TaskWorker`.

    Args:
        form: see `dse.tasks.question_answering._form.QuestionForm.to_form`.
        files: ``features``, see `dse.tasks.question_answering._features`; none for random tokens.
    """

    def __init__(self, form: Form, files: InputFiles) -> None:
        self._form = QuestionForm.from_form(form)
        self._features = files.files.get(FEATURES)
        self.signature = self._form.signature
        self.signatures = self._form.signatures
        self.scores = None

    @cached_property
    def _truth(self) -> Truth:
        if self._features is None:
            raise ValueError("without a data set no answer is right or wrong")
        return Truth.from_json(read_features(self._features, "truth").tobytes())

    def inputs(self, count: int, seed: int) -> Inputs:
        """The samples of the data set, or random ones."""
        if self._features is None:
            return RandomInputs(count, self._form, seed)
        return QuestionInputs(self._features, self._form)

    def different_batches(self, inputs: Inputs, size: int, seed: int) -> Iterator[Batch]:
        """Random tokens, and the first samples in the middle."""
        usual = inputs.call([index % inputs.count for index in range(size)])
        form = replace(self._form, sequence_length=arrays_of(usual)[0].shape[1], buckets=())
        for number in range(5):
            if number == 2:
                yield usual
                continue
            # Another seed than that of samples that are random themselves.
            batch = RandomInputs(size, form, seed + 1 + number).call(range(size))
            if size > 1 and number in (1, 3):
                for one, first in zip(arrays_of(batch), arrays_of(usual), strict=True):
                    one[:1] = first[:1]
            yield batch

    def check(self, outputs: Outputs, size: int) -> None:
        """Looks for finite logits of the start and the end for each token."""
        for name, logits in _pick_logits(outputs):
            if logits.shape not in [(size, length) for length in self._form.lengths]:
                lengths = " or ".join(map(str, self._form.lengths))
                raise UnsupportedError(
                    f"the output '{name}' of a batch of {size} has the shape {logits.shape}, "
                    f"not a number for each of {lengths} tokens"
                )
            if amiss := int(logits.size - np.isfinite(logits).sum()):
                raise UnsupportedError(not_finite(name, amiss, logits.shape))

    def encode(self, outputs: Outputs, count: int) -> Sequence[bytes]:
        """The logits of each sample, those of the start and of the end in turns.

        A sample that was cut has the logits of MLPerf's script for tokens that are not there.
        """
        (_, start), (_, end) = _pick_logits(outputs)
        logits = np.stack([start[:count], end[:count]], axis=-1).astype("<f4")
        if amiss := int(logits.size - np.isfinite(logits).sum()):
            raise UnsupportedError(f"{amiss} of {logits.size} logits are not finite numbers")
        missing = self._form.sequence_length - logits.shape[1]
        whole = np.pad(logits, ((0, 0), (0, missing), (0, 0)), constant_values=NO_LOGIT)
        return [row.tobytes() for row in whole]

    def score(self, responses: Mapping[int, bytes], count: int) -> Score:
        """The F1 of the answers in percent."""
        return score_responses(self._truth, responses, count)

    def save_truth(self, folder: Path, count: int) -> None:
        """Writes paragraphs and right answers; of a part of the samples those of all."""
        del count
        (folder / TRUTH_FILE).write_text(self._truth.to_json(), encoding="utf-8")


def _pick_logits(outputs: Outputs) -> list[tuple[str, NDArray[Any]]]:
    """The outputs for the start and the end of the answer: by their names, else the first two.

    Raises:
        UnsupportedError: there are no two arrays of floating-point numbers.
    """
    arrays = [(name, array) for name, array in outputs if array is not None]
    named = [[one for one in arrays if word in one[0].lower()] for word in ("start", "end")]
    found = [each[0] for each in named] if all(len(each) == 1 for each in named) else arrays[:2]
    if len(found) < 2 or any(array.dtype.kind != "f" for _, array in found):
        names = ", ".join(f"'{name}'" for name, _ in outputs)
        raise UnsupportedError(f"the model has no logits of the start and the end, but {names}")
    return found

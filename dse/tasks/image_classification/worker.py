"""Image classification in the worker. Imports only numpy."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import Scores, UnsupportedError, arrays_of, not_finite
from dse.tasks.image_classification.inputs import ImageInputs, RandomInputs, prepare
from dse.tasks.image_classification.labels import (
    PLAIN,
    WITH_BACKGROUND,
    check_classes,
    decode_labels,
    encode_labels,
    read_labels,
    save_labels,
    score_labels,
    top1,
)
from dse.tasks.image_classification.preprocessing import from_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.signature import Form
    from dse.tasks.task import InputFiles, Inputs, Score

MIN_RANDOM_SAMPLES = 64
BLACK, WHITE = 0, 255
SCORES_RANK = 2


class ImageClassificationWorker:
    """Classifies images; see `dse.tasks.task.TaskWorker`.

    Args:
        form: see `dse.tasks.image_classification.preprocessing.to_form`.
        files: ``pixels`` and ``labels``, arrays of (n, R, R, 3) uint8 and (n,) int64; none for
            random pixels.
    """

    def __init__(self, form: Form, files: InputFiles) -> None:
        self._preprocessing, self._classes = from_form(form)
        self._files = files.files
        self.signature = None
        self.scores: Scores | None = Scores(self._classes, (PLAIN, WITH_BACKGROUND))

    @cached_property
    def _labels(self) -> NDArray[np.int64]:
        return read_labels(self._files["labels"])

    def inputs(self, count: int, seed: int) -> Inputs:
        """The images of the data set, or random ones, at least 64 of them."""
        if not self._files:
            return RandomInputs(max(MIN_RANDOM_SAMPLES, count), self._preprocessing, seed)
        return ImageInputs(self._files["pixels"], len(self._labels), self._preprocessing)

    def different_batches(self, inputs: Inputs, size: int, seed: int) -> Iterator[Batch]:
        """Black and white images, the first ones, and further ones."""
        del seed
        black, white = self._plain(BLACK), self._plain(WHITE)
        yield _joined(black, white, size)
        (usual,) = arrays_of(inputs.call([index % inputs.count for index in range(size)]))
        yield _joined(usual[:1], black, size) if size > 1 else white
        yield usual
        # From the middle and the end: images beside each other often have one label.
        further = inputs.call([(inputs.count // 2 + index) % inputs.count for index in range(size)])
        yield _joined(usual[:1], white, size) if size > 1 else further
        yield further if size > 1 else inputs.call([inputs.count - 1])

    def _plain(self, value: int) -> NDArray[Any]:
        """An image of one colour, as the model takes it."""
        side = self._preprocessing.resolution
        return prepare(np.full((1, side, side, 3), value, np.uint8), self._preprocessing)

    def check(self, outputs: Outputs, size: int) -> None:
        """Holds the scores against the batch, the known number of classes and the labels."""
        scores = _scores(outputs)
        if scores.ndim != SCORES_RANK or len(scores) != size:
            raise UnsupportedError(
                f"the model answers a batch of {size} with scores of shape {scores.shape}"
            )
        if amiss := _not_finite(scores):
            raise UnsupportedError(not_finite(outputs[0][0], amiss, scores.shape))
        top = int(self._labels.max()) if self._files and len(self._labels) else None
        offset = self._preprocessing.label_offset
        check_classes(scores.shape[1], self._classes, offset, top)

    def encode(self, outputs: Outputs, count: int) -> Sequence[bytes]:
        """The label of the highest score of each sample."""
        scores = _scores(outputs)
        labels = top1(scores, self._preprocessing.label_offset)[:count]
        # The greatest of several scores says nothing where one of them is not a number.
        answered = scores[:count]
        if amiss := _not_finite(answered):
            raise UnsupportedError(f"{amiss} of {answered.size} scores are not finite numbers")
        return encode_labels(labels)

    def score(self, responses: Mapping[int, bytes], count: int) -> Score:
        """The top-1 accuracy in percent."""
        return score_labels(decode_labels(responses), self._labels[:count].tolist())

    def save_truth(self, folder: Path, count: int) -> None:
        """Writes the labels of the images that were classified."""
        save_labels(folder, self._labels[:count])


def _scores(outputs: Outputs) -> NDArray[Any]:
    name, scores = outputs[0]
    if scores is None:
        raise UnsupportedError(f"the output '{name}' is not an array of scores")
    return scores


def _not_finite(scores: NDArray[Any]) -> int:
    """The number of scores that are NaN or infinite."""
    return int(scores.size - np.isfinite(scores).sum()) if scores.dtype.kind == "f" else 0


def _joined(first: NDArray[Any], others: NDArray[Any], size: int) -> NDArray[Any]:
    """A batch of one sample and copies of another one."""
    batch = np.repeat(others, size, axis=0)
    batch[:1] = first
    return batch

"""What the scores of a classifier say of labels, and how good labels are. Imports only numpy.

A response is one label, logged as a little-endian int64.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import UnsupportedError
from dse.core.intervals import wilson
from dse.core.wording import format_count
from dse.tasks.task import Score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.configuration import KnobValue

TOP_LABEL = 999
"""The last of ImageNet's labels, which begin with 0."""
PLAIN, WITH_BACKGROUND = 1000, 1001
"""The number of scores for ImageNet's classes alone, and with one for a background before them."""
LABEL_BYTES = 8
LABELS_FILE = "labels.npy"
"""The right labels, beside the logs of an official accuracy run."""


def top1(scores: NDArray[Any], label_offset: int) -> NDArray[np.int64]:
    """The predicted label of each sample.

    Args:
        scores: (n, classes).
        label_offset: 1 where class 0 is a background class, else 0.

    Returns:
        (n,) int64; the background becomes -1, which is no label's number.

    Raises:
        ValueError: the scores have another shape.
    """
    if scores.ndim != 2:
        raise ValueError(f"scores of shape {scores.shape} instead of (n, classes)")
    return np.asarray(scores.argmax(axis=1) - label_offset, dtype=np.int64)


def offset_problem(width: int, label_offset: int) -> tuple[str, str] | None:
    """Why a label offset is wrong, if the number of classes is not stated.

    Args:
        width: the number of scores.
        label_offset: 1 if score 0 belongs to a background class, else 0.

    Returns:
        The problem and the remedy; None if there is no problem.
    """
    if (width, label_offset) == (WITH_BACKGROUND, 0):
        return (
            "1001 scores are a background and ImageNet's 1000 classes, not those from score 0 on",
            "set `label_offset: 1`",
        )
    if (width, label_offset) == (PLAIN, 1):
        return (
            "1000 scores are ImageNet's 1000 classes, without a background before them",
            "set `label_offset: 0`",
        )
    return None


def check_classes(width: int, classes: int | None, offset: int, top: int | None) -> None:
    """Holds the number of scores against what is known of the classes.

    Args:
        width: the number of scores.
        classes: how many there should be; None where nobody said.
        offset: 1 where score 0 is for a background class, else 0.
        top: the greatest label of the data set; None without a data set.

    Raises:
        UnsupportedError: they contradict each other.
    """
    if classes not in (None, width):
        found = format_count(width, "score")
        raise UnsupportedError(
            f"the model gives {found}, not {classes:,}: correct `classes` in models.yaml"
        )
    if top is not None and top + offset >= width:
        remedy = "set `label_offset: 0`" if top < width else "use a data set of its classes"
        raise UnsupportedError(
            f"label {top} of the data set at label_offset {offset} would be score {top + offset}, "
            f"and the model has scores 0 to {width - 1}: {remedy}"
        )
    if problem := offset_problem(width, offset) if classes is None or top == TOP_LABEL else None:
        raise UnsupportedError(": ".join(problem))


def encode_labels(labels: NDArray[np.int64]) -> list[bytes]:
    """The response for each label."""
    data = labels.astype("<i8").tobytes()
    return [data[start : start + LABEL_BYTES] for start in range(0, len(data), LABEL_BYTES)]


def decode_labels(responses: Mapping[int, bytes]) -> dict[int, int]:
    """The label that each response holds, by the index of its sample.

    Raises:
        ValueError: a response has another length than a label.
    """
    for index, data in responses.items():
        if len(data) != LABEL_BYTES:
            found = format_count(len(data), "byte")
            raise ValueError(f"the response to sample {index} has {found}, not {LABEL_BYTES}")
    return {i: int.from_bytes(data, "little", signed=True) for i, data in responses.items()}


def score_labels(predictions: Mapping[int, int], labels: Sequence[int]) -> Score:
    """The share of the images whose predicted label is right, in percent, with Wilson's interval.

    Args:
        predictions: the predicted label of each image, by its index.
        labels: the right label of each image, at least one.

    Returns:
        Its details hold ``good`` and ``total``, and what `count_labels` tells.

    Raises:
        ValueError: the predictions do not cover exactly these images.
    """
    total = len(labels)
    if set(predictions) != set(range(total)):
        covered = format_count(len(predictions), "sample")
        raise ValueError(f"the accuracy log covers {covered}, the data set has {total}")
    right = [predictions[index] == label for index, label in enumerate(labels)]
    good = sum(right)
    low, high = wilson(good, total)
    details = {"good": good, "total": total, **count_labels(predictions, labels)}
    return Score(100 * good / total, (100 * low, 100 * high), details, right)


def count_labels(predictions: Mapping[int, int], labels: Sequence[int]) -> dict[str, KnobValue]:
    """What is kept beside an accuracy, since the accuracy alone does not tell whether it can be.

    Args:
        predictions: the predicted label of each image, by its index.
        labels: the right label of each image, at least one.

    Returns:
        By name: the number of different labels (``labels``) and of different predictions
        (``predicted``); how many images have the commonest of each (``commonest_label_images``,
        ``commonest_predicted_images``) and which prediction that is (``commonest_predicted``); how
        many predictions are right with 1 added (``good_shifted_up``) or taken away
        (``good_shifted_down``); and the least number of classes that have such labels
        (``classes_seen``).
    """
    (_, most), *_ = Counter(labels).most_common(1)
    answers = Counter(predictions.values())
    # The smallest of equally common ones: what is kept depends on no order.
    answer = min(answers, key=lambda label: (-answers[label], label))
    pairs = [(predictions[index], label) for index, label in enumerate(labels)]
    return {
        "labels": len(set(labels)),
        "commonest_label_images": most,
        "predicted": len(answers),
        "commonest_predicted": answer,
        "commonest_predicted_images": answers[answer],
        "good_shifted_up": sum(found + 1 == label for found, label in pairs),
        "good_shifted_down": sum(found - 1 == label for found, label in pairs),
        "classes_seen": max(*labels, *answers) + 1,
    }


def save_labels(folder: Path, labels: NDArray[np.int64]) -> None:
    """Writes the right labels beside the logs, so that an accuracy can be counted again."""
    np.save(folder / LABELS_FILE, labels, allow_pickle=False)


def read_labels(file: Path) -> NDArray[np.int64]:
    """The right labels of a data set, or those beside the logs of an accuracy run.

    Returns:
        (n,) int64.

    Raises:
        OSError, ValueError: the file can't be read, or holds something else.
    """
    with file.open("rb") as stream:
        labels = np.lib.format.read_array(stream, allow_pickle=False)
    return np.asarray(labels, np.int64)

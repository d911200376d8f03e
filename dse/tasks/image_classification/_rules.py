"""What submissions, and MLPerf's checkers of them, ask of an image classifier.

Source: https://github.com/mlcommons/inference (accuracy script, submission checker), 2026-08.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dse.core.wording import format_count
from dse.tasks.image_classification.labels import (
    LABELS_FILE,
    TOP_LABEL,
    decode_labels,
    read_labels,
    score_labels,
)
from dse.tasks.image_classification.preprocessing import from_form
from dse.tasks.task import Score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dse.core.signature import Form

_SCORE = re.compile(r"accuracy=[0-9.]+%, good=([0-9]{1,9}), total=([0-9]{1,9})\s")
"""The start of ``accuracy.txt``, as MLPerf's accuracy script writes it."""


def accuracy_text(score: Score, sha256: str) -> str:
    """The text of ``accuracy.txt``, as MLPerf's own script and the truncation leave it.

    The details of the score hold ``good`` and ``total``; the hash is of the whole accuracy log.
    """
    good, total = (int(score.details[name]) for name in ("good", "total"))
    return f"accuracy={score.value:.3f}%, good={good}, total={total}\n\nhash={sha256}\n"


def read_accuracy(text: str) -> Score:
    """What an ``accuracy.txt`` says; the inverse of `accuracy_text`.

    Raises:
        ValueError: it has another form.
    """
    match = _SCORE.match(text)
    good, total = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 0 < good <= total:
        raise ValueError("has no accuracy of the form 'accuracy=…%, good=…, total=…'")
    return Score(100 * good / total, details={"good": good, "total": total})


def score(responses: Mapping[int, bytes], folder: Path) -> Score:
    """The accuracy of logged labels, counted again by the right ones beside the logs.

    Labels of a part of the samples are counted among themselves.

    Raises:
        OSError, ValueError: the right labels can't be read, or do not fit.
    """
    found = sorted(decode_labels(responses).items())
    labels = read_labels(folder / LABELS_FILE).tolist()
    if found and not 0 <= found[0][0] <= found[-1][0] < len(labels):
        last = f"the accuracy log has samples {found[0][0]} to {found[-1][0]}"
        raise ValueError(f"{last}, the data set has {len(labels)}")
    right = [labels[index] for index, _ in found]
    return score_labels(dict(enumerate(label for _, label in found)), right)


def response_faults(responses: Mapping[int, bytes]) -> Iterator[str]:
    """Which logged labels are none of ImageNet's.

    Raises:
        ValueError: a response is not a label at all.
    """
    wrong = sum(not 0 <= label <= TOP_LABEL for label in decode_labels(responses).values())
    if wrong:
        yield f"outside 0..{TOP_LABEL} in the accuracy log: {format_count(wrong, 'label')}"


def manifest_entry(form: Form, sha256: str) -> dict[str, Any]:
    """What a ``models.yaml`` says of the input and the labels of a model."""
    preprocessing, _ = from_form(form)
    entry: dict[str, Any] = {
        "layout": preprocessing.layout,
        "dtype": preprocessing.dtype,
        "resolution": preprocessing.resolution,
        "crop": preprocessing.crop,
        "interpolation": preprocessing.interpolation,
        "label_offset": preprocessing.label_offset,
        "sha256": sha256,
    }
    if preprocessing.dtype in ("float32", "float16") or preprocessing.quantisation:
        entry |= {"mean": list(preprocessing.mean), "scale": list(preprocessing.scale)}
    return entry

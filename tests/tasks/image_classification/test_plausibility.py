"""What speaks against an accuracy, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from dse.core.intervals import wilson
from dse.core.measurement import Measurement, Source
from dse.tasks.image_classification._plausibility import accuracy_notes
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.labels import count_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.configuration import KnobValue

IMAGES = 500
LABELS = [2 * index for index in range(IMAGES)]
"""One image of every other of 1,000 classes."""
PAIRS = st.lists(st.tuples(st.integers(-1, 20), st.integers(0, 20)), min_size=1, max_size=60)


def measured(
    predictions: Sequence[int], labels: Sequence[int], **further: KnobValue
) -> Measurement:
    """An accuracy as a worker answers it."""
    total = len(labels)
    good = sum(found == label for found, label in zip(predictions, labels, strict=True))
    details = {"good": good, "total": total, **count_labels(dict(enumerate(predictions)), labels)}
    return Measurement(
        ACCURACY.name, 100 * good / total, "key", Source.MEASURED, details=details | further
    )


def told(predictions: Sequence[int], labels: Sequence[int], **further: KnobValue) -> list[str]:
    return list(map(str, accuracy_notes(measured(predictions, labels, **further))))


def right(count: int, otherwise: int = 0) -> list[int]:
    """Predictions of which so many are right; the others are spread over all classes."""
    return [
        label if index < count else (label * 7 + 501 + otherwise) % 1000
        for index, label in enumerate(LABELS)
    ]


def test_a_good_accuracy_has_no_note() -> None:
    assert told(right(350), LABELS) == []
    assert told(right(350), LABELS, published_percent=70.0, classes=1000) == []


def test_one_label_for_all() -> None:
    assert told([117] * IMAGES, LABELS) == [
        "one label for all images (label 117 for 500 of 500): look at mean, scale, layout, dtype"
    ]
    nearly = [117] * 475 + LABELS[475:]
    assert told(nearly, LABELS)[0].startswith("one label for all images (label 117 for 475 of 500)")
    fewer = [117] * 474 + LABELS[474:]
    assert not any(line.startswith("one label") for line in told(fewer, LABELS))


def test_images_of_one_label_may_get_one_label() -> None:
    assert told([3] * 50, [3] * 50, classes=1000) == []
    # As many of the images have it as get it.
    assert told([0] * 97 + [1] * 3, [0] * 97 + [1] * 3, classes=1000) == []
    # Of two images nothing can be said.
    assert not any("one label" in line for line in told([3, 3], [3, 4], classes=1000))


@pytest.mark.parametrize(("moved", "shift"), [(1, "-1"), (-1, "+1")])
def test_labels_that_fit_after_a_shift(moved: int, shift: str) -> None:
    predictions = [found + moved for found in right(356)]
    wrong = sum(found == label for found, label in zip(predictions, LABELS, strict=True))
    assert wrong < 5
    [line] = told(predictions, LABELS, published_percent=70.0)
    assert line == (
        f"labels fit after a shift of {shift} (71.2 % instead of {100 * wrong / IMAGES:.3g} %): "
        "look at label_offset and the data set"
    )


def test_the_shift_has_to_be_beyond_both_intervals() -> None:
    # 30 of 100 fit as they are, and 40 after a shift: the intervals overlap.
    labels = [index % 10 for index in range(100)]
    predictions = [
        label if i < 30 else label - 1 if i < 70 else 50 for i, label in enumerate(labels)
    ]
    assert wilson(40, 100)[0] < wilson(30, 100)[1]
    assert told(predictions, labels, classes=1000) == []
    further = [label if i < 10 else label - 1 if i < 70 else 50 for i, label in enumerate(labels)]
    assert wilson(60, 100)[0] > wilson(10, 100)[1]
    assert "shift of +1 (60 % instead of 10 %)" in told(further, labels, classes=1000)[0]


def test_the_accuracy_of_chance() -> None:
    for good in (0, 1):  # of 500, where chance has 0.5
        assert told(right(good), LABELS, classes=1000, published_percent=70.0) == [
            (
                "accuracy is that of chance (0.1 % of 1,000 classes): "
                "look at label_offset, mean, scale, layout"
            )
        ]
    assert wilson(2, IMAGES)[0] > 0.001
    assert told(right(2), LABELS, classes=1000) == []
    # Worse than chance is no better; it takes many images to see the difference.
    many = [label for label in range(1000) for _ in range(50)]
    away = [(label + 500) % 1000 for label in many]
    assert wilson(0, len(many))[1] < 0.001
    assert "that of chance" in told(away, many)[0]


def test_what_is_all_right_is_not_chance() -> None:
    labels = [0] * 38 + [1] * 2
    assert told(labels, labels) == []
    assert "that of chance" in told([0] * 39 + [1], labels)[0]
    assert told([0] * 10, [0] * 10) == []


def test_chance_is_the_share_of_the_commonest_label_where_there_are_few_classes() -> None:
    labels = [0] * 60 + [1] * 40
    predictions = [index % 2 for index in range(100)]
    assert told(predictions, labels) == [
        (
            "accuracy is that of chance (60 % have the commonest label): "
            "look at label_offset, mean, scale, layout"
        )
    ]
    assert told([0] * 55 + [1] * 45, labels) == []
    # A model of 1,000 classes that finds half of them does not guess.
    assert told(predictions, labels, classes=1000) == []


def test_far_below_the_published_accuracy() -> None:
    high = 100 * wilson(300, IMAGES)[1]
    assert told(right(300), LABELS, published_percent=high + 4.9) == []
    assert told(right(300), LABELS, published_percent=high + 5.1) == [
        (
            f"accuracy is far below the published one (60 %, published {high + 5.1:.3g} %): "
            "look at mean, scale, crop, the file and the labels"
        )
    ]
    # Images of the training set come out above.
    assert told(right(450), LABELS, published_percent=57.9) == []


def test_what_is_known_beforehand_is_told_beside() -> None:
    found = told(
        right(350),
        LABELS,
        normalisation="write scale: [255, 255, 255]",
        dataset_notes="2 files are left out (.heic)",
    )
    assert found == [
        "mean and scale are not for pixels of 0 to 255: write scale: [255, 255, 255]",
        "data set: 2 files are left out (.heic)",
    ]


def test_an_accuracy_of_which_nothing_was_counted_has_no_notes() -> None:
    old = Measurement(ACCURACY.name, 0.0, "key", Source.MEASURED, details={"good": 0, "total": 500})
    assert accuracy_notes(old) == ()

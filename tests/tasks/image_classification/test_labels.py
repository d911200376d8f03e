"""Labels: how they are told from scores, logged, and counted against the right ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.backend import UnsupportedError
from dse.core.intervals import wilson
from dse.tasks.image_classification.labels import (
    LABELS_FILE,
    check_classes,
    count_labels,
    decode_labels,
    encode_labels,
    read_labels,
    save_labels,
    score_labels,
    top1,
)

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = st.lists(st.tuples(st.integers(-1, 20), st.integers(0, 20)), min_size=1, max_size=60)


def test_top1() -> None:
    scores = np.zeros((4, 1001), np.uint8)
    scores[[0, 1, 2], [0, 1, 1000]] = 255
    labels = top1(scores, 1)
    assert labels.dtype == np.int64
    assert labels.flags.c_contiguous
    assert labels.tolist() == [-1, 0, 999, -1]
    assert np.frombuffer(labels.tobytes(), np.int64).tolist() == [-1, 0, 999, -1]
    assert top1(np.array([[0.1, 0.9]], np.float16), 0).tolist() == [1]
    assert top1(np.zeros((0, 5)), 0).tolist() == []
    for shape in [(5,), (1, 5, 1)]:
        with pytest.raises(ValueError, match="instead of"):
            top1(np.zeros(shape), 0)


@pytest.mark.parametrize(
    ("width", "classes", "offset", "top", "words"),
    [
        (1000, None, 0, 999, ""),
        (1001, None, 1, 999, ""),
        (1001, 1001, 1, 999, ""),
        (1001, None, 0, None, "set `label_offset: 1`"),
        (1001, None, 0, 999, "set `label_offset: 1`"),
        (1001, 1001, 0, 999, "set `label_offset: 1`"),
        (1001, 1001, 0, 1000, ""),  # a data set of 1,001 classes
        (1001, 1001, 0, None, ""),
        (1000, None, 1, None, "set `label_offset: 0`"),
        (1000, None, 1, 999, "set `label_offset: 0`"),
        (1000, 1000, 1, 998, ""),  # 999 classes and a background
        (1000, 1001, 1, 999, "gives 1,000 scores, not 1,001"),
        (10, None, 0, 9, ""),
        (10, None, 0, None, ""),
        (10, None, 1, 9, "label 9 of the data set"),
        (11, None, 1, 9, ""),
    ],
)
def test_classes(width: int, classes: int | None, offset: int, top: int | None, words: str) -> None:
    if not words:
        check_classes(width, classes, offset, top)
        return
    with pytest.raises(UnsupportedError) as caught:
        check_classes(width, classes, offset, top)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_label_is_a_signed_little_endian_number() -> None:
    labels = np.array([-1, 513, 999], np.int64)
    data = encode_labels(labels)
    assert data[:2] == [b"\xff" * 8, bytes.fromhex("0102000000000000")]
    assert decode_labels(dict(enumerate(data))) == {0: -1, 1: 513, 2: 999}


@pytest.mark.parametrize("data", [b"", bytes(4), bytes(9)])
def test_a_response_of_another_length_is_no_label(data: bytes) -> None:
    with pytest.raises(ValueError, match=rf"sample 1 has {len(data)} bytes?, not 8"):
        decode_labels({0: bytes(8), 1: data})


def test_the_score_is_the_share_of_right_labels() -> None:
    predictions = {index: index - 1 for index in range(64)}
    labels = [index - 1 for index in range(64)]
    assert score_labels(predictions, labels).value == 100
    assert score_labels(predictions, [5] * 64).value == 100 / 64
    assert score_labels({1: 7, 0: 7}, [7, 8]).right == [True, False]
    score = score_labels(predictions, [0, *labels[1:]])
    assert score.value == 100 * 63 / 64
    low, high = wilson(63, 64)
    assert score.interval == (100 * low, 100 * high)
    assert (score.details["good"], score.details["total"]) == (63, 64)
    assert score.details.items() >= count_labels(predictions, [0, *labels[1:]]).items()


@pytest.mark.parametrize("found", [{}, {0: 1}, {0: 1, 1: 1, 2: 1}, {0: 1, 2: 1}])
def test_predictions_must_cover_the_data_set(found: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="the data set has 2"):
        score_labels(found, [1, 1])


def test_labels_come_back_from_their_file(tmp_path: Path) -> None:
    save_labels(tmp_path, np.array([3, 1, 4], np.int64))
    assert read_labels(tmp_path / LABELS_FILE).tolist() == [3, 1, 4]
    (tmp_path / LABELS_FILE).write_bytes(b"no array")
    with pytest.raises(ValueError, match="magic string"):
        read_labels(tmp_path / LABELS_FILE)


def test_what_is_count_labels() -> None:
    assert count_labels({0: 1, 1: 1, 2: 6, 3: -1}, [0, 0, 7, 3]) == {
        "labels": 3,
        "commonest_label_images": 2,
        "predicted": 3,
        "commonest_predicted": 1,
        "commonest_predicted_images": 2,
        "good_shifted_up": 1,
        "good_shifted_down": 2,
        "classes_seen": 8,
    }


@given(PAIRS)
def test_what_is_right_is_right_after_a_shift_when_predictions_have_moved(
    pairs: list[tuple[int, int]],
) -> None:
    labels = [label for _, label in pairs]
    good = sum(found == label for found, label in pairs)
    plain, up, down = (
        count_labels({index: found + step for index, (found, _) in enumerate(pairs)}, labels)
        for step in (0, 1, -1)
    )
    assert up["good_shifted_down"] == down["good_shifted_up"] == good
    assert up["predicted"] == down["predicted"] == plain["predicted"]
    assert up["commonest_predicted"] == int(plain["commonest_predicted"]) + 1

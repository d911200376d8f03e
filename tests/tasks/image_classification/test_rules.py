"""What submissions ask of an image classifier: the text of its accuracy, and its labels again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.tasks import registry
from dse.tasks.image_classification.labels import LABELS_FILE, encode_labels, score_labels
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from dse.tasks.task import Score

if TYPE_CHECKING:
    from pathlib import Path

TASK = registry.task("image-classification")


def test_the_text_is_that_of_the_official_script() -> None:
    score = Score(44.904, details={"good": 22452, "total": 50_000})
    assert TASK.accuracy_text(score, "0f" * 32) == (
        f"accuracy=44.904%, good=22452, total=50000\n\nhash={'0f' * 32}\n"
    )


@given(st.integers(1, 60_000), st.data())
def test_what_the_text_says_is_read_back(total: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(1, total))
    score = Score(100 * good / total, details={"good": good, "total": total})
    found = TASK.read_accuracy(TASK.accuracy_text(score, "ab" * 32))
    assert (found.value, dict(found.details)) == (score.value, dict(score.details))
    assert found.interval is None


@pytest.mark.parametrize(
    "text",
    ["", "76.456", "accuracy=76%, good=0, total=5\n", "accuracy=1%, good=6, total=5\n"],
)
def test_another_text_says_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"of the form 'accuracy="):
        TASK.read_accuracy(text)


def responses(labels: list[int]) -> dict[int, bytes]:
    return dict(enumerate(encode_labels(np.array(labels, np.int64))))


def test_labels_are_counted_again_by_the_right_ones_beside_the_logs(tmp_path: Path) -> None:
    np.save(tmp_path / LABELS_FILE, np.array([3, 4, 5, 6]), allow_pickle=False)
    found = TASK.score(responses([3, 4, 7]), tmp_path)
    assert found == score_labels({0: 3, 1: 4, 2: 7}, [3, 4, 5])
    some = {index: each for index, each in responses([3, 4, 7, 6]).items() if index > 1}
    assert TASK.score(some, tmp_path) == score_labels({0: 7, 1: 6}, [5, 6])
    with pytest.raises(ValueError, match="has samples 0 to 4, the data set has 4"):
        TASK.score(responses([3, 4, 7, 6, 6]), tmp_path)
    with pytest.raises(OSError, match="No such file"):
        TASK.score(responses([3]), tmp_path / "elsewhere")


def test_labels_that_are_none_are_faults() -> None:
    assert list(TASK.response_faults(responses([0, 999]))) == []
    assert list(TASK.response_faults(responses([-1, 5, 1000]))) == [
        "outside 0..999 in the accuracy log: 2 labels"
    ]
    with pytest.raises(ValueError, match="4 bytes"):
        list(TASK.response_faults({0: b"abcd"}))


def test_a_manifest_has_mean_and_scale_where_they_count() -> None:
    plain = TASK.manifest_entry(to_form(Preprocessing(128, dtype="uint8", label_offset=1)), "ab")
    assert list(plain) == [
        *("layout", "dtype", "resolution", "crop", "interpolation", "label_offset", "sha256")
    ]
    full = TASK.manifest_entry(to_form(Preprocessing(96, mean=(1, 2, 3), scale=(4, 5, 6))), "ab")
    assert (full["mean"], full["scale"]) == ([1, 2, 3], [4, 5, 6])


def test_a_loaded_image_takes_its_input_and_its_pixels() -> None:
    form = to_form(Preprocessing(10, dtype="float16"), 1000)
    assert TASK.sample_bytes(form) == 300 * 3
    assert TASK.signature(form).inputs[0].dtype == "float16"

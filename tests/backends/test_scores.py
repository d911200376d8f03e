"""Which of several outputs has the scores."""

from __future__ import annotations

import importlib

import pytest

from dse.core.backend import Scores, UnsupportedError
from dse.formats.interface import Interface, TensorInfo

_scores = importlib.import_module("dse.backends._scores")
find_scores, scores_first = _scores.find_scores, _scores.scores_first
check_amounts = _scores.check_amounts

IMAGENET = ("scores", (1, 1001))
FEATURES = ("features", (1, 1280))
MAP = ("map", (1, 7, 7, 1280))
OPEN = ("open", (None, None))
UNTOLD = ("untold", None)


def of(width: int | None) -> Scores:
    return Scores(width, (1000, 1001))


@pytest.mark.parametrize(
    ("outputs", "classes", "name"),
    [
        ([MAP], None, "map"),  # one output is not chosen
        ([FEATURES], 1001, "features"),
        ([FEATURES, IMAGENET], None, "scores"),
        ([FEATURES, IMAGENET], 1001, "scores"),
        ([FEATURES, IMAGENET], 1280, "features"),
        ([MAP, FEATURES], None, "features"),
        ([MAP, OPEN, FEATURES], 10, "open"),  # the runtime doesn't say that it is another one
        ([OPEN, IMAGENET], 1001, "scores"),
        ([UNTOLD, FEATURES], 10, "untold"),
        ([IMAGENET, ("again", (1, 1001))], 1001, "scores"),
    ],
)
def test_the_output_with_the_classes(
    outputs: list[tuple[str, tuple[int | None, ...] | None]], classes: int | None, name: str
) -> None:
    assert outputs[find_scores(outputs, of(classes))][0] == name


def test_where_all_outputs_count_the_first_one_comes_first() -> None:
    assert find_scores([MAP, FEATURES], None) == 0


def test_none_fits() -> None:
    with pytest.raises(UnsupportedError) as caught:
        find_scores([MAP, FEATURES, ("count", ())], of(10))
    assert str(caught.value) == (
        "no output has 10 scores per sample: map 1x7x7x1280, features 1x1280, count a single number"
    )
    with pytest.raises(UnsupportedError, match=r"^no output has one row of scores per sample: map"):
        find_scores([MAP, MAP], of(None))


def test_an_output_that_conversion_made_another_is_refused() -> None:
    outputs = (
        TensorInfo("scores", "float32", (None, 10)),
        TensorInfo("open", "float32", (None, None)),
        TensorInfo("untold", "float32", None),
        TensorInfo("label", "int64", (1,)),
    )
    declared = Interface((), outputs)
    shapes = [(2, 1, 10), (2, 7), (2, 3, 4), (1,)]
    check_amounts("it", declared, shapes)
    shapes[0] = (2, 8, 10)
    with pytest.raises(UnsupportedError) as caught:
        check_amounts("it", declared, shapes)
    assert str(caught.value) == (
        "the output 'scores' is 2x8x10 in it, and float32 ?x10 in the file"
    )


def test_the_scores_come_first() -> None:
    outputs = (("a", None), ("b", None), ("c", None))
    assert [name for name, _ in scores_first(outputs, 1)] == ["b", "a", "c"]

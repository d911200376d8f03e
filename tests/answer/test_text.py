"""An answer in words: what it says where rounds and values seem to contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.answer.choice import Answer, RunnerUp, choose
from dse.answer.deployment import Deployment
from dse.answer.question import Question
from dse.answer.text import answer_lines, code_lines
from dse.core.metrics import METRICS, THROUGHPUT
from dse.core.wording import WIDTH
from dse.report.text import number
from dse.report.view import View
from dse.study.decisions import Order
from tests.report.samples import ordinary

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = Deployment((), "", "unknown", "null", "")


@pytest.fixture
def answer(tmp_path: Path) -> tuple[View, Answer]:
    view = View(ordinary(tmp_path / "ordinary"))
    found = choose(view, Question((), METRICS[THROUGHPUT.name]))
    assert isinstance(found, Answer)
    return view, found


@pytest.mark.parametrize(("further", "rounds"), [(1.3, 4), (1.01, 4), (1.3, 0)])
def test_values_that_rounds_contradict_are_shown(
    answer: tuple[View, Answer], further: float, rounds: int
) -> None:
    """Values are of different minutes; without rounds they tell the distance themselves."""
    view, found = answer
    record = next(each for each in view.records if each is not found.record)
    values = [each.outcome.values[THROUGHPUT.name] for each in (found.record, record)]
    told = RunnerUp(record, further * values[1] / values[0], rounds, Order.OPEN, 0.5)
    asked = Answer(found.record, found.goal, (), 2, told)
    lines = answer_lines(view, asked, UNKNOWN)
    shown = " and ".join(number(THROUGHPUT.name, value) for value in values)
    apart = f"  (values {shown} samples/s: from different minutes, rounds count)"
    assert [line for line in lines if line == apart] == [apart] * (further > 1.1 and rounds > 0)
    assert max(map(len, lines)) <= WIDTH


def test_code_comes_after_the_answer_or_is_in_a_file(tmp_path: Path) -> None:
    deployed = Deployment((), "", "", "null", "", ("import this",))
    assert code_lines(deployed, None) == ["", "import this"]
    assert code_lines(deployed, tmp_path) == [f"  code: {tmp_path}"]
    assert code_lines(UNKNOWN, None) == []

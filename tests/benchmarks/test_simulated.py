"""The simulated machine has the noise that it is said to have, and truth is judged as told."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.deciding.machines import COMMON_S, Machine, Rivals
from benchmarks.deciding.relations import Verdict
from benchmarks.deciding.simulated import (
    MINUTES,
    _true,
    made,
    simulate,
    text,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_neighbours_share_half_of_the_variance() -> None:
    generator = np.random.default_rng(1)
    close, far = [], []
    for _ in range(4000):
        machine = Machine(generator, slow_share=0.0)
        first, second, later = (math.log(machine.value(1.0, at)) for at in (0.0, 1.0, 200.0))
        close.append((first, second))
        far.append((first, later))
    assert np.std(close) == pytest.approx(0.17, rel=0.05)
    wanted = 0.5 * math.exp(-1 / COMMON_S)
    assert np.corrcoef(np.array(close).T)[0, 1] == pytest.approx(wanted, abs=0.06)
    assert np.corrcoef(np.array(far).T)[0, 1] == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize(
    ("verdict", "ratio", "wanted"),
    [
        (Verdict.BETTER, 0.99, True),
        (Verdict.BETTER, 1.0, False),
        (Verdict.WORSE, 0.99, False),
        (Verdict.TIE, 1.02, True),
        (Verdict.TIE, 1 / 1.02, True),
        (Verdict.TIE, 1.03, False),
        (Verdict.OPEN, 2.0, True),
    ],
)
def test_a_verdict_is_true_or_not(verdict: Verdict, ratio: float, wanted: bool) -> None:
    assert _true(verdict, math.log(ratio), 2.0) is wanted


def test_what_lies_far_apart_is_decided_at_once() -> None:
    course = simulate(Rivals("far", (1.0, 20.0), (50.0, 50.0)), seed=1, minutes=(1.0,))
    assert course.wrong == ()
    assert course.undecided == {1.0: 0.0}


def test_equal_points_are_no_false_decision_when_they_tie() -> None:
    course = simulate(Rivals("equal", (5.0, 5.0), (50.0, 50.0)), seed=1, minutes=(1.0,))
    assert course.rounds > 1
    assert (course.equal, course.different) == (1, 0)
    assert course.wrong == ()


@pytest.mark.long
def test_stored_studies_are_not_simulated_again(tmp_path: Path) -> None:
    data = made(tmp_path, studies=1, seed=0)
    [first, *_] = sorted(tmp_path.iterdir())
    kept = json.loads(first.read_text())
    kept["courses"][0]["rounds"] = 12345
    first.write_text(json.dumps(kept))
    again = made(tmp_path, studies=1, seed=0)
    assert [each for each in again if each in data] == again[1:]
    assert again[0]["courses"][0]["rounds"] == 12345
    assert made(tmp_path, studies=1, seed=1)[0]["courses"][0]["rounds"] != 12345
    shown = text(data)
    assert f"| open after {', '.join(f'{minutes:g}' for minutes in MINUTES)} min |" in shown
    assert all(f"| {each['points']} {each['name']} | " in shown for each in data)

"""How sure an answer is: the chances of limits and of the runner-up."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.answer.choice import Answer, Miss, choose, missing
from dse.answer.limits import BelowBest, Limit, metric_name
from dse.answer.question import Question
from dse.core.errors import RequestError
from dse.core.metrics import ENERGY, LATENCY, METRICS, MODEL_SIZE, THROUGHPUT
from dse.report.view import View
from dse.study.folder import StudyFolder
from dse.study.study import Study
from dse.tasks.image_classification._quality import ACCURACY
from tests.documented import ROOT
from tests.report.samples import ordinary

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from dse.core.metrics import Metric

FAMILIES = ROOT / "studies" / "families"


@pytest.fixture
def view(tmp_path: Path) -> View:
    """Measured values with intervals."""
    return View(ordinary(tmp_path / "ordinary"))


@pytest.fixture(scope="module")
def families() -> tuple[View, pd.DataFrame]:
    """The recorded study, as pick and as pandas see it."""
    from dse import load_study

    return View(Study.load(StudyFolder(FAMILIES))), load_study(FAMILIES).configurations


def best(view: View, *limits: Limit | BelowBest, goal: str = LATENCY.name) -> Answer:
    found = choose(view, Question(tuple(limits), METRICS[goal]))
    assert isinstance(found, Answer)
    return found


def test_a_limit_is_kept_the_surer_the_farther_it_is(view: View) -> None:
    fastest = best(view)
    value = fastest.record.outcome.values[LATENCY.name]
    chances = [
        best(view, Limit(LATENCY.name, factor * value, upper=True)).limits[0].chance
        for factor in (1.0, 1.001, 1.02, 2.0, 1000.0)
    ]
    assert chances[0] == pytest.approx(0.5)
    assert chances == sorted(chances)
    assert 0.99 < chances[-1] <= 1
    lower = Limit(LATENCY.name, value, upper=False)
    assert best(view, lower).limits[0].chance == pytest.approx(0.5)


def test_nothing_tells_how_sure_a_quality_without_an_interval_is(view: View) -> None:
    highest = max(record.outcome.values[ACCURACY.name] for record in view.records)
    found = best(view, Limit(ACCURACY.name, highest, upper=False))
    assert math.isnan(found.limits[0].chance)


def test_an_answer_may_have_to_be_sure(view: View) -> None:
    value = best(view).record.outcome.values[LATENCY.name]
    limit = Limit(LATENCY.name, 1.5 * value, upper=True)
    likely = choose(view, Question((limit,), THROUGHPUT))
    sure = choose(view, Question((limit,), THROUGHPUT, sure=0.99))
    assert isinstance(likely, Answer)
    assert isinstance(sure, Answer)
    assert sure.limits[0].chance >= 0.99
    assert sure.count <= likely.count


def test_the_runner_up_is_the_next_other_measurement(view: View) -> None:
    found = best(view)
    assert found.runner_up is not None
    values = sorted({record.outcome.values[LATENCY.name] for record in view.records})
    assert found.record.outcome.values[LATENCY.name] == values[0]
    assert found.runner_up.record.outcome.values[LATENCY.name] == values[1]
    assert found.runner_up.ratio == pytest.approx(values[1] / values[0])
    assert 0.5 < found.runner_up.chance <= 1
    turned = choose(view, Question((), replace(LATENCY, direction="maximize")))
    assert isinstance(turned, Answer)
    assert turned.record.outcome.values[LATENCY.name] == values[-1]


def test_below_best_is_below_the_best_that_keeps_the_rest(view: View) -> None:
    points = {record.outcome.values[ACCURACY.name] for record in view.records}
    for distance in (0.0, 1.0, 100.0):
        found = best(view, BelowBest(distance))
        (kept,) = found.limits
        assert kept.limit == Limit(ACCURACY.name, max(points) - distance, upper=False)
        assert found.record.outcome.values[ACCURACY.name] >= max(points) - distance


def test_a_miss_names_what_comes_closest(view: View) -> None:
    values = sorted(record.outcome.values[LATENCY.name] for record in view.records)
    found = choose(view, Question((Limit(LATENCY.name, values[0] / 2, upper=True),), THROUGHPUT))
    assert isinstance(found, Miss)
    assert found.record is not None
    assert found.record.outcome.values[LATENCY.name] == values[0]
    assert missing(view, [ENERGY.name, LATENCY.name]) == {ENERGY.name: len(view.records)}
    nothing = choose(view, Question((), ENERGY))
    assert isinstance(nothing, Miss)
    assert nothing.record is None


def test_what_misses_one_limit_is_closer_than_what_misses_two(view: View) -> None:
    values = [record.outcome.values for record in view.records]
    fastest = min(each[LATENCY.name] for each in values)
    most = max(each[ACCURACY.name] for each in values)
    limits = (
        Limit(LATENCY.name, fastest / 100, upper=True),
        Limit(ACCURACY.name, most, upper=False),
    )
    found = choose(view, Question(limits, THROUGHPUT))
    assert isinstance(found, Miss)
    assert found.record is not None
    assert found.missed == limits[:1]
    kept = [each[LATENCY.name] for each in values if each[ACCURACY.name] == most]
    assert found.record.outcome.values[LATENCY.name] == min(kept)


@pytest.mark.parametrize("goal", [LATENCY, THROUGHPUT, MODEL_SIZE])
def test_of_points_that_miss_alike_the_best_one_comes_closest(
    families: tuple[View, pd.DataFrame], goal: Metric
) -> None:
    view, _ = families
    found = choose(view, Question((Limit(ACCURACY.name, 99.0, upper=False),), goal))
    assert isinstance(found, Miss)
    assert found.record is not None
    values = [record.outcome.values for record in view.records]
    most = max(each[ACCURACY.name] for each in values)
    alike = [each[goal.name] for each in values if each[ACCURACY.name] == most]
    assert len(set(alike)) > 1
    best = max(alike) if goal.direction == "maximize" else min(alike)
    assert found.record.outcome.values[goal.name] == best


@pytest.mark.parametrize("goal", [ACCURACY, THROUGHPUT])
def test_the_surest_point_comes_closest_where_a_chance_is_asked_for(
    view: View, goal: Metric
) -> None:
    values = sorted(record.outcome.values[LATENCY.name] for record in view.records)
    limit = Limit(LATENCY.name, 1.0001 * values[5], upper=True)
    found = choose(view, Question((limit,), goal, sure=1.0))
    assert isinstance(found, Miss)
    assert found.record is not None
    assert found.missed == ()
    assert found.record.outcome.values[LATENCY.name] == values[0]


def test_metrics_have_short_names() -> None:
    assert metric_name("latency", ACCURACY.name, ()) == LATENCY.name
    assert metric_name("accuracy", ACCURACY.name, ()) == ACCURACY.name
    assert metric_name("size", None, ()) == MODEL_SIZE.name
    assert metric_name("mine", None, ["mine"]) == "mine"
    for text, quality in (("accuracy", None), ("sise", None)):
        with pytest.raises(RequestError, match=f"no metric is called '{text}'"):
            metric_name(text, quality, ())


@pytest.mark.parametrize(
    ("limits", "goal"),
    [
        (
            [Limit(LATENCY.name, 5.0, upper=True), Limit(ACCURACY.name, 70.0, upper=False)],
            THROUGHPUT.name,
        ),
        ([Limit(ACCURACY.name, 75.0, upper=False)], LATENCY.name),
        ([Limit("peak_memory_mib", 512.0, upper=True)], THROUGHPUT.name),
        ([BelowBest(2.0)], MODEL_SIZE.name),
    ],
    ids=["fast and accurate", "fastest above 75", "within 512 MiB", "smallest near the best"],
)
def test_questions_to_the_recorded_families(
    families: tuple[View, pd.DataFrame], limits: list[Limit | BelowBest], goal: str
) -> None:
    """Held against pandas; rounds may have decided that another one is better."""
    view, table = families
    found = choose(view, Question(tuple(limits), METRICS[goal]))
    assert isinstance(found, Answer)
    table = table[table["failure"] == ""]
    for each in limits:
        if isinstance(each, BelowBest):
            table = table[table[ACCURACY.name] >= table[ACCURACY.name].max() - each.distance]
        elif each.upper:
            table = table[table[each.metric] <= each.value]
        else:
            table = table[table[each.metric] >= each.value]
    assert found.count == len(table)
    assert found.record.id in set(table["id"])
    values = table[goal]
    top = values.max() if METRICS[goal].direction == "maximize" else values.min()
    ratio = found.record.outcome.values[goal] / top
    assert math.isclose(ratio, 1.0) or 0.8 < ratio < 1.25

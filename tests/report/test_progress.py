"""The hypervolume over time: the laboratory's shares, whatever the order and the revisions."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.laboratory.contest import Scale
from benchmarks.laboratory.tables import Table
from dse.core.measurement import Outcome
from dse.report.progress import REFERENCE, Volume, hypervolume, progress, scaled_losses
from dse.study.folder import StudyFolder
from dse.study.record import Purpose
from dse.study.revisions import distributions
from dse.study.study import Study
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import create, failed, fill, outcome, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.space import SearchSpace

NUMBERS = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "s")


def small(**fields: Any) -> SearchSpace:
    """A space of eight configurations, unless the fields say otherwise."""
    return small_space(**{"backends": ["null"], **fields})


def measured(folder: StudyFolder, seconds: float = 1.0, **fields: Any) -> Study:
    """A study of a small space, each of whose measurements has taken so many seconds."""
    space = small(**fields)
    study = create(folder, space)
    choices = distributions(planned(space))
    for configuration in planned(space).configurations:
        trial = study.begin(configuration, choices)
        made = outcome(configuration, study.about.metrics)
        timed = tuple(replace(each, seconds=seconds) for each in made.measurements)
        for each in timed:
            study.keep(trial, each)
        study.finish(trial, Outcome(timed))
    return Study.load(folder)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=12), st.randoms())
def test_the_volume_grows_to_that_of_all_places(
    found: list[tuple[float, float, float]], random: Any
) -> None:
    volume, before = Volume(3), 0.0
    for number, place in enumerate(found, start=1):
        volume.add(place)
        whole = moocore.hypervolume(np.array(found[:number]), ref=[REFERENCE] * 3)
        assert volume.value == pytest.approx(whole)
        assert volume.value >= before - 1e-12
        before = volume.value
    random.shuffle(found)
    assert hypervolume(found, 3) == pytest.approx(before)


def test_the_shares_are_those_of_the_laboratory(folder: StudyFolder) -> None:
    study = measured(folder)
    records = sorted(study.records.values(), key=lambda record: record.id)
    table = Table("t", DEFAULT_OBJECTIVES, {r.configuration: r.outcome for r in records})
    scale, steps = Scale(table), progress(study)
    assert [step.id for step in steps] == [record.id for record in records]
    assert [step.explored for step in steps] == list(range(1, len(records) + 1))
    losses = [scale.losses(record.outcome) for record in records]
    for number, step in enumerate(steps, start=1):
        share = step.hypervolume / steps[-1].hypervolume
        assert share == pytest.approx(scale.share(losses[:number]))
    assert steps[-1].hypervolume == pytest.approx(hypervolume(scaled_losses(study).values(), 3))


def test_time_is_that_of_all_trials_but_those_of_valid_runs(folder: StudyFolder) -> None:
    study = measured(folder, seconds=2.0)
    (first, *_), choices = study.frontier(), distributions(planned(study.space))
    for purpose in (Purpose.REPEAT, Purpose.VALIDATE):
        trial = study.begin(first.configuration, choices, purpose)
        again = replace(first.outcome.measurements[1], seconds=100.0)
        study.keep(trial, again)
        study.finish(trial, Outcome((again,)))
    steps = progress(Study.load(folder))
    assert [step.measuring_s for step in steps] == [6.0 * step.explored for step in steps]
    walls = [step.wall_s for step in steps]
    assert walls == sorted(walls)
    assert walls[0] >= 0
    wider = small(batch_sizes=[1, 2, 4])
    fill(create(folder, wider), wider)
    added = progress(Study.load(folder))[len(steps) :]
    assert len(added) == len(steps) // 2
    assert {step.measuring_s for step in added} == {6.0 * len(steps) + 100.0}


def test_a_failure_is_a_step_that_adds_nothing_until_it_is_mended(folder: StudyFolder) -> None:
    space = small()
    study = create(folder, space)
    one, two = planned(space).configurations[:2]
    choices = distributions(planned(space))
    for configuration, result in ((one, failed()), (two, outcome(two)), (one, outcome(one))):
        study.finish(study.begin(configuration, choices), result)
    study = Study.load(folder)
    steps = progress(study)
    assert [(step.id, step.explored) for step in steps] == [(0, 1), (1, 2), (0, 2)]
    empty, single, both = (step.hypervolume for step in steps)
    assert empty == 0.0
    assert 0 < single <= both
    assert both == pytest.approx(hypervolume(scaled_losses(study).values(), 3))


def test_what_misses_a_constraint_adds_nothing(folder: StudyFolder) -> None:
    study = measured(folder, constraints={"latency_p90_ms": {"max": 20}})
    kept = {record.id for record in study.feasible_records(study.space)}
    assert 0 < len(kept) < len(study.records)
    assert scaled_losses(study).keys() == kept
    steps = progress(study)
    assert len(steps) == len(study.records)
    for before, step in pairwise(steps):
        assert step.hypervolume == before.hypervolume or step.id in kept


def test_what_an_earlier_revision_has_explored_keeps_its_time(folder: StudyFolder) -> None:
    before = progress(measured(folder, models=["a"]))
    wider = small()
    fill(create(folder, wider), wider)
    study = Study.load(folder)
    steps = progress(study)
    assert len(steps) == len(study.records) == 2 * len(before)
    times = [(step.measuring_s, step.wall_s) for step in steps]
    assert times[: len(before)] == [(step.measuring_s, step.wall_s) for step in before]
    assert {step.id for step in steps} == {record.id for record in study.records.values()}


def test_an_objective_that_was_added_later_makes_a_second_step(folder: StudyFolder) -> None:
    speed = ["latency_p90_ms", "throughput_samples_per_s"]
    fields = {"models": ["a"], "threads": [1], "batch_sizes": [1, 2]}
    first = small(**fields, objectives=speed)
    fill(create(folder, first), first)
    both = small(**fields)
    fill(create(folder, both), both)
    study = Study.load(folder)
    steps = progress(study)
    assert [step.explored for step in steps] == [1, 2, 2, 2]
    assert [step.hypervolume for step in steps[:2]] == [0.0, 0.0]
    assert steps[-1].hypervolume == pytest.approx(hypervolume(scaled_losses(study).values(), 3))


def test_a_value_of_nothing_has_no_logarithm(folder: StudyFolder) -> None:
    space = small(
        objectives=["accuracy_percent", "cpu_time_per_sample_ms"], batch_sizes=1, models=["a", "b"]
    )
    study = create(folder, space)
    choices = distributions(planned(space))
    for number, configuration in enumerate(planned(space).configurations[:3]):
        made = outcome(configuration, study.about.metrics).measurements
        values = (made[0], replace(made[1], value=float(number)))
        study.finish(study.begin(configuration, choices), Outcome(values))
    assert [place[1] for place in scaled_losses(Study.load(folder)).values()] == [0.0, 0.5, 1.0]


def test_a_study_of_nothing(folder: StudyFolder) -> None:
    create(folder, small())
    study = Study.load(folder)
    assert progress(study) == []
    assert scaled_losses(study) == {}

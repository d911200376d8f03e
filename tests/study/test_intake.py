"""The places of trials in rounds, and the time they took: kept, and read again as they were."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.machine.process_identity import process_identity
from dse.study.folder import StudyFolder
from dse.study.record import Purpose, machine_of, round_of
from dse.study.revisions import distributions
from dse.study.rounds import RoundPlace
from dse.study.store import TrialDraft
from dse.study.study import LEASE_S, Study
from tests.study.studies import create, failed, outcome, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.study.results import StudyResults
    from dse.study.store import Trial

SPACE = small_space()
PLAN = planned(SPACE)
RIVALS = PLAN.configurations[:2]
LATENCY = "latency_p90_ms"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return create(StudyFolder(tmp_path / "s"), SPACE)


def begin(study: Study, position: int, round_: str = "r") -> Trial:
    place = RoundPlace(round_, position, len(RIVALS))
    choices = distributions(PLAN)
    draft = TrialDraft(RIVALS[position], choices, Purpose.ROUND, LEASE_S, place)
    trial = study.claim(draft, lambda _: True)
    assert trial is not None
    return trial


def measure(study: Study, position: int) -> Trial:
    trial = begin(study, position)
    for measurement in outcome(trial.configuration).measurements:
        study.keep(trial, measurement)
    return trial


def end(study: Study, trial: Trial) -> None:
    study.finish(trial, outcome(trial.configuration))


def rounds(results: StudyResults) -> list[tuple[str, set[str]]]:
    """The machine and the keys of each round that counts."""
    return [(host, set(values)) for host, values in results.rounds.values(LATENCY)]


def test_a_round_counts_when_all_of_it_has_ended(study: Study) -> None:
    here = machine_of(process_identity())
    keys = {m.key for c in RIVALS for m in outcome(c).measurements if m.metric == LATENCY}
    end(study, measure(study, 0))
    second = measure(study, 1)
    other = Study.load(study.folder)
    assert rounds(study.results) == rounds(other.results) == []
    end(study, second)
    other.sync()
    assert rounds(study.results) == [(here, keys)]
    assert rounds(other.results) == rounds(Study.load(study.folder).results) == [(here, keys)]
    places = [round_of(trial) for trial in other.optuna_study.trials]
    assert places == [RoundPlace("r", position, 2, here) for position in (0, 1)]


def test_a_failure_ends_its_part_of_a_round(study: Study) -> None:
    end(study, measure(study, 0))
    study.finish(begin(study, 1), failed())
    for results in (study.results, Study.load(study.folder).results):
        assert results.rounds.revision == 1
        assert rounds(results) == []  # one value has no ratio


def test_a_round_that_was_cut_off_never_counts(study: Study) -> None:
    end(study, measure(study, 0))
    measure(study, 1)
    study.close()
    again = create(study.folder, SPACE)
    assert rounds(again.results) == []
    assert again.results.rounds.revision == 0
    measured = again.results.measured
    assert all(measured.latest(m.key) == m for m in outcome(RIVALS[0]).measurements)


def test_observations_tell_when_their_trial_began(study: Study) -> None:
    before = time.time()
    trial = measure(study, 0)
    told = {(o.measurement.key, o.at) for o in study.results.measured}
    assert {(o.measurement.key, o.at) for o in Study.load(study.folder).results.measured} == set()
    end(study, trial)
    assert {(o.measurement.key, o.at) for o in Study.load(study.folder).results.measured} == told
    assert all(before <= at <= time.time() for _, at in told)


def test_time_is_added_up_by_purpose(study: Study) -> None:
    """Of a trial without an outcome nobody knows when it ended."""
    study.finish(study.begin(RIVALS[0], distributions(PLAN)), outcome(RIVALS[0]))
    end(study, measure(study, 0))
    trial = begin(study, 1)
    assert trial.begun is not None
    long_ago = trial.begun.replace(year=trial.begun.year - 1)
    study.finish(replace(trial, begun=long_ago), outcome(RIVALS[1]))
    spent = study.results.spent
    assert spent[Purpose.ROUND] > 364 * 86400
    assert 0 < spent[Purpose.EXPLORE] < spent[Purpose.ROUND]
    stored = Study.load(study.folder).results.spent
    assert 0 < stored[Purpose.ROUND] < 86400
    assert stored[Purpose.EXPLORE] == pytest.approx(spent[Purpose.EXPLORE], abs=1)
    begin(study, 0, "cut off")
    study.close()
    assert create(study.folder, SPACE).results.spent == stored

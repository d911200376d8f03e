"""A recorded study comes to what the study itself comes to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.deciding.recording import Recording, record, values_by_name
from benchmarks.deciding.replayed import Replayed
from dse.study.folder import StudyFolder
from dse.study.record import Purpose
from dse.study.revisions import distributions
from dse.study.rounds import RoundPlace
from dse.study.store import TrialDraft
from dse.study.study import LEASE_S
from tests.study.studies import create, failed, fill, outcome, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

LATENCY = "latency_p90_ms"


def test_a_recorded_study_comes_to_the_same(tmp_path: Path) -> None:
    space = small_space()
    study = create(StudyFolder(tmp_path / "s"), space)
    explored = fill(study, space, most=3)
    choices = distributions(planned(space))
    for position, configuration in enumerate(explored[:2]):
        place = RoundPlace("r", position, 2)
        draft = TrialDraft(configuration, choices, Purpose.ROUND, LEASE_S, place)
        trial = study.claim(draft, lambda _: True)
        assert trial is not None
        for measurement in outcome(configuration, [LATENCY]).measurements:
            study.keep(trial, measurement)
        study.finish(trial, outcome(configuration, [LATENCY]))
    study.finish(study.begin(planned(space).configurations[-1], choices), failed())

    found = record(study.folder.path)
    again = Recording.from_dict(json.loads(json.dumps(found.as_dict())))
    assert again.rounds == ("r",)
    assert again.settling_s > 0
    taken = values_by_name(again.trials, LATENCY)
    assert sorted(map(len, taken.values())) == [1, 2, 2]
    replayed = Replayed.of(again).results
    for key, known in study.records.items():
        told = replayed.records[key]
        assert told.outcome.values == {
            name: value
            for name, value in known.outcome.values.items()
            if name in study.space.objectives
        }
        assert (told.outcome.failure is None) == (known.outcome.failure is None)
    assert [r.configuration for r in replayed.frontier] == [
        r.configuration for r in study.results.frontier
    ]
    assert [dict(values) for _, values in replayed.rounds.values(LATENCY)] == [
        dict(values) for _, values in study.results.rounds.values(LATENCY)
    ]

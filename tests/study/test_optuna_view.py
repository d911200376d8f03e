"""What others see who open the storage with Optuna, as optuna-dashboard does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import TrialState

from dse.core.configuration import Configuration
from dse.core.metrics import METRICS
from dse.study.database_url import sqlite_url
from dse.study.folder import StudyFolder
from dse.study.storage import open_storage
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import filled, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

SPACE = small_space(constraints={"latency_p90_ms": {"min": 5, "max": 30}})


@pytest.fixture
def seen(tmp_path: Path) -> optuna.Study:
    folder = StudyFolder(tmp_path / "s")
    filled(folder.path, SPACE)
    return optuna.load_study(study_name="s", storage=open_storage(sqlite_url(folder.database)))


def test_directions_and_names_of_the_objectives(seen: optuna.Study) -> None:
    assert [d.name.lower() for d in seen.directions] == [
        METRICS[name].direction for name in DEFAULT_OBJECTIVES
    ]
    assert seen.metric_names == list(DEFAULT_OBJECTIVES)


def test_a_trial_has_the_parameters_of_its_configuration(seen: optuna.Study) -> None:
    plan = planned(SPACE)
    for trial in seen.trials:
        assert trial.state is TrialState.COMPLETE
        configuration = Configuration.from_dict(trial.user_attrs["configuration"])
        assert trial.params == plan.values(configuration)
        for name, distribution in trial.distributions.items():
            assert trial.params[name] in distribution.to_internal_repr.__self__.choices  # type: ignore[attr-defined]
    assert {t.params["backend"] for t in seen.trials} == {"null", "replay"}
    assert {t.params.get("null.delay_ms") for t in seen.trials} == {None, 1, 2.5}


def test_a_trial_has_the_values_in_their_units(seen: optuna.Study) -> None:
    for trial in seen.trials:
        stored = {m["metric"]: m["value"] for m in trial.user_attrs["outcome"]["measurements"]}
        assert dict(zip(DEFAULT_OBJECTIVES, trial.values, strict=True)) == stored


def test_a_trial_has_its_constraints(seen: optuna.Study) -> None:
    kept = 0
    for trial in seen.trials:
        latency = trial.values[1]
        assert trial.constraints == {
            "latency_p90_ms.min": 5 - latency,
            "latency_p90_ms.max": latency - 30,
        }
        kept += all(value <= 0 for value in trial.constraints.values())
    assert 0 < kept < len(seen.trials)


def test_a_table_can_be_made_of_it(seen: optuna.Study) -> None:
    table = seen.trials_dataframe()
    assert len(table) == 20
    assert {"params_model", "params_threads", "values_latency_p90_ms"} <= set(table.columns)

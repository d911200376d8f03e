"""Trials whose process is gone: ended at the next start, with their outcome if it was stored."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from optuna.trial import TrialState, create_trial

from dse.machine.process_identity import process_identity
from dse.study import record as attributes
from dse.study._ownership import OWNERLESS_AFTER
from dse.study.database_url import sqlite_url
from dse.study.folder import StudyFolder
from dse.study.record import outcome_as_dict
from dse.study.revisions import distributions
from dse.study.study import Study
from tests.study.studies import create, failed, fill, outcome, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import Configuration
    from dse.core.measurement import Outcome

SPACE = small_space(constraints={"latency_p90_ms": {"max": 30}})
PLAN = planned(SPACE)
CODE = "import json, dse.machine.process_identity as p; print(json.dumps(p.process_identity()))"


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "s")


@pytest.fixture(scope="module")
def dead() -> dict[str, Any]:
    """The identity of a process that has ended."""
    printed = subprocess.run(
        [sys.executable, "-c", CODE], check=True, capture_output=True, text=True
    )
    return dict(json.loads(printed.stdout))


def leave(
    folder: StudyFolder,
    owner: dict[str, Any] | None,
    stored: Outcome | None = None,
    begun: timedelta = timedelta(),
    url: str | None = None,
) -> Configuration:
    """Leaves a running trial of the first configuration, as a killed process does."""
    study = create(folder, SPACE, url)
    configuration = PLAN.configurations[0]
    user_attrs: dict[str, Any] = {}
    if owner is not None:
        user_attrs[attributes.OWNER] = owner
        user_attrs[attributes.CONFIGURATION] = configuration.as_dict()
    if stored is not None:
        user_attrs[attributes.OUTCOME] = outcome_as_dict(stored)
    values = PLAN.values(configuration)
    choices = distributions(PLAN)
    trial = create_trial(
        state=TrialState.RUNNING,
        params=values,
        distributions={name: choices[name] for name in values},
        user_attrs=user_attrs,
    )
    trial.datetime_start = datetime.now() - begun  # naive, as Optuna's are
    study.optuna_study.add_trial(trial)
    return configuration


def state(folder: StudyFolder) -> TrialState:
    return Study.load(folder).optuna_study.trials[0].state


def test_one_without_an_outcome_comes_up_again(folder: StudyFolder, dead: dict[str, Any]) -> None:
    configuration = leave(folder, dead)
    assert state(folder) is TrialState.RUNNING  # reading changes nothing
    study = create(folder, SPACE)
    assert state(folder) is TrialState.FAIL
    assert study.records == {}
    assert fill(study, SPACE)[0] == configuration
    assert len(Study.load(folder).records) == len(PLAN.configurations)


def test_one_with_an_outcome_is_complete(folder: StudyFolder, dead: dict[str, Any]) -> None:
    stored = outcome(PLAN.configurations[0])
    configuration = leave(folder, dead, stored)
    assert Study.load(folder).records[configuration.key].outcome == stored
    study = create(folder, SPACE)
    assert state(folder) is TrialState.COMPLETE
    assert study.records[configuration.key].outcome == stored
    (told,) = study.optuna_study.trials
    assert told.values == list(stored.values.values())
    assert configuration not in fill(study, SPACE)


def test_one_with_a_failure_keeps_it(folder: StudyFolder, dead: dict[str, Any]) -> None:
    configuration = leave(folder, dead, failed())
    study = create(folder, SPACE)
    assert state(folder) is TrialState.FAIL
    assert study.records[configuration.key].outcome == failed()
    assert configuration not in fill(study, SPACE)


@pytest.mark.parametrize(
    "owner", [process_identity(), {**process_identity(), "host": "another.example"}]
)
def test_one_of_a_process_that_may_be_alive_is_left_alone(
    folder: StudyFolder, owner: dict[str, Any]
) -> None:
    leave(folder, owner, begun=timedelta(days=400))
    with folder.opening() as other:
        pass  # another one explores from now on
    create(folder, SPACE)
    assert state(folder) is TrialState.RUNNING
    assert other.alone


def test_one_of_another_host_ends_where_nobody_else_has_the_folder(folder: StudyFolder) -> None:
    """As after the container was removed in which it ran."""
    leave(folder, {**process_identity(), "host": "another.example"})
    create(folder, SPACE)
    assert state(folder) is TrialState.FAIL


def test_one_of_another_host_stays_in_a_storage_that_others_use(folder: StudyFolder) -> None:
    url = sqlite_url(folder.path.with_name("shared.db"))
    owner = {**process_identity(), "host": "another.example"}
    leave(folder, owner, url=url)
    study = create(folder, SPACE, url)
    (claim,) = study.claims()
    assert claim.configuration == PLAN.configurations[0]
    assert claim.place == (1, 0)


@pytest.mark.parametrize("begun", [timedelta(hours=2), -timedelta(hours=2)])
def test_a_claim_that_nobody_can_be_asked_about_ends(folder: StudyFolder, begun: timedelta) -> None:
    """Also one from the future, for clocks are set back."""
    url = sqlite_url(folder.path.with_name("shared.db"))
    leave(folder, {**process_identity(), "host": "another.example"}, begun=begun, url=url)
    assert create(folder, SPACE, url).claims() == []


@pytest.mark.parametrize(
    ("begun", "settled"),
    [
        (timedelta(), TrialState.RUNNING),
        (OWNERLESS_AFTER, TrialState.FAIL),
        (timedelta(days=-1), TrialState.FAIL),  # the clock was set back since
    ],
)
def test_one_that_nobody_has_claimed(
    folder: StudyFolder, begun: timedelta, settled: TrialState
) -> None:
    leave(folder, None, begun=begun)
    create(folder, SPACE)
    assert state(folder) is settled


def test_those_of_earlier_revisions_too(folder: StudyFolder, dead: dict[str, Any]) -> None:
    stored = outcome(PLAN.configurations[0])
    configuration = leave(folder, dead, stored)
    wider = small_space(models=["a", "b", "c"])
    study = create(folder, wider)
    assert study.records[configuration.key].outcome == stored
    states = [t.state for g in ("s", "s#2") for t in _trials(study, g)]
    assert states == [TrialState.COMPLETE] * 2


def _trials(study: Study, name: str) -> list[Any]:
    import optuna

    storage = study.optuna_study._storage
    return list(optuna.load_study(study_name=name, storage=storage).trials)

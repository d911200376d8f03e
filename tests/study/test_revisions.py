"""A space may change while a study runs: what was measured stays, and only what is new is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optuna
import pytest

from dse.core.measurement import FailureKind
from dse.exploration._pool import Pool
from dse.study import revisions
from dse.study.database_url import sqlite_url
from dse.study.folder import StudyFolder
from dse.study.revisions import revision_name
from dse.study.storage import open_storage
from dse.study.study import Study
from tests.replays import outcomes, write_space, write_table
from tests.study.studies import about, create, failed, fill, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.study.store import Trial
    from tests.commandline import Command

SPEED = ["latency_p90_ms", "throughput_samples_per_s"]


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "s")


def names(folder: StudyFolder) -> list[str]:
    return sorted(optuna.get_all_study_names(open_storage(sqlite_url(folder.database))))


@pytest.mark.parametrize(
    ("before", "after", "counts", "taken_now"),
    [
        # Of all three metrics, the table has one value per configuration and metric.
        pytest.param({"models": ["a"]}, {}, (4, 0, 0, 12), 6, id="a model"),
        pytest.param({"threads": [1]}, {}, (4, 0, 0, 12), 6, id="a value", marks=pytest.mark.long),
        pytest.param({"objectives": SPEED}, {}, (4, 0, 0, 12), 4, id="an objective"),
        pytest.param(
            {"objectives": SPEED},
            {"objectives": SPEED, "constraints": {"accuracy_percent": {"min": 41.5}}},
            (4, 0, 0, 12),
            4,
            id="a constraint on another metric",
        ),
        pytest.param(
            {}, {"constraints": {"accuracy_percent": {"min": 41.5}}}, (4, 0, 0, 12), 0, id="a bound"
        ),
        pytest.param({}, {"models": ["b"]}, (2, 0, 0, 12), 0, id="a model less"),
        pytest.param(
            {},
            {"objectives": SPEED},
            (4, 0, 0, 12),
            0,
            id="an objective less",
            marks=pytest.mark.long,
        ),
        pytest.param({}, {"threads": [2, 1]}, (4, 0, 0, 12), 0, id="another order"),
    ],
)
def test_a_changed_space_keeps_everything_and_measures_only_the_new(
    command: Command,
    here: Path,
    before: dict[str, Any],
    after: dict[str, Any],
    counts: tuple[int, int, int, int],
    taken_now: int,
) -> None:
    write_table(here)
    one_size = {"batch_sizes": 1}
    command.good("explore", write_space(here, **one_size, **before), "--sampler", "grid")
    earlier = outcomes(here / "studies/space/study.db")
    taken = command.status("space")["measurements_taken"]
    command.good("explore", write_space(here, **one_size, **after), "--sampler", "grid")
    assert command.counts("space") == counts
    assert counts[3] - taken == taken_now
    later = outcomes(here / "studies/space/study.db")
    assert earlier.items() <= later.items()
    models = {p["configuration"]["model"] for p in command.frontier("space")["points"]}
    only_b = "constraints" in after or "models" in after
    assert models == ({"b"} if only_b else {"a"} if "objectives" in after else {"a", "b"})


def test_removed_and_added_again(command: Command, here: Path) -> None:
    write_table(here)
    everything = write_space(here, "all", batch_sizes=1)
    less = write_space(here, "less", models=["b"], threads=1, batch_sizes=1)
    for step, space in enumerate((everything, less, everything, less)):
        command.good("explore", space, "--study", "s")
        assert command.counts("s") == ((4, 0, 0, 12) if step % 2 == 0 else (1, 0, 0, 12))
        assert len(list((here / "studies/s/runs").iterdir())) == 4


def test_configurations_that_left_the_space_count_no_more(folder: StudyFolder) -> None:
    """Also where the choices of each parameter are still the same ones."""
    delays = {"values": [1, 2.5], "when": {"threads": 2}}
    spaces = [
        small_space(backends={"null": {"delay_ms": {**delays, "when": {name: 2}}}})
        for name in ("threads", "batch_size")
    ]
    first, second = (set(planned(space).configurations) for space in spaces)
    assert first != second
    study = create(folder, spaces[0])
    assert set(fill(study, spaces[0])) == first
    study = create(folder, spaces[1])
    assert {r.configuration for r in study.records.values()} == first & second
    assert set(fill(study, spaces[1])) == second - first


def test_what_is_stored_is_untouched_by_later_revisions(folder: StudyFolder) -> None:
    small = small_space(models=["a"])
    study = create(folder, small)
    fill(study, small, most=4)
    study.finish(_begun(study, small), failed())
    before = outcomes(folder.database)
    fill(create(folder, small_space()), small_space())
    after = outcomes(folder.database)
    assert before.items() <= after.items()
    assert names(folder) == ["s", "s#2"]
    loaded = Study.load(folder)
    assert len(loaded.records) == 20
    assert [r.outcome.failure for r in loaded.records.values() if r.outcome.failure] != []
    assert loaded.trials_begun == 5 + 20


def _begun(study: Study, space: Any) -> Trial:
    """A trial of the first configuration that has no outcome yet."""
    plan = planned(space)
    left = Pool(plan, study.records).first()
    return study.begin(left, revisions.distributions(plan))


@pytest.mark.parametrize(
    ("begun", "attributes"),
    [
        *((0, 0), (3, 2)),
        *(pytest.param(*cut, marks=pytest.mark.long) for cut in [(0, 1), (0, 2), (3, 0), (3, 1)]),
    ],
)
def test_a_revision_whose_creation_was_cut_short_is_made_anew(
    folder: StudyFolder, begun: int, attributes: int
) -> None:
    folder.create()
    space = small_space(models=["a"]) if begun else small_space()
    if begun:
        fill(create(folder, space), space, most=begun)
    storage = open_storage(sqlite_url(folder.database))
    name = revision_name("s", 2 if begun else 1)
    half = optuna.create_study(study_name=name, storage=storage, directions=["minimize"])
    for key, value in [("dse:schema", 1), ("dse:signature", "0123")][:attributes]:
        half.set_user_attr(key, value)
    if begun:
        assert len(Study.load(folder).records) == begun  # nothing of it shows
    wider = small_space()
    assert len(create(folder, wider).records) == begun
    assert len(fill(create(folder, wider), wider)) == 20 - begun
    assert names(folder) == (["s", "s#2"] if begun else ["s"])


def test_a_copy_that_was_cut_short_is_completed(folder: StudyFolder) -> None:
    small, wide = small_space(models=["a"]), small_space()
    fill(create(folder, small), small)
    create(folder, wide)
    storage = open_storage(sqlite_url(folder.database))
    second = optuna.load_study(study_name="s#2", storage=storage)
    directions, kept, copied = second.directions, second.user_attrs, second.trials
    optuna.delete_study(study_name="s#2", storage=storage)
    again = optuna.create_study(study_name="s#2", storage=storage, directions=directions)
    for key, value in kept.items():
        again.set_user_attr(key, value)
    again.add_trials(copied[:4])
    study = create(folder, wide)
    assert len(study.records) == 10
    assert len(study.optuna_study.trials) == 10
    assert names(folder) == ["s", "s#2"]


@pytest.mark.parametrize("kind", [FailureKind.CRASH, FailureKind.UNSUPPORTED])
def test_a_failure_goes_along_only_with_the_same_metrics(
    folder: StudyFolder, kind: FailureKind
) -> None:
    small = small_space(models=["a"])
    study = create(folder, small)
    study.finish(_begun(study, small), failed(kind))
    (kept,) = create(folder, small_space()).records.values()
    assert kept.outcome == failed(kind)
    fewer = small_space(models=["a"], objectives=SPEED)
    assert create(folder, fewer, accuracy="").records == {}


def test_a_larger_objective_is_a_better_one_only_where_it_is_maximised(folder: StudyFolder) -> None:
    space = small_space(objectives=["latency_p90_ms", "accuracy_percent"], batch_sizes=1)
    study = create(folder, space)
    directions = [d.name for d in study.optuna_study.directions]
    assert directions == ["MINIMIZE", "MAXIMIZE"]
    fill(study, space)
    points = {r.id: r.outcome.values for r in study.records.values()}
    best = {r.id for r in study.frontier()}
    assert best
    for number, mine in points.items():
        dominated = any(
            other["latency_p90_ms"] <= mine["latency_p90_ms"]
            and other["accuracy_percent"] >= mine["accuracy_percent"]
            and other != mine
            for other in points.values()
        )
        assert (number in best) is not dominated


def test_the_same_space_again_makes_nothing_new(folder: StudyFolder) -> None:
    space = small_space()
    fill(create(folder, space), space, most=3)
    before = folder.space.read_text()
    for _ in range(2):
        study = create(folder, space)
        assert (len(study.records), study.trials_begun) == (3, 3)
    assert names(folder) == ["s"]
    assert folder.space.read_text() == before
    assert study.about == about(space)

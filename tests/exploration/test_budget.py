"""How far an invocation goes, and how it says why it ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from dse.core.configuration import Configuration
from dse.exploration import _settler, explorer
from dse.exploration.measurer import Measurer
from dse.machine.measuring_lock import WAITING, measuring_lock
from dse.study.folder import StudyFolder
from dse.study.record import Purpose
from dse.study.study import Study
from tests.replays import (
    DATABASE,
    attributes,
    level,
    write_rivals,
    write_space,
    write_table,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


def test_the_time_to_settle_is_spent_once(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default what is measured again takes as long as exploring did, in all."""
    space = write_rivals(command, here)
    spent = Study.load(StudyFolder(here / "studies/space")).results.spent
    again_s = spent[Purpose.REPEAT] + spent[Purpose.ROUND]
    monkeypatch.setattr(_settler, "MIN_SETTLE_S", max(again_s, spent[Purpose.EXPLORE]) + 2)
    explored = len(attributes(here / DATABASE, "purpose"))
    explore = ["explore", space, "--tie", 0]
    command.good(*explore)
    before = attributes(here / DATABASE, "purpose")
    assert len(before) > explored
    assert "round" in before.values()
    level(here / DATABASE, "latency_p90_ms")
    command.good(*explore)
    assert attributes(here / DATABASE, "purpose") == before
    command.good(*explore, "--settle", "0.1s")  # more where more is asked for
    assert len(attributes(here / DATABASE, "purpose")) > len(before)


def test_a_number_of_trials_counts_for_each_invocation(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here)
    for measured in (3, 6):
        answer = command.good("explore", space, "--n-trials", 3)
        assert "the number of trials is reached: 3 done now" in answer.err
        assert command.counts("space") == (measured, 0, 8 - measured, 3 * measured)
    answer = command.good("explore", space, "--n-trials", 3)
    assert "every configuration has its outcome: 2 done now" in answer.err
    assert "resuming 'space': 6 of 8 configurations done" in answer.err
    assert command.counts("space") == (8, 0, 0, 24)


def test_nothing_is_begun_after_the_time_is_up(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here)
    answer = command.good("explore", space, "--timeout", "0.0001s")
    assert "the time is up: " in answer.err
    assert command.counts("space")[2] >= 7
    answer = command.good("explore", space, "--timeout", "366d")
    assert "every configuration has its outcome" in answer.err


def test_no_round_is_begun_after_the_time_is_up(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even one whose files had to be made.

    First comes the anchor, with files of its own, and again where its values are far apart.
    """
    space, made, prepare = write_rivals(command, here), list[Configuration](), Measurer.prepare
    before = [*attributes(here / DATABASE, "purpose").values()]

    def note(measurer: Measurer, configuration: Configuration) -> None:
        prepare(measurer, configuration)
        made.append(configuration)

    def now() -> float:
        return 100.0 if len(made) > 1 else 0.0

    monkeypatch.setattr(explorer, "time", SimpleNamespace(monotonic=now))
    monkeypatch.setattr(Measurer, "prepare", note)
    monkeypatch.setattr(Measurer, "ready", lambda *_: False)
    answer = command.good("explore", space, "--tie", 0, "--settle", "10m", "--timeout", "50s")
    assert "the time is up: " in answer.err
    assert len(made) == 2
    found = [*attributes(here / DATABASE, "purpose").values()]
    assert found[: len(before) + 1] == [*before, "anchor"]
    assert set(found[len(before) :]) <= {"anchor", "repeat"}


def test_the_same_command_again_measures_nothing(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here, batch_sizes=1)
    first = command.good("explore", space)
    runs = sorted((here / "studies/space/runs").rglob("*"))
    again = command.good("explore", space)
    assert "every configuration has its outcome: 0 done now; 4 measured" in again.err
    assert again.out == first.out
    assert sorted((here / "studies/space/runs").rglob("*")) == runs


@pytest.mark.parametrize("settle", [(), ("--settle", 0)], ids=["settled", "once"])
def test_a_complete_study_says_so_while_others_measure(
    command: Command, here: Path, settle: tuple[object, ...]
) -> None:
    write_table(here)
    space = write_space(here, batch_sizes=1)
    command.good("explore", space, *settle)
    with measuring_lock() as come:
        assert come
        again = command.good("explore", space, *settle, "--timeout", "1min")
    assert "every configuration has its outcome: 0 done now; 4 measured" in again.err
    assert WAITING not in again.err


def test_the_time_of_a_wait_for_others_counts(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here, batch_sizes=1)
    with measuring_lock() as come:
        assert come
        answer = command("explore", space, "--timeout", "0.1s")
    assert answer.code == 1  # nothing is measured
    assert WAITING in answer.err
    assert "the time is up: 0 done now" in answer.err


def test_all_failing_is_exit_code_one(command: Command, here: Path) -> None:
    write_table(here, failing={"a": "no", "b": "no"})
    space = write_space(here, threads=1, batch_sizes=1)
    for _ in range(2):
        answer = command("explore", space)
        assert answer.code == 1
        assert answer.out == ""
    assert command.status("space")["failures"] == {"unsupported": 2}


@pytest.mark.parametrize("sampler", ["grid", "random", "nsga2", "tpe"])
@pytest.mark.parametrize(
    "seed",
    [
        pytest.param("0", marks=pytest.mark.long),
        pytest.param("4294967296", marks=pytest.mark.long),
        "99999999999999999999",
    ],
)
def test_any_seed_will_do(command: Command, here: Path, sampler: str, seed: str) -> None:
    write_table(here)
    space = write_space(here)
    how = ["--sampler", sampler, "--seed", seed, "--n-trials", 1]
    command.good("explore", space, *how)
    assert command.counts("space") == (1, 0, 7, 3)


def test_a_resumed_search_does_not_draw_the_same_lots_again(command: Command, here: Path) -> None:
    """Else four invocations of one trial each would take four neighbours in the space's order."""
    sizes = list(range(1, 41))
    write_table(here, models=["a"], threads=[1], batch_sizes=sizes)
    space = write_space(here, models="a", threads=1, batch_sizes=sizes)
    for _ in range(4):
        command.good("explore", space, "--sampler", "random", "--n-trials", 1)
    stored = attributes(here / "studies/space/study.db", "configuration")
    drawn = [stored[trial]["batch_size"] for trial in sorted(stored)]
    assert drawn != list(range(drawn[0], drawn[0] + 4))


def test_a_bound_on_a_metric_that_is_no_objective(command: Command, here: Path) -> None:
    write_table(here)
    bound = {"accuracy_percent": {"min": 41.5}}
    space = write_space(here, objectives=["latency_p90_ms"], batch_sizes=1, constraints=bound)
    command.good("explore", space)
    (point,) = command.frontier("space")["points"]
    assert point["configuration"]["model"] == "b"
    assert set(point["values"]) == {"latency_p90_ms"}


def test_what_can_not_run_here_is_named(command: Command, here: Path) -> None:
    write_table(here)
    backends = {"replay": {"table": "table.csv", "runtime": "x"}, "onnxruntime": None}
    space = write_space(here, backends=backends, threads=1, batch_sizes=1)
    answer = command.good("explore", space)
    assert "not run: onnxruntime fp32, a, b: no model of that name is on offer" in answer.err
    shown = command.good("status", "space").out
    assert "not run: onnxruntime fp32, a, b: no model of that name" in shown
    assert command.counts("space") == (2, 0, 0, 6)


def test_each_cpu_can_have_a_study_of_its_own(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here, models="a", threads=1, batch_sizes=1)
    command.good("explore", space, "--per-cpu")
    (folder,) = (here / "studies").iterdir()
    name, _, fingerprint = folder.name.partition("@")
    assert name == "space"
    assert command.good("system").out.splitlines()[0] == f"fingerprint: {fingerprint}"
    assert command.counts(folder.name) == (1, 0, 0, 3)

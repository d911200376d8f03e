"""Rounds: which comes next on results written by hand, and what those that are run leave behind."""

from __future__ import annotations

import math
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from dse.core.checksums import digest
from dse.core.measurement import Measurement, Outcome, Source
from dse.exploration._pool import Pool
from dse.exploration._samplers import make_sampler
from dse.exploration._settler import MAX_IN_VAIN, MIN_SETTLE_S, Settler
from dse.exploration.planner import StepPlanner
from dse.study.folder import StudyFolder
from dse.study.record import OWNER, Purpose, outcome_of, purpose_of, round_of
from dse.study.revisions import distributions
from dse.study.settling import PROBE_EVERY, Settling, is_of_probes
from dse.study.study import Study
from tests.commandline import PATIENCE_S, PROC, none_left, read_until, start
from tests.replays import DATABASE, level, write_rivals
from tests.study.studies import create, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from optuna.trial import FrozenTrial

    from dse.exploration.planner import Step
    from dse.space.space import SearchSpace
    from dse.study.rounds import RoundPlace
    from tests.commandline import Answer, Command

LATENCY = "latency_p90_ms"
DELAYS = [1, 2, 4]
UNDECIDED = ["--tie", 0]
"""The order of such rivals is open for good."""


def space_of(metric: str) -> SearchSpace:
    return small_space(
        objectives=[metric],
        models="a",
        backends={"null": {"delay_ms": DELAYS}},
        threads=1,
        batch_sizes=1,
    )


SPACE = space_of(LATENCY)
PLAN = planned(SPACE)


def explored(
    folder: Path, latencies: list[float], seconds: float = 4.0, metric: str = LATENCY
) -> Study:
    """A study with these latencies, written by hand; each took so many seconds."""
    study = create(StudyFolder(folder), space_of(metric))
    for configuration, latency in zip(PLAN.configurations, latencies, strict=False):
        trial = study.begin(configuration, distributions(PLAN))
        key = digest(configuration.key)
        taken = Measurement(metric, latency, key, Source.MEASURED, run="by-hand", seconds=seconds)
        study.keep(trial, taken)
        study.finish(trial, Outcome((taken,)))
    return study


def settler(study: Study, settle_s: float | None = None, *, again: bool = False) -> Settler:
    pool = Pool(PLAN, study.records)
    agenda = StepPlanner(study.results, pool, make_sampler("grid", pool, SPACE, 0), again=again)
    return Settler(study, agenda, settle_s, seed=0)


def delays(steps: list[Step]) -> set[object]:
    return {dict(step.configuration.knobs)["delay_ms"] for step in steps}


def test_the_time_to_settle_is_that_of_exploring(tmp_path: Path) -> None:
    study = explored(tmp_path / "s", [1.0, 1.0])
    asked = settler(study)
    assert asked.budget_s == MIN_SETTLE_S
    study.results.spent[Purpose.EXPLORE] += 1000.0
    assert asked.budget_s == pytest.approx(1000, abs=1)
    study.results.spent[Purpose.ROUND] += 600.0  # of another process, it may be
    assert asked.budget_s == pytest.approx(400, abs=1)
    study.results.spent[Purpose.REPEAT] += 600.0
    assert asked.budget_s == 0
    assert asked.next_round() == []


def test_a_time_to_settle_is_of_one_exploration(tmp_path: Path) -> None:
    study = explored(tmp_path / "s", [1.0, 1.0])
    assert settler(study, 0).next_round() == []
    asked = settler(study, 5.0)
    study.results.spent[Purpose.ROUND] += 600.0
    steps = asked.next_round()
    assert len(steps) == 2
    for step in steps:
        asked.note(step, 2.0)
    assert asked.budget_s == 1.0
    assert asked.next_round()
    asked.note(steps[0], 2.0)
    assert asked.budget_s == 0
    assert asked.next_round() == []


def test_a_round_fits_the_time_that_is_left(tmp_path: Path) -> None:
    asked = settler(explored(tmp_path / "s", [1.0, 1.0, 1.0]))
    assert [len(asked.next_round(left_s)) for left_s in (math.inf, 3.0, 0.1)] == [3, 2, 2]


def test_what_is_decided_has_no_rounds(tmp_path: Path) -> None:
    study = explored(tmp_path / "s", [1.0])
    assert settler(study, 5.0).next_round() == []
    assert settler(study, 5.0).state() == Settling(0, 1, 1, 0, 0.0, 5.0)


def test_a_round_has_the_anchor_where_it_is_due(tmp_path: Path) -> None:
    study = explored(tmp_path / "s", [9.0, 1.0, 1.0], seconds=1.0)
    asked = settler(study, again=True)  # a study that goes on looks at the anchor first
    for _ in range(PROBE_EVERY - 1):
        asked.end_round()  # a brief run tells nothing of the anchor
    steps = asked.next_round()
    assert delays(steps) == {*DELAYS[:3]}
    assert {step.purpose for step in steps} == {Purpose.ROUND}
    places = [step.round for step in steps]
    assert [place and (place.position, place.size) for place in places] == [(0, 3), (1, 3), (2, 3)]
    assert delays(asked.next_round()) == {*DELAYS[:3]}  # the first was not begun
    asked.begin_round(steps)
    assert delays(asked.next_round()) == {*DELAYS[1:3]}


def test_rounds_are_brief_but_for_some_of_probes(tmp_path: Path) -> None:
    """A probe of the anchor tells whether the machine drifts, a brief run does not."""
    study = explored(tmp_path / "s", [9.0, 1.0, 1.0], seconds=1.0)
    asked = settler(study, again=True)
    for number in range(2 * PROBE_EVERY):
        steps = asked.next_round()
        probes = is_of_probes(number)
        assert {step.fidelity for step in steps} == {"probe" if probes else "brief"}
        assert len(steps) == (3 if probes else 2)  # the anchor is due all the time
        asked.end_round()


def test_the_tail_of_a_latency_takes_probes(tmp_path: Path) -> None:
    asked = settler(explored(tmp_path / "s", [1.0, 1.0], metric="multistream_latency_p99_ms"))
    for _ in range(PROBE_EVERY):
        assert {step.fidelity for step in asked.next_round()} == {"probe"}
        asked.end_round()


def test_a_pair_of_which_rounds_tell_nothing_makes_way_for_others(tmp_path: Path) -> None:
    """As on a machine that is disturbed each time; a round has room for two of them."""
    asked = settler(explored(tmp_path / "s", [1.0, 1.0, 1.0], seconds=15.0))
    found: list[set[object]] = []
    for _ in range(3):
        steps = asked.next_round()
        asked.begin_round(steps)
        found.append(delays(steps))
    assert len(set(map(frozenset, found))) == len(found)
    assert {len(each) for each in found} == {2}


def test_a_pair_of_which_rounds_tell_nothing_is_left_open_in_the_end(tmp_path: Path) -> None:
    """As where one of both fails each time."""
    asked = settler(explored(tmp_path / "s", [1.0, 1.0], seconds=1.0))
    for _ in range(MAX_IN_VAIN):
        steps = asked.next_round()
        assert len(steps) == 2
        asked.begin_round(steps)
    assert asked.next_round() == []


def study_of(here: Path) -> Study:
    return Study.load(StudyFolder(here / "studies/space"))


def in_rounds(study: Study) -> list[tuple[FrozenTrial, RoundPlace]]:
    """The trials of rounds with their places, in the order in which they were begun."""
    found = ((trial, round_of(trial)) for trial in study.optuna_study.trials)
    return [(trial, place) for trial, place in found if place is not None]


def rounds(study: Study) -> list[list[RoundPlace]]:
    """The places of each round; trials of another one in between would split it."""
    split: list[list[RoundPlace]] = []
    for _, place in in_rounds(study):
        if not split or split[-1][0].id != place.id:
            split.append([])
        split[-1].append(place)
    return split


def whole(places: list[RoundPlace]) -> bool:
    return [place.position for place in places] == list(range(places[0].size))


@pytest.fixture
def space(command: Command, here: Path) -> Path:
    return write_rivals(command, here)


def settle(command: Command, here: Path, *words: object) -> tuple[Answer, list[list[RoundPlace]]]:
    """Explores for longer and longer until rounds are run; what else is due comes before them."""
    known = len(rounds(study_of(here)))
    for seconds in (1, 2, 4, 8, 16, 32):
        level(here / DATABASE, LATENCY)
        answer = command("explore", *words, "--settle", f"{seconds}s", *UNDECIDED)
        found = rounds(study_of(here))[known:]
        if found:
            break
    assert found, answer.err
    return answer, found


def test_rivals_are_measured_side_by_side(command: Command, here: Path, space: Path) -> None:
    before = rounds(study_of(here))
    answer, found = settle(command, here, space)
    assert answer.code == 0
    study = study_of(here)
    assert all(map(whole, found))
    assert len({places[0].id for places in found}) == len(found)
    assert f"{len(found)} round" in answer.err
    assert study.results.rounds.revision == len(before) + len(found)
    for trial, place in in_rounds(study)[sum(map(len, before)) :]:
        assert 2 <= place.size <= 3
        assert purpose_of(trial) is Purpose.ROUND
        told = outcome_of(trial)
        assert told is not None
        number = [places[0].id for places in found].index(place.id)
        fidelity = "probe" if is_of_probes(number) else "brief"
        assert [(m.metric, m.fidelity) for m in told.measurements] == [(LATENCY, fidelity)]
        assert told.measurements[0].run.endswith("-1")  # once, disturbed or not

    # A member that fails ends no round.
    settle(command, here, space, "--run-timeout", "0.01s")
    study = study_of(here)
    failed = in_rounds(study)[sum(map(len, [*before, *found])) :]
    assert len(failed) >= 2
    assert all(map(whole, rounds(study)))
    outcomes = [outcome_of(trial) for trial, _ in failed]
    assert all(o and o.failure and o.failure.kind == "timeout" for o in outcomes)


@pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc")
@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_a_round_that_is_cut_off_is_dropped(
    command: Command, here: Path, space: Path, number: signal.Signals
) -> None:
    before: list[list[RoundPlace]] = []
    while not before or whole(before[-1]):  # a late signal meets the end of a round
        level(here / DATABASE, LATENCY)
        with start("-v", "explore", space, "--settle", "1h", *UNDECIDED) as process:
            begun = read_until(process, f": {LATENCY}\n")  # that alone
            process.send_signal(number)
            process.communicate(timeout=PATIENCE_S)
        assert not begun or process.returncode == (130 if number == signal.SIGINT else -number)
        assert none_left(here)
        before = rounds(study_of(here))
    settle(command, here, space)
    study = study_of(here)
    after = rounds(study)
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert [places for places in after if not whole(places)] == [before[-1]]
    assert study.results.rounds.revision == len(after) - 1


def test_explorations_take_turns_by_rounds(here: Path, space: Path) -> None:
    taking_part: set[int] = set()
    while len(taking_part) < 2:  # the first one may have decided it all
        level(here / DATABASE, LATENCY)
        with ExitStack() as stack:
            explore = ["explore", space, "--settle", "2s", *UNDECIDED]
            running = [stack.enter_context(start(*explore)) for _ in range(2)]
            answers = [process.communicate(timeout=PATIENCE_S) for process in running]
        assert [process.returncode for process in running] == [0, 0], answers
        study = study_of(here)
        assert all(map(whole, rounds(study)))
        taking_part = {trial.user_attrs[OWNER]["pid"] for trial, _ in in_rounds(study)}


def test_a_run_of_a_round_that_fails_says_why(command: Command, here: Path, space: Path) -> None:
    answer, _ = settle(command, here, space)
    assert "FAILED" not in answer.err
    for seconds in (1, 2, 4, 8, 16):
        limits = ("--run-timeout", "0.01s", "--settle", f"{seconds}s")
        answer = command("explore", space, *limits, *UNDECIDED)
        told = [line for line in answer.err.splitlines() if " round: " in line]
        if told:
            break
    assert all("FAILED (timeout" in line for line in told)
    assert told

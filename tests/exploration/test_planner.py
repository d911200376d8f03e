"""What is measured next, and what is measured again: on results written down by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Measurement, Outcome, Source
from dse.exploration import _remeasuring
from dse.exploration import planner as agenda
from dse.exploration._pool import Pool
from dse.exploration._samplers import make_sampler
from dse.exploration.planner import StepPlanner
from dse.machine.process_identity import process_identity
from dse.study.observations import Observation
from dse.study.record import Purpose, machine_of
from dse.study.results import StudyResults
from tests.study.studies import planned, small_space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import FidelityName
    from dse.exploration.planner import Step

ACCURACY, LATENCY = "accuracy_percent", "latency_p90_ms"
SPACE = small_space(objectives=[ACCURACY, LATENCY], models=["a", "b"], batch_sizes=1)
CONFIGURATIONS = planned(SPACE).configurations
NOISE = (1.0, 1.04, 0.97, 1.02)
"""Of the repetitions, in turn."""


class Machine:
    """Gives each configuration an accuracy and a latency, and answers steps with them."""

    def __init__(self, values: Sequence[tuple[float, float]], noise: Sequence[float] = NOISE):
        self.results = StudyResults()
        self.results.start(SPACE)
        self.values = dict(zip(CONFIGURATIONS, values, strict=False))
        self.noise = noise
        self.taken: list[tuple[Configuration, Purpose, FidelityName]] = []

    def measure(
        self,
        configuration: Configuration,
        purpose: Purpose = Purpose.EXPLORE,
        fidelity: FidelityName = "probe",
        **details: KnobValue,
    ) -> None:
        number = len(self.taken)
        accuracy, latency = self.values[configuration]
        factor = self.noise[number % len(self.noise)]
        timed = Measurement(
            LATENCY,
            latency * factor,
            f"latency of {configuration.key}",
            Source.MEASURED,
            fidelity,
            details=details,
        )
        occupancy, here = configuration.occupancy(LATENCY), machine_of(process_identity())
        self.results.measured.add(Observation(timed, (1, number), here, occupancy))
        bounds = (accuracy - 0.1, accuracy + 0.1)
        key = f"accuracy of {configuration.key}"
        same = Measurement(ACCURACY, accuracy, key, Source.MEASURED, interval=bounds)
        self.results.note(number, configuration, Outcome((same, timed)))
        self.taken.append((configuration, purpose, fidelity))

    def explored(self) -> Machine:
        for configuration in self.values:
            self.measure(configuration)
        return self

    def agenda(self, *, again: bool = True) -> StepPlanner:
        pool = Pool(planned(SPACE), [c.key for c in self.values])
        return StepPlanner(self.results, pool, make_sampler("grid", pool, SPACE, 0), again=again)

    def run(self, *, again: bool = True) -> list[Step]:
        """Measures whatever the agenda asks for; a mistake in it must not run for ever."""
        steps: list[Step] = []
        asked = self.agenda(again=again)
        while len(steps) < 100 and (step := asked.next(exploring=False)) is not None:
            self.measure(step.configuration, step.purpose, step.fidelity)
            steps.append(step)
        assert len(steps) < 100
        return steps


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agenda, "ANCHOR_EVERY_S", float("inf"))


def test_what_was_never_measured_comes_first() -> None:
    machine = Machine([(50, 1.0)]).explored()
    step = machine.agenda().next(exploring=True)
    assert step is not None
    assert (step.purpose, step.metrics) == (Purpose.EXPLORE, ())
    assert step.configuration not in machine.values


def test_the_anchor_tells_of_the_noise_before_the_frontier_is_measured_again() -> None:
    machine = Machine([(50, 1.0), (50.1, 1.01), (40, 9.0)]).explored()
    steps = machine.run()
    purposes = [step.purpose for step in steps]
    anchors = _remeasuring.ANCHOR_PROBES - 1  # its exploration was the first one
    assert purposes[:anchors] == [Purpose.ANCHOR] * anchors
    assert set(purposes[anchors:]) == {Purpose.REPEAT}
    assert {s.configuration for s in steps[:anchors]} == {CONFIGURATIONS[0]}
    assert all(step.metrics == (LATENCY,) for step in steps)  # accuracy does not vary
    # The third is slower and less accurate beyond any doubt.
    assert {s.configuration for s in steps[anchors:]} == {CONFIGURATIONS[1]}


def test_a_point_with_another_number_of_busy_cpus_tells_of_their_noise() -> None:
    machine = Machine([(50, 1.0), (50.1, 1.01), (40, 9.0)]).explored()
    assert CONFIGURATIONS[0].threads != CONFIGURATIONS[1].threads
    steps = [step for step in machine.run() if step.purpose is Purpose.REPEAT]
    scouts = _remeasuring.ANCHOR_PROBES - 1
    assert [s.configuration for s in steps] == [CONFIGURATIONS[1]] * scouts
    assert {s.fidelity for s in steps} == {"probe"}


def test_nothing_is_measured_again_where_nothing_shall_be() -> None:
    assert Machine([(50, 1.0), (60, 1.05)]).explored().run(again=False) == []


def test_without_time_nothing_is_measured_again() -> None:
    asked = Machine([(50, 1.0), (50.1, 1.001)]).explored().agenda()
    assert asked.next(exploring=False, repeating=False) is None
    step = asked.next(exploring=True, repeating=False)
    assert step is not None
    assert step.purpose is Purpose.EXPLORE


def test_a_study_that_goes_on_looks_at_the_anchor_first(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine([(50, 1.0)]).explored()
    asked = machine.agenda()
    asked_again = machine.agenda()
    monkeypatch.setattr(agenda, "ANCHOR_EVERY_S", 3600.0)
    first, second = asked.next(exploring=True), asked.next(exploring=True)
    assert first is not None
    assert second is not None
    assert (first.purpose, second.purpose) == (Purpose.ANCHOR, Purpose.EXPLORE)
    none_left = asked_again.next(exploring=False)
    assert none_left is None or none_left.purpose is not Purpose.EXPLORE


def test_what_waits_for_the_anchor_is_dropped_where_it_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Machine([(50, 1.0)]).explored().agenda()
    monkeypatch.setattr(agenda, "ANCHOR_EVERY_S", 3600.0)
    first = asked.next(exploring=True)
    assert first is not None
    assert first.purpose is Purpose.ANCHOR
    assert asked.next(exploring=False, repeating=False) is None


def test_a_round_has_the_anchor_where_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine([(50, 1.0)]).explored()
    asked = machine.agenda()
    monkeypatch.setattr(agenda, "ANCHOR_EVERY_S", 3600.0)
    due = asked.due_anchor()
    assert due is not None
    assert (due.configuration, due.metrics) == (CONFIGURATIONS[0], (LATENCY,))
    assert asked.due_anchor() == due  # it was not measured
    asked.note_anchor()
    assert asked.due_anchor() is None
    assert machine.agenda(again=False).due_anchor() is None


def test_what_was_probed_while_the_machine_drifted_is_probed_again() -> None:
    machine = Machine([(50, 1.0), (60, 2.0)], noise=(1.0,)).explored()
    anchor = CONFIGURATIONS[0]
    for _ in range(4):
        machine.measure(anchor, Purpose.ANCHOR)
    machine.noise = (1.5,)
    for _ in range(2):
        machine.measure(anchor, Purpose.ANCHOR)
    slow = CONFIGURATIONS[2]
    machine.values[slow] = (70, 3.0)
    machine.measure(slow)
    assert _remeasuring.next_drifted(machine.results) is None  # it drifts even now: no use
    machine.noise = (1.0,)
    machine.measure(anchor, Purpose.ANCHOR)
    found = _remeasuring.next_drifted(machine.results)
    assert found is not None
    assert (found[0].configuration, found[1]) == (slow, [LATENCY])
    assert found[0].outcome.values[LATENCY] == pytest.approx(4.5)
    assert not machine.results.frontier.certain(found[0])
    machine.measure(slow, Purpose.REPEAT)
    assert _remeasuring.next_drifted(machine.results) is None
    assert machine.results.frontier.certain(machine.results.records[slow.key])
    assert machine.results.records[slow.key].outcome.values[LATENCY] == pytest.approx(3.0)


def test_an_odd_value_of_the_anchor_is_confirmed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine([(50, 1.0), (60, 2.0)], noise=(1.0,)).explored()
    anchor = CONFIGURATIONS[0]
    for _ in range(4):
        machine.measure(anchor, Purpose.ANCHOR)
    asked = machine.agenda()
    monkeypatch.setattr(agenda, "ANCHOR_EVERY_S", 3600.0)

    def purpose() -> Purpose | None:
        step = asked.next(exploring=True)
        return None if step is None else step.purpose

    assert [purpose(), purpose()] == [Purpose.ANCHOR, Purpose.EXPLORE]
    machine.noise = (1.5,)
    machine.measure(anchor, Purpose.ANCHOR)
    assert _remeasuring.anchor_in_doubt(machine.results)
    assert purpose() is Purpose.ANCHOR
    machine.measure(anchor, Purpose.ANCHOR, disturbed="other load")
    assert purpose() is Purpose.EXPLORE  # it is not waited for
    machine.measure(anchor, Purpose.ANCHOR)
    assert machine.results.measured.drifting(LATENCY)  # confirmed
    assert purpose() is Purpose.EXPLORE

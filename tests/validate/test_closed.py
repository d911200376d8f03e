"""``dse validate --division closed``: which runs it has, what passes, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.metrics import METRICS_OF, Scenario
from dse.loadgen.compliance import TESTS
from dse.loadgen.logs import ACCURACY, read_detail, read_responses
from dse.measure import runner
from dse.measure.spec import REHEARSED_SAMPLES
from dse.study.folder import existing_folder
from dse.study.study import Study
from dse.validate import validator
from tests.replays import attributes, write_space
from tests.validate.conftest import OPTIONS, write_inputs
from tests.validate.test_validate import HEADING, LATENCY, remember

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.measurement import Outcome
    from dse.measure.spec import Spec
    from tests.commandline import Command

MODES = ("performance", "accuracy", "TEST01", "TEST04")
EDGE = (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM, Scenario.OFFLINE)
CLOSED = ("--division", "closed")
ONE = ("--scenario", "SingleStream")


@pytest.fixture
def closed(command: Command, here: Path) -> tuple[str, ...]:
    """The study ``small`` with every scenario of edge, of the null backend; its options."""
    write_inputs(here, count=REHEARSED_SAMPLES)
    objectives = ["accuracy_percent", *(METRICS_OF[scenario] for scenario in EDGE)]
    fields: dict[str, Any] = {"models": "m", "threads": 1, "batch_sizes": 2}
    backends = {"null": {"delay_ms": 1.0}}
    space = write_space(here, "small", backends=backends, objectives=objectives, **fields)
    command.good("explore", space, "--settle", 0, *OPTIONS)
    return (*OPTIONS, *CLOSED, "--anyway")


def test_every_scenario_has_its_compliance_runs(command: Command, closed: tuple[str, ...]) -> None:
    answer = command.good("validate", "small", "--dry-run", *closed)
    _, *rows, _, last = answer.out.splitlines()
    words = {*MODES, *(scenario.value for scenario in EDGE)}
    shown = [tuple(word for word in row.split() if word in words) for row in rows]
    assert shown == [(scenario.value, mode) for scenario in EDGE for mode in MODES]
    # Nine runs of ten minutes, three of them a tenth longer.
    assert last == "to do: 12 runs, about 1.6 h"
    assert answer.last == f"next: dse validate small {' '.join(closed)} --rehearsal"
    answer = command.good("validate", "small", "--dry-run", *ONE, *closed)
    assert "to do: 4 runs, about 30 min" in answer.out


def test_what_can_not_be_closed_is_refused_beforehand(
    command: Command, closed: tuple[str, ...]
) -> None:
    *options, _ = closed
    answer = command("validate", "small", *options)
    assert answer.code == 2
    told = answer.err[answer.err.index(HEADING) :]
    assert "  reference-model: the closed division takes resnet50-v1.5 alone (#0)\n" in told
    assert "  quality-target: its top-1 accuracy is 20.312 %, not 75.695 (#0)\n" in told
    assert "`dse models fetch resnet50-v1.5 --output reference`" in answer.last
    assert "; explore a model that is as good, or --anyway runs them all the same" in answer.last
    assert "reference-model" not in command("validate", "small", *OPTIONS).err


def test_a_study_without_all_scenarios_is_refused(command: Command, small: list[str]) -> None:
    answer = command("validate", "small", *CLOSED, *small)
    assert answer.code == 2
    assert answer.err.startswith("dse: --division: study 'small' has not measured multistream_late")


def test_a_rehearsal_returns_answers_and_passes(
    command: Command, here: Path, closed: tuple[str, ...]
) -> None:
    frontier = command.frontier("small")
    answer = command.good("validate", "small", "--rehearsal", *ONE, *closed)
    assert "every run is done: 4 rehearsed, 0 failed" in answer.err
    _, *rows, _ = answer.out.splitlines()
    assert [row.split()[7:9] for row in rows[2:]] == [["SingleStream", t] for t in MODES[2:]]
    assert command.frontier("small") == frontier
    outcomes = [*attributes(here / "studies/small/study.db", "outcome").values()][-4:]
    taken = [measurement for outcome in outcomes for measurement in outcome["measurements"]]
    assert [each["details"]["mode"] for each in taken] == [*MODES]
    assert [each["details"].get("closed") for each in taken] == [True, None, True, True]
    runs = here / "studies/small/runs"
    logs = [runs / each["run"] / each["details"]["mode"] for each in taken]
    for name, folder in zip(MODES[2:], logs[2:], strict=True):
        assert TESTS[name].wrong_settings(read_detail(folder)) == []
        told = (folder.parent / "audit.config").read_text()
        assert told == TESTS[name].audit_config
    found = read_responses(logs[2])
    assert found
    assert {*found.values()} == {*read_responses(logs[1]).values()} == {bytes(8)}
    assert read_responses(logs[3]) == {}


def test_answers_that_differ_end_it_at_once(
    command: Command, closed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model says label 0, and 999 while it is timed, which no image has."""

    def lying(spec: Spec, *arguments: Any, **options: Any) -> Outcome:
        outcome = runner.run_worker(spec, *arguments, **options)
        if spec.official is not None and spec.official.test:
            log = spec.folder / spec.official.mode / ACCURACY
            data = (999).to_bytes(8, "little").hex()
            entries = json.loads(log.read_text())
            log.write_text(json.dumps([{**each, "data": data} for each in entries]))
        return outcome

    monkeypatch.setattr(validator, "run_worker", lying)
    answer = command("validate", "small", "--rehearsal", *ONE, *closed)
    assert answer.code == 1
    assert "FAILED (invalid_run: TEST01 does not pass: answers logged: " in answer.err
    # The run that comes next is not taken.
    assert "ended, as a compliance run does not pass: 2 rehearsed, 1 failed" in answer.err
    assert answer.last.startswith("next: dse validate small ")


def test_what_was_run_for_the_open_division_is_not_all(
    command: Command, here: Path, closed: tuple[str, ...]
) -> None:
    def left(*options: str) -> str:
        return command.good("validate", "small", "--dry-run", *ONE, *closed, *options).out

    assert here.is_dir()
    details: dict[str, Any] = {"scenario": "SingleStream", "mean_ms": 1.0}
    remember("accuracy_percent", "valid", mode="accuracy", **details)
    remember(LATENCY, "valid", mode="performance", **details)
    assert "to do: 3 runs" in left()  # it did not return its answers
    remember(LATENCY, "valid", mode="performance", closed=True, **details)
    assert "to do: 2 runs" in left()
    remember(LATENCY, "compliance", mode="TEST01", closed=True, **details)
    assert "to do: 1 run," in left()
    remember(LATENCY, "compliance", mode="TEST04", closed=True, **details)
    assert "valid already: 4 runs\nto do: 0 runs\n" in left()
    open_ = (*OPTIONS, *ONE, "--anyway", "--dry-run")
    assert "to do: 0 runs" in command.good("validate", "small", *open_).out
    # The results of compliance runs are nobody's.
    study = Study.load(existing_folder("studies/small"))
    (record,) = study.frontier()
    known = record.outcome.measurement(LATENCY)
    assert known is not None
    assert (known.fidelity, known.details["repetitions"]) == ("valid", 2)

"""Which runs stand for a point, and what of them can be read."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.measurement import Outcome
from dse.core.metrics import LATENCY, Scenario
from dse.loadgen.logs import DETAIL
from dse.study.folder import StudyFolder
from dse.study.record import Purpose
from dse.study.study import Study
from dse.submission.evidence import gather, read_run
from dse.tasks.benchmark import Benchmark
from tests.submission.evidence import BOTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.core.measurement import FidelityName
    from dse.submission.evidence import Evidence
    from tests.submission.copies import Copy


def gathered(
    study: Copy, *fidelities: FidelityName, infer: bool = False
) -> dict[Scenario, Evidence]:
    """The results of the only point, by scenario."""
    opened = Study.load(StudyFolder(study.folder))
    (record,) = opened.frontier()
    scenarios = [Scenario.SINGLE_STREAM, Scenario.OFFLINE]
    found = gather(
        opened, record, scenarios, fidelities or ("valid",), infer=infer, benchmark=Benchmark.of()
    )
    return {result.scenario: result for result in found}


def again(study: Copy, value: float, name: str) -> None:
    """A further valid run of SingleStream, in a copy of the first one's folder."""
    opened = Study.load(StudyFolder(study.folder))
    (record,) = opened.frontier()
    known = record.outcome.measurement(LATENCY.name)
    assert known is not None
    shutil.copytree(study.folder / "runs" / known.run, study.folder / "runs" / name)
    trial = opened.begin(record.configuration, opened.choices_of(record), Purpose.VALIDATE)
    measurement = replace(known, value=value, run=name, interval=None)
    opened.keep(trial, measurement)
    opened.finish(trial, Outcome((measurement,)))


def test_runs_are_found_by_scenario_and_mode(copied: Callable[[str], Copy]) -> None:
    study = copied("full")
    for scenario, result in gathered(study).items():
        for run, mode in ((result.performance, "performance"), (result.accuracy, "accuracy")):
            assert run is not None
            assert run.folder == study.folder / "runs" / f"{scenario}-{mode}"
            assert run.logs == run.folder / mode
            assert run.damage == ()
            assert run.log is not None
            assert run.spec is not None
            assert run.spec.official is not None
            assert run.user_conf == run.spec.official.user_conf
            assert (run.noted.mode, run.noted.model_data) == (mode, None)
        assert not result.inferred


def test_the_last_run_that_is_whole_counts(copied: Callable[[str], Copy]) -> None:
    study = copied("full")
    again(study, 0.6, "second")
    again(study, 0.7, "third")

    def counts() -> tuple[str, bool]:
        run = gathered(study)[Scenario.SINGLE_STREAM].performance
        assert run is not None
        return run.folder.name, bool(run.damage)

    assert counts() == ("third", False)
    (study.folder / "runs/third/performance" / DETAIL).unlink()
    assert counts() == ("second", False)
    shutil.rmtree(study.folder / "runs/second")
    assert counts() == ("SingleStream-performance", False)
    (study.folder / "runs/SingleStream-performance/spec.json").write_text("{}")
    assert counts() == ("third", True)  # none is whole, so the last one is told of


def test_fidelities_count_in_their_order(copied: Callable[[str], Copy]) -> None:
    study = copied("single")
    study.measurement("performance", fidelity="rehearsal")
    assert gathered(study)[Scenario.SINGLE_STREAM].performance is None
    run = gathered(study, "valid", "rehearsal")[Scenario.SINGLE_STREAM].performance
    assert run is not None
    assert run.measurement.fidelity == "rehearsal"
    study = copied("full")
    run = gathered(study, "rehearsal", "valid")[Scenario.SINGLE_STREAM].performance
    assert run is not None
    assert run.measurement.fidelity == "valid"


def test_what_may_be_inferred(copied: Callable[[str], Copy]) -> None:
    found = gathered(copied("full"), infer=True)
    assert {scenario: result.ran for scenario, result in found.items()} == {
        **{scenario: scenario for scenario in BOTH},
        Scenario.MULTI_STREAM: Scenario.SINGLE_STREAM,
    }
    found = gathered(copied("single"), infer=True)
    assert {result.ran for result in found.values()} == {Scenario.SINGLE_STREAM}
    assert [result.inferred for result in found.values()] == [False, True, True]
    found = gathered(copied("offline"), infer=True)  # which stands for nothing else
    assert list(found) == [*BOTH]
    assert found[Scenario.SINGLE_STREAM].performance is None


def test_all_that_can_not_be_read_is_told(copied: Callable[[str], Copy]) -> None:
    study = copied("single")
    whole = gathered(study)[Scenario.SINGLE_STREAM].performance
    assert whole is not None
    shutil.rmtree(whole.folder)
    run = read_run(whole.measurement, whole.folder)
    assert (run.log, run.spec, run.user_conf, run.summary) == (None, None, "", "")
    assert len(run.damage) == 3
    assert all(str(whole.folder) in line for line in run.damage)

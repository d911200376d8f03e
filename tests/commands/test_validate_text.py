"""What ``dse validate`` says of its runs fits 80 columns, whatever the names and the reasons."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dse.commands._validate_text import Progress, schedule_lines
from dse.commands.console import PLAIN_WIDTH
from dse.core.configuration import Configuration
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.core.metrics import LATENCY, METRICS_OF, THROUGHPUT, Scenario
from dse.measure.spec import MetricRequest, Official
from dse.study.record import Record
from dse.validate.schedule import Refused, Schedule, ScheduledRun

LONG = Configuration(
    "mobilenet-v3-large-minimalistic-of-somebody", "int8", "onnxruntime", 16, 128, instances=4
)
RECORD = Record(1234, LONG, Outcome())
REASON = "LoadGen ran out of queries: they took 1.234 ms where user.conf had it expect 26.5 ms"


def scheduled(scenario: Scenario, *, accuracy: bool = False) -> ScheduledRun:
    official = Official(scenario, accuracy, 1234.5)
    return ScheduledRun(RECORD, official, MetricRequest(METRICS_OF[scenario], "key"), 0, 603.0)


def shown(width: int) -> list[str]:
    """The lines of two runs: one that is tried again and is disturbed, and one that fails."""
    first, second = scheduled(Scenario.SINGLE_STREAM), scheduled(Scenario.OFFLINE)
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    progress = Progress(console, Schedule([first, second], (), 0), lambda _: ())
    details = {"disturbed": "other load of 99 %"}
    value = Measurement(LATENCY.name, 0.558, "key", Source.MEASURED, "valid", details=details)
    failure = Failure(FailureKind.CRASH, "something went wrong " * 9)
    progress.began(first)
    progress.invalid(first, REASON, 1.234)
    progress.ended(first, Outcome((value,)), 604.2)
    progress.began(second)
    progress.ended(second, Outcome((), failure), 3.0)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [64, 80, PLAIN_WIDTH])
def test_lines_fit_and_a_run_is_told_in_short(width: int) -> None:
    lines = shown(width)
    assert max(map(len, lines)) <= min(80, width)
    assert lines[0] == "run 1 of 2: #1234 SingleStream performance, about 20 min left"
    assert "  VALID: 0.558 ms (10 min); disturbed: other load of 99 %" in lines
    assert "run 2 of 2: #1234 Offline performance, about 10 min left" in lines
    text = " ".join(" ".join(lines).split())
    assert f"INVALID: {REASON}; again, expecting 1.234 ms" in text
    assert "FAILED (crash: something went wrong" in text
    assert LONG.model not in text  # the table before the runs has it


def test_what_can_not_be_run_is_told_whole_in_lines_that_fit() -> None:
    refused = Refused(RECORD, Scenario.OFFLINE, f"{THROUGHPUT.name} was never measured " * 3)
    lines = schedule_lines(Schedule([], [refused], 2))
    assert max(map(len, lines)) <= 80
    assert lines[-2:] == ["valid already: 2 runs", "to do: 0 runs"]
    text = " ".join(" ".join(lines).split())
    assert text.startswith(f"can't be run: #1234 {LONG}, Offline: {THROUGHPUT.name} was never")

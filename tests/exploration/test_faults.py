"""Each way in which a run can fail: one stored failure, and the study goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commandline import none_left
from tests.replays import failures, write_space

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


@pytest.mark.parametrize(
    ("objective", "instances"),
    [
        pytest.param("latency_p90_ms", 1, marks=pytest.mark.long),
        ("throughput_samples_per_s", 2),
        pytest.param("multistream_latency_p99_ms", 2, marks=pytest.mark.long),
    ],
)
def test_each_fault_is_one_failure_and_the_study_goes_on(
    objective: str, instances: int, command: Command, here: Path
) -> None:
    faults = ["refuse", "raise", "segfault", "eat_memory", "none"]
    fields = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": [objective]}
    backends = {"null": {"fault": faults, "delay_ms": 0.1}}
    space = write_space(here, backends=backends, instances=instances, **fields)
    answer = command.good(
        "explore", "--settle", 0, space, "--sampler", "grid", "--memory-limit", "1GiB"
    )
    assert none_left(here)
    assert command.counts("space") == (1, 4, 0, 1)
    stored = {f["configuration"]["fault"]: f for f in failures(here / "studies/space/study.db")}
    assert {fault: failure["kind"] for fault, failure in stored.items()} == {
        "refuse": "unsupported",
        "raise": "crash",
        "segfault": "crash",
        "eat_memory": "out_of_memory",
    }
    assert {fault: failure["attempts"] for fault, failure in stored.items()} == {
        "refuse": 1,
        "raise": 2,
        "segfault": 2,
        "eat_memory": 2,
    }
    assert "refused, as asked for" in stored["refuse"]["message"]
    assert "RuntimeError: raised, as asked for" in stored["raise"]["message"]
    assert "SIGSEGV" in stored["segfault"]["message"]
    for fault, words in {
        "refuse": "UnsupportedError: refused, as asked for",
        "raise": "RuntimeError: raised, as asked for",
        "segfault": "Segmentation fault",
        "eat_memory": "MemoryError",
    }.items():
        assert words in stored[fault]["stderr_tail"]
    for kind in ("unsupported", "crash", "out_of_memory"):
        assert f"FAILED ({kind}: " in answer.err
    shown = command.good("status", "space").out
    assert "failures, crash: 2" in shown
    assert "1 x refused, as asked for (such as #0 a fp32, null, " in shown
    (point,) = command.frontier("space")["points"]
    assert point["configuration"]["fault"] == "none"


def test_faults_of_a_server_run(command: Command, here: Path) -> None:
    """Without a healthy one: whether that keeps the bound depends on how busy the machine is."""
    objectives = ["server_throughput_samples_per_s"]
    fields = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": objectives}
    backends = {"null": {"fault": ["raise", "segfault"], "delay_ms": 0.5}}
    space = write_space(here, backends=backends, instances=2, **fields)
    assert (
        command("explore", "--settle", 0, space, "--sampler", "grid").code == 1
    )  # nothing was measured
    assert none_left(here)
    raised, killed = failures(here / "studies/space/study.db")
    assert (raised["kind"], killed["kind"]) == ("crash", "crash")
    assert "RuntimeError: raised, as asked for" in raised["message"]
    assert "SIGSEGV" in killed["message"]


@pytest.mark.parametrize(
    ("objective", "instances"),
    [
        pytest.param("latency_p90_ms", 1, marks=pytest.mark.long),
        ("throughput_samples_per_s", 2),
    ],
)
def test_a_run_that_hangs_is_ended_and_the_study_goes_on(
    objective: str, instances: int, command: Command, here: Path
) -> None:
    fields = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": [objective]}
    backends = {"null": {"fault": ["hang", "refuse"]}}
    space = write_space(here, backends=backends, instances=instances, **fields)
    answer = command("explore", "--settle", 0, space, "--sampler", "grid", "--run-timeout", "3s")
    assert none_left(here)
    assert answer.code == 1  # nothing was measured
    hung, refused = failures(here / "studies/space/study.db")
    assert (hung["kind"], hung["message"]) == ("timeout", "no answer within 3 s")
    assert hung["attempts"] == 2
    assert refused["kind"] == "unsupported"
    assert command.status("space")["failures"] == {"timeout": 1, "unsupported": 1}


def test_a_memory_limit_that_not_even_a_start_keeps_to(command: Command, here: Path) -> None:
    fields = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": ["latency_p90_ms"]}
    space = write_space(here, backends=["null"], **fields)
    assert command("explore", "--settle", 0, space, "--memory-limit", "1MiB").code == 1
    (failure,) = failures(here / "studies/space/study.db")
    assert failure["kind"] in ("out_of_memory", "crash")
    assert none_left(here)

"""Exports through the command line, and what a tree of one point has to hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.commandline import Answer, Command

SYSTEM = "Test-Board-1_dse-cpu_litert-2.3.0_threads-1_batch-1_instances-1"
MODEL = "mobilenet-v1-0.25-128-int8"
ROOT = Path("tree/open/Org")
RESULT = [
    "README.md",
    "accuracy/accuracy.txt",
    "accuracy/mlperf_log_accuracy.json",
    "accuracy/mlperf_log_detail.txt",
    "accuracy/mlperf_log_summary.txt",
    "measurements.json",
    "performance/run_1/mlperf_log_detail.txt",
    "performance/run_1/mlperf_log_summary.txt",
    "user.conf",
]


def listing(*scenarios: str, system: str = SYSTEM, model: str = MODEL) -> list[str]:
    """Every file of a tree of one point."""
    return sorted(
        [
            "open/Org/documentation/calibration.md",
            "open/Org/model_mapping.json",
            *(
                f"open/Org/results/{system}/{model}/{scenario}/{name}"
                for scenario in scenarios
                for name in RESULT
            ),
            f"open/Org/src/{model}/README.md",
            f"open/Org/src/{model}/{system}/README.md",
            f"open/Org/src/{model}/{system}/models.yaml",
            f"open/Org/src/{model}/{system}/space.yaml",
            f"open/Org/systems/{system}.json",
        ]
    )


def export(command: Command, study: str, *arguments: object, to: str = "tree") -> Answer:
    options = ("--submitter", "Org", "--output", to, "--system", "system.yaml")
    return command("export", study, *options, *arguments)


def exported(command: Command, study: str, *arguments: object, to: str = "tree") -> str:
    """What an export that has to succeed says."""
    answer = export(command, study, *arguments, to=to)
    assert (answer.code, answer.out) == (0, ""), answer
    return answer.err


def result(scenario: str) -> Path:
    return ROOT / "results" / SYSTEM / MODEL / scenario

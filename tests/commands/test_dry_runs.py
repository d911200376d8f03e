"""Dry runs as JSON: the runs of a validation, and what an export lacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dse.core.wording import WIDTH
from tests.commandline import command, here, tmp_path
from tests.replays import write_space
from tests.submission.conftest import copied, data, kept
from tests.validate.conftest import IMAGES, OPTIONS, explored, small, write_inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commandline import Command
    from tests.submission.copies import Copy

__all__ = ["command", "copied", "data", "explored", "here", "kept", "small", "tmp_path"]

EXPORT = ("--submitter", "Org", "--output", "tree")


def test_the_runs_of_a_validation(command: Command, small: list[str]) -> None:
    answer = command.good("validate", "small", "--dry-run", "--json", *small)
    found = json.loads(answer.out)
    (point,) = found["points"]
    assert (point["id"], point["configuration"]["model"]) == (0, "m")
    (breach,) = point["breaches"]
    assert breach == {
        "rule": "accuracy-samples",
        "message": f"the data set has {IMAGES} images, not 50000",
        "remedy": "explore with the whole data set",
    }
    modes = [(run["point"], run["scenario"], run["mode"], run["unit"]) for run in found["runs"]]
    assert modes == [
        (0, scenario, mode, unit)
        for scenario, unit in (("SingleStream", "ms"), ("Offline", "samples/s"))
        for mode in ("performance", "accuracy")
    ]
    assert found["seconds"] == sum(run["seconds"] for run in found["runs"])
    assert (found["left_out"], found["refused"], found["valid"]) == ([], [], 0)
    assert answer.last == f"next: dse validate small {' '.join(small)} --rehearsal"


def test_runs_that_can_t_be_taken(command: Command, small: list[str]) -> None:
    little = ("--memory-limit", "1MiB")
    answer = command("validate", "small", "--dry-run", "--json", *small, *little)
    assert answer.code == 1
    found = json.loads(answer.out)
    assert {(each["point"], each["scenario"]) for each in found["refused"]} == {
        (0, "SingleStream"),
        (0, "Offline"),
    }
    assert all(each["reason"] for each in found["refused"])


def test_what_an_export_lacks(command: Command, copied: Callable[[str], Copy], here: Path) -> None:
    copied("full")
    answer = command("export", "full", *EXPORT, "--dry-run", "--json")
    assert answer.code == 1
    found = json.loads(answer.out)
    assert [(each["point"], each["scenario"]) for each in found["results"]] == [
        (0, "SingleStream"),
        (0, "Offline"),
    ]
    assert all(each["exportable"] and not each["breaches"] for each in found["results"])
    assert {"status", "retraining"} < set(found["missing"])
    repeated = f"dse export full {' '.join(EXPORT)} --dry-run --system system.yaml"
    assert (found["tree"], found["next"]) == ("tree", [repeated])
    told = ("--system", "system.yaml")
    answer = command.good("export", "full", *EXPORT, *told, "--dry-run", "--json")
    found = json.loads(answer.out)
    assert found["missing"] == []
    assert found["next"] == [f"dse export full {' '.join((*EXPORT, *told))}"]
    assert not (here / "tree").exists()


def test_a_preview_says_what_is_expected_of_it(
    command: Command, copied: Callable[[str], Copy]
) -> None:
    copied("full").folder.joinpath("runs/Offline-performance/user.conf").write_text("other\n")
    answer = command("export", "full", *EXPORT, "--dry-run", "--json", "--preview")
    offline = json.loads(answer.out)["results"][1]
    assert not offline["exportable"]
    (breach,) = offline["breaches"]
    assert (breach["rule"], breach["expected"]) == ("user-conf", False)


NULL = {"models": ["m"], "backends": {"null": {"delay_ms": 1.0}}, "threads": [1, 2]}


def test_what_an_exploration_takes_and_what_its_time_leaves_out(
    command: Command, here: Path
) -> None:
    timed = ["latency_p90_ms", "throughput_samples_per_s"]
    space = write_space(here, "timed", **NULL, batch_sizes=[1, 4], objectives=timed)
    told = command.good("explore", space, "--dry-run", "--timeout", "2h").out.splitlines()
    assert told[1].startswith("time: at least ")
    assert told[1].endswith(" for 4 configurations: 6 runs of a second or more")
    assert told[2:5] == [
        "      and 4 starts of a worker, 0.3 s or more each",
        "      not counted: making model files, slow models and runtimes",
        "      nothing begins after 2 h (--timeout); what is in hand is finished",
    ]


def test_accuracy_runs_are_named_with_their_samples(command: Command, here: Path) -> None:
    write_inputs(here)
    objectives = ["accuracy_percent", "latency_p90_ms"]
    space = write_space(here, **NULL, batch_sizes=1, objectives=objectives)
    told = command.good("explore", space, "--dry-run", *OPTIONS).out.splitlines()
    assert told[3:5] == [
        f"      not counted: up to 1 accuracy run of {IMAGES} images each,",
        "        making model files for runtimes and precisions, slow models and runtimes",
    ]
    assert max(map(len, told[:6])) <= WIDTH


@pytest.mark.parametrize("name", ["validate", "export"])
def test_only_a_dry_run_is_json(command: Command, name: str) -> None:
    answer = command(name, "none", *(EXPORT if name == "export" else ()), "--json")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "dse: --json: only a dry run has it; add --dry-run\n"

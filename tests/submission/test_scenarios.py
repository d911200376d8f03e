"""The scenarios of an export: of a category, measured or inferred, and of several studies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from dse.loadgen.logs import DETAIL
from tests.submission.exports import MODEL, RESULT, ROOT, SYSTEM, export, exported, listing, result
from tests.submission.trees import contents

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.commandline import Command
    from tests.submission.copies import Copy


def test_a_datacenter(command: Command, copied: Callable[[str], Copy]) -> None:
    copied("server")
    answer = export(command, "server")
    assert answer.code == 2
    assert (
        "--category: study 'server' has no objective of a scenario of this category; edge has "
        in (answer.err)
    )
    answer = export(command, "server", "--category", "datacenter", "--infer-scenarios")
    assert answer.code == 2
    assert "--infer-scenarios: results are inferred for edge systems only" in answer.err
    exported(command, "server", "--category", "datacenter")
    assert [path.name for path in (ROOT / "results" / SYSTEM / MODEL).iterdir()] == ["Server"]
    system = json.loads((ROOT / f"systems/{SYSTEM}.json").read_text())
    assert system["system_type"] == "datacenter"
    copied("offline")
    exported(command, "offline", "--category", "datacenter", to="other")
    assert not (
        Path("other") / ROOT.relative_to("tree") / "results" / SYSTEM / MODEL / "Server"
    ).exists()


def test_scenarios_are_inferred_where_they_were_not_measured(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("single")
    said = exported(command, "single", "--infer-scenarios")
    assert said.startswith("3 results of 1 point")
    assert sorted(contents(here / "tree")) == listing("MultiStream", "Offline", "SingleStream")
    for name in RESULT:
        source = (result("SingleStream") / name).read_bytes()
        for scenario in ("MultiStream", "Offline"):
            copy = (result(scenario) / name).read_bytes()
            assert (copy == source) is (name != "README.md")
    assert (
        "**Inferred**: Offline was not measured. The runs are those of SingleStream"
        in (result("Offline") / "README.md").read_text()
    )
    assert "Inferred" not in (result("SingleStream") / "README.md").read_text()
    table = export(command, "single", "--infer-scenarios", "--dry-run").out
    assert "MultiStream from SingleStream" in table


def test_a_measured_scenario_wins(command: Command, copied: Callable[[str], Copy]) -> None:
    copied("full")
    assert exported(command, "full", "--infer-scenarios").startswith("3 results of 1 point")
    assert "Inferred" in (result("MultiStream") / "README.md").read_text()
    assert "Inferred" not in (result("Offline") / "README.md").read_text()
    detail = (result("Offline") / "performance/run_1" / DETAIL).read_text()
    assert '"key": "effective_scenario", "value": "Offline"' in detail


def test_nothing_is_inferred_from_what_is_wrong(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("single").log(result_validity="INVALID")
    answer = export(command, "single", "--infer-scenarios")
    assert answer.code == 2
    assert "#0 SingleStream: validity: " in answer.err
    assert not (here / "tree").exists()
    table = export(command, "single", "--infer-scenarios", "--dry-run")
    # And nothing that `dse validate` can do.
    assert table.err == "to export: nothing; lacking: 3 results\n"


def test_multi_stream_is_inferred_from_an_estimate_that_there_is(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("single").log(early_stopping_latency_ms=0)
    said = exported(command, "single", "--infer-scenarios").splitlines()
    assert said[0].startswith("left out: #0 MultiStream: queries: early_stopping_latency_ms is 0")
    assert sorted(contents(here / "tree")) == listing("Offline", "SingleStream")


def test_studies_of_several_systems_join(
    command: Command, copied: Callable[[str], Copy], here: Path
) -> None:
    copied("full")
    copied("single")
    exported(command, "full")
    said = exported(command, "single", "--system-name", "Board 2")
    assert "13 files new, 3 unchanged, 0 replaced" in said
    names = [path.name for path in sorted((ROOT / "systems").iterdir())]
    assert names == [f"{SYSTEM.replace('Test-Board-1', 'Board-2')}.json", f"{SYSTEM}.json"]
    answer = export(command, "full", "--submitter", "Other")
    assert answer.code == 2
    assert "--output: tree is of another submitter, Org; give another folder" in answer.err
    assert not (here / "tree/open/Other").exists()

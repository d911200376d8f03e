"""``dse bundle`` and ``dse merge``: from one machine to a comparison on another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dse.study.folder import StudyFolder
from tests.bundles.studies import explored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


def test_three_commands_lead_to_a_comparison(command: Command, here: Path) -> None:
    for name in ("one", "two"):
        explored(here / "studies" / name, 8, machine=name)
        answer = command.good("bundle", name)
        assert answer.out.startswith(f"{name}.bundle: 8 trials on ")
        assert answer.last == f"next: on another machine: dse merge {name}.bundle"
    answer = command.good("merge", "one.bundle", "two.bundle")
    first, second = answer.out.splitlines()
    assert first.startswith("one@")
    assert second.endswith(": 8 new trials, 0 known before")
    compared = answer.last.removeprefix("next: dse ").split()
    assert compared[0] == "compare"
    assert command.good(*compared).out
    assert command.good("merge", "one.bundle").out.endswith(": 0 new trials, 8 known before\n")


def test_a_bundle_stands_wherever_results_are_named(command: Command, here: Path) -> None:
    explored(here / "studies" / "one", None)
    command.good("bundle", "one", "-o", "b.bundle")
    assert "one" in command.good("compare", "b.bundle").out
    assert command.good("import", "b.bundle").out.startswith("studies/b/imported.json: 1 system")
    (study,) = [
        each
        for each in json.loads(command.good("studies", "--json").out)["studies"]
        if each["name"] == "b"
    ]
    assert study["kind"] == "import"


def test_bundles_of_one_study_go_into_the_named_one(command: Command, here: Path) -> None:
    for name in ("one", "two"):
        explored(here / "studies" / name, 4, seed=ord(name[0]), machine=name)
        command.good("bundle", name)
    assert command.good("merge", "one.bundle", "two.bundle", "--study", "both").out == (
        "both: 8 new trials, 0 known before\n"
    )
    assert StudyFolder(here / "studies" / "both").begun


def test_nothing_is_written_where_one_file_is_wrong(command: Command, here: Path) -> None:
    explored(here / "studies" / "one")
    command.good("bundle", "one")
    (here / "two.bundle").write_bytes((here / "one.bundle").read_bytes()[:-30])
    answer = command("merge", "one.bundle", "two.bundle")
    assert answer.code == 2
    assert answer.err.startswith("dse: two.bundle: is incomplete")
    assert sorted(each.name for each in (here / "studies").iterdir()) == ["one"]

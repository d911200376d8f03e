"""``dse studies``, and what a shell offers while a command is typed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from dse.cli import dse
from dse.cli.completion import complete_study
from tests.replays import write_space

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


def test_studies_are_listed(command: Command, kept: Path) -> None:
    answer = command.good("studies")
    first, second = answer.out.splitlines()
    assert first.startswith("kept: 4 measured, 0 failed, 0 left, changed ")
    assert second.startswith("  image-classification on ")
    assert answer.last == "next: dse frontier kept"
    (found,) = json.loads(command.good("studies", "--json").out)["studies"]
    assert (found["name"], found["kind"], found["problem"]) == ("kept", "study", None)
    assert found["configurations"] == {"measured": 4, "failed": 0, "remaining": 0}
    (kept / "study.db").write_bytes(b"no database" * 1000)
    assert command.good("studies").out.startswith("kept: can't be read: ")


def test_no_study_is_said(command: Command, here: Path) -> None:
    assert here.is_dir()
    answer = command.good("studies")
    assert answer.out == "there is no study and no import in studies/\n"
    assert answer.last == "next: dse explore quickstart"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("frontier k", {"plain,kept"}),
        ("pick ", {"plain,kept"}),
        ("show x", {"dir,x"}),
        ("explore own", {"plain,own-models"}),
        ("explore ke", {"file,ke"}),
        ("pick kept --maximize thr", {"plain,throughput", "plain,throughput_samples_per_s"}),
        ("frontier kept --objective acc", {"plain,accuracy_percent:maximize"}),
    ],
)
def test_a_shell_is_offered_names(kept: Path, words: str, expected: set[str]) -> None:
    given = ["dse", *words.split(" ")]
    variables = {
        "_DSE_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(given),
        "COMP_CWORD": str(len(given) - 1),
    }
    code = "from dse.cli import dse; dse(prog_name='dse')"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        cwd=kept.parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert expected <= set(shown.stdout.split())
    assert shown.stderr == ""


def test_quiet_leaves_results_and_errors(command: Command, here: Path, kept: Path) -> None:
    space = write_space(here, "kept", batch_sizes=1)
    loud = command.good("explore", space, "--study", kept)
    quiet = command.good("-q", "explore", space, "--study", kept)
    assert loud.err != ""
    assert (quiet.err, quiet.out) == ("", loud.out)
    assert command.good("-q", "frontier", "kept").err == ""
    assert command("-q", "frontier", "nothing").err.startswith("dse: no study at ")
    both = command("-q", "-v", "studies")
    assert (both.code, both.last) == (
        2,
        "dse: --quiet and --verbose exclude each other; give one of them",
    )
    assert "It goes before the command: dse -q" in command("studies", "-q").err


def test_a_dry_run_begins_nothing(command: Command, here: Path, kept: Path) -> None:
    new = write_space(here, "new", batch_sizes=1)
    answer = command.good("explore", new, "--dry-run")
    assert answer.out.splitlines()[0] == "study 'new': 4 configurations, new"
    assert "then rounds, for at most as long as exploring took (--settle)" in answer.out
    assert not (here / "studies" / "new").exists()
    before = sorted(path.stat().st_mtime_ns for path in kept.rglob("*"))
    space = here / "kept.yaml"
    known = command.good("explore", space, "--study", kept, "--dry-run", "--settle", "0").out
    assert known.splitlines()[0] == "study 'kept': 4 configurations, 4 done, 0 left"
    assert "rounds" not in known
    assert sorted(path.stat().st_mtime_ns for path in kept.rglob("*")) == before


HOSTILE = ("q$(touch pwned)", "-rf", "sp ace", "two\nlines", "\x1b[31m", "\udcff\udcfe")
"""Names of folders that no study has, and that a shell would not take as they are."""


def test_a_folder_that_no_study_can_be_called_is_offered_nowhere(
    command: Command, here: Path, kept: Path
) -> None:
    for name in HOSTILE:
        shutil.copytree(kept, kept.parent / name)
    answer = command.good("studies")
    assert [line.split(":")[0] for line in answer.out.splitlines()[::2]] == ["kept"]
    offered = complete_study(click.Context(dse), click.Option(["--x"]), "")
    assert [item.value for item in offered] == ["kept"]
    assert here.is_dir()


@pytest.mark.parametrize("name", ["storage.url", "inputs.json"])
def test_what_is_no_file_is_not_waited_for(command: Command, kept: Path, name: str) -> None:
    os.mkfifo(kept / name)
    command.good("studies")
    answer = command("explore", "kept.yaml", "--dry-run")
    assert (answer.code, len(answer.err.splitlines())) == (2, 1)
    assert name in answer.err


def test_a_url_that_can_not_be_read_is_said_of_one_study(command: Command, kept: Path) -> None:
    (kept / "storage.url").write_bytes(b"\xff\xfe\n")
    assert "does not hold the URL of a storage" in command.good("studies").out
    answer = command("frontier", "kept")
    assert (answer.code, "storage.url" in answer.last) == (2, True)

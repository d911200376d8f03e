"""Readers of the output that go away, and places that take none of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commandline import PATIENCE_S, start_python
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from tests.commandline import Command

COMMANDS = [["frontier", "space"], ["explore", "space.yaml"]]
FURTHER = [
    ["frontier", "space", "--csv"],
    ["status", "space", "--json"],
    ["explore", "--help"],
]
SOME = pytest.mark.parametrize(
    "commands", [COMMANDS, pytest.param(FURTHER, marks=pytest.mark.long)], ids=["few", "further"]
)


@pytest.fixture
def study(command: Command, here: Path) -> None:
    write_table(here)
    command.good("explore", write_space(here, batch_sizes=1), "--n-trials", 2)


@SOME
@pytest.mark.usefixtures("study")
def test_a_reader_that_goes_away_is_no_error(commands: list[list[str]]) -> None:
    """As with ``dse frontier STUDY | head -1``."""
    for arguments in commands:
        reader, writer = os.pipe()
        os.close(reader)
        with start_python(*arguments, stdout=writer) as process:
            os.close(writer)
            _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, (arguments, err)
        assert not {"Traceback", "Exception", "dse: "} & set(err.replace(":", ": ").split(" "))


@SOME
@pytest.mark.usefixtures("study")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_stdout_is_one_line(commands: list[list[str]]) -> None:
    for arguments in commands:
        with Path("/dev/full").open("w") as full, start_python(*arguments, stdout=full) as process:
            _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1, (arguments, err)
        assert err.splitlines()[-1] == "dse: No space left on device"
        assert "Traceback" not in err
        assert "Exception" not in err


def test_a_study_goes_on_though_nobody_reads_its_progress(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here, batch_sizes=1)
    reader, writer = os.pipe()
    os.close(reader)
    with start_python("explore", space, stderr=writer) as process:
        os.close(writer)
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert command.counts("space") == (4, 0, 0, 12)
    assert "samples/s" in out

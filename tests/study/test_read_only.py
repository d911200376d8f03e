"""A study on a disk that can't be written is read all the same."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.replays import outcomes, write_space, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commandline import Command


@pytest.fixture
def read_only(command: Command, here: Path) -> Iterator[Path]:
    """The folder of a study, mounted so that nobody can write into it, not even root."""
    write_table(here)
    command.good("explore", write_space(here, threads=1), "--study", "s", "--n-trials", 3)
    folder = here / "studies" / "s"
    mounts = [["--bind", str(folder), str(folder)], ["-o", "remount,ro,bind", str(folder)]]
    if shutil.which("mount") is None or any(
        subprocess.run(["mount", *mount], capture_output=True).returncode for mount in mounts
    ):
        folder.chmod(0o555)
        (folder / "study.db").chmod(0o444)
    try:
        try:
            (folder / "probe").touch()
        except OSError:
            yield folder
        else:
            pytest.skip("this user may mount nothing, and write anywhere")
    finally:
        # Lazily: a test that failed may have left a file open in it.
        if subprocess.run(["umount", "--lazy", folder], capture_output=True).returncode:
            folder.chmod(0o755)


def test_a_study_is_read_and_not_explored(command: Command, read_only: Path) -> None:
    before = outcomes(read_only / "study.db")
    assert command.counts("s") == (3, 0, 1, 9)
    assert len(command.frontier("s")["points"]) > 0
    assert command.good("frontier", "s", "--csv").out.startswith("id,model,")
    shown = command.good("frontier", "s")
    assert "samples/s" in shown.out
    assert shown.last.startswith("next: dse pick s ")
    refused = command("explore", "space.yaml", "--study", "s")
    assert refused.code == 2
    assert refused.err.startswith("dse: studies/s: the study folder can't be written: ")
    assert len(refused.err.splitlines()) == 1
    assert outcomes(read_only / "study.db") == before

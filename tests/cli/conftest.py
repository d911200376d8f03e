"""The command line in a folder of its own, and a study that must not be harmed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from dse.cli import run
from tests.commandline import command, here, tmp_path
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command", "here", "tmp_path"]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the finished study ``kept`` of ``kept.yaml``, to be copied."""
    folder = tmp_path_factory.mktemp("finished")
    write_table(folder)
    space = write_space(folder, "kept", batch_sizes=1)
    assert run(["explore", str(space), "--study", str(folder / "studies" / "kept")]) == 0
    return folder


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study ``mine`` of everything in the default table, to be copied."""
    folder = tmp_path_factory.mktemp("recorded")
    write_table(folder)
    space = write_space(folder, "mine")
    assert run(["explore", str(space), "--study", str(folder / "studies" / "mine")]) == 0
    return folder


@pytest.fixture
def kept(finished: Path, here: Path) -> Path:
    """The study ``kept``, with its space, in the working folder."""
    shutil.copytree(finished, here, dirs_exist_ok=True)
    return here / "studies" / "kept"

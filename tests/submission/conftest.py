"""Studies with runs by MLPerf's rules, to be copied, in the working folder of a command line."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from dse.core.metrics import Scenario
from tests.commandline import command, folder_in_memory, here, tmp_path
from tests.submission.copies import Copy, as_server
from tests.submission.evidence import BOTH, TOLD, Data, write_study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["command", "here", "tmp_path"]

NAMES = {
    "full": BOTH,
    "single": (Scenario.SINGLE_STREAM,),
    "offline": (Scenario.OFFLINE,),
    "server": (Scenario.SERVER,),
}


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the studies that `copied` copies."""
    with folder_in_memory(tmp_path_factory) as folder:
        yield folder


@pytest.fixture(scope="session")
def data(kept: Path) -> Data:
    """Labels and the accuracy log."""
    made = Data(kept)
    made.make()
    return made


@pytest.fixture
def copied(data: Data, here: Path) -> Callable[[str], Copy]:
    """Copies a study of `NAMES` into the working folder, with a system.yaml that says all."""

    def copy(name: str) -> Copy:
        made = data.folder / "studies" / name
        if not made.exists():
            write_study(made, data, NAMES[name])
            if name == "server":
                as_server(Copy(made))
        (here / "system.yaml").write_text(TOLD)
        return Copy(shutil.copytree(made, here / "studies" / name))

    return copy

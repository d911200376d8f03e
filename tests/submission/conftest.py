"""Studies with runs by MLPerf's rules, to be copied, in the working folder of a command line."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from dse.types import Scenario
from tests.commandline import command, here, tmp_path
from tests.submission.evidence import TOLD, VALUES, Copy, Data, write_study

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["command", "here", "tmp_path"]

NAMES = {
    "full": (Scenario.SINGLE_STREAM, Scenario.OFFLINE),
    "single": (Scenario.SINGLE_STREAM,),
    "offline": (Scenario.OFFLINE,),
    "server": (Scenario.SERVER,),
}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Labels and the accuracy log."""
    made = Data(tmp_path_factory.mktemp("data"))
    made.make()
    return made


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory, data: Data) -> Path:
    """A folder with a complete study of each name in `NAMES`."""
    folder = tmp_path_factory.mktemp("studies")
    for name, scenarios in NAMES.items():
        write_study(folder / name, data, scenarios)
    _serve(Copy(folder / "server"))
    return folder


def _serve(study: Copy) -> None:
    """LoadGen's log of a Server run differs in these lines from that of SingleStream."""
    study.log("accuracy", effective_scenario="Server")
    study.log(
        **{
            "effective_scenario": "Server",
            "effective_target_latency_ns": 15_000_000,
            "result_completed_samples_per_sec": VALUES[Scenario.SERVER],
        }
    )


@pytest.fixture
def copied(studies: Path, here: Path) -> Callable[[str], Copy]:
    """Copies a study into the working folder, with a system.yaml that says all of its system."""

    def copy(name: str) -> Copy:
        (here / "system.yaml").write_text(TOLD)
        return Copy(shutil.copytree(studies / name, here / "studies" / name))

    return copy

"""What an exploration makes of what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.study.folder import existing_folder
from dse.study.study import Study
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


def test_a_tie_belongs_to_the_study(command: Command, here: Path) -> None:
    write_table(here)
    words = ("explore", write_space(here, models="a", threads=1, batch_sizes=1), "--settle", 0)
    for given, stored in (((), 2.0), (("--tie", 5), 5.0), ((), 5.0), (("--tie", 2), 2.0)):
        command.good(*words, *given)
        assert Study.load(existing_folder("studies/space")).about.tie_percent == stored

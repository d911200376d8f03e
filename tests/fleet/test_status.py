from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.fleet.folder import FleetFolder
from dse.fleet.status import CpuStatus, FleetStatus, NodeStatus, State

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

NODES = (
    NodeStatus("a-1", State.EXPLORING, "a CPU", "f" * 12, "1.0", {"null": "1"}, "", "t1", "t2", 3),
    NodeStatus("b-2", State.REFUSED, why="it has dse 0; install the same", warnings=("SMT: on",)),
)
CPUS = (CpuStatus(f"mine@{'f' * 12}", "a CPU", "f" * 12, 9, 3, 2, settled=True),)


def test_it_is_shown_as_it_was_written(command: Command, here: Path) -> None:
    folder = FleetFolder.of("mine")
    assert folder.path == here.relative_to(here) / "studies" / "mine.fleet"
    FleetStatus("mine", "tls://head:1", NODES, CPUS).write(folder.nodes)
    found = FleetStatus.read(folder.nodes)
    assert (found.nodes, found.cpus) == (NODES, CPUS)
    assert found.running
    out = command.good("fleet", "status", "mine").out
    for words in (
        "fleet mine: 2 nodes",
        "coordinator at work, scheduler tls://head:1",
        f"mine@{'f' * 12}: 3 of 9 done, 2 left out, settled",
        "node a-1: explores since t1, seen t2",
        "  it has dse 0; install the same",
        "  may disturb: SMT: on",
    ):
        assert words in out
    assert '"running": true' in command.good("fleet", "status", "mine", "--json").out


def test_there_may_be_none(command: Command) -> None:
    answer = command("fleet", "status", "mine")
    assert answer.code == 2
    assert "no fleet has explored 'mine' from here" in answer.err


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"nodes": [{}], "cpus": []}'])
def test_damage_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "nodes.json"
    file.write_text(text)
    with pytest.raises(RequestError, match=r"nodes\.json: does not say what the nodes"):
        FleetStatus.read(file)

"""Nodes of several CPUs explore one space; here all are in this process, and each does its part."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from dse.core.errors import RequestError
from dse.exploration.stopping import Interrupts
from dse.fleet._ledger import Ledger, Taken
from dse.fleet.coordinator import Coordinator, End
from dse.fleet.link import LostError
from dse.fleet.place import Place
from dse.fleet.spec import Kind
from dse.fleet.status import FleetStatus, State
from tests.fleet.nodes import Done, InProcess, Node, explore, failing, job_of, lost, silent
from tests.replays import outcomes, taken, write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from dse.fleet.request import Job
    from dse.fleet.spec import AssignmentSpec
    from tests.commandline import Command

MODELS = ["a", "b", "c", "d"]
ALL = 16
"""Configurations of the space."""


@pytest.fixture
def job(here: Path) -> Job:
    write_table(here, models=MODELS)
    return job_of(write_space(here, models=MODELS))


def node(here: Path, name: str, cpu: str = "one CPU", **fields: object) -> Node:
    return Node(Place(here.parent / name), cpu, **fields)  # type: ignore[arg-type]


def test_a_later_cpu_starts_from_the_others(job: Job, here: Path, command: Command) -> None:
    explore(job, node(here, "n1", "one CPU"))
    shutil.copytree(here / "studies", here / "copy")
    (kept,) = (here / "copy").glob("space@*")
    kept.rename(here / "studies" / "space@of-mine")  # no CPU of the fleet is called so
    other = node(here, "n2", "another CPU")
    end, said, _ = explore(job, other)
    assert end is End.COMPLETE, said
    (borrowed,) = command.status(f"space@{other.system.fingerprint}")["borrowed"]
    assert (borrowed["cpu"], borrowed["configurations"]) == ("one CPU", ALL)


def states(job: Job) -> dict[str, State]:
    """What nodes do, by their hosts."""
    nodes = FleetStatus.read(job.folder.nodes).nodes
    return {each.node.partition("-")[0]: each.state for each in nodes}


def why(job: Job) -> str:
    """Why the nodes are refused, lost or idle."""
    return " ".join(each.why for each in FleetStatus.read(job.folder.nodes).nodes)


def test_each_cpu_gets_a_study(job: Job, here: Path, command: Command) -> None:
    one, other = node(here, "n1", "one CPU"), node(here, "n2", "another CPU")
    end, said, coordinator = explore(job, one, other, expected=2)
    assert end is End.COMPLETE, said
    assert len(coordinator.cpus) == 2
    for each in (one, other):
        study = f"space@{each.system.fingerprint}"
        assert command.counts(study) == (ALL, 0, 0, 3 * ALL)
        assert each.did == [(Kind.PLAN, 0), (Kind.EXPLORE, ALL)]
        assert command.frontier(study)["system"]["cpu"].startswith(each.cpu)
    shown = command.good("fleet", "frontier", "space").out
    assert all(f"space@{each.system.fingerprint}" in shown for each in (one, other))
    assert command.good("fleet", "frontier", "space", "--json").out.count('"study"') == 2
    compared = command.good("fleet", "compare", "space", "--by", "latency").out
    assert "another CPU" in compared
    assert command.good("fleet", "report", "space").out.count("report.html") >= 2
    assert states(job) == {"n1": State.IDLE, "n2": State.IDLE}


def test_nodes_of_one_cpu_share_its_space(job: Job, here: Path, command: Command) -> None:
    both = node(here, "n1"), node(here, "n2")
    end, said, _ = explore(job, *both, expected=2)
    assert end is End.COMPLETE, said
    study = f"space@{both[0].system.fingerprint}"
    assert command.counts(study) == (ALL, 0, 0, 3 * ALL)
    database = here / "studies" / study / "study.db"
    assert set(taken(database).values()) == {1}
    keys = [key for key, _ in outcomes(database).values()]
    assert len(keys) == len(set(keys)) == ALL
    # The first one to come is given all at first, unless both have planned by then.
    assert sum(count for each in both for kind, count in each.did if kind is Kind.EXPLORE) >= ALL


def test_it_goes_on_in_parts(here: Path, command: Command) -> None:
    write_table(here, models=MODELS)
    job = job_of(write_space(here, models=MODELS), n_trials=5)
    one = node(here, "n1")
    end, _, _ = explore(job, one)
    assert end is End.COMPLETE
    study = f"space@{one.system.fingerprint}"
    assert command.counts(study)[:3] == (5, 0, ALL - 5)
    end, _, coordinator = explore(job, one)
    assert end is End.COMPLETE
    assert coordinator.cpus[0].explored_now == 5
    assert command.counts(study)[:3] == (10, 0, ALL - 10)
    # Another node of the CPU has all that is known, and measures nothing again.
    other = node(here, "n2")
    explore(job, other)
    assert command.counts(study)[0] == 15
    assert set(taken(here / "studies" / study / "study.db").values()) == {1}
    assert len(outcomes(other.place.path / "studies" / study / "study.db")) == 15


def test_a_lost_node_keeps_its_part_until_the_deadline(job: Job, here: Path) -> None:
    gone, other = node(here, "n1"), node(here, "n2")
    gone.fails = lambda spec: leaving(gone, spec) if spec.kind is Kind.EXPLORE else None
    with job.folder.alone():
        said: list[str] = []
        link = InProcess(gone)
        coordinator = Coordinator(job, link, said.append)
        for _ in range(4):
            assert coordinator.step(Interrupts()) is None
        assert states_of(coordinator) == [State.LOST]
        link.by_address[other.address] = other
        for _ in range(4):
            assert coordinator.step(Interrupts()) is None
        assert other.did == [(Kind.PLAN, 0)]  # it waits
        (open_,) = Ledger(job.folder.assignments).open.values()
        assert open_.node == gone.place.identity()
        with mock.patch.object(time, "time", return_value=open_.deadline + 1):
            for _ in range(4):
                coordinator.step(Interrupts())
        assert other.did == [(Kind.PLAN, 0), (Kind.EXPLORE, ALL)]
        assert any("did not come back in time" in line for line in said)


def leaving(node: Node, spec: AssignmentSpec) -> Done:
    node.there = False
    return lost(spec)


def states_of(coordinator: Coordinator) -> list[State]:
    return [member.state for member in coordinator._members]


def test_a_node_that_comes_back_brings_what_it_has_measured(
    job: Job, here: Path, command: Command
) -> None:
    one = node(here, "n1")
    first = one.do  # the answer to its first part is lost on the way

    def lose(text: str, bundle: bytes) -> Done:
        done = first(text, bundle)
        if one.did[-1][0] is Kind.EXPLORE and len(one.did) == 2:
            done.kept, one.there = LostError("gone"), False
        return done

    with mock.patch.object(one, "do", lose), job.folder.alone():
        coordinator = Coordinator(job, InProcess(one), lambda _: None)
        for _ in range(4):
            coordinator.step(Interrupts())
    assert Ledger(job.folder.assignments).open
    one.there = True
    end, _, _ = explore(job, one)  # as if the coordinator had been killed, too
    assert end is End.COMPLETE
    assert one.did == [(Kind.PLAN, 0), (Kind.EXPLORE, ALL), (Kind.PLAN, 0)]
    study = f"space@{one.system.fingerprint}"
    assert command.counts(study) == (ALL, 0, 0, 3 * ALL)
    assert not Ledger(job.folder.assignments).open


def test_a_coordinator_that_was_killed_gives_nothing_twice(job: Job, here: Path) -> None:
    first, other = node(here, "n1"), node(here, "n2")
    first.fails = lambda spec: silent(spec) if spec.kind is Kind.EXPLORE else None
    with job.folder.alone():
        coordinator = Coordinator(job, InProcess(first), lambda _: None)
        for _ in range(4):
            coordinator.step(Interrupts())
    with job.folder.alone():
        coordinator = Coordinator(job, InProcess(other), lambda _: None)
        for _ in range(4):
            assert coordinator.step(Interrupts()) is None
    assert other.did == [(Kind.PLAN, 0)]


REFUSALS = {
    "version": ({"version": "0.0.1"}, "it has dse 0.0.1"),
    "plain worker": (None, "it is no node of a fleet"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_who_is_refused_gets_nothing(job: Job, here: Path, case: str) -> None:
    about, words = REFUSALS[case]
    one = node(here, "n1", about=about or {})
    describe = Node.describe if about is not None else lambda _: {}
    with mock.patch.object(Node, "describe", describe):
        end, said, _ = explore(job, one)
    assert end is End.REFUSED
    assert one.did == []
    assert words in why(job)
    assert any("is refused" in line for line in said)


def test_a_node_that_answers_nothing_is_refused(job: Job, here: Path) -> None:
    """Its connection to the scheduler is fine; that to it is not."""
    one = node(here, "n1", fails=lost)
    end, _, _ = explore(job, one)
    assert end is End.REFUSED
    assert "the scheduler must be able to connect to its --port" in why(job)
    assert one.did == [(Kind.PLAN, 0)] * 3


def test_two_nodes_of_a_machine(job: Job, here: Path) -> None:
    both = [node(here, name, machine="same") for name in ("n1", "n2")]
    end, _, _ = explore(job, *both, expected=2)
    assert end is End.COMPLETE
    assert both[1].did == []
    assert "is a node of the same machine; one is enough" in why(job)
    again = [node(here, name, machine="same") for name in ("n3", "n4")]
    assert explore(job, *again, expected=2, one_machine=True)[0] is End.COMPLETE
    assert again[1].did == [(Kind.PLAN, 0)]


def test_a_node_that_can_run_nothing_is_refused(job: Job, here: Path) -> None:
    one = node(here, "n1", fails=failing("no runtime can be used; install one", Kind.PLAN))
    end, _, _ = explore(job, one)
    assert end is End.REFUSED
    assert "no runtime can be used; install one" in why(job)
    assert states(job) == {"n1": State.REFUSED}


def test_a_node_that_fails_twice_is_refused(job: Job, here: Path) -> None:
    one = node(here, "n1", fails=failing("the disk is full", Kind.EXPLORE))
    end, _, _ = explore(job, one)
    assert end is End.REFUSED
    assert states(job) == {"n1": State.REFUSED}
    assert len(one.did) == 3
    assert not Ledger(job.folder.assignments).open


def test_damaged_results_are_refused(job: Job, here: Path) -> None:
    one = node(here, "n1")
    whole = one.do

    def damaged(text: str, bundle: bytes) -> Done:
        done = whole(text, bundle)
        assert isinstance(done.kept, tuple)
        done.kept = (done.kept[0], done.kept[1][:-20])
        return done

    with mock.patch.object(one, "do", damaged):
        end, said, _ = explore(job, one)
    assert end is End.REFUSED, said
    assert not job.folder.study(one.system.fingerprint).begun


def test_interrupts_end_it_when_the_nodes_have_answered(job: Job, here: Path) -> None:
    one = node(here, "n1")
    one.fails = lambda spec: silent(spec) if spec.kind is Kind.EXPLORE else None
    with job.folder.alone():
        link = InProcess(one)
        coordinator = Coordinator(job, link, lambda _: None)
        asked = Interrupts()
        for _ in range(4):
            coordinator.step(asked)
        asked.count = 1
        assert coordinator.step(asked) is None
        assert link.stopped == [one.address]
        one.there = False
        assert coordinator.step(asked) is End.INTERRUPTED


def test_two_coordinators_exclude_each_other(job: Job) -> None:
    with (
        job.folder.alone(),
        pytest.raises(RequestError, match="another `dse fleet explore`"),
        job.folder.alone(),
    ):
        pass


def test_a_part_without_a_node_is_free_after_its_deadline(job: Job, here: Path) -> None:
    one = node(here, "n1")
    with job.folder.alone():
        taken_ = Taken("old", "nobody", one.system.fingerprint, ("g",), deadline=1.0)
        Ledger(job.folder.assignments).take(taken_)
    end, said, _ = explore(job, one)
    assert end is End.COMPLETE
    assert any("nobody did not come back in time" in line for line in said)

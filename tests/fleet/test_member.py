"""Nodes are found by name, address, machine and CPU, also when they come back."""

from __future__ import annotations

from dse.fleet._member import Member, Members
from dse.fleet.link import Joined
from dse.fleet.spec import Planned
from dse.fleet.status import State

CPU = "c" * 12


def member(name: str, address: str = "", machine: str = "") -> Member:
    about = {"node": name, "host": f"host-of-{name}", "machine": machine or f"machine-of-{name}"}
    return Member(Joined(address or f"tls://{name}:1", about, 1e9))


def test_they_are_found_by_what_is_asked_for() -> None:
    members, one, other = Members(), member("a"), member("b", machine="machine-of-a")
    members.add(one)
    members.add(other)
    assert list(members) == [one, other]
    assert len(members) == 2
    assert members.at(one.address) is one
    assert members.called("b") is other
    assert members.of_machine("machine-of-a") == [one, other]
    assert members.of_machine("another") == members.of_cpu(CPU) == []
    assert members.at("tls://a:2") is members.called("c") is None
    for each in (one, other):
        members.note_plan(each, Planned(CPU, "a CPU", ()))
        members.note_plan(each, Planned(CPU, "a CPU", ()))
    assert members.of_cpu(CPU) == [one, other]
    other.set(State.LOST)
    assert members.of_cpu(CPU) == [one]


def test_one_that_comes_back_takes_its_own_place() -> None:
    members, first = Members(), member("a")
    members.add(first)
    members.note_plan(first, Planned(CPU, "a CPU", ()))
    again = member("a", "tls://a:2")
    members.add(again)
    assert list(members) == [again]
    assert members.at(first.address) is None
    assert members.of_machine("machine-of-a") == [again]
    assert members.of_cpu(CPU) == []
    third = member("c", again.address)  # another node has its port now
    members.add(third)
    assert list(members) == [third]
    assert members.called("a") is None

"""What a coordinator and a node tell each other: JSON objects with checked fields."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # messages are checked by their annotations
from dataclasses import dataclass, field
from enum import StrEnum

from dse.fleet._message import Message

LEFT = "LEFT"
"""The end of an assignment that a node did not begin, because it leaves the fleet."""


class Kind(StrEnum):
    """What an assignment is for."""

    PLAN = "plan"  # what the space comes to on this CPU
    EXPLORE = "explore"  # configurations that were never measured
    SETTLE = "settle"  # rounds of what is undecided on the frontier


@dataclass(frozen=True, slots=True)
class Options:
    """How to explore, the same for all nodes; see `dse.exploration.request.ExploreRequest`.

    Attributes:
        sampler: chooses within an assignment.
        seed: of everything random.
        run_timeout: the longest time for one configuration, in seconds.
        memory_limit: the most memory for one configuration, in bytes; None for what is free.
        settle: the longest time to compare what is undecided, in seconds; None for as long as
            the CPU was explored, 0 to measure everything once.
        tie: values that differ by less than this percentage are a tie; None for the default.
        stop_gain: the rest is left out when it is expected to add less than this percentage.
        environment: variables for the processes that measure, by name.
    """

    sampler: str = "frontier"
    seed: int = 0
    run_timeout: float = 300.0
    memory_limit: int | None = None
    settle: float | None = None
    tie: float | None = None
    stop_gain: float = 1.0
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssignmentSpec(Message):
    """What a node is to do.

    Attributes:
        id: tells the assignment from all others.
        kind: what it is for.
        study: the name of the study, without the fingerprint of a CPU.
        space: the file of the search space, in the folder of that.
        inputs: manifests by role: ``space``, and ``models`` and ``dataset`` where there are any;
            see `dse.fleet._files.Manifest.digest`.
        options: how to explore.
        seconds: nothing is begun after this time.
        trials: the most configurations; None for no limit.
        only: keys of the configurations that may be explored; None for all.
        known: what the coordinator has of the CPU's study: by session, the last trial's number.
        others: what other CPUs tell, in the form of an import; empty for nothing.
    """

    id: str
    kind: Kind
    study: str
    space: str
    inputs: Mapping[str, str]
    options: Options = Options()
    seconds: float = 600.0
    trials: int | None = None
    only: tuple[str, ...] | None = None
    known: Mapping[str, int] = field(default_factory=dict)
    others: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Configurations that have measurements in common: they are measured on one node.

    Attributes:
        name: tells it from others, the same on every node.
        keys: of its configurations, in the order of the plan.
    """

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a space comes to on a node.

    Attributes:
        fingerprint: of its CPU.
        cpu: the name of that.
        groups: what can run there.
        excluded: what can't and why, a line for each reason.
        runtimes: version by backend.
        refusals: what of the machine forbids to measure on it, with the remedy.
        warnings: what of it may disturb measurements.
    """

    fingerprint: str
    cpu: str
    groups: tuple[Group, ...]
    excluded: tuple[str, ...] = ()
    runtimes: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def configurations(self) -> int:
        """How many can run there."""
        return sum(len(group.keys) for group in self.groups)


@dataclass(frozen=True, slots=True)
class Answer(Message):
    """What came of an assignment; the trials themselves come as a bundle.

    Attributes:
        id: of the assignment.
        error: why it failed, in one line; empty where it did not.
        end: the name of a `dse.exploration.explorer.StopReason`, or `LEFT`; empty for a plan.
        explored: how many configurations were explored.
        rounds: how many trials of rounds were made, or repeated.
        undecided: points of the frontier whose order is not decided.
        known: what the node has of the CPU's study: by session, the last trial's number.
        planned: the answer to a plan.
    """

    id: str
    error: str = ""
    end: str = ""
    explored: int = 0
    rounds: int = 0
    undecided: int = 0
    known: Mapping[str, int] = field(default_factory=dict)
    planned: Planned | None = None

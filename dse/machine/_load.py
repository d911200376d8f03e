"""Observes what else runs on the machine for about a second."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.printable import to_printable
from dse.machine.conditions import Conditions, conditions_between
from dse.machine.procfs import parse_number, read_text
from dse.machine.sample import Sample, process_ticks, sample, ticks_per_s

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_NAMED_PROCESSES = 3
"""How many of the busiest processes are named."""
MIN_NAMED_PERCENT = 1.0


@dataclass(frozen=True, slots=True)
class ProcessLoad:
    """A process and its CPU time in seconds since it started."""

    name: str
    cpu_s: float


@dataclass(frozen=True, slots=True)
class LoadObservation:
    """What was observed in a span of time in which this process did nothing.

    Attributes:
        conditions: the conditions in the span.
        last: the sample at its end.
        busiest: names of the busiest other processes, each with its share of one CPU.
    """

    conditions: Conditions
    last: Sample
    busiest: tuple[str, ...]


def observe(root: Path, cpus: tuple[int, ...], seconds: float) -> LoadObservation:
    """Observes the machine for some seconds."""
    before, first = list_processes(root), sample(root, cpus)
    time.sleep(seconds)
    last, after = sample(root, cpus), list_processes(root)
    passed = last.monotonic_s - first.monotonic_s
    return LoadObservation(
        conditions_between(first, last, own_cpu_s=0.0),
        last,
        busiest_processes(before, after, passed),
    )


def list_processes(root: Path) -> dict[int, ProcessLoad]:
    """All other visible processes by number."""
    found = {}
    for stat in (root / "proc").glob("[0-9]*/stat"):
        text, pid = read_text(stat), parse_number(stat.parent.name)
        ticks = process_ticks(text)  # None if the process has ended
        if pid is None or pid == os.getpid() or ticks is None:
            continue
        name = text.partition("(")[2].rpartition(")")[0]
        # A program may put anything into its name, even a terminal's commands.
        found[pid] = ProcessLoad(to_printable(name), sum(ticks[:2]) / ticks_per_s())
    return found


def busiest_processes(
    before: Mapping[int, ProcessLoad], after: Mapping[int, ProcessLoad], seconds: float
) -> tuple[str, ...]:
    """The processes that took most CPU time; a new process counts with all of its time."""
    shares = []
    for pid, process in after.items():
        earlier = before.get(pid)
        spent = process.cpu_s - (earlier.cpu_s if earlier else 0.0)
        shares.append((100 * spent / seconds, process.name))
    shares.sort(reverse=True)
    named = [share for share in shares[:MAX_NAMED_PROCESSES] if share[0] >= MIN_NAMED_PERCENT]
    return tuple(f"{name} {percent:.0f} %" for percent, name in named)

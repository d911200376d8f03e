"""Notes of a comparison: what a reader needs to judge its values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dse.compare.conclusion import is_short
from dse.core import plausibility
from dse.core.measurement import Source
from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dse.compare.comparison import Comparison, RankedSystem
    from dse.compare.criteria import Criterion
    from dse.compare.systems import ComparedSystem, SystemPoint

MAX_NAMED_SYSTEMS = 6
"""Largest number of systems that a note names."""
_NODES = re.compile(r"(?<![0-9.])([0-9]{1,4})[-_ ]?nodes?(?![a-z])", re.IGNORECASE)
"""A number of nodes in the name of a system, such as ``1-node-2S``."""
ACCELERATOR, INFERRED, SHORT = "a", "i", "p"
"""Marks of values."""


def comparison_notes(comparison: Comparison) -> list[str]:
    """The notes, what was left out and what the marks of values mean first."""
    gathered = comparison.gathered
    return [
        *gathered.tally.lines(gathered.asked),
        *_about_devices(comparison),
        *_about_hardware(comparison),
        *_about_nodes(comparison),
        *_about_marks(comparison),
        *_about_sources(comparison),
        *_about_accuracies(comparison),
        *_doubts(comparison),
        *_not_compared(comparison),
        *_unreadable(comparison),
    ]


def marks(standing: RankedSystem, criterion: Criterion) -> str:
    """The marks of a value; the notes say what they mean."""
    entry = standing.entry
    found = ACCELERATOR if standing.system.hardware.kind == "accelerator" else ""
    found += INFERRED if entry.inferred(criterion) else ""
    return found + (SHORT if is_short(entry, criterion) else "")


def origin_words(system: ComparedSystem, noun: str) -> str:
    """The sources of a system's values.

    Args:
        system: the system.
        noun: what a sample of the data set is, in the plural.
    """
    parts = [" and ".join(system.sources)]
    if system.results.release:
        parts.append(system.results.release)
    if system.accuracy_sources and system.accuracy_sources != system.sources:
        parts.append(f"accuracy {' and '.join(system.accuracy_sources)}")
    if system.samples:
        parts.append(f"{', '.join(f'{count:,}' for count in system.samples)} {noun}")
    return ", ".join(filter(None, parts))


def _about_devices(comparison: Comparison) -> Iterator[str]:
    if count := comparison.gathered.elsewhere:
        left = format_count(count, "configuration")
        asking = "--where with a condition on `device` takes such ones"
        yield f"left out: {left} on another device than the CPU; {asking}"


def _about_hardware(comparison: Comparison) -> Iterator[str]:
    if out := comparison.left_out:
        count = format_count(len(out), "system")
        it = "it" if len(out) == 1 else "them"
        yield f"left out: {count} with an accelerator; --accelerators adds {it}"
    if any(system.hardware.kind == "accelerator" for system in comparison.ranked):
        yield f"{ACCELERATOR}: the system has an accelerator and may have used it, not its CPU"
    if unknown := [s for s in comparison.ranked if s.hardware.kind == "unknown"]:
        yield f"the source does not say whether an accelerator was used: {_some(unknown)}"


def _about_nodes(comparison: Comparison) -> Iterator[str]:
    """Systems whose name has another number of nodes than their description, which counts."""
    found: dict[tuple[int, int], list[ComparedSystem]] = {}
    for system in comparison.ranked:
        told = system.results.description.get("number_of_nodes", "")
        named = _NODES.search(system.results.name)
        if named and told.isdecimal() and int(named[1]) != int(told):
            found.setdefault((int(told), int(named[1])), []).append(system)
    for (nodes, other), systems in found.items():
        told = f"{format_count(nodes, 'node')} by description, {other} by name"
        yield f"{_some(systems)}: {told}; values per core are for {nodes}"


def _about_marks(comparison: Comparison) -> Iterator[str]:
    entries = list(_ranked_entries(comparison))
    if any(each.inferred(criterion) for each in entries for criterion in comparison.criteria):
        yield f"{INFERRED}: inferred from a run of another scenario, as MLPerf's rules allow"
    if any(is_short(each, criterion) for each in entries for criterion in comparison.criteria):
        yield f"{SHORT}: a probe or another short run, not a valid MLPerf result"


def _about_sources(comparison: Comparison) -> Iterator[str]:
    published = [system for system in comparison.ranked if not system.measured]
    if published:
        releases = sorted({s.results.release for s in published if s.results.release})
        named = f" (MLPerf Inference {', '.join(releases)})" if releases else ""
        yield (
            f"published values{named} are their submitters', with software and settings of their "
            "own: conditions are not the same"
        )
    yield "this comparison is not verified by MLCommons Association"


def _about_accuracies(comparison: Comparison) -> Iterator[str]:
    task = comparison.gathered.task
    whole = task.rules.all_items if task.rules is not None else 0
    for system in comparison.ranked:
        if min(system.samples, default=whole) < whole:
            counts = ", ".join(f"{count:,}" for count in system.samples)
            yield (
                f"#{system.number}: accuracies are from {counts} {task.noun}, less reliable than "
                f"those from all {whole:,}; compare them with care"
            )
    published = Source.PUBLISHED.value
    taken = [s for s in comparison.ranked if s.measured and published in s.accuracy_sources]
    if taken:
        yield f"accuracies are published, not measured on that system: {_some(taken)}"


def _doubts(comparison: Comparison) -> Iterator[str]:
    """Doubts about accuracies: for each system and reason the number of points."""
    for system in comparison.ranked:
        for line in plausibility.lines(("", entry.row.notes) for entry in system.entries):
            yield f"#{system.number}: {line}"


def _not_compared(comparison: Comparison) -> Iterator[str]:
    lacking = (
        criterion.name if name == criterion.name else f"{criterion.name} ({name} is missing)"
        for criterion, name in comparison.uncompared
    )
    if told := ", ".join(lacking):
        yield f"not compared, since no system has all inputs: {told}"


def _unreadable(comparison: Comparison) -> Iterator[str]:
    for system in comparison.systems:
        first, *others = system.results.left_out or ("",)
        more = f" (and {format_count(len(others), 'more result')}: --json)" if others else ""
        if first:
            yield f"#{system.number} left out: {first}{more}"


def _some(systems: Iterable[ComparedSystem]) -> str:
    """Systems by number, or only counted if they are many."""
    names = [f"#{system.number}" for system in systems]
    return (
        format_count(len(names), "system") if len(names) > MAX_NAMED_SYSTEMS else ", ".join(names)
    )


def _ranked_entries(comparison: Comparison) -> Iterator[SystemPoint]:
    return (entry for system in comparison.ranked for entry in system.entries)

"""How the configurations of a CPU are divided among its nodes."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from dse.core.checksums import digest
from dse.fleet.spec import Group

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from dse.core.configuration import Configuration


def group_configurations(
    configurations: Iterable[Configuration], *, qualities: bool
) -> tuple[Group, ...]:
    """Puts configurations together that have measurements in common.

    The latency of single samples is the same for all batch sizes, and a measured quality for
    all that runs one model file in one runtime.

    Args:
        configurations: what can run on a CPU, in the order of the plan.
        qualities: whether qualities are measured.

    Returns:
        The groups, in the order of their first configurations.
    """
    found: dict[str, list[str]] = {}
    for each in configurations:
        shared: list[object] = [each.model, each.precision, each.backend]
        if not qualities:
            shared.append([list(knob) for knob in each.knobs])
        found.setdefault(digest(shared), []).append(each.key)
    return tuple(Group(name, tuple(keys)) for name, keys in found.items())


def left_of(
    groups: Iterable[Group], done: Collection[str], closed: Collection[str]
) -> tuple[Group, ...]:
    """The groups that have something left, with only that.

    Args:
        groups: of a CPU.
        done: keys of the configurations with an outcome.
        closed: names of the groups whose rest is left out.
    """
    rest = (
        Group(group.name, tuple(key for key in group.keys if key not in done))
        for group in groups
        if group.name not in closed
    )
    return tuple(group for group in rest if group.keys)


def divide(groups: Sequence[Group], nodes: int) -> list[tuple[Group, ...]]:
    """Divides groups among nodes, about the same number of configurations for each.

    Args:
        groups: what is to be explored.
        nodes: how many there are, at least 1.

    Returns:
        At most one part for each node, the largest first, and none of them empty; the order of
        the groups is kept within a part.
    """
    parts: list[list[int]] = [[] for _ in range(nodes)]
    sizes = [(0, number) for number in range(nodes)]
    places = sorted(range(len(groups)), key=lambda place: -len(groups[place].keys))
    for place in places:
        size, number = heapq.heappop(sizes)
        parts[number].append(place)
        heapq.heappush(sizes, (size + len(groups[place].keys), number))
    found = [tuple(groups[place] for place in sorted(part)) for part in parts if part]
    return sorted(found, key=lambda part: -sum(len(group.keys) for group in part))

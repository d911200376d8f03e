"""Which rivals to measure side by side next: some whose order is open, as many as time allows.

The pair most in need begins a round. Then it grows by the point whose open pairs with those in it
have had the fewest rounds, and of several such points by the one that has the most pairs. So points
behind come with the leader that is ahead of them until they are left out; what leads comes last.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.study.settling import expected_rounds, run_seconds

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from dse.study.decisions import OpenPair
    from dse.study.record import Record
    from dse.study.settling import Seconds

MAX_ROUND_S = 10.0
"""Values further apart have little of their noise in common."""
MAX_MISFITS = 3
"""A round is full when so many points one after the other did not fit."""


@dataclass(frozen=True, slots=True)
class Member:
    """A point of a round.

    Attributes:
        record: the point.
        metrics: what to measure of it, at least one.
    """

    record: Record
    metrics: tuple[str, ...]


def choose_round(
    pairs: Sequence[OpenPair],
    rng: random.Random,
    *,
    required: Iterable[Member] = (),
    optional: Iterable[Member] = (),
    max_s: float = MAX_ROUND_S,
    seconds_of: Seconds = run_seconds,
) -> list[Member]:
    """Chooses the next round.

    Where all points of open pairs fit, it has them all. What two members have in common, as the
    latency of two batch sizes, the first of them measures for both.

    Args:
        pairs: those that are open.
        rng: gives the order.
        required: members whatever their time.
        optional: members where there is time for them.
        max_s: the longest time of a round, in seconds; two rivals may take longer.
        seconds_of: the time that measuring metrics of a record takes.

    Returns:
        The members in random order; none where there is nothing to measure.
    """
    group = _Group(pairs, max_s, seconds_of)
    for member in required:
        group.add_extra(member)
    for number, pair in enumerate(sorted(pairs, key=_need)):
        if not group.touches(pair):
            if not group.add(pair.one, pair.other, whatever=number == 0):
                break
            group.grow()
    for member in optional:
        group.add_extra(member, max_s)
    members = group.members()
    rng.shuffle(members)
    return _shared_out(members)


def _need(pair: OpenPair) -> tuple[float, ...]:
    return pair.rounds, expected_rounds(pair), pair.one.id, pair.other.id


class _Group:
    """What a round has so far: points of open pairs, and others.

    Args:
        pairs: those that are open.
        max_s: the longest time.
        seconds_of: the time that measuring metrics of a record takes.
    """

    def __init__(self, pairs: Iterable[OpenPair], max_s: float, seconds_of: Seconds) -> None:
        self._max_s, self._seconds_of = max_s, seconds_of
        self._links: dict[int, dict[int, OpenPair]] = defaultdict(dict)
        self._records: dict[int, Record] = {}
        for pair in pairs:
            self._links[pair.one.id][pair.other.id] = pair
            self._links[pair.other.id][pair.one.id] = pair
            self._records |= {pair.one.id: pair.one, pair.other.id: pair.other}
        self._points: list[int] = []
        self._extra: list[Member] = []

    def touches(self, pair: OpenPair) -> bool:
        """Whether it has a point of a pair."""
        return pair.one.id in self._points or pair.other.id in self._points

    def add(self, *records: Record, whatever: bool = False) -> bool:
        """Adds points, if there is time for them or ``whatever`` it takes; whether it did."""
        before = self._points
        self._points = [*before, *(record.id for record in records)]
        if whatever or self._seconds() <= self._max_s:
            return True
        self._points = before
        return False

    def add_extra(self, member: Member, max_s: float = math.inf) -> None:
        """Adds a member that need not be of an open pair, if there is time for it.

        The first one of all is added whatever its time.
        """
        alone = not self._points and not self._extra
        self._extra.append(member)
        if not alone and self._seconds() > max_s:
            self._extra.pop()

    def grow(self) -> None:
        """Adds points that have open pairs with those in it, by `_rank`, until it is full."""
        tried, misfits = set(self._points), 0
        while near := {id_ for point in self._points for id_ in self._links[point]} - tried:
            chosen = min(near, key=self._rank)
            tried.add(chosen)
            misfits = 0 if self.add(self._records[chosen]) else misfits + 1
            if misfits == MAX_MISFITS:
                break

    def _rank(self, id_: int) -> tuple[float, ...]:
        """The point whose pairs had the fewest rounds comes first, then the one with most pairs."""
        inside = [self._links[id_][point] for point in self._points if point in self._links[id_]]
        return sum(pair.rounds for pair in inside) / len(inside), -len(inside), id_

    def members(self) -> list[Member]:
        """All that it has, each with what is open in its pairs in it."""
        metrics: dict[int, dict[str, None]] = {point: {} for point in self._points}
        records = {point: self._records[point] for point in self._points}
        for point in self._points:
            for other in self._points:
                if pair := self._links[point].get(other):
                    metrics[point] |= dict.fromkeys(pair.metrics)
        for member in self._extra:
            records.setdefault(member.record.id, member.record)
            metrics.setdefault(member.record.id, {}).update(dict.fromkeys(member.metrics))
        return [Member(records[id_], tuple(names)) for id_, names in metrics.items()]

    def _seconds(self) -> float:
        shared_out = _shared_out(self.members())
        return sum(self._seconds_of(member.record, member.metrics) for member in shared_out)


def _shared_out(members: Iterable[Member]) -> list[Member]:
    """Each measurement once, by the first member that has it; without those that have none."""
    taken: set[str] = set()
    found = []
    for member in members:
        keys = {m.metric: m.key for m in member.record.outcome.measurements}
        left = tuple(name for name in member.metrics if keys[name] not in taken)
        taken.update(keys[name] for name in left)
        if left:
            found.append(Member(member.record, left))
    return found

"""The choice of a round: laws of any open pairs, and a few by hand."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Outcome, Source
from dse.exploration._rounds import Member, choose_round
from dse.study.decisions import OpenPair
from dse.study.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

LATENCY, THROUGHPUT = "latency_p90_ms", "throughput_samples_per_s"
BOTH = (LATENCY, THROUGHPUT)
SHARING = 3
"""The number of records in a row that have a latency in common."""


def record(id_: int) -> Record:
    """A point whose runs take some seconds each, and share a latency with its neighbours."""
    places = {LATENCY: id_ // SHARING, THROUGHPUT: id_}
    measurements = (
        Measurement(metric, 1.0, f"{metric} {place}", Source.MEASURED, seconds=1.0 + place % 4)
        for metric, place in places.items()
    )
    configuration = Configuration("m", "fp32", "null", threads=1, batch_size=1 + id_)
    return Record(id_, configuration, Outcome(tuple(measurements)))


RECORDS = [record(id_) for id_ in range(12)]


def pair(one: int, other: int, metrics: Iterable[str] = BOTH, rounds: int = 0) -> OpenPair:
    needed = 20.0 - rounds if rounds else math.inf
    return OpenPair(RECORDS[one], RECORDS[other], tuple(metrics), rounds, needed)


def seconds(chosen: Record, metrics: Iterable[str]) -> float:
    known = {m.metric: m.seconds for m in chosen.outcome.measurements}
    return sum(known[metric] for metric in metrics)


@st.composite
def open_pairs(draw: st.DrawFn) -> list[OpenPair]:
    ids = st.integers(0, len(RECORDS) - 1)
    places = draw(st.sets(st.tuples(ids, ids).filter(lambda p: p[0] < p[1]), max_size=25))
    found = []
    for one, other in sorted(places):
        # What two points have in common is no question between them.
        own = [m for m in BOTH if m == THROUGHPUT or one // SHARING != other // SHARING]
        metrics = draw(st.lists(st.sampled_from(own), min_size=1, unique=True))
        found.append(pair(one, other, metrics, draw(st.integers(0, 9))))
    return found


def choose(pairs: list[OpenPair], seed: int = 0, **more: object) -> list[Member]:
    rng = random.Random(seed)  # noqa: S311
    return choose_round(pairs, rng, seconds_of=seconds, **more)  # type: ignore[arg-type]


def keys(members: Iterable[Member]) -> list[str]:
    found = []
    for member in members:
        known = {m.metric: m.key for m in member.record.outcome.measurements}
        found += [known[name] for name in member.metrics]
    return found


def told(pairs: Iterable[OpenPair], members: list[Member]) -> list[OpenPair]:
    """The pairs of which a round measures all that is open, on both sides."""
    taken = set(keys(members))
    return [
        each
        for each in pairs
        if taken.issuperset(
            keys([Member(side, each.metrics) for side in (each.one, each.other)]),
        )
    ]


def took(members: Iterable[Member]) -> float:
    return sum(seconds(each.record, each.metrics) for each in members)


@given(open_pairs(), st.integers(0, 9), st.floats(1, 60))
def test_a_round_tells_of_the_pair_most_in_need(
    pairs: list[OpenPair], seed: int, max_s: float
) -> None:
    members = choose(pairs, seed, max_s=max_s)
    assert len(set(keys(members))) == len(keys(members))
    assert all(member.metrics for member in members)
    assert bool(members) is bool(pairs)
    if pairs:
        most = min(each.rounds for each in pairs)
        assert any(each.rounds == most for each in told(pairs, members))


@given(open_pairs(), st.integers(0, 9), st.floats(1, 60))
def test_a_round_is_short_or_has_one_pair(pairs: list[OpenPair], seed: int, max_s: float) -> None:
    members = choose(pairs, seed, max_s=max_s)
    assert took(members) <= max_s or len(members) <= 2


@given(open_pairs(), st.integers(0, 9))
def test_a_round_measures_nothing_in_vain(pairs: list[OpenPair], seed: int) -> None:
    members = choose(pairs, seed)
    told_of = told(pairs, members)
    wanted = keys(Member(side, p.metrics) for p in told_of for side in (p.one, p.other))
    assert set(keys(members)) == set(wanted)


@given(open_pairs(), st.integers(0, 9))
def test_where_all_fit_a_round_has_them_all(pairs: list[OpenPair], seed: int) -> None:
    assert told(pairs, choose(pairs, seed, max_s=math.inf)) == pairs


@given(open_pairs())
def test_rounds_come_to_every_pair(pairs: list[OpenPair]) -> None:
    """None starves: whatever a round tells of has one round more, and comes later."""
    rounds = Counter({(p.one.id, p.other.id): 0 for p in pairs})
    for number in range(len(pairs)):
        again = [
            pair(one, other, next(p.metrics for p in pairs if (p.one.id, p.other.id) == place), n)
            for place, n in rounds.items()
            for one, other in [place]
        ]
        for each in told(again, choose(again, number, max_s=4)):
            rounds[each.one.id, each.other.id] += 1
    assert all(rounds.values())


def test_it_grows_by_the_point_with_the_most_open_pairs() -> None:
    first = pair(0, 8, [THROUGHPUT])
    others = [pair(one, other, [THROUGHPUT], 1) for one, other in ((0, 3), (0, 4), (4, 8))]
    members = choose([first, *others], max_s=3.0)  # a second each, but for 3
    assert {member.record.id for member in members} == {0, 4, 8}


def test_the_order_is_random() -> None:
    pairs = [pair(0, 4, [THROUGHPUT])]
    first = Counter(choose(pairs, seed)[0].record.id for seed in range(200))
    assert set(first) == {0, 4}
    assert min(first.values()) > 60


def test_what_members_have_in_common_the_first_of_them_measures() -> None:
    pairs = [pair(0, 3, [LATENCY]), pair(1, 3, [LATENCY]), pair(0, 1, [THROUGHPUT])]
    by_first = {}
    for seed in range(20):
        members = choose(pairs, seed)
        owner = next(m for m in members if m.record.id in (0, 1) and LATENCY in m.metrics)
        places = [m.record.id for m in members if m.record.id in (0, 1)]
        by_first[places[0]] = owner.record.id
    assert by_first == {0: 0, 1: 1}


def test_others_are_members_too() -> None:
    pairs = [pair(0, 4, [THROUGHPUT])]
    anchor, bounded = Member(RECORDS[8], (LATENCY,)), Member(RECORDS[3], (LATENCY,))
    members = choose(pairs, required=[anchor], optional=[bounded], max_s=3.0)
    assert {m.record.id for m in members} == {0, 4, 8}
    members = choose(pairs, required=[anchor], optional=[bounded], max_s=9.0)
    assert {m.record.id for m in members} == {0, 3, 4, 8}
    (alone,) = choose([], optional=[bounded, Member(RECORDS[7], BOTH)], max_s=2.0)
    assert alone == bounded


def test_a_member_takes_what_it_is_wanted_for_in_all() -> None:
    """The anchor may be a rival as well."""
    members = choose([pair(0, 4, [THROUGHPUT])], required=[Member(RECORDS[0], (LATENCY,))])
    assert {m.record.id: set(m.metrics) for m in members} == {0: set(BOTH), 4: {THROUGHPUT}}


@pytest.mark.parametrize("points", [2, 60])
def test_a_large_frontier_takes_no_longer_round(points: int) -> None:
    many = [record(4 * place) for place in range(points)]
    pairs = [
        OpenPair(one, other, (THROUGHPUT,), 0, math.inf)
        for place, one in enumerate(many)
        for other in many[place + 1 :]
    ]
    assert len(choose(pairs)) == min(10, points)

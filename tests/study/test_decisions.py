"""What is decided between points: by their values where these are far apart, else by rounds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import LATENCY, METRICS, THROUGHPUT
from dse.study.comparison import Comparison, Evidence
from dse.study.decisions import Decisions, Order
from dse.study.frontier import point_of
from dse.study.observations import ObservationStore
from dse.study.record import Record
from dse.study.rounds import RoundPlace, RoundTable
from dse.tasks.image_classification._quality import ACCURACY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BOTH = (LATENCY.name, THROUGHPUT.name)
ALL = (ACCURACY.name, *BOTH)


def record(
    number: int,
    latency: float,
    throughput: float = 100.0,
    accuracy: float = 70.0,
    *,
    reach: float = 0.2,
    source: Source = Source.MEASURED,
) -> Record:
    """A point with intervals of that reach on both sides; its accuracy is published."""
    own = Configuration(f"model {number}", "fp32", "null", 1, 1)
    timed = [
        Measurement(
            metric,
            value,
            f"{metric} {number}",
            source,
            interval=(value * (1 - reach), value * (1 + reach)),
        )
        for metric, value in zip(BOTH, (latency, throughput), strict=True)
    ]
    quality = Measurement(ACCURACY.name, accuracy, "published", Source.PUBLISHED)
    return Record(number, own, Outcome((quality, *timed)))


def rounds_of(
    records: Sequence[Record], count: int, sd: float, true: Mapping[int, float] | None = None
) -> RoundTable:
    """Rounds of all points: their values, or the true latencies, with noise of their own."""
    table, chooser = RoundTable(), np.random.default_rng(1)
    for number in range(count):
        common = math.exp(chooser.normal(0, 0.2))
        for position, each in enumerate(records):
            place = RoundPlace(f"round {number}", position, len(records), "here")
            for metric in BOTH:
                found = each.outcome.measurement(metric)
                assert found is not None
                value = found.value
                if metric == LATENCY.name and true is not None:
                    value = true[each.id]
                noisy = value * common * math.exp(chooser.normal(0, sd))
                table.add(place, Measurement(metric, noisy, found.key, Source.MEASURED, "brief"))
            table.end(place, (1, number))
    return table


def compare(
    records: Sequence[Record], table: RoundTable | None = None, objectives: Sequence[str] = ALL
) -> Comparison:
    points = [point_of(each.outcome.measurements, ObservationStore()) for each in records]
    metrics = [METRICS[name] for name in objectives]
    return Comparison(records, points, metrics, Evidence(table or RoundTable()))


def decide(
    records: Sequence[Record], table: RoundTable | None = None, objectives: Sequence[str] = ALL
) -> Decisions:
    return Decisions(compare(records, table, objectives))


def test_what_is_far_apart_needs_no_rounds() -> None:
    fast, slow = record(0, 1.0), record(1, 9.0)
    found = decide([fast, slow], objectives=[LATENCY.name])
    assert found.relation(fast, slow, LATENCY.name).order is Order.BETTER
    assert found.survivors() == [0]


def test_a_metric_may_be_turned_round() -> None:
    """As by ``--by latency_p90_ms:maximize``."""
    one, other = record(0, 1.0), record(1, 1.1)
    table = rounds_of([one, other], 20, sd=0.01)
    points = [point_of(each.outcome.measurements, ObservationStore()) for each in (one, other)]
    turned = replace(LATENCY, direction="maximize")
    found = Decisions(Comparison([one, other], points, [turned], Evidence(table)))
    known = found.relation(one, other, LATENCY.name)
    assert known.order is Order.WORSE
    assert known.interval[0] < known.ratio < known.interval[1] < 1


def test_a_point_drops_out_only_for_one_that_stays() -> None:
    """Rounds may contradict values, so that all of three are behind another one."""
    records = [record(number, latency) for number, latency in enumerate((1.0, 1.1, 1.2))]
    tables = [
        rounds_of([records[fast], records[slow]], 30, sd=0.005, true={fast: 1.0, slow: 1.2})
        for fast, slow in ((0, 1), (1, 2), (2, 0))
    ]
    for number, other in enumerate(tables[1:], start=1):
        for name, each in other._rounds.items():
            tables[0]._rounds[f"{number} {name}"] = each
    found = decide(records, tables[0], objectives=[LATENCY.name])
    assert found.better[:, :, 0].sum() == 3
    kept = found.survivors()
    assert kept
    for place in {0, 1, 2} - set(kept):
        assert any(found.better[other, place, 0] for other in kept)


def test_what_is_near_is_open_and_tells_what_to_measure() -> None:
    one, other = record(0, 1.0, 100.0), record(1, 1.1, 101.0)
    found = decide([one, other])
    (pair,) = found.open_pairs(found.survivors())
    assert (pair.one.id, pair.other.id, set(pair.metrics)) == (0, 1, set(BOTH))
    assert (pair.rounds, pair.needed) == (0, math.inf)
    assert not found.surely_best([0, 1])


def test_rounds_decide_what_intervals_cannot() -> None:
    one, other = record(0, 1.0), record(1, 1.1)
    found = decide([one, other], rounds_of([one, other], 20, sd=0.02))
    assert found.order(one, other, LATENCY.name) is Order.BETTER
    known = found.relation(other, one, LATENCY.name)
    assert (known.order, known.rounds) == (Order.WORSE, 20)
    assert known.interval[0] < 1.1 < known.interval[1]
    assert known.ratio == pytest.approx(1.1, rel=0.02)


def test_the_ratio_decides_and_not_the_values() -> None:
    one, other = record(0, 1.0), record(1, 1.1)
    table = rounds_of([one, other], 20, sd=0.01, true={0: 1.2, 1: 1.0})
    assert decide([one, other], table).relation(one, other, LATENCY.name).order is Order.WORSE


def test_within_the_tolerance_it_is_a_tie_and_the_rest_decides() -> None:
    one, other = record(0, 1.0, accuracy=70.1), record(1, 1.002, accuracy=70.0)
    found = decide([one, other], rounds_of([one, other], 60, sd=0.005))
    assert found.relation(one, other, LATENCY.name).order is Order.TIE
    assert found.survivors() == [0]
    assert not found.open_pairs([0])


def test_points_that_tie_in_all_both_stay_and_are_decided() -> None:
    one, other = record(0, 1.0), record(1, 1.002)
    found = decide([one, other], rounds_of([one, other], 60, sd=0.005))
    assert found.survivors() == [0, 1]
    assert found.surely_best([0, 1]) == [0, 1]


def test_what_cannot_change_the_outcome_is_not_open() -> None:
    """Each is surely better somewhere: the third metric may stay unknown."""
    one, other = record(0, 1.0, 100.0, accuracy=60.0), record(1, 9.0, 101.0, accuracy=70.0)
    found = decide([one, other])
    assert not found.open_pairs([0, 1])
    assert found.surely_best([0, 1]) == [0, 1]


def test_ties_in_a_ring_do_not_drop_everything() -> None:
    """Each is better than the next in one metric, and as good in the others: ties add up."""
    values = {0: (1.0, 98.5), 1: (1.015, 100.0), 2: (1.03, 101.5)}
    records = [record(n, latency, rate) for n, (latency, rate) in values.items()]
    found = decide(records, rounds_of(records, 400, sd=0.002))
    assert found.survivors()


def test_recorded_values_are_exact() -> None:
    one = record(0, 1.0, reach=0.0, source=Source.REPLAYED)
    other = record(1, 1.001, reach=0.0, source=Source.REPLAYED)
    found = decide([one, other])
    assert found.survivors() == [0]
    assert found.surely_best([0]) == [0]


def test_a_published_quality_is_compared_as_it_is() -> None:
    good, fast = record(0, 2.0, accuracy=70.1, reach=0.05), record(1, 1.0, reach=0.05)
    found = decide([good, fast], objectives=[ACCURACY.name, LATENCY.name])
    assert found.surely_best([0, 1]) == [0, 1]


@given(
    latencies=st.lists(st.floats(0.5, 2), min_size=2, max_size=5),
    count=st.integers(0, 6),
    data=st.data(),
)
def test_one_is_better_where_the_other_is_worse_and_order_does_not_matter(
    latencies: list[float], count: int, data: st.DataObject
) -> None:
    records = [record(number, value) for number, value in enumerate(latencies)]
    table = rounds_of(records, count, sd=0.01)
    found = decide(records, table)
    turned = {Order.BETTER: Order.WORSE, Order.WORSE: Order.BETTER}
    shuffled = data.draw(st.permutations(records))
    other_way = decide(shuffled, table)
    for one in records:
        for other in records:
            order = found.relation(one, other, LATENCY.name).order
            back = found.relation(other, one, LATENCY.name).order
            assert back is turned.get(order, order)
            assert other_way.relation(one, other, LATENCY.name).order is order
    assert found.survivors()
    left = {records[place].id for place in found.survivors()}
    assert left == {shuffled[place].id for place in other_way.survivors()}

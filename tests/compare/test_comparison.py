"""Who is the best at which accuracy, and what is said of those that are not ranked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.compare.comparison import compare, default_levels
from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import ENERGY, LATENCY, THROUGHPUT
from dse.results.table import OFFLINE_POWER
from tests.compare.made import gathered, results, row

if TYPE_CHECKING:
    from pathlib import Path

    from dse.compare.comparison import Comparison, Ranking

FAST = results(
    "fast",
    row("small", accuracy=60, latency=1, throughput=800),
    row("large", accuracy=76, latency=4, throughput=200),
    cores=8,
)
SLOW = results(
    "slow",
    row("small", accuracy=60, latency=3, throughput=300),
    row("middle", accuracy=71, latency=5, throughput=250),
    cores=1,
    ghz=2.0,
)


def ranking(comparison: Comparison, name: str, accuracy: float) -> Ranking:
    (criterion,) = (each for each in comparison.criteria if each.name == name)
    return comparison.ranking(criterion, accuracy)


def order(found: Ranking) -> list[tuple[str, str, float]]:
    return [(s.system.name, s.entry.row.label, s.value) for s in found.standings]


def test_the_best_configuration_that_is_accurate_enough_counts() -> None:
    comparison = compare(gathered(FAST, SLOW), [50, 70, 75])
    assert order(ranking(comparison, LATENCY.name, 50)) == [
        ("fast", "small", 1.0),
        ("slow", "small", 3.0),
    ]
    assert order(ranking(comparison, LATENCY.name, 70)) == [
        ("fast", "large", 4.0),
        ("slow", "middle", 5.0),
    ]
    assert order(ranking(comparison, THROUGHPUT.name, 70)) == [
        ("slow", "middle", 250.0),
        ("fast", "large", 200.0),
    ]
    last = ranking(comparison, LATENCY.name, 75)
    assert order(last) == [("fast", "large", 4.0)]
    assert [(s.name, why) for s, why in last.absent] == [("slow", "no configuration reaches 75 %")]


def test_what_a_system_has_counts_where_it_is_known() -> None:
    comparison = compare(gathered(FAST, SLOW), [50])
    assert order(ranking(comparison, "throughput_per_core", 50)) == [
        ("slow", "small", 300.0),
        ("fast", "small", 100.0),
    ]
    clocked = ranking(comparison, "throughput_per_core_ghz", 50)
    assert order(clocked) == [("slow", "small", 150.0)]
    assert [(s.name, why) for s, why in clocked.absent] == [("fast", "ghz is not known")]
    lacking = {criterion.name: why for criterion, why in comparison.uncompared}
    assert lacking == {ENERGY.name: ENERGY.name, "throughput_per_watt": OFFLINE_POWER}


def test_the_facts_of_a_user_count(tmp_path: Path) -> None:
    facts = tmp_path / "facts.yaml"
    facts.write_text(
        "price_per_hour: 0.5\n"
        "systems:\n  CPU fast: {ghz: 4.0, price: 400}\n  CPU slow: {ghz: 1.0, price: 10}\n"
    )
    comparison = compare(gathered(FAST, SLOW, facts=facts), [70])
    assert order(ranking(comparison, "throughput_per_core_ghz", 70)) == [
        ("slow", "middle", 250.0),
        ("fast", "large", 6.25),
    ]
    assert order(ranking(comparison, "throughput_per_price", 70)) == [
        ("slow", "middle", 25.0),
        ("fast", "large", 0.5),
    ]
    (first, *_) = order(ranking(comparison, "samples_per_price", 70))
    assert first[-1] == pytest.approx(250 * 3600 / 0.5)


def test_measured_power_counts() -> None:
    power = {OFFLINE_POWER: 10.0, ENERGY.name: 30.0}
    system = results("one", row("net", accuracy=60, latency=1, throughput=100, more=power))
    comparison = compare(gathered(system), [50])
    assert order(ranking(comparison, "throughput_per_watt", 50)) == [("one", "net", 10.0)]
    assert order(ranking(comparison, ENERGY.name, 50)) == [("one", "net", 30.0)]


def test_objectives_of_the_user_take_the_place_of_all_others() -> None:
    comparison = compare(
        gathered(
            *(FAST, SLOW),
            metrics=["both [ms2] = latency_p90_ms / throughput_samples_per_s"],
            objectives=["both:minimize"],
        ),
        [70],
    )
    (criterion,) = comparison.criteria
    assert (criterion.name, criterion.unit) == ("both", "ms2")
    assert set(criterion.metrics) == {LATENCY.name, THROUGHPUT.name}
    assert order(ranking(comparison, "both", 70)) == [
        ("fast", "large", 0.02),
        ("slow", "middle", 0.02),
    ]


def test_conditions_leave_configurations_out() -> None:
    found = gathered(FAST, SLOW, conditions=["latency_p90_ms > 1"])
    assert [len(system.entries) for system in found.systems] == [1, 2]
    assert (found.tally.points, found.tally.kept) == (4, 3)
    comparison = compare(found, [50])
    assert order(ranking(comparison, LATENCY.name, 50))[0] == ("slow", "small", 3.0)


def test_a_missing_value_is_no_value() -> None:
    bare = results("bare", row("net", accuracy=80, latency=9))
    comparison = compare(gathered(bare, SLOW), [70])
    found = ranking(comparison, THROUGHPUT.name, 70)
    assert order(found) == [("slow", "middle", 250.0)]
    assert [why for _, why in found.absent] == [f"{THROUGHPUT.name} is not known"]
    unknown = results("unknown", row("net", latency=0.1))
    found = ranking(compare(gathered(unknown, SLOW), [70]), LATENCY.name, 70)
    assert [name for name, *_ in order(found)] == ["slow"]


@pytest.mark.parametrize(
    ("low", "high", "certain"), [(1.9, 2.1, True), (1.5, 3.0, False), (None, None, None)]
)
def test_intervals_tell_whether_the_first_is_certain(
    low: float | None, high: float | None, certain: bool | None
) -> None:
    known = {} if low is None or high is None else {LATENCY.name: (low, high)}
    one = results("one", row(accuracy=60, latency=2, source=Source.MEASURED, intervals=known))
    other = row(
        accuracy=60, latency=3, source=Source.MEASURED, intervals={LATENCY.name: (2.5, 3.5)}
    )
    comparison = compare(gathered(one, results("two", other)), [50])
    assert ranking(comparison, LATENCY.name, 50).certain is certain
    assert ranking(compare(gathered(one), [50]), LATENCY.name, 50).certain is None


def test_the_levels_are_those_that_are_reached() -> None:
    assert default_levels(gathered(FAST, SLOW).systems) == (50, 55, 60, 65, 70, 75)
    assert default_levels(gathered(results("one", row(accuracy=12, latency=1))).systems) == (5, 10)
    assert default_levels(gathered(results("one", row(latency=1))).systems) == ()


def test_systems_of_one_name_are_told_apart() -> None:
    again = results("fast", *FAST.rows, origin="u.csv")
    names = [system.name for system in gathered(FAST, again, SLOW, SLOW).systems]
    assert names == ["fast (t.csv)", "fast (u.csv)", "slow (t.csv) [3]", "slow (t.csv) [4]"]
    rounds = [replace(SLOW, release=release) for release in ("v3.0", "v3.1", "")]
    names = [system.name for system in gathered(*rounds[:2]).systems]
    assert names == ["slow (v3.0)", "slow (v3.1)"]
    divisions = [replace(SLOW, description={"Division": name}) for name in ("open", "closed")]
    names = [system.name for system in gathered(*divisions).systems]
    assert names == ["slow (open)", "slow (closed)"]
    names = [system.name for system in gathered(*rounds).systems]
    assert names == ["slow (t.csv) [1]", "slow (t.csv) [2]", "slow (t.csv) [3]"]


VALUES = st.floats(0.1, 99)


@given(
    systems=st.lists(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6), max_size=4),
    accuracy=st.floats(0.1, 99),
)
def test_nobody_is_better_than_the_first(
    systems: list[list[tuple[float, float]]], accuracy: float
) -> None:
    """What stands first is the best there is, and each system's own best stands for it."""
    found = [
        results(str(n), *(row(accuracy=a, latency=v) for a, v in rows))
        for n, rows in enumerate(systems)
    ]
    comparison = compare(gathered(*found), [accuracy])
    good = {str(n): [v for a, v in rows if a >= accuracy] for n, rows in enumerate(systems)}
    expected = sorted(min(values) for values in good.values() if values)
    if any(systems):
        standings = ranking(comparison, LATENCY.name, accuracy).standings
        assert [standing.value for standing in standings] == expected
        for standing in standings:
            assert standing.value == min(good[standing.system.name])


@given(rows=st.lists(st.tuples(VALUES, VALUES), max_size=12), accuracy=st.floats(0.1, 99))
def test_the_best_is_always_on_the_frontier(
    rows: list[tuple[float, float]], accuracy: float
) -> None:
    one = results("one", *(row(accuracy=a, latency=v) for a, v in rows))
    (system,) = gathered(one).systems
    values = [each.row.values for each in system.frontier(LATENCY.name)]
    assert [v["accuracy_percent"] for v in values] == sorted(
        (v["accuracy_percent"] for v in values), reverse=True
    )
    able = [v for a, v in rows if a >= accuracy]
    on = [v[LATENCY.name] for v in values if v["accuracy_percent"] >= accuracy]
    assert min(on, default=None) == min(able, default=None)


def test_systems_of_different_tasks_are_not_compared() -> None:
    one, other = results("one", row(latency=1)), results("other", row(latency=2), task="generated")
    words = "of different tasks can't be compared: generated, image-.*, or choose one with --task"
    with pytest.raises(RequestError, match=words):
        gathered(one, other)
    with pytest.raises(RequestError, match="'generated' has no quality to compare systems by"):
        gathered(other)


def test_what_has_an_accelerator_is_ranked_only_when_it_is_asked_for() -> None:
    card = results("card", row(accuracy=60, latency=0.1), accelerator="1 x Card")
    comparison = compare(gathered(card, SLOW))
    assert [system.name for system in comparison.ranked] == ["slow"]
    assert [system.name for system in comparison.left_out] == ["card"]
    found = ranking(comparison, LATENCY.name, 60)
    assert order(found) == [("slow", "small", 3.0)]
    assert [(system.name, why) for system, why in found.absent] == [("card", "has an accelerator")]
    comparison = compare(gathered(card, SLOW), accelerators=True)
    assert [name for name, *_ in order(ranking(comparison, LATENCY.name, 60))] == ["card", "slow"]
    assert comparison.left_out == ()


def test_systems_are_sorted_where_nearly_all_of_them_have_values() -> None:
    weak = results("weak", row(accuracy=66, latency=0.5))
    strong = [results(f"s{n}", row(accuracy=71, latency=10 - n)) for n in range(9)]
    found = compare(gathered(weak, *strong)).sort()
    assert found is not None
    assert (found.criterion.name, found.accuracy) == (LATENCY.name, 70)
    assert [*found.accuracies] == [60, 65, 70]
    # The quickest one does not reach 70 %.
    names = [system.name for system in found.systems]
    assert names == ["s8", "s7", "s6", "s5", "s4", "s3", "s2", "s1", "s0", "weak"]


def test_systems_are_sorted_by_any_criterion_at_any_accuracies() -> None:
    comparison = compare(gathered(SLOW, FAST))
    found = comparison.sort(accuracies=[50, 60])
    assert found is not None
    assert (found.accuracy, found.accuracies) == (60, (50, 60))
    assert [system.name for system in found.systems] == ["fast", "slow"]
    found = comparison.sort(comparison.criteria[1])
    assert found is not None
    assert (found.criterion.name, found.accuracy) == (THROUGHPUT.name, 70)
    assert [*found.accuracies] == [65, 70, 75]
    assert [system.name for system in found.systems] == ["slow", "fast"]


def test_nothing_to_sort() -> None:
    assert compare(gathered(results("one"))).sort() is None
    assert compare(gathered(FAST), [99]).sort() is None

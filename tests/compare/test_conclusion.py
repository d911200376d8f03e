"""What a comparison comes to, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.compare.comparison import compare
from dse.compare.conclusion import conclude
from dse.core.measurement import Source
from dse.core.metrics import LATENCY, THROUGHPUT
from tests.compare.made import gathered, results, row
from tests.compare.test_comparison import FAST, SLOW
from tests.compare.test_summary import MEASURED, THEIRS

if TYPE_CHECKING:
    from collections.abc import Sequence


def concluded(
    *found: Any,
    by: str = LATENCY.name,
    levels: Sequence[float] = (),
    accelerators: bool = False,
    **options: Any,
) -> list[str]:
    """The conclusion of systems, with options of `gathered`."""
    comparison = compare(gathered(*found, **options), levels, accelerators=accelerators)
    criterion = next((each for each in comparison.criteria if each.name == by), None)
    return conclude(comparison, comparison.sort(criterion))


def test_a_sentence_for_each_system_that_is_best_for_something() -> None:
    first, second = concluded(FAST, SLOW, levels=[70, 75])
    assert first == (
        "#1 fast (CPU fast) has the lowest SingleStream p90 latency of 2 systems with top-1 of at "
        "least 70 % (4.000 ms with large, published)"
    )
    assert second == (
        "#2 slow (CPU slow) has the highest Offline throughput (250.0 samples/s with middle, "
        "published), the highest Offline throughput per physical core (250 samples/s/core with "
        "middle, published) and the highest Offline throughput per physical core and GHz of its "
        "highest clock (125 samples/s/core/GHz with middle, published)"
    )


def test_it_begins_with_what_systems_are_sorted_by() -> None:
    first, second, *_ = concluded(FAST, SLOW, by=THROUGHPUT.name, levels=[70])
    assert first.startswith(
        "#2 slow (CPU slow) has the highest Offline throughput of 2 systems with"
    )
    assert second.startswith("#1 fast (CPU fast) has the lowest SingleStream p90 latency (4.000 ms")


def test_a_cpu_is_named_once_and_only_where_it_is_known() -> None:
    rows = [row(accuracy=60, latency=1)]
    (unknown,) = concluded(results("one", *rows, cpu="", cores=None))
    assert unknown.startswith("#1 one has the lowest")
    (named,) = concluded(results("box with CPU X", *rows, cpu="CPU X", cores=None))
    assert named.startswith("#1 box with CPU X has the lowest")


def test_the_best_ones_at_other_accuracies() -> None:
    rows = row("a", accuracy=60, latency=2), row("b", accuracy=76, latency=3)
    both = results("both", *rows, cores=None)
    quick = results("quick", row("c", accuracy=61, latency=1), cores=None)
    assert concluded(both, quick, levels=[60, 70, 75])[1:] == [
        (
            "#1 both has the lowest SingleStream p90 latency at 70 % (3.000 ms with b) and at 75 % "
            "(3.000 ms with b)"
        ),
    ]


def test_values_say_where_they_are_from() -> None:
    first, *others = concluded(MEASURED, THEIRS, levels=[50], accelerators=True)
    assert "(1.000 ms ±10% with small, measured)" in first
    assert "(800.0 samples/s with small, measured, short run)" in first
    assert others == []
    (alone, *_) = concluded(THEIRS, levels=[70], accelerators=True)
    assert "(200.0 samples/s with large, published, inferred)" in alone


def test_intervals_that_overlap_are_told() -> None:
    near: dict[str, Any] = {"source": Source.MEASURED, "intervals": {LATENCY.name: (0.5, 2.0)}}
    one = results("one", row(accuracy=50, latency=1, **near))
    two = results("two", row(accuracy=50, latency=1.1, **near))
    assert "not certain: intervals overlap" in concluded(one, two)[0]
    far = results("two", row(accuracy=50, latency=9, intervals={LATENCY.name: (8, 9)}))
    assert "not certain" not in concluded(one, far)[0]


def test_conditions_and_objectives_of_the_user() -> None:
    (first, *_) = concluded(FAST, SLOW, conditions=["latency_p90_ms > 1"], levels=[50])
    assert "of 2 systems with top-1 of at least 50 % within the conditions (3.000 ms " in first
    metrics, objectives = ["twice = latency_p90_ms * 2"], ["twice:maximize"]
    (only,) = concluded(FAST, SLOW, metrics=metrics, objectives=objectives, levels=[50])
    assert only.startswith("#2 slow (CPU slow) has the highest twice of 2 systems with top-1 of at")
    assert only.endswith("(10 with middle, published)")


def test_nothing_to_compare() -> None:
    assert concluded(THEIRS) == [
        "nothing to rank: 1 system with an accelerator; --accelerators adds it"
    ]
    assert concluded(FAST, levels=[99]) == [
        "nothing to compare: no system has a value with top-1 of at least 99 %"
    ]
    assert concluded(results("empty")) == [
        "nothing to compare: no configuration has both an accuracy and another value"
    ]

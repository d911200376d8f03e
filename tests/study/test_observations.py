"""What many measurements of the same thing amount to."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Occupancy
from dse.core.intervals import confidence_interval, pool_spread, typical_value
from dse.core.measurement import FIDELITY_ORDER, Measurement, Source
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.study.observations import MIN_DEGREES, Observation, ObservationStore
from dse.tasks.image_classification._quality import ACCURACY

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from dse.core.configuration import KnobValue
    from dse.core.measurement import FidelityName

VALUES = st.floats(0.1, 1000)
SOME = st.lists(VALUES, min_size=1, max_size=6)
FIDELITIES = st.sampled_from(FIDELITY_ORDER)
DISTURBED: dict[str, Any] = {"disturbed": "other load"}


def latency(
    value: float,
    key: str = "a",
    fidelity: FidelityName = "probe",
    metric: str = LATENCY.name,
    **details: KnobValue,
) -> Measurement:
    return Measurement(metric, value, key, Source.MEASURED, fidelity, details=details)


def measured(*observations: tuple[int, Measurement]) -> ObservationStore:
    """All on one machine, each with the number of its trial."""
    found = ObservationStore()
    for number, measurement in observations:
        found.add(Observation(measurement, (1, number), "here"))
    return found


def apart(values: Sequence[float]) -> list[list[float]]:
    """Values that are minutes apart."""
    return [[value] for value in values]


def series(
    values: list[float], fidelity: FidelityName = "probe", key: str = "a"
) -> ObservationStore:
    return measured(*((n, latency(v, key, fidelity)) for n, v in enumerate(values)))


@given(st.dictionaries(FIDELITIES, SOME, min_size=1), st.randoms(use_true_random=False))
def test_the_highest_fidelity_counts_in_whatever_order(
    by_fidelity: dict[FidelityName, list[float]], rng: random.Random
) -> None:
    taken = [latency(v, fidelity=f) for f, values in by_fidelity.items() for v in values]
    rng.shuffle(taken)
    known = measured(*enumerate(taken))
    highest = max(by_fidelity, key=FIDELITY_ORDER.index)
    estimate = known.estimate(latency(0.0))
    assert estimate.fidelity == highest
    assert estimate.value == pytest.approx(typical_value(by_fidelity[highest]))
    assert estimate.details["repetitions"] == len(by_fidelity[highest])
    latest = known.latest("a")
    assert latest is not None
    assert latest == [m for m in taken if m.fidelity == highest][-1]


@given(SOME, st.sampled_from(["rehearsal", "brief"]))
def test_rehearsals_and_brief_runs_change_no_value(
    values: list[float], fidelity: FidelityName
) -> None:
    known = series([3.0])
    revision = known.revision
    for number, value in enumerate(values, start=1):
        known.add(Observation(latency(value, fidelity=fidelity), (1, number), "here"))
    assert known.revision == revision
    assert known.probed_once(latency(3.0))
    assert known.estimate(latency(0.0)).value == 3.0
    assert known.latest("a") == latency(3.0)
    assert known.counts[LATENCY.name, fidelity] == len(values)
    told = known.spread(LATENCY.name)
    if fidelity == "brief" and len(values) > 1:
        assert told == pool_spread([apart(values)])
    else:
        assert told is None


def test_brief_runs_tell_of_the_noise_once_it_is_renewed() -> None:
    known = series([3.0])
    assert known.spread(LATENCY.name) is None
    for number, value in enumerate([1.0, 1.1, 1.2, 1.3], start=1):
        known.add(Observation(latency(value, fidelity="brief"), (1, number), "here"))
    assert known.spread(LATENCY.name) is None
    known.renew_noise()
    assert known.spread(LATENCY.name) is not None
    assert known.estimate(latency(0.0)).interval is not None


@given(SOME)
def test_the_interval_is_that_of_the_repetitions(values: list[float]) -> None:
    estimate = series(values).estimate(latency(0.0))
    known = pool_spread([apart(values)])
    enough = known is not None and known.degrees >= MIN_DEGREES
    assert estimate.interval == confidence_interval(apart(values), known if enough else None)
    assert (estimate.interval is None) is (len(values) == 1)
    if estimate.interval is not None:
        low, high = estimate.interval
        assert low * (1 - 1e-9) <= estimate.value <= high * (1 + 1e-9)


@given(VALUES, st.lists(VALUES, min_size=MIN_DEGREES + 1, max_size=6))
def test_what_was_probed_once_has_the_spread_of_others(value: float, others: list[float]) -> None:
    known = series(others, key="b")
    known.add(Observation(latency(value), (1, 9), "here"))
    estimate = known.estimate(latency(0.0))
    assert known.probed_once(estimate)
    assert estimate.value == value
    assert estimate.interval is not None
    reach = known.interval_factor(latency(value))
    assert estimate.interval == pytest.approx((value / reach, value * reach), rel=1e-9)
    assert not known.probed_once(latency(0.0, "b"))


def test_nothing_repeated_has_no_interval() -> None:
    known = series([3.0])
    assert known.estimate(latency(0.0)).interval is None
    assert known.bounds(latency(3.0)) is None
    assert known.interval_factor(latency(3.0)) == 1


def test_each_metric_has_a_spread_of_its_own() -> None:
    rates = [latency(v, "c", metric=THROUGHPUT.name) for v in (100.0, 101.0)]
    known = measured((0, latency(1.0)), (1, latency(2.0)), (2, rates[0]), (3, rates[1]))
    of_latency, of_rate = (known.spread(m.name) for m in (LATENCY, THROUGHPUT))
    assert of_latency is not None
    assert of_rate is not None
    assert of_latency.sd == pytest.approx(math.log(2) / math.sqrt(2))
    assert of_rate.sd == pytest.approx(math.log(1.01) / math.sqrt(2))


def test_all_fidelities_tell_of_the_spread() -> None:
    known = measured(
        (0, latency(1.0, "b")), (1, latency(1.1, "b")), (2, latency(5.0, fidelity="standard"))
    )
    known.add(Observation(latency(5.1, fidelity="standard"), (1, 3), "here"))
    spread = known.spread(LATENCY.name)
    assert spread == pool_spread([apart([1.0, 1.1]), apart([5.0, 5.1])])


def test_a_rehearsal_tells_nothing_of_the_spread() -> None:
    known = series([1.0, 3.0], "rehearsal")
    assert known.spread(LATENCY.name) is None


ONE, TWO, PAIR = Occupancy(1, 1), Occupancy(2, 2), Occupancy(1, 2)


def occupied(*values: tuple[Occupancy, str, Sequence[float]]) -> ObservationStore:
    """Latencies by key, each value minutes after the one before."""
    found = ObservationStore()
    for kind, key, taken in values:
        for number, value in enumerate(taken):
            found.add(Observation(latency(value, key), (1, number), "here", kind, 600.0 * number))
    return found


@pytest.mark.parametrize("enough", [False, True])
def test_an_interval_is_of_the_noise_with_the_cpus_occupied_so_or_missing(enough: bool) -> None:
    quiet, noisy = [1.0, 1.01, 0.99, 1.0][: 4 if enough else 3], [3.0, 4.5, 2.7, 3.9]
    known = occupied((ONE, "quiet", quiet), (TWO, "noisy", noisy), (ONE, "once", [7.0]))
    estimate = known.estimate(latency(7.0, "once"))
    own, widest = known.spread(LATENCY.name, ONE), known.spread(LATENCY.name, TWO)
    assert known.noise(LATENCY.name, ONE) == (own if enough else None)
    assert estimate.interval == (confidence_interval([[7.0]], own) if enough else None)
    # It is compared as if it were as noisy as the noisiest.
    expected = confidence_interval([[7.0]], own if enough else widest)
    assert known.bounds(estimate) == expected
    assert expected is not None
    assert 7 * known.interval_factor(latency(7.0, "once")) == pytest.approx(expected[1])
    assert list(known.spreads(LATENCY.name)) == [ONE, TWO]
    assert known.spread(LATENCY.name, PAIR) is None


def test_threads_of_one_instance_are_noisy_otherwise_than_instances() -> None:
    known = occupied((TWO, "threads", [1.0, 1.4, 0.8, 1.1]), (PAIR, "instances", [2.0]))
    assert known.estimate(latency(2.0, "threads")).interval is not None
    assert known.estimate(latency(2.0, "instances")).interval is None


def test_values_of_one_minute_narrow_no_interval_as_those_of_several_do() -> None:
    values = [1.0, 1.2, 0.9, 1.1, 1.05, 0.95, 1.0, 1.15]
    others = (ONE, "other", [3.0, 3.3, 2.8, 3.1, 3.2, 2.9])
    apart_, together = occupied(others, (ONE, "a", values)), occupied(others)
    for number, value in enumerate(values):
        taken = Observation(latency(value), (1, 99), "here", ONE, 5000.0 + 2 * number)
        together.add(taken)
    one, other = (known.estimate(latency(0.0)) for known in (apart_, together))
    assert one.value == other.value == pytest.approx(typical_value(values))
    assert one.interval is not None
    assert other.interval is not None
    assert math.log(other.interval[1] / other.interval[0]) > 1.5 * math.log(
        one.interval[1] / one.interval[0]
    )


@given(SOME, SOME)
def test_disturbed_ones_are_left_out_unless_most_are_disturbed(
    quiet: list[float], disturbed: list[float]
) -> None:
    taken = [latency(v) for v in quiet] + [latency(v, **DISTURBED) for v in disturbed]
    counting = quiet if len(disturbed) <= len(quiet) else quiet + disturbed
    for order in (taken, taken[::-1]):
        known = measured(*enumerate(order))
        assert known.estimate(latency(0.0)).value == pytest.approx(typical_value(counting))


def test_the_values_of_a_machine_count_by_how_quiet_it_is() -> None:
    known = measured((0, latency(1.0)), (1, latency(2.0, **DISTURBED)))
    for number in range(2, 5):
        known.add(Observation(latency(2.0, "b", **DISTURBED), (1, number), "there"))
    assert known.estimate(latency(0.0)).value == 1.0
    revision = known.revision
    known.add(Observation(latency(2.0, "c", **DISTURBED), (1, 5), "here"))
    assert known.revision > revision  # though nothing was measured again
    assert known.estimate(latency(0.0)).value == pytest.approx(math.sqrt(2.0))


KEYS = "abcdefghij"


def a_a_study(rng: np.random.Generator, share: float) -> tuple[ObservationStore, list[float]]:
    """One level under many names, each measured once or several times, minutes apart; all values.

    A share of the runs is disturbed: slower by a sixth as a rule, and four times as noisy.
    """
    found, values = ObservationStore(), []
    for place, key in enumerate([*KEYS, *"aaaaabbcc"]):
        disturbed = rng.random() < share
        values.append(rng.lognormal(0.15, 0.12) if disturbed else rng.lognormal(0.0, 0.03))
        taken = latency(values[-1], key, **(DISTURBED if disturbed else {}))
        found.add(Observation(taken, (1, place), "here", ONE, 600.0 * (place + 1)))
    return found, values


@pytest.mark.parametrize("share", [0.7, 0.8])
def test_intervals_hold_the_usual_value_of_a_machine_that_is_hardly_ever_quiet(
    share: float,
) -> None:
    rng = np.random.default_rng(0)
    studies = [a_a_study(rng, share) for _ in range(100)]
    usual = typical_value([value for _, values in studies for value in values])
    held = []
    for known, _ in studies:
        for key in KEYS:
            interval = known.estimate(latency(0.0, key)).interval
            assert interval is not None
            held.append(interval[0] <= usual <= interval[1])
    assert sum(held) >= 0.92 * len(held)


@given(SOME)
def test_what_a_table_says_is_exact(values: list[float]) -> None:
    known = ObservationStore()
    for number, value in enumerate(values):
        row = Measurement(LATENCY.name, value, "a", Source.REPLAYED)
        known.add(Observation(row, (1, number), "here"))
        assert known.estimate(row).interval == (value, value)
        assert known.estimate(row).value == value


@pytest.mark.parametrize("source", [Source.PUBLISHED, Source.REPLAYED])
@pytest.mark.parametrize("stored", [None, (69.0, 71.0)])
def test_an_accuracy_that_was_not_measured_here_has_no_interval(
    source: Source, stored: tuple[float, float] | None
) -> None:
    figure = Measurement(ACCURACY.name, 70.0, "a", source, interval=stored)
    assert measured((0, figure)).estimate(figure) == replace(figure, interval=None)


def test_an_accuracy_keeps_the_interval_it_was_measured_with() -> None:
    accuracy = Measurement(
        ACCURACY.name, 70.0, "a", Source.MEASURED, interval=(66.0, 74.0), seconds=3.0
    )
    assert measured((0, accuracy), (5, accuracy)).estimate(accuracy) == accuracy


QUIET = [(number, latency(1.0 + 0.001 * (number % 2), "anchor")) for number in range(0, 50, 10)]
JUMP = [(50, latency(1.6, "anchor")), (60, latency(1.6, "anchor"))]
BACK = [(70, latency(1.0, "anchor")), (80, latency(1.001, "anchor"))]


def anchored(*more: tuple[int, Measurement]) -> ObservationStore:
    known = measured(*more)
    known.set_anchor({LATENCY.name: "anchor"})
    return known


def test_what_was_measured_in_a_drift_is_in_doubt() -> None:
    before, during, after = (35, latency(9.0)), (55, latency(15.0)), (75, latency(9.1))
    known = anchored(*QUIET, *JUMP, *BACK, before, during, after)
    assert len(known.drifts()[LATENCY.name, "here"]) == 1
    assert not known.drifting(LATENCY.name)
    assert known.clean_or_all("a", "probe") == [before[1], after[1]]
    assert not known.stale(latency(0.0))
    assert known.estimate(latency(0.0)).value == pytest.approx(typical_value([9.0, 9.1]))
    alone = anchored(*QUIET, *JUMP, *BACK, during)
    assert alone.stale(latency(0.0))
    assert alone.estimate(latency(0.0)).value == 15.0


def test_a_drift_that_goes_on_is_told() -> None:
    known = anchored(*QUIET, *JUMP, (65, latency(15.0)))
    assert known.drifting(LATENCY.name)
    assert not known.drifting(THROUGHPUT.name)
    assert known.stale(latency(0.0))


def test_a_further_anchor_takes_the_doubt_away_or_brings_it() -> None:
    known = anchored(*QUIET, (55, latency(15.0)))
    assert not known.stale(latency(0.0))
    revisions = [known.revision]
    for number, measurement in JUMP:
        known.add(Observation(measurement, (1, number), "here"))
        revisions.append(known.revision)
    assert known.stale(latency(0.0))
    assert revisions == sorted(set(revisions))


@given(st.permutations([*QUIET, *JUMP, *BACK, (55, latency(15.0)), (75, latency(9.1))]))
def test_the_place_orders_the_anchor_and_not_the_time_it_was_read(
    taken: list[tuple[int, Measurement]],
) -> None:
    known, usual = anchored(*taken), anchored(*QUIET, *JUMP, *BACK)
    assert known.drifts() == usual.drifts()
    assert known.clean_or_all("a", "probe") == [latency(9.1)]


def test_another_machine_drifts_for_itself() -> None:
    known = anchored(*QUIET, *JUMP)
    for number, measurement in QUIET:
        known.add(Observation(measurement, (1, number + 1), "there"))
    known.add(Observation(latency(7.0, "b"), (1, 65), "there"))
    assert [name for name, found in known.drifts().items() if found] == [(LATENCY.name, "here")]
    assert not known.stale(latency(0.0, "b"))
    known.add(Observation(latency(7.0, "c"), (1, 65), "here"))
    assert known.stale(latency(0.0, "c"))


def test_a_disturbed_anchor_says_nothing() -> None:
    disturbed = [(n, latency(m.value, "anchor", **DISTURBED)) for n, m in JUMP]
    assert anchored(*QUIET, *disturbed, *BACK).drifts() == {}


@given(st.lists(st.tuples(st.sampled_from("abc"), FIDELITIES, VALUES), max_size=20))
def test_everything_is_kept_and_counted(taken: list[tuple[str, FidelityName, float]]) -> None:
    observed = [latency(value, key, fidelity) for key, fidelity, value in taken]
    known = measured(*enumerate(observed))
    everything = [o.measurement for o in known]
    assert sorted(map(str, everything)) == sorted(map(str, observed))
    for fidelity in FIDELITY_ORDER:
        assert known.counts[LATENCY.name, fidelity] == sum(f == fidelity for _, f, _ in taken)
    for key in "abc":
        own = [m for m in observed if m.key == key]
        assert [m for f in FIDELITY_ORDER for m in known.all(key, f)] == [
            m for f in FIDELITY_ORDER for m in own if m.fidelity == f
        ]
        once = len(own) == 1 and own[0].fidelity == "probe"
        assert known.probed_once(latency(0.0, key)) is (once or not own)

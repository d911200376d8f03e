"""Effects: pairs that differ in one knob only, and what is no pair."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration, KnobValue
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.report.effects import effects
from dse.report.quantities import ReportedMetric, ReportedValue
from dse.study.record import Record

if TYPE_CHECKING:
    from dse.report.effects import Effect

LATENCY = "latency_p90_ms"


def of(record: Record) -> ReportedValue | None:
    found = record.outcome.measurement(LATENCY)
    return None if found is None else ReportedValue(found.value, None, found.key, "")


RATIO = ReportedMetric(LATENCY, "p90", "p90", "minimize", 3, relative=True, of=of)
DIFFERENCE = ReportedMetric(LATENCY, "p90", "p90", "minimize", 3, relative=False, of=of)


def record(
    number: int, value: float | None, key: str = "", **fields: KnobValue | tuple[object, ...]
) -> Record:
    usual: dict[str, object] = {"model": "m", "precision": "fp32", "backend": "a", "threads": 1}
    configuration = Configuration(**{**usual, "batch_size": 1, **fields})  # type: ignore[arg-type]
    if value is None:
        return Record(number, configuration, Outcome(failure=Failure(FailureKind.CRASH, "bang")))
    measurement = Measurement(LATENCY, value, key or configuration.key, Source.MEASURED)
    return Record(number, configuration, Outcome((measurement,)))


def shown(found: list[Effect]) -> list[tuple[object, ...]]:
    return [(e.knob, e.reference, e.level, e.pairs, round(e.middle, 6)) for e in found]


def test_a_ratio_or_a_difference_within_pairs() -> None:
    records = [
        *(record(n, 4.0 * n, model=f"m{n}", threads=1) for n in (1, 2, 3)),
        *(record(9 + n, 2.0 * n, model=f"m{n}", threads=2) for n in (1, 2)),
        record(30, 1.0, model="m3", threads=4),
    ]
    threads = [each for each in shown(effects(records, [RATIO])) if each[0] == "threads"]
    assert threads == [("threads", 1, 2, 2, 0.5), ("threads", 1, 4, 1, round(1 / 12, 6))]
    assert ("threads", 1, 2, 2, -3.0) in shown(effects(records, [DIFFERENCE]))


def test_a_level_that_was_tried_with_fast_models_only_does_not_look_fast() -> None:
    records = [record(n, 10.0, model=f"slow{n}", precision="fp32") for n in range(3)]
    records += [record(9 + n, 1.0, model=f"fast{n}", precision="int8") for n in range(3)]
    assert not [e for e in effects(records, [RATIO]) if e.knob == "precision"]


def test_one_and_the_same_measurement_is_no_pair() -> None:
    records = [record(1, 2.0, "same", batch_size=1), record(2, 2.0, "same", batch_size=8)]
    assert effects(records, [RATIO]) == []


def test_failures_are_left_out() -> None:
    records = [record(1, 2.0, threads=1), record(2, None, threads=2)]
    assert effects(records, [RATIO]) == []


def test_backends_are_compared_whatever_their_own_knobs() -> None:
    records = [
        record(1, 2.0, backend="a"),
        *(record(2 + n, v, backend="b", knobs=(("x", n),)) for n, v in enumerate((3.0, 5.0, 4.0))),
    ]
    found = {(e.knob, e.level): e for e in effects(records, [RATIO])}
    assert math.isclose(found["backend", "b"].middle, 2.0)
    assert found["x", 1].reference == 0


@pytest.mark.parametrize("other", [0.0, -1.0])
def test_what_has_no_ratio_is_no_pair(other: float) -> None:
    records = [record(1, 2.0, threads=1), record(2, other, threads=2)]
    assert effects(records, [RATIO]) == []
    assert len(effects(records, [DIFFERENCE])) == 1


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8), st.floats(0.1, 10))
def test_a_knob_that_multiplies_is_found(values: list[float], factor: float) -> None:
    records = [
        each
        for n, value in enumerate(values)
        for each in (
            record(2 * n, value, model=f"m{n}", threads=1),
            record(2 * n + 1, value * factor, model=f"m{n}", threads=2),
        )
    ]
    (found,) = (each for each in effects(records, [RATIO]) if each.knob == "threads")
    assert found.pairs == len(values)
    for end in (found.low, found.middle, found.high):
        assert math.isclose(end, factor, rel_tol=1e-9)

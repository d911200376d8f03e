"""Laws of the enumeration, of the canonical form and of the automatic thread counts."""

from __future__ import annotations

import json
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.core.configuration import CONFIGURATION_FIELDS
from dse.core.errors import RequestError
from dse.space._enumeration import auto_threads, configurations, parameters, size
from dse.space.reading import read_space, space_from_dict
from tests.space.spaces import OFFERS, descriptions, space, write

if TYPE_CHECKING:
    from dse.core.configuration import Configuration

MACHINE = (4, 3)


def enumerated(description: dict[str, Any]) -> list[Configuration]:
    return list(configurations(space_from_dict(description), OFFERS, *MACHINE))


@settings(deadline=None)
@given(descriptions())
def test_no_configuration_comes_twice(description: dict[str, Any]) -> None:
    points = enumerated(description)
    assert len({point.key for point in points}) == len(points)


@settings(deadline=None)
@given(descriptions())
def test_the_size_is_known_without_walking(description: dict[str, Any]) -> None:
    read = space_from_dict(description)
    assert size(read, OFFERS, *MACHINE) == len(enumerated(description))


@settings(deadline=None)
@given(descriptions())
def test_without_conditions_the_size_is_the_product(description: dict[str, Any]) -> None:
    read = space_from_dict(description)
    plain = [b for b in read.backends if not any(k.when for k in b.knobs)]
    for backend in plain:
        points = [p for p in enumerated(description) if p.backend == backend.name]
        threads = {1, 2, 3, 4} if read.threads is None else set(read.threads)
        patterns = ["*"] if description["models"] == "all" else description["models"]
        expected = len([o for o in OFFERS if any(fnmatchcase(o, p) for p in patterns)])
        expected *= len(read.precisions) * len(threads) * len(read.batch_sizes)
        expected *= len(read.instances) * len(read.pinned)
        for knob in backend.knobs:
            expected *= len(knob.values)
        assert len(points) == expected


@settings(deadline=None)
@given(descriptions())
def test_knobs_are_set_exactly_where_their_conditions_hold(description: dict[str, Any]) -> None:
    for point in enumerated(description):
        knobs = description["backends"][point.backend] or {}
        expected = set()
        for name, said in knobs.items():
            when = said["when"] if isinstance(said, dict) else {}
            fields = point.as_dict()
            holds = all(
                any(fnmatchcase(str(fields[field]), str(value)) for value in values)
                for field, values in when.items()
            )
            if holds and name != "table":
                expected.add(name)
                allowed = said["values"] if isinstance(said, dict) else said
                allowed = allowed if isinstance(allowed, list) else [allowed]
                assert dict(point.knobs)[name] in allowed
        assert {name for name, _ in point.knobs} == expected


@settings(deadline=None)
@given(descriptions())
def test_parameters_agree_with_the_enumeration(description: dict[str, Any]) -> None:
    read = space_from_dict(description)
    dimensions = {p.name: p for p in parameters(read, OFFERS, *MACHINE)}
    assert tuple(dimensions)[:7] == CONFIGURATION_FIELDS
    for point in enumerated(description):
        fields = point.as_dict()
        active = {name for name, p in dimensions.items() if p.active(fields)}
        knobs = {f"{point.backend}.{name}": value for name, value in point.knobs}
        assert active == {*CONFIGURATION_FIELDS, *knobs}
        for name in active:
            assert {**fields, **knobs}[name] in dimensions[name].choices


@settings(deadline=None)
@given(descriptions())
def test_the_order_does_not_depend_on_the_order_of_the_backends(
    description: dict[str, Any],
) -> None:
    turned = {**description, "backends": dict(reversed(description["backends"].items()))}
    assert enumerated(turned) == enumerated(description)


@settings(deadline=None)
@given(descriptions())
def test_the_canonical_form_comes_back_whole(description: dict[str, Any]) -> None:
    read = space_from_dict(description)
    # A study may keep it with its keys sorted.
    sorted_json = json.dumps(read.as_dict(), sort_keys=True, allow_nan=False)
    again = space_from_dict(json.loads(sorted_json))
    assert again == read
    assert again.as_dict() == read.as_dict()
    assert list(configurations(again, OFFERS, *MACHINE)) == enumerated(description)
    with tempfile.TemporaryDirectory() as folder:
        assert read_space(write(Path(folder), read.as_yaml())) == read


def test_the_model_changes_slowest_and_the_knobs_fastest() -> None:
    small = space(
        models=["alpha-1", "beta-1"],
        batch_sizes=[1, 2],
        backends={"litert": {"xnnpack": [True, False]}},
    )
    points = [
        (p.model, p.batch_size, dict(p.knobs)["xnnpack"])
        for p in configurations(small, OFFERS, 1, 1)
    ]
    assert points == [
        (model, batch, knob)
        for model in ("alpha-1", "beta-1")
        for batch in (1, 2)
        for knob in (True, False)
    ]


def test_the_enumeration_is_lazy() -> None:
    wide = {"start": 1, "stop": 900}
    points = configurations(space(threads=wide, batch_sizes=wide), OFFERS, 1, 1)
    assert next(points).batch_size == 1
    assert next(points).batch_size == 2


def test_overlapping_patterns_and_names_give_each_model_once() -> None:
    overlapping = space(models=["beta-*", "gamma", "*", "delta"])
    names = [p.model for p in configurations(overlapping, OFFERS, 1, 1)]
    assert names == ["beta-1", "beta-2", "gamma", "alpha-1", "alpha-2", "delta"]


def test_patterns_tell_upper_case_from_lower() -> None:
    with pytest.raises(RequestError, match=r"models\[0\]: 'ALPHA-\*' matches no model"):
        configurations(space(models=["ALPHA-*"]), OFFERS, 1, 1)


@settings(deadline=None)
@given(st.integers(1, 512), st.integers(1, 512))
def test_automatic_thread_counts(available: int, physical: int) -> None:
    counts = auto_threads(available, physical)
    assert counts[0] == 1
    assert list(counts) == sorted(set(counts))
    assert counts[-1] <= available
    assert min(physical, available) in counts
    assert all(n.bit_count() == 1 for n in counts if n != min(physical, available))
    # No power of two that fits is left out.
    assert all(2 * n in counts or 2 * n > available for n in counts if n.bit_count() == 1)


@pytest.mark.parametrize(
    ("machine", "counts"),
    [
        ((1, 1), (1,)),
        ((2, 1), (1, 2)),
        ((2, 2), (1, 2)),
        ((12, 6), (1, 2, 4, 6, 8)),
        ((16, 8), (1, 2, 4, 8, 16)),
        ((3, 8), (1, 2, 3)),
        ((6, 6), (1, 2, 4, 6)),
    ],
)
def test_automatic_thread_counts_of_some_machines(
    machine: tuple[int, int], counts: tuple[int, ...]
) -> None:
    assert auto_threads(*machine) == counts


@pytest.mark.parametrize("machine", [(0, 1), (1, 0), (-1, 4)])
def test_a_machine_has_a_cpu(machine: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least one CPU"):
        auto_threads(*machine)

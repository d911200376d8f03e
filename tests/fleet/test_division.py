from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.exploration._keys import overlap
from dse.fleet._division import divide, group_configurations, left_of
from dse.fleet.spec import Group

CONFIGURATIONS = [
    Configuration(model, "fp32", "null", threads, batch, (("delay_ms", delay),))
    for model in "ab"
    for threads in (1, 2)
    for batch in (1, 2)
    for delay in (0.1, 0.2)
]
GROUPS = st.lists(st.integers(1, 9), max_size=12).map(
    lambda sizes: [
        Group(f"g{place}", tuple(f"{place}-{n}" for n in range(size)))
        for place, size in enumerate(sizes)
    ]
)


def test_what_shares_measurements_is_in_one_group() -> None:
    for qualities in (False, True):
        groups = group_configurations(CONFIGURATIONS, qualities=qualities)
        place = {key: group.name for group in groups for key in group.keys}
        assert set(place) == {each.key for each in CONFIGURATIONS}
        for one in CONFIGURATIONS:
            for other in CONFIGURATIONS:
                if overlap(one, other, quality=qualities):
                    assert place[one.key] == place[other.key]
        assert len(groups) == (2 if qualities else 4)


@given(GROUPS, st.integers(1, 6))
def test_everything_is_given_once_and_evenly(groups: list[Group], nodes: int) -> None:
    parts = divide(groups, nodes)
    assert sorted(g.name for part in parts for g in part) == sorted(g.name for g in groups)
    assert len(parts) == min(nodes, len(groups))
    sizes = [sum(len(group.keys) for group in part) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    if parts:
        assert max(sizes) - min(sizes) <= max(len(group.keys) for group in groups)
    for part in parts:
        assert list(part) == [group for group in groups if group in part]


def test_one_node_gets_all() -> None:
    groups = [Group("a", ("1",)), Group("b", ("2", "3"))]
    assert divide(groups, 1) == [tuple(groups)]
    assert divide([], 3) == []


def test_what_is_left() -> None:
    groups = [Group("a", ("1", "2")), Group("b", ("3",)), Group("c", ("4",))]
    assert left_of(groups, {"1", "3"}, {"c"}) == (Group("a", ("2",)),)
    assert left_of(groups, set(), set()) == tuple(groups)

"""The names in a picture: each in a place where it covers nothing, or nowhere."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from dse.report._labels import Box, Label, box_around, draw_labels, place_labels
from dse.report.picture import MARGINS, drawing

if TYPE_CHECKING:
    from pathlib import Path

FRAME = Box(0, 0, 100, 100)
LENGTHS = st.integers(0, 100)
LABELS = st.lists(
    st.builds(
        Label,
        st.sampled_from("abcdefgh"),
        x=LENGTHS,
        y=LENGTHS,
        reach=st.integers(0, 10),
        width=st.integers(1, 40),
        height=st.integers(1, 20),
    ),
    max_size=12,
)
BOXES = st.lists(
    st.builds(
        lambda left, bottom, width, height: Box(left, bottom, left + width, bottom + height),
        LENGTHS,
        LENGTHS,
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    max_size=12,
)


@given(LABELS, BOXES, BOXES, st.booleans())
def test_a_label_covers_nothing_or_has_no_place(
    labels: list[Label], solid: list[Box], faint: list[Box], left_first: bool
) -> None:
    places = place_labels(labels, FRAME, solid, faint, left_first=left_first)
    assert places == place_labels(labels, FRAME, solid, faint, left_first=left_first)
    kept = [box for box in places if box is not None]
    assert not any(one.overlaps(other) for one, other in combinations(kept, 2))
    assert all(FRAME.holds(box) for box in kept)
    assert not any(box.overlaps(other) for box in kept for other in solid)


@given(LABELS, BOXES, BOXES, st.booleans())
def test_a_label_without_a_place_has_none_beside_those_before_it(
    labels: list[Label], solid: list[Box], faint: list[Box], left_first: bool
) -> None:
    taken, written = list(solid), set()
    places = place_labels(labels, FRAME, solid, faint, left_first=left_first)
    for label, box in zip(labels, places, strict=True):
        if box is None:
            tried = label.places(left_first=left_first)
            free = [t for t in tried if FRAME.holds(t) and not any(map(t.overlaps, taken))]
            assert label.text in written or not free
        else:
            taken.append(box)
            written.add(label.text)


def test_the_first_place_that_covers_least_is_taken() -> None:
    label = Label("name", 50, 50, reach=5, width=20, height=10)
    above_left, above_right, _, _, below_left, below_right, *_ = label.places(left_first=True)
    for solid, faint, expected in (
        ([], [], above_left),
        ([above_left], [], above_right),
        ([], [above_left], above_right),
        ([], [above_left, above_right], below_left),
        ([above_right, below_left, below_right], [above_left], above_left),
        ([FRAME], [], None),
    ):
        assert place_labels([label], FRAME, solid, faint, left_first=True) == [expected]
    assert place_labels([label, label], FRAME, [], [], left_first=False) == [above_right, None]


def test_names_are_written_where_they_cover_neither_points_nor_lines(tmp_path: Path) -> None:
    points = [(1 + number / 5, 50 + number**1.5) for number in range(20)]
    with drawing((5, 4), [tmp_path / "picture.png"], MARGINS) as figure:
        axes = figure.add_subplot()
        axes.scatter(*zip(*points, strict=True), label="runtime")
        axes.set_xlim(0, 6)
        axes.legend(loc="lower right")
        solid = [box_around(axes, place, reach=4) for place in points]
        solid.append(box_around(axes, (2.0, 0.0), (2.0, 200.0)))
        names = [(f"model {number}", place, 4.0) for number, place in enumerate(points)]
        draw_labels(axes, names, solid, [], left_first=True)
        legend = axes.get_legend()
        assert legend is not None
        solid.append(Box(*legend.get_window_extent().extents))
        shown = [Box(*text.get_window_extent().extents) for text in axes.texts]
        assert axes.texts[0].get_text() == "model 0"
        assert 5 < len(shown) < len(points)
        assert not any(one.overlaps(other) for one, other in combinations(shown, 2))
        assert not any(box.overlaps(other) for box in shown for other in solid)

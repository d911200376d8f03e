"""The names of points in a picture: beside their points, and over nothing that counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    Place = tuple[float, float]

POINTS_PER_INCH = 72
GAP = 1.5
"""Typographic points between the mark of a point and its name."""
LIFT = 1.0
"""Pixels between a name and the line at the height of its point."""
BACKDROP = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0}
"""What a name is written on, so that it can be read over a faint line."""
PADDING = 1.0
"""Pixels around a name."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels from the lower left corner of a picture; a line has no width.

    Attributes:
        left: its left edge.
        bottom: its lower edge.
        right: its right edge.
        top: its upper edge.
    """

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Whether they have more in common than an edge."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    def holds(self, other: Box) -> bool:
        """Whether another one lies inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.bottom <= other.bottom and other.top <= self.top


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a point; lengths are pixels.

    Attributes:
        text: what is written.
        x: the middle of the point, to the right.
        y: the middle of the point, upwards.
        reach: how far the text stays away from there, to the left or to the right.
        width: of the text.
        height: of the text.
    """

    text: str
    x: float
    y: float
    reach: float
    width: float
    height: float

    def places(self, *, left_first: bool) -> Iterator[Box]:
        """The places to try on both sides: above, level and below, then further up and down."""
        sides = (self.x - self.reach - self.width, self.x + self.reach)
        level, below = self.y - self.height / 2, self.y - self.height
        bottoms = (self.y + LIFT, level, below - LIFT, self.y + self.reach, below - self.reach)
        for bottom in bottoms:
            for left in sides if left_first else sides[::-1]:
                yield Box(left, bottom, left + self.width, bottom + self.height)


def place_labels(
    labels: Sequence[Label],
    frame: Box,
    solid: Sequence[Box],
    faint: Sequence[Box],
    *,
    left_first: bool,
) -> list[Box | None]:
    """Finds a place for each label, one after the other.

    A label stays in the frame and covers neither another label nor what is solid. Of the places
    that are left it takes the one that covers the fewest faint things; the first one of several.

    Args:
        labels: the most important one first.
        frame: what all labels stay in.
        solid: what must not be covered.
        faint: what should not be covered.
        left_first: whether the left side of a point is tried before the right one.

    Returns:
        A place for each label; None where none is free, or where the same text is written already.
    """
    taken, written = list(solid), set[str]()
    places: list[Box | None] = []
    for label in labels:
        free = [
            box
            for box in label.places(left_first=left_first)
            if frame.holds(box) and not any(map(box.overlaps, taken))
        ]
        if label.text in written or not free:
            places.append(None)
            continue
        best = min(free, key=lambda box: sum(map(box.overlaps, faint)))
        taken.append(best)
        written.add(label.text)
        places.append(best)
    return places


def box_around(axes: Axes, *places: Place, reach: float = 0.0) -> Box:
    """The box of places in a picture whose axes no longer change.

    Args:
        axes: of the picture.
        places: values across and up.
        reach: how far the box goes beyond them, in typographic points.
    """
    pixels = axes.transData.transform(places)
    further = reach * axes.figure.dpi / POINTS_PER_INCH
    return Box(*(pixels.min(axis=0) - further), *(pixels.max(axis=0) + further))


def draw_labels(
    axes: Axes,
    names: Sequence[tuple[str, Place, float]],
    solid: Sequence[Box],
    faint: Sequence[Box],
    *,
    left_first: bool,
) -> None:
    """Writes the names that have a place, see `place_labels`; the legend is not covered, either.

    Args:
        axes: of the picture; they no longer change.
        names: each with the values of its point and how far the mark of that reaches, in
            typographic points; the most important one first.
        solid: what must not be covered.
        faint: what should not be covered.
        left_first: whether the left side of a point is tried before the right one.
    """
    per_point = axes.figure.dpi / POINTS_PER_INCH
    written = [
        axes.annotate(
            text,
            place,
            (0, 0),
            textcoords="offset points",
            verticalalignment="bottom",
            fontsize=7,
            bbox=BACKDROP,
        )
        for text, place, _ in names
    ]
    labels = []
    for (text, place, reach), each in zip(names, written, strict=True):
        x, y = axes.transData.transform(place)
        size = each.get_window_extent()
        width, height = size.width + 2 * PADDING, size.height
        labels.append(Label(text, x, y, (reach + GAP) * per_point, width, height))
    legend = axes.get_legend()
    if legend is not None:
        solid = [*solid, Box(*legend.get_window_extent().extents)]
    frame = Box(*axes.get_window_extent().extents)
    places = place_labels(labels, frame, solid, faint, left_first=left_first)
    for each, label, box in zip(written, labels, places, strict=True):
        if box is None:
            each.remove()
        else:
            offset = box.left + PADDING - label.x, box.bottom - label.y
            each.set_position((offset[0] / per_point, offset[1] / per_point))

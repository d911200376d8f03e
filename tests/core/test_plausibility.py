"""How notes of many points become lines."""

from __future__ import annotations

from dse.core.plausibility import Note, lines


def test_notes_of_many_points_have_a_line_for_each_reason() -> None:
    chance = Note("accuracy is that of chance", "0.1 % of 1,000 classes", "look at scale")
    low, lower = (Note("far below", f"{n} %", "look at mean") for n in (50, 40))
    points = [(f"#{n}", [chance, low if n % 2 else lower]) for n in range(1, 8)]
    assert lines([]) == lines([("#1", [])]) == []
    assert lines(points[:1]) == [
        "#1: accuracy is that of chance (0.1 % of 1,000 classes): look at scale",
        "#1: far below (50 %): look at mean",
    ]
    assert lines(points) == [
        "all 7 points: accuracy is that of chance (0.1 % of 1,000 classes): look at scale",
        "all 7 points: far below (such as #1: 50 %): look at mean",
    ]
    some = [*points, ("#8", [])]
    assert lines(some)[1] == (
        "7 points (#1, #2, #3, #4, #5 and 2 more): far below (such as #1: 50 %): look at mean"
    )
    assert lines([*points[:2], ("#8", [])])[1] == (
        "2 points (#1, #2): far below (such as #1: 50 %): look at mean"
    )
    assert lines([("", own) for _, own in some]) == [
        "7 points: accuracy is that of chance (0.1 % of 1,000 classes): look at scale",
        "7 points: far below (such as 50 %): look at mean",
    ]
    assert lines([("", points[0][1]), ("", [])])[1] == "1 point: far below (50 %): look at mean"

"""What precision costs, in words: the conclusion, the marks, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Source
from dse.report._precision import costs
from dse.report._precision_text import cells, conclude, headings, notes
from tests.report.methods import Methods

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def made(tmp_path: Path) -> Methods:
    return Methods(tmp_path)


def test_the_usual_method_is_told_with_what_is_certain(made: Methods) -> None:
    made.add("fp32", 450, 10.0)
    made.add("int8", 448, 8.0, weight_range="safe")
    made.add("int8", 420, 9.0, weight_range="full")
    found = costs(made.view)
    assert conclude(found) == [
        (
            "int8 default of m on x loses 0.4 points of top-1, which may be luck, and is 1.25 "
            "times as fast as fp32; no other method certainly loses less"
        )
    ]
    assert [title for title, _ in headings(found)[4:]] == ["lost [points]", "\u00d7 p90"]
    usual, full = cells(found, every=True)
    assert usual == ["m", "x", "int8 default", "*", "~0.4", "1.25"]
    assert full == ["m", "x", "int8 full", "", "6.0", "1.11"]
    assert cells(found, every=False) == [usual]
    told = notes(found, every=False)
    assert told[0] == "and 1 more method that others are ahead of; --all shows them"
    assert told[2].startswith("~ not decided")
    assert not any("--all" in line for line in notes(found, every=True))


def test_where_no_method_leads_fp32_does(made: Methods) -> None:
    made.add("fp32", 450, 10.0, Source.MEASURED)
    made.add("int8", 420, 12.5, Source.MEASURED)
    made.add("fp32", 450, 10.0, backend="y")
    made.add("int8", 450, 5.0, backend="y", weight_range="full")
    found = costs(made.view)
    assert conclude(found) == [
        (
            "int8 of m on x loses 6.0 points of top-1 for certain and is 0.80 times as fast as "
            "fp32, the noise being unknown; by its values fp32 leads alone"
        ),
        "int8 full of m on y loses no top-1 and is 2.00 times as fast as fp32",
    ]
    assert any(line.startswith("? not known") for line in notes(found, every=False))


def test_of_several_models_the_medians_are_told(made: Methods) -> None:
    for model, right in (("a", 440), ("b", 430), ("c", 455)):
        made.add("fp32", 450, 10.0, model=model)
        made.add("int8", right, 5.0, model=model)
    made.add("int8", 450, 5.0, model="d")
    found = costs(made.view)
    assert conclude(found) == [
        (
            "int8 on x loses 2.0 points of top-1 and is 2.00 times as fast as fp32 (medians of 3 "
            "models; certain differences: top-1 in 2, p90 in 3)"
        )
    ]
    told = notes(found, every=False)[-1]
    assert told == "left out: 1 point without an fp32 point of the same model, runtime and settings"


def test_a_better_method_is_named(made: Methods) -> None:
    made.add("fp32", 450, 10.0)
    made.add("int8", 400, 8.0, fp32_layers=0)
    made.add("int8", 440, 8.0, fp32_layers=2)
    (told,) = conclude(costs(made.view))
    assert told.endswith("; certainly less is lost by int8 fp32_layers=2")


def test_without_a_pair_or_an_accuracy_it_says_so(made: Methods) -> None:
    made.add("int8", 450, 5.0)
    nothing = "no point has an fp32 point of the same model, runtime and settings"
    assert conclude(costs(made.view)) == [nothing]
    made.add("fp32", None, 10.0, threads=2)
    made.add("int8", None, 5.0, threads=2)
    made.add("int8", None, 6.0, threads=2, weight_range="full")
    found = costs(made.view)
    assert [row[2:] for row in cells(found, every=False)] == [
        ["int8", "", "", "2.00"],
        ["int8 full", "", "", "1.67"],
    ]
    (told,) = conclude(found)
    assert told == "int8 of m on x has no known accuracy and is 2.00 times as fast as fp32"


def test_it_is_said_of_what_nobody_knows_whether_it_is_luck(made: Methods) -> None:
    published = Source.PUBLISHED
    made.add("fp32", 450, 10.0, accuracy=published)
    made.add("int8", 440, 5.0, accuracy=published)
    made.add("fp32", 450, 10.0, backend="y")
    made.add("int8", 440, 5.0, backend="y", images="others")
    for model in ("m", "n"):
        made.add("fp32", 450, 10.0, Source.MEASURED, backend="z", model=model, accuracy=published)
        made.add("int8", 440, 5.0, Source.MEASURED, backend="z", model=model, accuracy=published)
    assert conclude(costs(made.view)) == [
        "int8 of m on x loses 2.0 points of published top-1 and is 2.00 times as fast as fp32",
        (
            "int8 of m on y loses 2.0 points of top-1, which nothing tells from luck, and is 2.00 "
            "times as fast as fp32"
        ),
        (
            "int8 on z loses 2.0 points of published top-1 and is 2.00 times as fast as fp32 "
            "(medians of 2 models; certain differences: p90 in none)"
        ),
    ]


def test_a_loss_without_a_speed_ends_its_clause(made: Methods) -> None:
    made.add("fp32", 450, 10.0)
    made.add("int8", 448, 8.0)
    made.add("int8", 447, 9.0, weight_range="full")
    (told,) = conclude(replace(costs(made.view), metrics=("throughput_samples_per_s",)))
    assert told == (
        "int8 of m on x loses 0.4 points of top-1, which may be luck; no other method certainly "
        "loses less"
    )


def test_a_runtime_whose_points_are_all_left_out_is_named(made: Methods) -> None:
    made.add("fp32", 450, 10.0)
    made.add("int8", 450, 5.0)
    made.add("int8", 450, 5.0, threads=2)
    for runtime in ("z", "y"):
        made.add("fp32", 450, 10.0, backend=runtime)
        made.add("int8", 450, 5.0, backend=runtime, threads=2)
    found = costs(made.view)
    assert (found.unpaired, found.lacking) == (3, ("y", "z"))
    told = notes(found, every=False)[-1]
    assert told.endswith("of the same model, runtime and settings; so y, z have no row")

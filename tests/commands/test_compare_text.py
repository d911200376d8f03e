"""What a terminal shows of a comparison."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from dse.commands.compare_text import points, show
from dse.compare.comparison import compare
from dse.core.measurement import Source
from dse.core.metrics import ENERGY, LATENCY, THROUGHPUT
from tests.compare.made import gathered, results, row
from tests.compare.test_summary import MEASURED, THEIRS


def shown(*found: object, what: object = show, **options: object) -> str:
    console = Console(file=io.StringIO(), width=300, color_system=None, highlight=False)
    comparison = compare(gathered(*found, **options))  # type: ignore[arg-type]
    what(comparison, console)  # type: ignore[operator]
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def line_with(text: str, *words: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    found = [line for line in lines if all(word in line for word in words)]
    assert found, (words, text)
    return found[0]


def test_systems_say_where_their_values_come_from() -> None:
    text = shown(MEASURED, THEIRS)
    assert line_with(text, "mine", "CPU mine").endswith("measured, 500 images")
    assert line_with(text, "theirs", "CPU theirs, 1 x Card").endswith("published, v3.0")


def test_values_have_their_marks() -> None:
    text = shown(MEASURED, THEIRS)
    best = line_with(text.partition("the best of each system")[2], "1 mine")
    assert "1.000" in best
    assert "800.0 p" in best
    assert "200.0 i" in line_with(text.partition("the best of each system")[2], "2 theirs")
    matrix = text.partition("Offline throughput [samples/s]:")[2]
    assert line_with(matrix, "1 mine").count("800.0 p") == 3
    winner = line_with(text, "75 %", "SingleStream p90 latency")
    assert winner.split()[-5:] == ["theirs", "published,", "valid", "large", "76.00"]


def test_only_the_first_of_those_within_its_interval_is_marked() -> None:
    near: dict[str, Any] = {"source": Source.MEASURED, "intervals": {LATENCY.name: (0.5, 2.0)}}
    text = shown(
        results("one", row(accuracy=50, latency=1, **near)),
        results("two", row(accuracy=50, latency=1.1, **near)),
    )
    assert "~" in line_with(text, "50 %", "SingleStream p90 latency")


def test_an_estimate_is_no_published_energy() -> None:
    more = {ENERGY.name: 5.0}
    mine = results("mine", row(accuracy=50, latency=1, more=more, source=Source.MEASURED))
    theirs = results("theirs", row(accuracy=50, latency=1, more=more))
    found = compare(gathered(mine, theirs))
    (energy,) = (each for each in found.criteria if each.name == ENERGY.name)
    told = [s.entry.sources(energy) for s in found.ranking(energy, 50.0).standings]
    assert told == [("estimated",), ("published",)]


def test_names_of_others_do_nothing_to_the_terminal() -> None:
    name = "\x1b[31mred\x07\n[bold]one[/bold]"
    text = shown(results(name, row(name, accuracy=50, latency=1), cpu=name, software=name))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]one[/bold]" in text


def test_points_are_shown_when_they_are_asked_for() -> None:
    text = shown(MEASURED, THEIRS, what=points)
    assert text.startswith("#1 mine:")
    assert "small" in text
    assert "bad" not in text


def test_nothing_to_compare_is_an_empty_answer() -> None:
    text = shown(results("one"))
    assert "unknown" in shown(results("one", cpu=""))
    assert THROUGHPUT.title not in text.partition("is not compared")[0]

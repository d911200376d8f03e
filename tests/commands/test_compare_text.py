"""What a terminal shows of a comparison."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from dse.commands.compare_text import show, show_points
from dse.compare.comparison import compare
from dse.core.measurement import Source
from dse.core.metrics import ENERGY, LATENCY, THROUGHPUT
from tests.compare.made import gathered, results, row
from tests.compare.test_summary import MEASURED, THEIRS

LONG = "host-of-a-publisher-reference-cpu-runtime-v1.0-default_config-"
MANY = [
    results(f"{LONG}{n}", row(f"net{n}", accuracy=76, latency=n + 1, throughput=900 - n))
    for n in range(60)
]


def shown(*found: Any, by: str = LATENCY.name, **options: Any) -> str:
    """What is printed of systems, with options of `compare` and of `show`."""
    console = Console(file=io.StringIO(), width=300, color_system=None, highlight=False)
    told = {name: options.pop(name) for name in ("every", "agreement") if name in options}
    comparison = compare(gathered(*found), **options)
    criterion = next((each for each in comparison.criteria if each.name == by), None)
    show(comparison, comparison.sort(criterion), console, **told)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


def rows(text: str, title: str) -> list[list[str]]:
    """The cells of the table under a title."""
    lines = text[text.index(title) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["#", "system"])
    end = lines.index("", start)
    return [line.split() for line in lines[start + 1 : end] if re.match(r" ?\d+ ", line)]


def test_the_conclusion_comes_first_and_the_table_begins_with_the_best() -> None:
    text = shown(THEIRS, MEASURED, accuracies=[50], accelerators=True)
    assert flat(text).startswith(
        "#2 mine (CPU mine) has the lowest SingleStream p90 latency of 2 systems with top-1"
    )
    title = "SingleStream p90 latency [ms], best first at top-1 of at least 50 %:"
    found = rows(text, title)
    assert [cells[:2] for cells in found] == [["2", "mine"], ["1", "theirs"]]
    assert found[0][-1] == "±10%"
    assert found[1][-2:] == ["4.000", "a"]


def test_it_is_sorted_by_what_is_asked_for() -> None:
    text = shown(MEASURED, THEIRS, by=THROUGHPUT.name, accuracies=[50], accelerators=True)
    found = rows(text, "Offline throughput [samples/s], best first at top-1 of at least 50 %:")
    assert [cells[-2:] for cells in found] == [["800.0", "p"], ["200.0", "ai"]]
    assert [cells[1] for cells in found] == ["mine", "theirs"]


def test_many_systems_fit_a_screen_and_the_rest_is_counted() -> None:
    text = shown(*MANY)
    lines = text.splitlines()
    assert 24 <= len(lines) <= 40
    assert max(map(len, lines)) <= 80
    found = rows(text, "SingleStream p90")
    assert [cells[0] for cells in found] == [str(n + 1) for n in range(len(found))]
    assert len({cells[1] for cells in found}) == len(found)
    counted = f"not shown: {60 - len(found)} systems, 3 accuracies, 2 criteria"
    assert f"{counted}; --all shows them" in text


def test_all_is_shown_where_it_is_asked_for() -> None:
    text = shown(*MANY, every=True)
    assert "not shown" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert len(rows(text, "systems:")) == 60
    for title in ("SingleStream p90 latency [", "Offline throughput [", "core [samples/s/core]"):
        assert len(rows(text, title)) == 60
    assert flat(text).count("best first at top-1 of at least") == 6


def test_few_systems_show_their_cpus_and_sources() -> None:
    text = shown(MEASURED, THEIRS, accelerators=True)
    (mine, theirs) = rows(text, "SingleStream")
    assert mine[:5] == ["1", "mine", "CPU", "mine", "measured"]
    assert theirs[:5] == ["2", "theirs", "CPU", "theirs", "published"]
    assert "published, v3.0" in flat(shown(MEASURED, THEIRS, every=True))


def test_accelerators_are_left_out_and_counted() -> None:
    text = shown(MEASURED, THEIRS)
    assert [cells[1] for cells in rows(text, "SingleStream")] == ["mine"]
    assert "left out: 1 system with an accelerator; --accelerators adds it" in text
    assert "Card" in shown(MEASURED, THEIRS, every=True)
    assert "nothing to rank" in shown(THEIRS)


def test_the_agreement_is_shown_where_it_is_asked_for() -> None:
    variant = {"model": "mobilenet-v1-0.5-160", "precision": "fp32"}
    own = results("own", row(configuration=variant, accuracy=60, latency=1, samples=500))
    hint = "--agreement shows how far accuracies lie from published ones"
    assert hint in shown(own)
    text = shown(own, agreement=True)
    assert hint not in text
    (cells,) = rows(text, "accuracies minus the published ones of the same variants, in points:")
    assert cells[:4] == ["1", "own", "1", "500"]
    assert hint not in shown(MEASURED)
    assert "no accuracy has a published one" in shown(MEASURED, agreement=True)


def test_the_next_command_picks_from_the_best_study(capsys: pytest.CaptureFixture[str]) -> None:
    one = row(accuracy=61, latency=2, source=Source.MEASURED)
    study = results("a study", one, origin="elsewhere/a study")
    shown(study, results("theirs", row(accuracy=61, latency=1)))
    expected = "next: dse pick 'elsewhere/a study' --min-accuracy 60 --minimize latency"
    assert capsys.readouterr().err == f"{expected}\n"
    shown(results("theirs", row(accuracy=61, latency=1)))
    assert capsys.readouterr().err == ""


def test_an_estimate_is_no_published_energy() -> None:
    more = {ENERGY.name: 5.0}
    mine = results("mine", row(accuracy=50, latency=1, more=more, source=Source.MEASURED))
    theirs = results("theirs", row(accuracy=50, latency=1, more=more))
    found = compare(gathered(mine, theirs))
    (energy,) = (each for each in found.criteria if each.name == ENERGY.name)
    told = [s.entry.sources(energy) for s in found.ranking(energy, 50.0).standings]
    assert told == [("estimated",), ("published",)]


@pytest.mark.parametrize("every", [True, False])
def test_names_of_others_do_nothing_to_the_terminal(*, every: bool) -> None:
    name = "\x1b[31mred\x07\n[bold]one[/bold]"
    one = results(name, row(name, accuracy=50, latency=1), cpu=name, software=name)
    text = shown(one, every=every)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]one[/bold]" in text


def test_points_are_shown_when_they_are_asked_for() -> None:
    console = Console(file=io.StringIO(), width=300, color_system=None, highlight=False)
    show_points(compare(gathered(MEASURED, THEIRS)), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert text.startswith("#1 mine:")
    assert "small" in text
    assert "bad" not in text


def test_nothing_to_compare_is_told() -> None:
    assert shown(results("one")).startswith("nothing to compare: no configuration has both")
    assert "unknown" in shown(results("one", cpu=""), every=True)

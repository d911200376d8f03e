"""The figures of the laboratory are those of its tables, and the same each time."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations, pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.laboratory.contest import Entry, Run, Scale, _trace, rows_of, whole_s
from benchmarks.laboratory.cost import START_S, Stopwatch
from benchmarks.laboratory.limit import best_shares, with_limits
from benchmarks.laboratory.page import (
    GRID,
    LATER,
    PAGE,
    PUBLISHED,
    WARM,
    Part,
    default_samplers,
    draw,
    filled,
    parts,
    section,
)
from benchmarks.laboratory.peers import GP
from benchmarks.laboratory.renaming import TOLD, show
from benchmarks.laboratory.report import (
    by_knowledge,
    by_rows,
    by_seconds,
    curves,
    summary,
    table,
)
from benchmarks.laboratory.tables import Table, read, sources
from benchmarks.search import entries, main, requested
from dse.core.configuration import Configuration
from dse.core.errors import RequestError
from dse.core.measurement import Measurement, Outcome, Source
from dse.exploration._samplers import SAMPLERS
from dse.tasks.image_classification.models.catalogue import sweep_pairs
from tests.objectives import DEFAULT_OBJECTIVES
from tests.replays import write_table
from tests.results.tables import write_published

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MODELS = ("a", "b", "c", "d")
CELLS = (
    *("Platform", "host_processor_model_name", "Model"),
    *("Scenario", "Result", "Units", "Accuracy"),
)
SYSTEMS = {"one": "X", "two": "X", "three": "Y"}
NAMES = {
    "mobilenet-v1-precision_uint8-0.5-160": ("mobilenet-v1-0.5-160", "int8"),
    "mobilenet-v1-precision_float-0.5-160": ("mobilenet-v1-0.5-160", "fp32"),
    "efficientnet-fp32-lite0": ("efficientnet-lite0", "fp32"),
    "efficientnet-int8-lite0": ("efficientnet-lite0", "int8"),
}


def published(folder: Path, extra: Iterable[Sequence[object]] = ()) -> Path:
    """Three systems, two of which have the same processor; the last one measured less."""
    rows: list[Sequence[object]] = []
    for factor, (system, processor) in enumerate(SYSTEMS.items(), start=1):
        names = list(NAMES)[: 3 if system == "three" else None]
        for place, name in enumerate(names, start=1):
            shared = (system, processor, name)
            row = (*shared, "SingleStream", factor * place, "Latency (ms)", 60 + place)
            rows += [row, row]  # as where power was measured as well
            rows.append((*shared, "SingleStream", 500.0, "millijoules", 60 + place))
            rows.append((*shared, "Offline", 9.0, "Samples/s", 60 + place))
    rows.append(("one", "X", "resnet50", "SingleStream", 9.0, "Latency (ms)", 76.0))
    return write_rows(folder, [*rows, *extra])


def write_rows(folder: Path, rows: Iterable[Sequence[object]]) -> Path:
    """Published results, of which each row has the cells of `CELLS`."""
    named = (dict(zip(CELLS, row, strict=True)) for row in rows)
    return write_published(folder / "results.csv", named)


def named(model: str, precision: str) -> str:
    """A variant of the catalogue in one of the published forms."""
    if "-v3-" in model:
        return f"{model}_224_1.0_{'float' if precision == 'fp32' else 'uint8'}"
    return f"{model}-{'non-quantized' if precision == 'fp32' else 'quantized'}"


def answered(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    """The JSON that the laboratory prints."""
    capsys.readouterr()
    assert main([str(argument) for argument in (*arguments, "--json")]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def searched(one: Table, sampler: str, seed: int, rows: int, seconds: float = 0.0) -> Run:
    entry = Entry(one, sampler, seed, rows, seconds)
    return Run(entry, *_trace(entry))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_table(tmp_path, MODELS, failing={"c": "no room"}, name="small.csv")


def test_the_same_in_any_number_of_processes(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samplers = tuple(SAMPLERS)
    budgets = (0.25, 0.5, 1.0)
    asked = ("--table", small, "--samplers", ",".join(samplers), "--seeds", 2)
    whole = (*asked, "--budgets", ",".join(map(str, budgets)))
    found = answered(capsys, *whole, "--processes", 2)
    assert found == answered(capsys, *whole, "--processes", 1)
    assert [(e["table"], e["sampler"], e["seed"], e["budget"]) for e in found] == [
        ("small", sampler, seed, budget)
        for sampler in samplers
        for seed in range(2)
        for budget in budgets
    ]
    assert [each["rows"] for each in found[:3]] == [4, 8, 16]
    for quarter, half, last in zip(found[::3], found[1::3], found[2::3], strict=True):
        assert quarter["hypervolume_share"] <= half["hypervolume_share"]
        assert last["hypervolume_share"] == pytest.approx(1)
        assert 0 < quarter["seconds"] < half["seconds"] < last["seconds"]


def test_published_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--table", published(tmp_path), "--samplers", "grid", "--seeds", 1, "--budgets", "1")
    found = answered(capsys, *asked, "--processes", 1)
    assert [each["table"] for each in found] == [f"results:{system}" for system in SYSTEMS]
    assert [each["rows"] for each in found] == [4, 4, 3]
    assert [each["sources"] for each in found] == [0, 0, 0]


def test_whole_systems_go_before_others(tmp_path: Path) -> None:
    """Unless all are asked for: shares of different tables can't be compared."""
    variants = [named(*pair) for pair in sweep_pairs()]
    path = write_rows(
        tmp_path,
        [
            (system, "X", name, "SingleStream", place, "Latency (ms)", place)
            for system, count in (("whole", None), ("part", 40))
            for place, name in enumerate(variants[:count], start=1)
        ],
    )
    asked = ("--table", str(path), "--samplers", "grid", "--seeds", "1")
    names = [entry.table.name for entry in entries(requested(asked))]
    assert names == ["results:whole"]
    names = [entry.table.name for entry in entries(requested((*asked, "--all-systems")))]
    assert names == ["results:whole", "results:part"]


def test_a_warm_start_is_handed_the_other_systems(tmp_path: Path) -> None:
    asked = ("--table", str(published(tmp_path)), "--samplers", "grid", "--seeds", "1")
    counts = [
        [len(entry.sources) for entry in entries(requested((*asked, *more)))]
        for more in ((), ("--warm-start",), ("--warm-start", "unseen"))
    ]
    assert counts == [[0, 0, 0], [2, 2, 2], [1, 1, 2]]


def test_a_published_system(tmp_path: Path) -> None:
    one, two, three = read(published(tmp_path))
    assert one.objectives == ("accuracy_percent", "latency_p90_ms")
    assert [(c.model, c.precision) for c in one.outcomes] == list(NAMES.values())
    assert [list(v.values()) for v in two.values.values()] == [[61, 2], [62, 4], [63, 6], [64, 8]]
    assert not one.complete
    assert len(three.outcomes) == 3


def test_other_systems(tmp_path: Path) -> None:
    one, two, three = tables = read(published(tmp_path))
    assert sources(one, tables, unseen=False) == [two.values, three.values]
    assert sources(one, tables, unseen=True) == [three.values]
    (known,) = sources(three, tables[:1], unseen=True)
    assert set(known) == set(three.outcomes)  # and no configuration that it lacks


def test_a_recorded_table(small: Path) -> None:
    (one,) = read(small)
    assert len(one.outcomes) == 16
    failures = {c.model for c, outcome in one.outcomes.items() if outcome.failure}
    assert failures == {"c"}
    assert set(one.plan().configurations) == set(one.outcomes)
    assert one.space().objectives == DEFAULT_OBJECTIVES


def test_what_is_measured_once_counts_once(tmp_path: Path) -> None:
    (one,) = read(write_table(tmp_path, ("a", "c"), threads=(1,), failing={"c": "no room"}))
    stopwatch = Stopwatch()
    first, second, *failed = [stopwatch.add(outcome) for outcome in one.outcomes.values()]
    accuracy, latency, throughput = next(iter(one.outcomes.values())).measurements
    assert first == START_S + accuracy.seconds + latency.seconds + throughput.seconds
    assert first < second < 2 * first - accuracy.seconds
    assert failed == [second + START_S, second + 2 * START_S]
    assert whole_s(one) == failed[-1]


def test_longer_calls_take_longer(tmp_path: Path) -> None:
    """At least a second, and as many queries as a probe takes."""
    (one,) = read(write_table(tmp_path, ("a",), threads=(1,), batch_sizes=(1,)))
    _, latency, throughput = next(iter(one.outcomes.values())).measurements
    assert latency.value == 4
    assert latency.seconds == pytest.approx(1.0 + 20 * 0.004)
    assert throughput.value == 100
    assert throughput.seconds == pytest.approx(1.1 + 10 * 0.01)


POINT = st.tuples(*(st.integers(1, 9).map(float) for _ in DEFAULT_OBJECTIVES))


def tabled(points: Sequence[Sequence[float]]) -> Table:
    """A table of as many of the default objectives as the points have values."""
    objectives = DEFAULT_OBJECTIVES[: len(points[0])]
    outcomes = {
        Configuration(str(number), "fp32", "replay", 1, 1): Outcome(
            tuple(
                Measurement(name, value, "", Source.REPLAYED)
                for name, value in zip(objectives, point, strict=True)
            )
        )
        for number, point in enumerate(points)
    }
    return Table("t", objectives, outcomes)


@given(st.lists(POINT, min_size=1, max_size=12), st.data())
def test_more_points_are_never_a_smaller_share(
    points: list[tuple[float, ...]], data: st.DataObject
) -> None:
    one = tabled(points)
    scale = Scale(one)
    order = data.draw(st.permutations([scale.losses(o) for o in one.outcomes.values()]))
    shares = [scale.share(order[:count]) for count in range(len(order) + 1)]
    assert shares[0] == 0 < shares[1]
    assert all(a <= b + 1e-12 for a, b in pairwise(shares))
    assert shares[-1] == pytest.approx(1)


@given(st.lists(POINT, min_size=1, max_size=7))
def test_no_choice_of_rows_is_better_than_the_best(points: list[tuple[float, ...]]) -> None:
    one = tabled([point[:2] for point in points])
    scale = Scale(one)
    losses = [scale.losses(outcome) for outcome in one.outcomes.values()]
    best = [
        max(scale.share(chosen) for chosen in combinations(losses, count))
        for count in range(1, len(losses) + 1)
    ]
    assert best_shares(one, len(losses)) == pytest.approx(best)
    assert best_shares(one, 1) == pytest.approx(best[:1])


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_a_share_of_whole_rows_stands_for_them(rows: int, total: int) -> None:
    rows = min(rows, total)
    assert rows_of(rows / total, total) == rows
    assert rows_of(round(rows / total, 5), total) == rows


def test_rows_are_rounded_down() -> None:
    assert [rows_of(share, 472) for share in (0.001, 0.05, 0.1, 0.15)] == [1, 23, 47, 70]
    assert [rows_of(share, 81) for share in (0.1, 0.1975, 0.2)] == [8, 16, 16]


def test_what_was_found_by_then(small: Path) -> None:
    (one,) = read(small)
    run = searched(one, "random", 0, rows=1, seconds=0.5 * whole_s(one))
    assert run.seconds[-2] < 0.5 * whole_s(one) <= run.seconds[-1]
    assert run.within(0) == run.after(0) == 0
    assert run.within(run.seconds[-1]) == run.shares[-1]
    assert run.within(run.seconds[1] - 1e-9) == run.shares[0]


def test_the_tables_in_markdown(small: Path) -> None:
    (one,) = read(small)
    runs = [searched(one, name, seed, 8) for name in ("grid", "random") for seed in (0, 1)]
    head, rule, *lines = table(runs, (0.25, 0.5), by_rows, "rows").splitlines()
    assert head == "| table | sampler | seeds | 25 % of rows | 50 % of rows |"
    assert rule == "| --- | --- | --- | --- | --- |"
    share = f"{runs[0].after(4):.3f}"
    assert lines[0].startswith(f"| small | grid | 2 | {share} ± 0.000 ({share}) |")
    assert len(lines) == 2
    worst = min(by_seconds(run, 0.25) for run in runs[2:])
    assert f", {worst:.3f}) |" in summary(runs, (0.25,), by_seconds, "seconds").splitlines()[-1]


def test_the_sections_and_the_picture(small: Path, tmp_path: Path) -> None:
    part = Part("grid", small, ("grid", "random"), 2, (0.25, 0.5))
    runs = [Run(entry, *_trace(entry)) for entry in part.entries()]
    assert len(runs) == 4
    assert all(run.seconds[-1] >= 0.5 * whole_s(run.entry.table) for run in runs)
    assert section(part, runs).count("| small | random | 2 |") == 2  # of rows, and of seconds
    systems = replace(part, name="systems", file=published(tmp_path))
    two = [searched(one, "random", 0, 2) for one in read(systems.file)]
    assert [run.entry.sampler for run in with_limits(two)] == ["random", "(best choice)"] * 3
    assert section(systems, two).count("| (best choice) |") == 1 + 3  # of rows only
    assert systems.entries() == []  # none has all variants
    draw(runs, runs, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_newcomers_alone_and_with_others(tmp_path: Path) -> None:
    tables = read(published(tmp_path))
    runs = []
    for one in tables:
        for known in ("", "unseen"):
            told = sources(one, tables, unseen=True) if known else ()
            for seed in (0, 1):
                entry = Entry(one, WARM, seed, 3, 0.0, told, known)
                runs.append(Run(entry, *_trace(entry)))
    part = Part("newcomers", tmp_path, (WARM,), 2, (0.5, 0.75), ("", "unseen"))
    head, _, *lines = section(part, runs).splitlines()
    assert head == "| newcomer | known | seeds | 2 rows | 3 rows | rows to 0.99 |"
    assert [line.split(" | ")[1] for line in lines] == ["nothing", "other processors"] * 3
    shares = [run.after(2) for run in runs[:2]]
    assert lines[0].startswith(f"| one | nothing | 2 | {fmean(shares):.3f} ({min(shares):.3f}) |")
    short = Run(runs[0].entry, (0.5, 0.7, 0.8), (1.0, 2.0, 3.0))
    assert curves([runs[0], short], (0.5,)).endswith(" (more) |")


@pytest.mark.parametrize("told", TOLD)
def test_names_that_tell_nothing(tmp_path: Path, told: str) -> None:
    one = replace(read(published(tmp_path))[0])
    shown = show(told, one, [one.values])
    assert list(shown.table.outcomes.values()) == list(one.outcomes.values())
    assert shown.sources == [shown.table.values]
    models = {c.model for c in shown.table.outcomes}
    assert len(models) == len({c.model for c in one.outcomes})
    if not told:
        assert models == {c.model for c in one.outcomes}
        return
    assert models == {"m001", "m002"}
    assert set(shown.models) == (set() if told == "nothing" else models)
    for model in shown.models.values():
        assert (model.foretold is not None) == (told != "files")
    entries = [Entry(one, WARM, 0, 4, told=told), Entry(one, "random", 0, 4)]
    runs = [Run(entry, *_trace(entry)) for entry in entries]
    assert runs[0].shares[-1] == pytest.approx(1)
    _, _, *lines = by_knowledge(runs, (0.5, 1.0)).splitlines()
    assert [line.split(" | ")[0] for line in lines] == [f"| {TOLD[told]}", "| names"]


def test_files_of_known_architectures_tell_as_much_as_names(tmp_path: Path) -> None:
    (one, *_) = read(published(tmp_path))
    named, filed = (_trace(Entry(one, WARM, 0, 4, told=told)) for told in ("", "files"))
    assert named[:2] == filed[:2]  # and the thinking takes its time


def test_each_section_has_its_place_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for samplers in (default_samplers(), (*default_samplers(), WARM), (GP,)):
        for part in parts(samplers, 1):
            assert filled(text, PAGE, part.name, "") != text


def test_the_prose_of_the_page_stays(tmp_path: Path) -> None:
    text = "before\n\n<!-- laboratory: x -->\nold\n<!-- end of x -->\n\nafter\n"
    new = filled(text, tmp_path, "x", "new")
    assert new == "before\n\n<!-- laboratory: x -->\n\nnew\n\n<!-- end of x -->\n\nafter\n"
    assert filled(new, tmp_path, "x", "new") == new
    with pytest.raises(RequestError, match="no section for 'y'"):
        filled(text, tmp_path, "y", "new")


REPLAY = "model,precision,backend,threads,batch_size,accuracy_percent,latency_p90_ms,failure\n"
GOOD = "a,fp32,x,1,1,50,2,\n"
FILES: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "empty": ("", ("table.csv", "has no lines below its head")),
    "no rows": (REPLAY, ("has no lines below its head",)),
    "not text": (b"\xff\xfe\x00", ("is not a CSV file",)),
    "no column": ("model,precision\na,fp32\n", ("table.csv:1", "has no column backend, threads")),
    "one objective": (
        "model,precision,backend,threads,batch_size,latency_p90_ms,failure\na,fp32,x,1,1,2,\n",
        ("accuracy_percent", "has no column"),
    ),
    "no number": (REPLAY + "a,fp32,x,1,1,50,fast,\n", ("table.csv:2", "latency_p90_ms", "'fast'")),
    "not finite": (REPLAY + GOOD + "b,fp32,x,1,1,50,nan,\n", ("table.csv:3", "'nan'")),
    "zero": (REPLAY + "a,fp32,x,1,1,50,0,\n", ("'0' is not a number above 0",)),
    "beyond": (REPLAY + "a,fp32,x,1,1,101,2,\n", ("accuracy_percent", "up to 100")),
    "half a thread": (REPLAY + "a,fp32,x,0.5,1,50,2,\n", ("threads", "not a whole number")),
    "precision": (REPLAY + "a,fp3,x,1,1,50,2,\n", ("precision", "'fp3' is none of fp32")),
    "no model": (REPLAY + ",fp32,x,1,1,50,2,\n", ("model", "is empty")),
    "twice": (REPLAY + GOOD + GOOD, ("table.csv:3", "once more")),
    "short": (REPLAY + "a,fp32\n", ("table.csv:2", "another number of cells")),
    "long": (REPLAY + GOOD.strip() + ",more\n", ("table.csv:2", "another number of cells")),
    "nothing ran": (REPLAY + "a,fp32,x,1,1,,,no room\n", ("nothing in it ran",)),
    "published": ("Platform,Model\nx,y\n", ("has no column host_processor_model_name",)),
}


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line on stderr."""
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    return err


@pytest.mark.parametrize("name", FILES)
def test_wrong_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    content, words = FILES[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refused(capsys, "--table", path)
    for each in words:
        assert each in line


def test_wrong_published_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extra = ("one", "X", next(iter(NAMES)), "SingleStream")
    other = published(tmp_path, [(*extra, 77.0, "Latency (ms)", 61.0)])
    assert "has another" in refused(capsys, "--table", other)
    slow = published(tmp_path, [(*extra, "slow", "Latency (ms)", 61.0)])
    assert "'slow' is not a number above 0" in refused(capsys, "--table", slow)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--table: no table is named"),
        (("--table", "nowhere.csv"), "can't be read"),
        (("--table", "x", "--samplers", "random,greedy"), "unknown sampler 'greedy'"),
        (("--table", "x", "--seeds", "0"), "--seeds: '0' is not a number"),
        (("--table", "x", "--seeds", "many"), "--seeds: 'many'"),
        (("--table", "x", "--processes", "-1"), "--processes"),
        (("--table", "x", "--budgets", "0.1,2"), "--budgets: '2' is no share"),
        (("--table", "x", "--budgets", "nan"), "--budgets: 'nan'"),
        (("--table", "x", "--fast"), "unrecognized arguments: --fast"),
        (("--table", "x", "--warm-start", "all"), "--warm-start"),
        (("--table", "x", "--renamed", "all"), "--renamed"),
    ],
)
def test_wrong_options(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    assert words in refused(capsys, *options)


def test_two_tables_of_one_name(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "another table is called small" in refused(capsys, "--table", small, small)


class TestShared:
    """The real tables."""

    @pytest.fixture(autouse=True)
    def _there(self, shared_data: Path) -> None:
        assert GRID.is_relative_to(shared_data)

    def test_a_random_search_finds_what_the_description_of_the_grid_says(self) -> None:
        """Its shares are of all rows, but its searches drew only from those that ran."""
        (one,) = read(GRID)
        assert (len(one.outcomes), len(one.values)) == (472, 288)
        ran = replace(one, outcomes={c: one.outcomes[c] for c in one.values})
        rows = [rows_of(share, len(one.outcomes)) for share in (0.05, 0.1, 0.2, 0.3)]
        runs = [searched(ran, "random", seed, max(rows)) for seed in range(50)]
        means = [fmean(run.after(count) for run in runs) for count in rows]
        assert means == pytest.approx([0.73, 0.79, 0.89, 0.91], abs=0.03)

    @pytest.mark.parametrize(("file", "systems", "whole"), [(PUBLISHED, 18, 7), (LATER, 8, 7)])
    def test_the_systems(self, file: Path, systems: int, whole: int) -> None:
        tables = read(file)
        assert len(tables) == systems
        complete = [one for one in tables if one.complete]
        assert len(complete) == whole
        assert all(len(one.outcomes) == len(sweep_pairs()) for one in complete)
        assert len(sources(complete[0], tables, unseen=False)) == systems - 1
        assert len(sources(complete[0], tables, unseen=True)) < systems

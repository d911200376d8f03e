"""The picture: which axes, and a file that is whole or not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.commands.console import console, print_picture
from dse.core.configuration import Configuration
from dse.core.errors import DseError
from dse.core.measurement import Measurement, Outcome, Source
from dse.report.picture import PictureOfAnswer, axes_metrics, best_records, draw
from dse.report.pictures import write
from dse.study.folder import StudyFolder
from dse.study.record import Record
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import create, fill, outcome, small_space

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ACCURACY, LATENCY, THROUGHPUT = DEFAULT_OBJECTIVES


@pytest.mark.parametrize(
    ("objectives", "axes"),
    [
        ([ACCURACY, LATENCY, THROUGHPUT], (LATENCY, ACCURACY)),
        ([THROUGHPUT, ACCURACY, LATENCY], (LATENCY, ACCURACY)),
        ([ACCURACY, LATENCY], (LATENCY, ACCURACY)),
        ([ACCURACY, THROUGHPUT], (THROUGHPUT, ACCURACY)),
        ([LATENCY, THROUGHPUT], (LATENCY, THROUGHPUT)),
        (["energy_per_sample_mj", ACCURACY], ("energy_per_sample_mj", ACCURACY)),
        (["peak_memory_mib", LATENCY, ACCURACY], (LATENCY, ACCURACY)),
        ([ACCURACY], None),
        ([LATENCY], None),
        ([THROUGHPUT], None),
    ],
)
def test_the_axes_follow_the_objectives(
    objectives: list[str], axes: tuple[str, str] | None
) -> None:
    assert axes_metrics(objectives) == axes


@pytest.mark.parametrize("objectives", [list(DEFAULT_OBJECTIVES), [LATENCY, THROUGHPUT]])
def test_a_picture_is_written_beside_the_study(tmp_path: Path, objectives: list[str]) -> None:
    space = small_space(objectives=objectives)
    study = create(StudyFolder(tmp_path / "s"), space)
    assert write(study) is None  # nothing to show yet
    assert not study.folder.picture.exists()
    fill(study, space, most=6)
    assert write(study) == study.folder.picture
    height, width, channels = matplotlib.image.imread(study.folder.picture).shape
    assert width > height > 300
    assert channels == 4
    assert [p.name for p in study.folder.path.glob("*.tmp")] == []


def test_one_objective_makes_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = small_space(objectives=[LATENCY], batch_sizes=1)
    study = create(StudyFolder(tmp_path / "s"), space)
    fill(study, space)
    print_picture(study, console())
    assert capsys.readouterr().out == ""
    assert not study.folder.picture.exists()


def test_a_place_that_can_not_be_written_is_told_and_no_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = small_space(batch_sizes=1)
    study = create(StudyFolder(tmp_path / "s"), space)
    fill(study, space, most=2)
    study.folder.picture.mkdir()
    print_picture(study, console())
    shown = capsys.readouterr().out
    assert shown.startswith(f"{study.folder.picture}: is a folder; choose another place")
    assert len(shown.splitlines()) == 1
    with pytest.raises(DseError):
        write(study)


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG\r\n"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_many_models_backends_and_formats(tmp_path: Path, suffix: str, start: bytes) -> None:
    """More backends than there are colours, and names like formulas."""
    records = []
    for number in range(35):
        runtime: Any = f"runtime-{number % 9}"
        point = Configuration(rf"$\frac_{number}$", "fp32", "replay", 1, 1, (("runtime", runtime),))
        records.append(Record(number, point, outcome(point)))
    file = tmp_path / f"picture.{suffix}"
    draw(
        records,
        records,
        [],
        (LATENCY, ACCURACY),
        r"a title, 100 %, $\x$",
        [file],
    )
    assert file.read_bytes().startswith(start)


@pytest.mark.parametrize("length", [25, 60, 400])
def test_a_name_of_any_length_is_inside(tmp_path: Path, length: int) -> None:
    point = Configuration("n" * length, "fp32", "replay", 1, 1)
    records = [Record(number, point, outcome(point)) for number in range(2)]
    file = tmp_path / "picture.png"
    draw(records, records[:1], records[1:], (LATENCY, ACCURACY), "a title", [file])
    left = matplotlib.image.imread(file)[:, :3]
    assert (left == 1).all()


def at(values: Mapping[str, tuple[float, float]]) -> list[Record]:
    """Models with a latency and an accuracy each, by name."""
    records = []
    for number, (name, (latency, top_1)) in enumerate(values.items()):
        point = Configuration(name, "fp32", "replay", 1, 1)
        measurements = (
            Measurement(LATENCY, latency, f"{name} latency", Source.MEASURED),
            Measurement(ACCURACY, top_1, f"{name} accuracy", Source.MEASURED),
        )
        records.append(Record(number, point, Outcome(measurements)))
    return records


def named(file: Path, records: Sequence[Record], answer: PictureOfAnswer | None = None) -> set[str]:
    """The models whose names are in the picture of records that all lead."""
    with mpl.rc_context({"svg.fonttype": "none"}):
        draw(records, records, [], (LATENCY, ACCURACY), "t", [file], answer)
    found = re.findall(r">(\w+) fp32<", file.read_text("utf-8"))
    assert len(found) == len(set(found))
    return set(found)


def test_the_best_of_two_metrics_are_named_as_far_as_there_is_room(tmp_path: Path) -> None:
    file = tmp_path / "picture.svg"
    apart = at({"fast": (1, 50.0), "best": (2, 70.0), "most": (4, 75.0), "behind": (4, 60.0)})
    assert named(file, apart) == {"fast", "best", "most"}
    close = at({f"m{n}": (1 + n / 200, 50 + n / 10) for n in range(60)} | {"far": (99, 99.0)})
    found = named(file, close)
    assert {"m0", "far"} <= found
    assert 2 < len(found) < 30


def test_the_answer_is_named_wherever_it_is(tmp_path: Path) -> None:
    file = tmp_path / "picture.svg"
    records = at({"fast": (1, 50.0), "best": (2, 70.0), "behind": (4, 60.0)})
    limits = {LATENCY: 4.5, ACCURACY: 59.5}
    assert "behind" in named(file, records, PictureOfAnswer(records[2], limits))


def test_what_lacks_one_of_the_metrics_is_not_drawn(tmp_path: Path) -> None:
    records = at({"fast": (1, 50.0), "best": (2, 70.0)})
    empty = Record(9, Configuration("none", "fp32", "replay", 1, 1), Outcome(()))
    assert named(tmp_path / "picture.svg", [*records, empty]) == {"fast", "best"}


def test_the_legend_names_the_runtimes_that_lead(tmp_path: Path) -> None:
    records = []
    for number, runtime in enumerate(("first", "follows")):
        point = Configuration("m", "fp32", "replay", 1, 1, (("runtime", runtime),))
        records.append(Record(number, point, outcome(point)))
    shown = {}
    for count in (0, 1):
        file = tmp_path / "picture.svg"
        with mpl.rc_context({"svg.fonttype": "none"}):
            draw(records, records[:count], records[count:], (LATENCY, ACCURACY), "t", [file])
        text = file.read_text("utf-8")
        shown[count] = [word for word in ("first", "follows", "leads") if word in text]
    assert shown == {0: [], 1: ["first", "leads"]}


PLACES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12)


@given(PLACES)
def test_the_stairs_go_through_what_nothing_is_better_than_in_both(
    places: list[tuple[int, int]],
) -> None:
    records = at({f"m{number}": place for number, place in enumerate(places)})
    found = best_records(records, (LATENCY, ACCURACY))
    best = {
        (latency, top_1)
        for latency, top_1 in places
        if not any(
            other <= latency and top >= top_1 and (other, top) != (latency, top_1)
            for other, top in places
        )
    }
    values = [each.outcome.values for each in found]
    assert [(each[LATENCY], each[ACCURACY]) for each in values] == sorted(best)
    assert all(places.index(places[each.id]) == each.id for each in found)

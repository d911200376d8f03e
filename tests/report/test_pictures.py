"""The picture: which axes, and a file that is whole or not there."""

from __future__ import annotations

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
from dse.report.picture import MAX_NAMES, SHORT_NAME, axes_metrics, best_pairs, draw
from dse.report.pictures import write
from dse.study.folder import StudyFolder
from dse.study.record import Record
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import create, fill, outcome, small_space

if TYPE_CHECKING:
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
    assert shown.startswith(f"{study.folder.picture}: can't be written: ")
    assert len(shown.splitlines()) == 1
    with pytest.raises(DseError):
        write(study)


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG\r\n"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_many_models_backends_and_formats(tmp_path: Path, suffix: str, start: bytes) -> None:
    """More names than are written, more backends than there are colours, names like formulas."""
    records = []
    for number in range(MAX_NAMES + 5):
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


@pytest.mark.parametrize("length", [SHORT_NAME - 5, SHORT_NAME, 2 * SHORT_NAME])
def test_a_name_of_any_length_is_inside(tmp_path: Path, length: int) -> None:
    point = Configuration("n" * length, "fp32", "replay", 1, 1)
    records = [Record(number, point, outcome(point)) for number in range(2)]
    file = tmp_path / "picture.png"
    draw(records, records[:1], records[1:], (LATENCY, ACCURACY), "a title", [file])
    left = matplotlib.image.imread(file)[:, :3]
    assert (left == 1).all()


def test_a_name_covers_no_other_and_what_is_behind_has_none(tmp_path: Path) -> None:
    values = {"fast": (1, 50.0), "best": (2, 70.0), "beside": (3, 70.1), "behind": (4, 60.0)}
    records = []
    for number, (name, (latency, top_1)) in enumerate(values.items()):
        point = Configuration(name, "fp32", "replay", 1, 1)
        measurements = (
            Measurement(LATENCY, latency, f"{name} latency", Source.MEASURED),
            Measurement(ACCURACY, top_1, f"{name} accuracy", Source.MEASURED),
        )
        records.append(Record(number, point, Outcome(measurements)))
    file = tmp_path / "picture.svg"
    with mpl.rc_context({"svg.fonttype": "none"}):
        draw(records, records, [], (LATENCY, ACCURACY), "t", [file])
    text = file.read_text("utf-8")
    assert [name for name in values if f"{name} fp32" in text] == ["fast", "best"]


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


POINTS = st.lists(
    st.fixed_dictionaries({LATENCY: st.integers(1, 9), ACCURACY: st.integers(1, 9)}), max_size=12
)


@given(POINTS)
def test_the_stairs_go_through_what_nothing_is_better_than_in_both(
    values: list[dict[str, float]],
) -> None:
    found = best_pairs(values, (LATENCY, ACCURACY))
    pairs = {(each[LATENCY], each[ACCURACY]) for each in values}
    best = {
        (latency, accuracy)
        for latency, accuracy in pairs
        if not any(
            other <= latency and top >= accuracy and (other, top) != (latency, accuracy)
            for other, top in pairs
        )
    }
    assert found == sorted(best)

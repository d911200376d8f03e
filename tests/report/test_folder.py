"""A report as a folder: all files there, each whole, and the tables say what the study says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from dse.core.errors import DseError
from dse.report.folder import write_report
from dse.report.tables import of_one_type
from dse.report.view import View
from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.objectives import DEFAULT_OBJECTIVES
from tests.report.samples import harmful, ordinary
from tests.study.studies import create, fill, small_space

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    *("report.html", "study.csv", "study.parquet"),
    *(
        f"{name}.{suffix}"
        for name in ("frontier", "progress", "effects")
        for suffix in ("png", "svg")
    ),
}


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, list[Path]]:
    """An ordinary study, and the files of its report in a folder of several new ones."""
    folder = tmp_path_factory.mktemp("reported")
    study = ordinary(folder / "mine")
    return study, write_report(View(study), folder / "new" / "folder")


def test_everything_is_written_and_written_again(reported: tuple[Study, list[Path]]) -> None:
    study, written = reported
    folder = written[0].parent
    assert {path.name for path in written} == FILES
    assert {path.name for path in folder.iterdir()} == FILES
    before = {path: path.read_bytes() for path in written}
    assert all(before.values())
    assert write_report(View(study), folder) == written
    same = {path.name for path in written if path.read_bytes() == before[path]}
    assert {"report.html", "study.csv", "frontier.svg", "progress.svg", "effects.svg"} <= same


def test_the_tables_hold_every_configuration(reported: tuple[Study, list[Path]]) -> None:
    study, (first, *_) = reported
    parquet = pd.read_parquet(first.with_name("study.parquet"))
    table = pd.read_csv(first.with_name("study.csv"))
    assert list(parquet.columns) == list(table.columns)
    assert list(parquet["id"]) == sorted(r.id for r in study.records.values())
    by_id = {record.id: record for record in study.records.values()}
    for name in DEFAULT_OBJECTIVES:
        for id_, value in zip(parquet["id"], parquet[name], strict=True):
            known = by_id[id_].outcome.values.get(name)
            assert pd.isna(value) if known is None else value == known
    assert set(parquet["standing"]) >= {"leads", "dominated", "failed"}
    assert set(table[table["failure"].notna()]["failure_message"]) == {"bang\nin node 1"}
    assert parquet["latency_p90_ms_basis"].dropna().str.startswith("measured, SingleStream").all()


def test_a_column_of_numbers_and_words_is_one_of_words() -> None:
    table = pd.DataFrame({"mixed": [1, "x", None], "numbers": [1, 2.5, None]})
    found = of_one_type(table)
    assert list(found["mixed"][:2]) == ["1", "x"]
    assert found["mixed"].isna()[2]
    assert list(found["numbers"][:2]) == [1.0, 2.5]


def test_one_objective_makes_no_frontier_picture_and_names_that_mean_harm_are_written(
    tmp_path: Path,
) -> None:
    space = small_space(objectives=["latency_p90_ms"], batch_sizes=1)
    study = create(StudyFolder(tmp_path / "mine"), space)
    assert {p.name for p in write_report(View(study), tmp_path / "none")} == {
        *("report.html", "study.csv", "study.parquet")
    }
    fill(study, space)
    study = Study.load(study.folder)
    assert "frontier.png" not in {p.name for p in write_report(View(study), tmp_path / "out")}
    harm = harmful(tmp_path / "harm")
    assert {p.name for p in write_report(View(harm), tmp_path / "harmed")} == FILES


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    study = ordinary(tmp_path / "mine")
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(DseError, match="can't be written"):
        write_report(View(study), tmp_path / "out")
    (tmp_path / "full" / "report.html").mkdir(parents=True)
    with pytest.raises(DseError, match=r"report\.html: is a folder"):
        write_report(View(study), tmp_path / "full")
    assert not list((tmp_path / "full").glob("*.tmp"))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (None, "Parquet files need pyarrow; pip install 'mlperf-dse[report]'"),
        ("raise ImportError('libarrow.so.23: no such file')", "libarrow.so.23: no such file; mend"),
    ],
)
def test_what_has_no_library_is_left_out_and_told(
    broken: str | None,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    space = small_space(objectives=["latency_p90_ms"], batch_sizes=1)
    study = create(StudyFolder(tmp_path / "mine"), space)
    if broken is None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    else:
        monkeypatch.delitem(sys.modules, "pyarrow", raising=False)
        (tmp_path / "pyarrow.py").write_text(broken)
        monkeypatch.syspath_prepend(tmp_path)
    written = {path.name for path in write_report(View(study), tmp_path / "out")}
    assert written == {"report.html", "study.csv"}
    (line,) = caplog.messages
    assert line.startswith("study.parquet: left out: Parquet files need pyarrow")
    assert told in line
